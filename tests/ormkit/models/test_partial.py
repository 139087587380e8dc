"""Partial objects: what only() reads is a type of its own, whose other attributes raise."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from examples.blog.db import Post, Profile, User
from ormkit import (
    AsyncSession,
    Model,
    NotLoaded,
    Partial,
    UsageError,
    create_engine,
    selectinload,
)
from tests.generated import models_of

WHOLE = "PartialUser is a part of User, which only\\(\\) reads, and here a whole object is needed"


@pytest.fixture
async def part(session: AsyncSession) -> Any:
    """Ada with her name and her computed number of posts."""
    ada = await session.insert(User(name="Ada", age=36))
    await session.insert(Post(author=ada, title="t"))
    return await session.query(User).only("name").with_computed("post_count").one()


async def test_a_partial_object_is_no_object_of_the_model(part: Any) -> None:
    assert isinstance(part, Partial)
    assert not isinstance(part, (User, Model))
    assert type(part).__name__ == "PartialUser"
    assert (part.id, part.name, part.post_count) == (1, "Ada", 1)
    assert repr(part) == "PartialUser(id=1, name='Ada')"
    assert {"id", "name", "post_count"} <= set(dir(part))
    assert not {"age", "posts", "avg_views"} & set(dir(part))


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("age", r"User\.age is not loaded: add 'age' to only\(\)"),
        ("posts", r"User\.posts is not loaded: add \.options\(selectinload\('posts'\)\)"),
        ("avg_views", r"User\.avg_views is not loaded: add \.with_computed\('avg_views'\)"),
    ],
)
async def test_what_was_left_out_is_not_loaded(part: Any, name: str, advice: str) -> None:
    for read in (getattr, lambda one, named: getattr(one, named, None), hasattr):
        with pytest.raises(NotLoaded, match=advice):
            read(part, name)
    with pytest.raises(AttributeError, match="'PartialUser' object has no attribute 'nothing'"):
        part.nothing  # noqa: B018


async def test_copies_hold_the_same_part(session: AsyncSession, part: Any) -> None:
    await session.load(part, User.posts)
    copies = [copy.copy(part), copy.deepcopy(part)]
    copies += [pickle.loads(pickle.dumps(part, n)) for n in range(2, pickle.HIGHEST_PROTOCOL + 1)]
    for each in copies:
        assert type(each) is type(part)
        assert (each.id, each.name, each.post_count) == (1, "Ada", 1)
        assert [post.title for post in each.posts] == ["t"]
        with pytest.raises(NotLoaded):
            each.age  # noqa: B018


async def test_update_and_load_take_it(session: AsyncSession, part: Any) -> None:
    await session.update(part, age=37, name="Ada L.")
    assert (part.age, part.name) == (37, "Ada L.")
    assert (await session.get_or_raise(User, 1)).age == 37
    await session.update(part, age=User.age + 1)
    assert part.age == 38
    await session.load([part], User.posts, User.avg_views)
    assert [post.title for post in part.posts] == ["t"]
    assert part.avg_views == 0
    with pytest.raises(NotLoaded):
        part.bio  # noqa: B018
    loaded = await session.query(User).only("name").options(selectinload("posts")).one()
    assert [post.title for post in loaded.posts] == ["t"]


async def test_a_transaction_does_not_track_it(session: AsyncSession) -> None:
    await session.insert(User(name="Ada", age=36))
    async with session.begin() as tx:
        whole = await tx.get_or_raise(User, 1)
        part: Any = await tx.query(User).only("name").one()
        assert part is not whole
        await tx.update(part, age=40)
        part.name = "unwritten"
        assert (part.age, whole.age) == (40, 36)
    found = await session.get_or_raise(User, 1)
    assert (found.name, found.age) == ("Ada", 40)


async def test_whatever_writes_whole_objects_refuses_it(session: AsyncSession, part: Any) -> None:
    for write in (
        lambda: session.insert(part),
        lambda: session.insert_all([part]),
        lambda: session.insert_all([User(name="x"), part]),
        lambda: session.upsert(part),
        lambda: session.upsert_all([part]),
        lambda: session.bulk_update([part], ["name"]),
        lambda: session.remove(part),
        lambda: session.soft_delete(part),
        lambda: session.restore(part),
        lambda: session.force_delete(part),
        lambda: session.related(part, User.posts).all(),
    ):
        with pytest.raises(UsageError, match=WHOLE):
            await write()
    with pytest.raises(UsageError, match="takes objects of that model, not PartialUser"):
        await session.copy_in(User, [part])
    async with session.begin() as tx:
        for add in (
            lambda: tx.add(part),
            lambda: tx.add_all([part]),
            lambda: tx.attach(part),
            lambda: tx.query(type(part)),
        ):
            with pytest.raises(UsageError, match=WHOLE):
                add()
    assert await session.query(User).count() == 1


async def test_no_relationship_holds_it(session: AsyncSession, part: Any) -> None:
    with pytest.raises(
        UsageError, match=r"Profile\.user must be an object of User or None, not PartialU"
    ):
        Profile(user=part)
    post = await session.query(Post).one()
    with pytest.raises(UsageError, match="PartialUser"):
        post.author = part
    with pytest.raises(UsageError, match="PartialPost"):
        ada = await session.get_or_raise(User, 1)
        await session.related(ada, User.posts).add(await session.query(Post).only("title").one())
    with pytest.raises(UsageError, match="PartialUser"):
        session.query(User).cursor(part)


async def test_pages_and_streams_yield_it(session: AsyncSession, part: Any) -> None:
    await session.insert_all([User(name=f"u{n}") for n in range(3)])
    query = session.query(User).only("name").order_by("name")
    names = ["Ada", "u0", "u1", "u2"]
    assert [each.name async for each in query.stream(chunk=2)] == names
    assert [each.name async for each in query.iterate(chunk=2)] == names
    page = await query.limit(2).page()
    assert [each.name for each in page.items] == names[:2]
    assert [each.name for each in (await query.limit(2).page(page.next)).items] == names[2:]
    assert all(isinstance(each, Partial) for each in page.items)
    by_age = session.query(User).only("name").order_by("age")
    with pytest.raises(UsageError, match="lacks a value that the query is ordered by"):
        await by_age.limit(2).page()


NOTES = models_of(
    "versioned",
    """
[models.Note]
mixins = ["version"]

[models.Note.columns]
id = { type = "bigint", primary_key = true }
body = "text"
""",
)


async def test_the_version_comes_along(database_url: str) -> None:
    async with await create_engine(database_url) as engine:
        await engine.create_all(NOTES.SCHEMA)
        session = AsyncSession(engine)
        await session.insert(NOTES.Note(body="a"))
        part: Any = await session.query(NOTES.Note).only("id").one()
        await session.update(part, body="b")
        assert (part.version, part.body) == (2, "b")
