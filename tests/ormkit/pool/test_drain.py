"""An engine that is closed waits for what is in use, if it is asked to."""

from __future__ import annotations

import asyncio

import pytest

from examples.blog.db import User
from ormkit import AsyncSession, ConfigurationError, PoolClosed, create_engine


async def test_close_waits_until_nothing_is_in_use(blog_url: str) -> None:
    engine = await create_engine(blog_url, max_connections=1)
    is_open, may_end = asyncio.Event(), asyncio.Event()

    async def request() -> int:
        async with engine.transaction() as tx:
            await tx.execute_raw("SELECT 1")
            is_open.set()
            await may_end.wait()
        # What is under way may take a connection once more.
        found: int = (await engine.execute("SELECT 7")).scalar()
        return found

    task = asyncio.create_task(request())
    waiting = asyncio.create_task(engine.execute("SELECT 8"))
    await is_open.wait()
    closing = asyncio.create_task(engine.close(drain=30))
    await asyncio.sleep(0)
    assert not engine.pool.is_closed
    may_end.set()
    await closing
    assert await task == 7
    assert (await waiting).scalar() == 8
    with pytest.raises(PoolClosed):
        await engine.execute("SELECT 1")


async def test_streams_transactions_and_waiting_tasks_end_as_usual(blog_url: str) -> None:
    engine = await create_engine(blog_url, max_connections=3)
    await engine.execute("INSERT INTO users (name) SELECT 'x' FROM generate_series(1, 300)")
    session = AsyncSession(engine)
    is_closing = asyncio.Event()

    async def stream() -> int:
        count = 0
        async for _ in session.query(User).stream(batch_size=10):
            await is_closing.wait()
            count += 1
        return count

    async def transact() -> int:
        async with session.begin() as tx:
            await tx.insert(User(name="late"))
            await is_closing.wait()
            async with tx.begin():
                await tx.insert(User(name="later"))
        return 300

    tasks = [asyncio.create_task(each()) for each in (stream, transact) * 4]
    while engine.pool_stats().in_use < 3:
        await asyncio.sleep(0)
    closing = asyncio.create_task(engine.close(drain=30))
    await asyncio.sleep(0)
    is_closing.set()
    await closing
    counts = await asyncio.gather(*tasks)
    assert all(count >= 300 for count in counts)
    async with await create_engine(blog_url) as engine:
        assert await AsyncSession(engine).query(User).count() == 308


async def test_close_says_what_was_still_in_use(
    blog_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    engine = await create_engine(blog_url)
    async with engine.transaction() as tx:
        await tx.execute_raw("SELECT 1")
        await engine.close(drain=0.02)
    # The connection that the block gave back is closed by a task.
    await engine.close()
    (record,) = caplog.records
    assert record.getMessage().startswith("1 connections were still in use 0.02 s after close()")


async def test_a_drain_is_a_number_of_seconds(blog_url: str) -> None:
    async with await create_engine(blog_url) as engine:
        with pytest.raises(ConfigurationError, match="drain=-1: give seconds above 0"):
            await engine.close(drain=-1)
