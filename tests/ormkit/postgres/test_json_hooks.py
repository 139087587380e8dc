"""json_encoder and json_decoder: each engine writes and reads JSON by its own functions."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from itertools import product
from typing import Any, NamedTuple
from uuid import UUID

import orjson
import pytest

from examples.blog.db import AuditLog, Post, User
from ormkit import (
    AsyncSession,
    ConfigurationError,
    Engine,
    InvalidValue,
    create_engine,
    joinedload,
    jsonload,
    selectinload,
)
from tests.generated import models_of

KEY = UUID(int=1)
NOW = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
encode = partial(orjson.dumps, default=str)
decode = partial(json.loads, parse_float=Decimal)


@pytest.fixture
async def session(blog_url: str) -> AsyncIterator[AsyncSession]:
    """A session of an engine with both functions."""
    async with await create_engine(blog_url, json_encoder=encode, json_decoder=decode) as engine:
        yield AsyncSession(engine)


async def test_values_of_other_types_are_written_everywhere(session: AsyncSession) -> None:
    value = {"key": KEY, "at": NOW, "price": 1.5}
    stored = {"key": str(KEY), "at": "2026-01-02T00:00:00+00:00", "price": Decimal("1.5")}
    user = await session.insert(User(name="a", settings=value))
    assert user.settings == stored
    users = await session.insert_all([User(name=name, settings=value) for name in "bc"])
    assert [each.settings for each in users] == [stored] * 2
    await session.update(user, settings={"at": NOW})
    await session.query(User).filter(name="b").update(settings={"key": KEY})
    found = await session.query(User).order_by("name").scalars(User.settings)
    assert found == [{"at": stored["at"]}, {"key": str(KEY)}, stored]
    assert await session.query(User).filter(User.settings.contains({"key": KEY})).count() == 2
    assert await session.query(User).filter(User.settings["price"] == 1.5).count() == 1


async def test_values_are_read_everywhere(session: AsyncSession) -> None:
    await session.insert(User(name="a", settings={"price": 0.1}))
    await session.insert(Post(title="p", author_id=1))
    expected = {"price": Decimal("0.1")}
    assert (await session.get_or_raise(User, 1)).settings == expected
    assert await session.query(User).scalars(User.settings) == [expected]
    (post,) = await session.query(Post).options(jsonload(Post.author)).all()
    assert post.author.settings == expected
    assert (await session.execute_raw("SELECT settings FROM users")).scalar() == expected
    async with session.begin() as tx:
        user = await tx.get_or_raise(User, 1)
        user.settings["price"] = Decimal("0.2")
    assert (await session.get_or_raise(User, 1)).settings == {"price": "0.2"}


async def test_what_the_functions_refuse_is_an_error_that_shows_no_value(
    session: AsyncSession,
) -> None:
    cycle: dict[str, Any] = {}
    cycle["secret"] = cycle
    with pytest.raises(InvalidValue, match=r"AuditLog\.details.*json_encoder cannot write it"):
        await session.insert(AuditLog(action="x", details=cycle))


async def test_what_is_no_function_is_refused(blog_url: str) -> None:
    with pytest.raises(ConfigurationError, match="json_decoder=3: give a function"):
        await create_engine(blog_url, json_decoder=3)  # type: ignore[arg-type]


class Marked(dict[str, Any]):
    """A document that tells which engine read it."""

    by: str


class Sessions(NamedTuple):
    """Sessions of three engines of one database; the last one has Python's functions."""

    a: AsyncSession
    b: AsyncSession
    plain: AsyncSession


def functions(name: str) -> dict[str, Any]:
    """Return functions that leave the name in what they write and read."""

    def written(value: object) -> str:
        return json.dumps(value, default=lambda each: f"{name} wrote {type(each).__name__}")

    def read(text: str) -> Any:
        found = json.loads(text)
        if isinstance(found, dict):
            found = Marked(found)
            found.by = name
        return found

    return {"json_encoder": written, "json_decoder": read}


@pytest.fixture
async def sessions(blog_url: str) -> AsyncIterator[Sessions]:
    async with AsyncExitStack() as stack:
        opened: list[Engine] = [
            await stack.enter_async_context(await create_engine(blog_url, **each))
            for each in (functions("a"), functions("b"), {})
        ]
        yield Sessions(*map(AsyncSession, opened))


VALUE = {"key": KEY}


async def flushed(session: AsyncSession) -> None:
    async with session.begin() as tx:
        tx.add(User(name="x", settings=VALUE))


async def changed(session: AsyncSession) -> None:
    await session.insert(User(name="x"))
    async with session.begin() as tx:
        user = await tx.query(User).one()
        user.settings["key"] = KEY


async def updated(session: AsyncSession) -> None:
    await session.update(await session.insert(User(name="x")), settings=VALUE)


async def updated_in_bulk(session: AsyncSession) -> None:
    users = await session.insert_all([User(name="x"), User(name="y")])
    for each in users:
        each.settings = VALUE
    await session.bulk_update(users, ["settings"])


