"""An engine that is closed waits for what is in use, if it is asked to."""

from __future__ import annotations

import asyncio

import pytest

from ormkit import ConfigurationError, PoolClosed, create_engine


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
