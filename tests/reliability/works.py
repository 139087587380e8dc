"""What a task may be at when it is cancelled: each work writes its tags all or none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest

from examples.blog.db import SCHEMA, Post, Tag, User
from ormkit import (
    AsyncSession,
    Transaction,
    UniqueViolation,
    joinedload,
    jsonload,
    selectinload,
)

Work = Callable[[AsyncSession], Coroutine[Any, Any, object]]
#: A key that the sequence does not come to.
FAR = 1_000_000
#: Fails its transaction as a conflict with another one would.
CONFLICT = "DO $$ BEGIN RAISE EXCEPTION 'lost' USING ERRCODE = '40001'; END $$"


async def seed(session: AsyncSession) -> None:
    """Store what the works read, and the tag that they collide with."""
    await session.insert(Tag(name="taken"))
    for number in (1, 2, 3):
        user = await session.insert(User(name="Ada"))
        assert user.id == number
        await session.insert(Post(title="a post", author_id=number))


async def get(session: AsyncSession) -> None:
    await session.get(User, 1)


async def get_before_others(session: AsyncSession) -> None:
    """Fly alone, while others wait to go out together."""
    others = [asyncio.create_task(session.get(User, number)) for number in (1, 2, 3, 9)]
    await asyncio.gather(session.get(User, 1), answered(others))


async def get_behind_others(session: AsyncSession) -> None:
    """Wait for those that fly, to go out together with others."""
    others = [asyncio.create_task(session.get(User, number)) for number in (1, 2, 3, 9)]
    try:
        await asyncio.sleep(0)
        await session.get(User, 2)
    finally:
        await answered(others)


async def answered(gets: list[asyncio.Task[User | None]]) -> None:
    """Wait for the lookups; each must have its own answer, whoever else was cancelled."""
    await asyncio.wait(gets)
    assert [get.result() is not None for get in gets] == [True, True, True, False]


async def insert(session: AsyncSession) -> None:
    await session.insert(Tag(name="a"))


async def insert_all(session: AsyncSession) -> None:
    await session.insert_all([Tag(name="a"), User(name="Ada"), Tag(id=FAR, name="b")])


async def insert_chunks(session: AsyncSession) -> None:
    await session.insert_all([Tag(name="a"), *(Tag(name=f"b{n}") for n in range(1200))])


async def failing_insert(session: AsyncSession) -> None:
    with pytest.raises(UniqueViolation):
        await session.insert(Tag(name="taken"))


async def upsert_all(session: AsyncSession) -> None:
    await session.upsert_all([Tag(id=FAR, name="a"), Tag(id=FAR + 1, name="b")])


async def bulk_update(session: AsyncSession) -> None:
    posts = await session.query(Post).order_by("id").all()
    for post in posts:
        post.views += 1
    await session.bulk_update(posts)


async def relate(session: AsyncSession) -> None:
    post = await session.query(Post).filter(id=1).one()
    tag = await session.query(Tag).filter(name="taken").one()
    await session.related(post, Post.tags).set([tag])
    await session.related(post, Post.tags).clear()


async def load(session: AsyncSession) -> None:
    users = await session.query(User).all()
    await session.load(users, "posts", "profile")


async def load_along(session: AsyncSession) -> None:
    loads = (selectinload(Post.tags), joinedload(Post.author), jsonload(Post.comments))
    assert len(await session.query(Post).options(*loads).all()) == 3


async def page(session: AsyncSession) -> None:
    first = await session.query(User).order_by("id").limit(2).page()
    await session.query(User).order_by("id").limit(2).page(first.next)


async def read_stream(session: AsyncSession) -> None:
    async for user in session.query(User).options(selectinload(User.posts)).stream(chunk=2):
        assert len(user.posts) == 1


async def leave_stream(session: AsyncSession) -> None:
    async with session.query(User).stream(chunk=1) as users:
        async for _ in users:
            break


async def stream_in_transaction(session: AsyncSession) -> None:
    async with session.begin() as tx:
        async for post in tx.query(Post).order_by("id").stream(chunk=2):
            if post.id == 2:
                await tx.insert(Tag(name="a"))
        await tx.insert(Tag(name="b"))


async def iterate(session: AsyncSession) -> None:
    async for _ in session.query(User).iterate(chunk=2):
        await asyncio.sleep(0)


async def set_state(session: AsyncSession) -> None:
    await session.execute_raw("SET work_mem = '1MB'")


async def execute_many(session: AsyncSession) -> None:
    sql = "INSERT INTO tags (name) VALUES ($1)"
    await session.execute_raw_many(sql, [["a"], ["b"]])


async def execute_in_turn(session: AsyncSession) -> None:
    """Run what tells no count of its own, row by row."""
    sql = "WITH one AS (SELECT 1) INSERT INTO tags (name) VALUES ($1)"
    await session.execute_raw_many(sql, [["a"], ["b"]])


async def copy_in(session: AsyncSession) -> None:
    await session.copy_in("tags", [(FAR, "a"), (FAR + 1, "b")], columns=["id", "name"])


async def copy_in_from_a_source(session: AsyncSession) -> None:
    async def source() -> AsyncIterator[tuple[int, str]]:
        for number, name in ((FAR, "a"), (FAR + 1, "b")):
            await asyncio.sleep(0)
            yield number, name

    await session.copy_in("tags", source(), columns=["id", "name"])


async def copy_out(session: AsyncSession) -> None:
    async def sink(data: bytes) -> None:
        await asyncio.sleep(0)

    await session.copy_out("SELECT generate_series(1, 20000)", sink)
    await session.copy_out("SELECT 1", sink)


async def transaction(session: AsyncSession) -> None:
    async with session.begin() as tx:
        await tx.insert(Tag(name="a"))
        tx.add(Tag(name="b"))
        assert await tx.query(Tag).filter(name="b").count() == 1


async def transaction_with_settings(session: AsyncSession) -> None:
    async with session.begin(isolation="serializable", settings={"app.tenant": "1"}) as tx:
        tx.add_all([Tag(name="a"), Tag(name="b")])


async def transaction_that_raises(session: AsyncSession) -> None:
    with pytest.raises(KeyError):
        async with session.begin() as tx:
            await tx.insert(Tag(name="a"))
            raise KeyError


async def savepoint(session: AsyncSession) -> None:
    async with session.begin() as tx:
        await tx.insert(Tag(name="a"))
        with pytest.raises(UniqueViolation):
            async with session.begin() as inner:
                await inner.insert(Tag(name="taken"))
        await tx.insert(Tag(name="b"))


async def kept_savepoint(session: AsyncSession) -> None:
    async with session.begin() as tx:
        await tx.insert(Tag(name="a"))
        async with session.begin() as inner:
            inner.add(Tag(name="b"))


async def early_commit(session: AsyncSession) -> None:
    async with session.begin() as tx:
        tx.add(Tag(name="a"))
        tx.add(Tag(name="b"))
        await tx.commit()


async def run_again(session: AsyncSession) -> None:
    """Lose against another transaction once, wait, and run again."""
    has_lost = False

    async def work(tx: Transaction) -> None:
        nonlocal has_lost
        await tx.insert(Tag(name="a"))
        if not has_lost:
            has_lost = True
            await tx.execute_raw(CONFLICT)
        await tx.insert(Tag(name="b"))

    await session.engine.run(work)


async def create_all(session: AsyncSession) -> None:
    await session.engine.create_all(SCHEMA)


async def in_a_task_group(session: AsyncSession) -> None:
    async with session.begin() as tx, asyncio.TaskGroup() as group:
        group.create_task(tx.insert(Tag(name="a")))
        group.create_task(tx.insert(Tag(name="b")))
        group.create_task(tx.query(User).all())


#: Those that leave nothing, and those that leave the tags a and b, where they are not cancelled.
NOTHING: tuple[Work, ...] = (
    *(get, get_before_others, get_behind_others, failing_insert, bulk_update, relate, load),
    *(load_along, page, read_stream, leave_stream, iterate, set_state, copy_out, create_all),
    transaction_that_raises,
)
BOTH: tuple[Work, ...] = (
    *(insert_all, upsert_all, execute_many, execute_in_turn, copy_in, copy_in_from_a_source),
    *(stream_in_transaction, transaction, transaction_with_settings, early_commit, run_again),
    *(savepoint, kept_savepoint, in_a_task_group),
)
WORKS: dict[Work, list[str]] = {
    **{work: [] for work in NOTHING},
    **{work: ["a", "b"] for work in BOTH},
    insert: ["a"],
    insert_chunks: ["a", *sorted(f"b{n}" for n in range(1200))],
}