async def updated_by_query(session: AsyncSession) -> None:
    await session.insert(User(name="x"))
    await session.query(User).update(settings=VALUE)


async def upserted(session: AsyncSession) -> None:
    await session.upsert(User(name="x", email="x@y", settings=VALUE), conflict_target="email")


async def all_upserted(session: AsyncSession) -> None:
    users = [User(name=name, email=f"{name}@y", settings=VALUE) for name in "xz"]
    await session.upsert_all(users, conflict_target="email")


async def copied(session: AsyncSession) -> None:
    await session.copy_in(User, [User(name="x", settings=VALUE)])


async def copied_as_tuples(session: AsyncSession) -> None:
    await session.copy_in(User, [("x", VALUE)], columns=["name", "settings"])


async def sent_raw(session: AsyncSession) -> None:
    sql = "INSERT INTO users (name, settings) VALUES ('x', $1)"
    await session.execute_raw(sql, [VALUE])


#: The ways to write a document.
WRITES: dict[str, Callable[[AsyncSession], Awaitable[object]]] = {
    "insert": lambda session: session.insert(User(name="x", settings=VALUE)),
    "insert_all": lambda session: session.insert_all(
        [User(name=name, settings=VALUE) for name in "xyz"]
    ),
    "insert_all in chunks": lambda session: session.insert_all(
        [User(name=f"{n}", settings=VALUE) for n in range(501)]
    ),
    "insert_all of several kinds": lambda session: session.insert_all(
        [User(name="x", settings=VALUE), User(name="y", settings=VALUE, age=3)]
    ),
    "add": flushed,
    "change": changed,
    "update": updated,
    "bulk_update": updated_in_bulk,
    "query.update": updated_by_query,
    "upsert": upserted,
    "upsert_all": all_upserted,
    "copy_in": copied,
    "copy_in of tuples": copied_as_tuples,
    "execute_raw": sent_raw,
}


async def test_each_engine_writes_by_its_own_function(sessions: Sessions) -> None:
    turns = (("a", sessions.a), ("b", sessions.b), ("a", sessions.a))
    for (way, write), (name, session) in product(WRITES.items(), turns):
        await sessions.plain.query(User).delete()
        await write(session)
        found = await sessions.plain.query(User).scalars(User.settings)
        assert set(map(str, found)) == {str({"key": f"{name} wrote UUID"})}, way


async def test_an_engine_without_a_function_writes_what_json_knows(sessions: Sessions) -> None:
    for way, write in WRITES.items():
        await sessions.plain.query(User).delete()
        try:
            await write(sessions.plain)
        except InvalidValue:
            continue
        pytest.fail(f"{way}: a UUID was written")


async def test_an_object_holds_what_its_engine_wrote(sessions: Sessions) -> None:
    held = [
        (await session.insert(User(name="x", settings=dict(VALUE)))).settings
        for session in sessions[:2]
    ]
    assert held == [{"key": "a wrote UUID"}, {"key": "b wrote UUID"}]
    both = await asyncio.gather(
        *[
            session.insert_all([User(name="x", settings=dict(VALUE)) for _ in range(3)])
            for session in sessions[:2] * 3
        ]
    )
    assert [{each.settings["key"] for each in users} for users in both] == [
        {"a wrote UUID"},
        {"b wrote UUID"},
    ] * 3


async def test_rows_of_another_engine_are_copied_by_the_function_of_this_one(
    sessions: Sessions,
) -> None:
    await sessions.a.insert_all([User(name=name, settings=VALUE) for name in "xy"])

    async def rows() -> AsyncIterator[tuple[str, Any]]:
        async for user in sessions.a.query(User).stream(1):
            await sessions.a.update(user, settings=VALUE)
            yield user.name, {**user.settings, "again": KEY}

    await sessions.b.query(User).limit(1).all()
    await sessions.b.copy_in(User, rows(), columns=["name", "settings"])
    found = await sessions.plain.query(User).order_by("id").scalars(User.settings)
    assert found[2:] == [{"key": "a wrote UUID", "again": "b wrote UUID"}] * 2


async def test_each_engine_compares_by_its_own_function(sessions: Sessions) -> None:
    await sessions.a.insert(User(name="x", settings=VALUE))
    conditions = [
        User.settings == VALUE,
        User.settings.in_([VALUE, []]),
        User.settings["key"].in_([KEY]),
        User.settings["key"] == KEY,
        User.settings.contains(VALUE),
    ]
    for condition in conditions:
        assert await sessions.a.query(User).filter(condition).count() == 1
        assert await sessions.b.query(User).filter(condition).count() == 0
        with pytest.raises(InvalidValue):
            await sessions.plain.query(User).filter(condition).count()


@dataclass
class Author:
    name: str
    settings: dict[str, Any]


@dataclass
class Titled:
    title: str
    author: Author


@dataclass
class Writer:
    settings: dict[str, Any]
    posts: list[Titled]


async def of_a_stream(session: AsyncSession) -> Any:
    (user,) = [each async for each in session.query(User).stream(1)]
    return user.settings


