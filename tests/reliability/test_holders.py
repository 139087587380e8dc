"""Who holds the connections: in PoolTimeout, and in the log where one is held for too long."""

# pyright: reportPrivateUsage=false
from __future__ import annotations

import asyncio
import logging

import pytest

from examples.blog.db import Tag
from ormkit import AsyncSession, Engine, PoolTimeout, create_engine
from ormkit.pool.checkouts import MOST_NAMED


async def hold_in_a_transaction(session: AsyncSession, release: asyncio.Event) -> None:
    async with session.begin() as tx:
        await tx.insert(Tag(name="held"))
        await release.wait()


async def test_a_timeout_names_the_holders_where_they_are_and_what_they_do(blog_url: str) -> None:
    async with await create_engine(blog_url, max_connections=2, acquire_timeout=0.1) as engine:
        session, release = AsyncSession(engine), asyncio.Event()
        sleeping = asyncio.create_task(
            engine.execute("SELECT $1::text,\n pg_sleep(0.4)", ["secret"]), name="sleeper"
        )
        await asyncio.sleep(0.05)
        waiting = asyncio.create_task(hold_in_a_transaction(session, release), name="forgetful")
        await asyncio.sleep(0.05)
        with pytest.raises(PoolTimeout) as caught:
            await session.query(Tag).all()
        release.set()
        await asyncio.gather(sleeping, waiting)
    first, second = caught.value.holders
    assert first.startswith("sleeper for 0.")
    assert first.endswith("(SELECT $1::text, pg_sleep(0.4))")
    assert second.startswith("forgetful for 0.")
    assert second.endswith("in hold_in_a_transaction (no statement under way)")
    assert "test_holders.py:" in second
    assert f"; held by {first}; {second}" in str(caught.value)
    assert "secret" not in str(caught.value)


async def test_a_holder_that_has_ended_is_told_apart(engine: Engine) -> None:
    async def forget() -> None:
        held.append(await engine.pool.acquire())

    held = [await engine.pool.acquire()]
    await asyncio.create_task(forget(), name="gone")
    assert [line.partition(" for ")[0] for line in engine.pool._checkouts.described()][1:] == [
        "gone, which has ended,"
    ]
    for connection in held:
        engine.pool.give(connection)
    assert engine.pool._checkouts.described() == []


async def test_many_holders_are_counted(blog_url: str) -> None:
    async with await create_engine(
        blog_url, max_connections=MOST_NAMED + 2, acquire_timeout=1
    ) as engine:
        held = [await engine.pool.acquire() for _ in range(MOST_NAMED + 2)]
        with pytest.raises(PoolTimeout, match=r"; and 2 more$") as caught:
            await engine.pool.acquire()
        assert len(caught.value.holders) == MOST_NAMED + 2
        for connection in held:
            engine.pool.give(connection)


async def test_a_connection_held_too_long_is_logged_once_with_the_stack_that_took_it(
    blog_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "ormkit")
    async with await create_engine(blog_url, leak_threshold=0.05) as engine:
        session, release = AsyncSession(engine), asyncio.Event()
        task = asyncio.create_task(hold_in_a_transaction(session, release), name="forgetful")
        await session.query(Tag).count()
        await asyncio.sleep(0.2)
        (record,) = caplog.records
        text = record.getMessage()
        assert text.startswith("a connection may be leaking: forgetful for 0.")
        assert 'await tx.insert(Tag(name="held"))' in text
        assert "runtime/ormkit" not in text
        release.set()
        await task
    assert [each.getMessage().partition(" came")[0] for each in caplog.records[1:]] == [
        "the connection held by forgetful"
    ]


async def test_a_short_hold_is_not_logged(blog_url: str, caplog: pytest.LogCaptureFixture) -> None:
    async with await create_engine(blog_url, leak_threshold=0.2) as engine:
        for _ in range(5):
            await AsyncSession(engine).query(Tag).count()
            await asyncio.sleep(0.05)
    assert caplog.records == []
