"""Cases of bad input: a call, the error that it must raise, and what that must name."""

from __future__ import annotations

import base64
import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import examples.blog.db as blog
from examples.blog.db import Post, Profile, Tag, User
from ormkit import AsyncSession, Engine, OrmKitError, Transaction, create_engine
from ormkit.queries.query import ObjectQuery
from ormkit.queries.stream import Stream
from tests.generated import import_models

#: Half of a surrogate pair, which is no character.
HALF = "\ud800"
SCHEMA = Path(__file__).with_name("schema.toml")
#: Every table, for the look at what is there before and after.
CONTENT = """
    SELECT (SELECT array_agg(users ORDER BY id)::text FROM users),
           (SELECT array_agg(posts ORDER BY id)::text FROM posts),
           (SELECT array_agg(tags ORDER BY id)::text FROM tags),
           (SELECT array_agg(post_tags ORDER BY tag_id)::text FROM post_tags),
           (SELECT array_agg(profiles ORDER BY user_id)::text FROM profiles),
           (SELECT array_agg(cells ORDER BY id)::text FROM cells),
           (SELECT array_agg(shelves ORDER BY id)::text FROM shelves),
           (SELECT array_agg(seats ORDER BY "row")::text FROM seats),
           (SELECT array_agg(notes ORDER BY id)::text FROM notes)
"""


@dataclass
class Lab:
    """A database with a few rows, and what calls are made with."""

    url: str
    engine: Engine
    session: AsyncSession
    #: Another engine on the same database, and one that was closed.
    other: AsyncSession
    closed: AsyncSession
    models: Any
    ada: User
    grace: User
    #: An object whose row was deleted, and one that holds its name and key only.
    gone: User
    part: User
    post: Post
    tag: Tag
    seat: Any
    note: Any

    @property
    def users(self) -> Any:
        return self.session.query(User)

    @property
    def posts(self) -> Any:
        return self.session.query(Post)

    async def open(self, **options: Any) -> None:
        """Open an engine with these options, and close it again."""
        async with await create_engine(self.url, **options):
            pass

    async def content(self) -> list[tuple[Any, ...]]:
        """Return all that the tables hold."""
        return (await self.engine.execute(CONTENT)).tuples()


async def furnish(lab: Lab) -> None:
    """Store the rows that the calls are about."""
    session, models = lab.session, lab.models
    await lab.engine.create_all(blog.SCHEMA, models.SCHEMA)
    lab.ada = await session.insert(User(name="Ada", age=36, settings={"plan": "pro"}))
    lab.grace = await session.insert(User(name="Grace"))
    lab.gone = await session.insert(User(name="gone"))
    await session.remove(lab.gone)
    lab.part = await session.query(User).only("name").filter(id=lab.ada.id).one()
    lab.post = await session.insert(Post(author=lab.ada, title="Notes", keywords=["sql"]))
    lab.tag = await session.insert(Tag(name="sql"))
    await session.related(lab.post, Post.tags).add(lab.tag)
    await session.insert(Profile(user_id=lab.ada.id))
    lab.seat = await session.insert(models.Seat(row=1, letter="a"))
    lab.note = await session.insert(models.Note(text="note"))
    await session.insert_all([models.Cell(), models.Cell()])
    await session.insert_all([models.Shelf(), models.Shelf()])


def lab_models(directory: Path) -> Any:
    """Return the models of the schema beside this file."""
    return import_models(directory, SCHEMA)


Call = Callable[[Any], Any]


@dataclass(frozen=True)
class Case:
    """A call that is refused.

    says: what the message must hold, the name of what is wrong and how to mend it.
    """

    call: Call
    kind: type[OrmKitError]
    says: str


def refused(kind: type[OrmKitError], says: str, *calls: Call) -> list[Case]:
    """Return a case for each of the calls, all refused alike."""
    return [Case(call, kind, says) for call in calls]


def numbered(cases: list[Case]) -> list[Any]:
    """Return a parameter for each case, with a name that every process gives."""
    return [pytest.param(case, id=str(number)) for number, case in enumerate(cases)]


def token(held: bytes) -> str:
    """Return a token that holds this, as a cursor's does."""
    return base64.urlsafe_b64encode(held).decode()


def tampered(query: Any, instance: Any, *values: Any) -> str:
    """Return the query's cursor at an object, with other values in it."""
    cursor = str(query.cursor(instance))
    mark = json.loads(base64.urlsafe_b64decode(f"{cursor}==="))[0]
    return token(json.dumps([mark, *values]).encode()).rstrip("=")


async def outcome(value: Any) -> Any:
    """Return what a call comes to: a query is read, a stream to its end, the rest awaited."""
    if isinstance(value, ObjectQuery):
        return await value.all()
    if isinstance(value, Stream):
        async with value as stream:
            return [each async for each in stream]
    if isinstance(value, Transaction):
        async with value as tx:
            return (await tx.execute_raw("SELECT 1 AS one")).scalar()
    return await value if inspect.isawaitable(value) else value


async def check_refused(lab: Lab, case: Case) -> None:
    """Make the call, and hold its error to what is expected."""
    with pytest.raises(OrmKitError) as caught:
        await outcome(case.call(lab))
    assert type(caught.value) is case.kind, f"{type(caught.value).__name__}: {caught.value}"
    assert case.says in str(caught.value), f"{case.says!r} is not in {str(caught.value)!r}"
