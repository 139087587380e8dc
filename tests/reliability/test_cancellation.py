"""A task cancelled at any of its suspensions leaks and poisons nothing, and leaves nothing open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest

from examples.blog.db import Tag, User
from ormkit import AsyncSession, Engine, UniqueViolation, create_engine
from tests.reliability.interruption import interrupt
from tests.reliability.pool_state import assert_all_usable, settled

Work = Callable[[AsyncSession], Coroutine[Any, Any, object]]


async def get(session: AsyncSession) -> None:
    await session.get(User, 1)


async def insert(session: AsyncSession) -> None:
    await session.insert(Tag(name="a"))


async def insert_all(session: AsyncSession) -> None:
    await session.insert_all([Tag(name="a"), User(name="Ada")])


async def failing_insert(session: AsyncSession) -> None:
    with pytest.raises(UniqueViolation):
        await session.insert(Tag(name="taken"))


async def set_state(session: AsyncSession) -> None:
    await session.execute_raw("SET work_mem = '1MB'")


async def transaction(session: AsyncSession) -> None:
    async with session.begin() as tx:
        await tx.insert(Tag(name="a"))
        tx.add(Tag(name="b"))
        assert await tx.query(Tag).filter(name="b").count() == 1


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


async def early_commit(session: AsyncSession) -> None:
    async with session.begin() as tx:
        tx.add(Tag(name="a"))
        tx.add(Tag(name="b"))
        await tx.commit()


WORKS: list[Work] = [
    get,
    insert,
    insert_all,
    failing_insert,
    set_state,
    transaction,
    transaction_that_raises,
    savepoint,
    early_commit,
]


@pytest.fixture
async def engine(blog_url: str) -> AsyncIterator[Engine]:
    """An engine of one connection, which whoever leaks it would wait for in vain."""
    async with await create_engine(
        blog_url, min_connections=0, max_connections=1, acquire_timeout=3
    ) as engine:
        await AsyncSession(engine).insert(Tag(name="taken"))
        yield engine


@pytest.mark.parametrize("is_late", [False, True], ids=["waiting", "answered"])
@pytest.mark.parametrize("work", WORKS, ids=lambda work: work.__name__)
async def test_cancelled_at_any_suspension_all_is_as_before(
    engine: Engine, work: Work, *, is_late: bool
) -> None:
    session = AsyncSession(engine)
    number = 0
    while await interrupt(work(session), number, is_late=is_late):
        await assert_all_usable(engine)
        names = sorted(await session.query(Tag).filter(Tag.name != "taken").values_list(Tag.name))
        if work in (transaction, savepoint, early_commit):
            assert names in ([], [("a",), ("b",)])
        await session.query(Tag).filter(Tag.name != "taken").delete()
        number += 1
    assert number > 0


@pytest.mark.parametrize("is_late", [False, True], ids=["waiting", "answered"])
@pytest.mark.parametrize("work", WORKS, ids=lambda work: work.__name__)
async def test_cancelled_where_the_connection_is_new_or_waited_for_the_next_one_gets_it(
    blog_url: str, work: Work, *, is_late: bool
) -> None:
    """A connection to open, statements to prepare, or a place in the line to give up."""
    number, goes_on = 0, True
    while goes_on:
        async with await create_engine(
            blog_url, min_connections=number % 2, max_connections=1, acquire_timeout=3
        ) as engine:
            session = AsyncSession(engine)
            await session.insert(Tag(name="taken")) if number == 0 else None
            taken = await engine.pool.acquire() if number % 3 == 0 else None
            first = asyncio.create_task(
                interrupt(work(session), number // 2, is_late=is_late), name="first"
            )
            await asyncio.sleep(0)
            second = asyncio.create_task(session.query(Tag).filter(name="taken").count())
            await asyncio.sleep(0)
            if taken is not None:
                engine.pool.give(taken)
            goes_on = await first
            assert await second == 1
            await settled(engine)
            assert engine.pool.size == 1
            await assert_all_usable(engine)
            await session.query(Tag).filter(Tag.name != "taken").delete()
        number += 1
    assert number > 2