async def by_key_in_transaction(session: AsyncSession) -> Any:
    async with session.begin() as tx:
        return (await tx.get_or_raise(User, 1)).settings


async def of_author(session: AsyncSession, load: Any) -> Any:
    return (await session.query(Post).options(load).one()).author.settings


async def of_raw(session: AsyncSession) -> Any:
    result = await session.execute_raw("SELECT * FROM users")
    return result.to_models(User)[0].settings


async def of_array(session: AsyncSession) -> Any:
    sql = "SELECT array_agg(settings) AS one, array_agg(settings::json) AS other FROM users"
    (both,) = await session.execute_raw(sql)
    assert type(both["one"][0]) is type(both["other"][0])
    return both["one"][0]


async def of_record(session: AsyncSession) -> Any:
    sql = "SELECT ARRAY(SELECT ROW(id, settings) FROM users)"
    return (await session.execute_raw(sql)).scalar()[0][1]


async def into(session: AsyncSession) -> Any:
    found = await session.query(User).into(Writer).one()
    nested = found.posts[0].author.settings
    assert getattr(nested, "by", None) == getattr(found.settings, "by", None)
    return found.settings


async def of_return(session: AsyncSession) -> Any:
    return (await session.query(User).update(age=3).returning(User.settings))[0][0]


#: The ways to read a document.
READS: dict[str, Callable[[AsyncSession], Awaitable[Any]]] = {
    "get": lambda session: one(session.get_or_raise(User, 1)),
    "get in a transaction": by_key_in_transaction,
    "all": lambda session: one(session.query(User).one()),
    "only": lambda session: one(session.query(User).only("settings").one()),
    "stream": of_a_stream,
    "joinedload": lambda session: of_author(session, joinedload(Post.author)),
    "selectinload": lambda session: of_author(session, selectinload(Post.author)),
    "jsonload": lambda session: of_author(session, jsonload(Post.author)),
    "values": lambda session: first(session.query(User).values(User.settings), "settings"),
    "values_list": lambda session: first(session.query(User).values_list(User.settings), 0),
    "scalars": lambda session: first(session.query(User).scalars(User.settings), None),
    "into": into,
    "to_models": of_raw,
    "an array": of_array,
    "a record": of_record,
    "returning": of_return,
}


async def one(found: Awaitable[Any]) -> Any:
    return (await found).settings


async def first(rows: Any, place: Any) -> Any:
    (found,) = await rows
    return found if place is None else found[place]


async def test_each_engine_reads_by_its_own_function(sessions: Sessions) -> None:
    await sessions.plain.insert(User(name="x", settings={"n": 1}))
    await sessions.plain.insert(Post(title="p", author_id=1))
    turns = (("a", sessions.a), ("b", sessions.b), ("a", sessions.a))
    for (way, read), (name, session) in product(READS.items(), turns):
        found = await read(session)
        assert (found, found.by) == ({"n": 1}, name), way
        assert type(found) is Marked
    for read in READS.values():
        assert type(await read(sessions.plain)) is dict


async def test_streams_of_two_engines_are_read_by_turns(sessions: Sessions) -> None:
    await sessions.plain.insert_all([User(name="x", settings={"n": n}) for n in range(4)])
    await sessions.plain.insert_all([Post(title="p", author_id=n + 1) for n in range(4)])
    query = sessions.a.query(Post).options(jsonload(Post.author))
    async for post in query.stream(1):
        other = await sessions.b.query(Post).options(jsonload(Post.author)).first()
        assert other is not None
        settings: Any = (post.author.settings, other.author.settings)
        assert [each.by for each in settings] == ["a", "b"]


ARRAYS = """
[models.Draft]
[models.Draft.columns]
id = { type = "bigint", primary_key = true }
parts = "jsonb[]"
rows = "json[][]"
"""


async def test_arrays_of_documents_are_written_and_read_by_each_engine(sessions: Sessions) -> None:
    models: Any = models_of("drafts", ARRAYS)
    await sessions.plain.engine.create_all(models.SCHEMA)
    parts, rows = [KEY, [KEY, [1]], None, {"a": []}], [[[KEY], {}], [[], [[2]]]]
    for name, session in (("a", sessions.a), ("b", sessions.b)):
        mark = f"{name} wrote UUID"
        stored = ([mark, [mark, [1]], None, {"a": []}], [[[mark], {}], [[], [[2]]]])
        given = [models.Draft(parts=parts, rows=rows) for _ in range(2)]
        alone = await session.insert(models.Draft(parts=parts, rows=rows))
        await session.copy_in(models.Draft, [models.Draft(parts=parts, rows=rows)])
        for each in (alone, *await session.insert_all(given)):
            assert (each.parts, each.rows) == stored
        query = session.query(models.Draft).filter(models.Draft.parts == parts)
        found = await query.values_list("parts", "rows")
        assert list(map(tuple, found)) == [stored] * 4
        assert {each.by for row in found for each in (row[0][3], row[1][0][1])} == {name}
