"""A network that lets nothing through any more: a timeout of the caller's ends every wait."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from examples.blog.db import SCHEMA, Tag, User
from ormkit import AsyncSession, Engine, create_engine
from tests.proxy import Proxy
from tests.reliability.pool_state import assert_all_usable
from tests.reliability.works import WORKS, Work, get_before_others, get_behind_others, seed

#: Seconds for which the caller waits.
PATIENCE = 0.2
Freeze = Callable[[], None]
Block = Callable[[AsyncSession, Freeze], Awaitable[object]]


@pytest.fixture
async def proxy(blog_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Proxy]:
    monkeypatch.setattr("ormkit.pool.pool.RESET_TIMEOUT", 0.2)
    monkeypatch.setattr("ormkit.pool.pool.PROBE_TIMEOUT", 0.2)
    monkeypatch.setattr("ormkit.transactions.connection_lock.UNDO_TIMEOUT", 0.2)
    async with Proxy(blog_url) as proxy:
        yield proxy


@pytest.fixture
async def engine(proxy: Proxy) -> AsyncIterator[Engine]:
    async with await create_engine(proxy.url, max_connections=1, connect_timeout=1) as engine:
        await seed(AsyncSession(engine))
        yield engine


async def assert_it_ends(engine: Engine, proxy: Proxy, work: Awaitable[object]) -> None:
    """Fail where the caller's timeout does not end the work, or the pool does not come back."""
    start = time.monotonic()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            await work
    # What is undone in a nested block is waited for, within limits.
    assert time.monotonic() - start < PATIENCE + 3
    proxy.thaw()
    await assert_all_usable(engine)


#: They wait for other tasks of their own, which no timeout of theirs reaches.
WITH_OTHERS = {get_before_others, get_behind_others}


@pytest.mark.one_interpreter
@pytest.mark.parametrize(
    "work", [work for work in WORKS if work not in WITH_OTHERS], ids=lambda work: work.__name__
)
async def test_a_timeout_ends_any_work_that_begins_on_it(
    engine: Engine, proxy: Proxy, work: Work
) -> None:
    proxy.freeze()
    await assert_it_ends(engine, proxy, work(AsyncSession(engine)))


async def in_a_statement(session: AsyncSession, freeze: Freeze) -> None:
    async with session.begin() as tx:
        await tx.insert(Tag(name="a"))
        freeze()
        await tx.query(User).all()


async def in_its_commit(session: AsyncSession, freeze: Freeze) -> None:
    async with session.begin() as tx:
        await tx.insert(Tag(name="a"))
        freeze()


async def in_its_rollback(session: AsyncSession, freeze: Freeze) -> None:
    async with session.begin() as tx:
        await tx.insert(Tag(name="a"))
        freeze()
        raise KeyError


async def in_a_nested_block(session: AsyncSession, freeze: Freeze) -> None:
    async with session.begin() as tx:
        await tx.insert(Tag(name="a"))
        async with session.begin() as inner:
            await inner.insert(Tag(name="b"))
            freeze()
            await inner.query(User).all()


async def in_a_release(session: AsyncSession, freeze: Freeze) -> None:
    async with session.begin() as tx:
        await tx.insert(Tag(name="a"))
        async with session.begin() as inner:
            await inner.insert(Tag(name="b"))
            freeze()


async def while_tasks_take_turns(session: AsyncSession, freeze: Freeze) -> None:
    async with session.begin() as tx, asyncio.TaskGroup() as group:
        await tx.insert(Tag(name="a"))
        freeze()
        for _ in range(3):
            group.create_task(tx.query(User).all())


async def in_a_stream(session: AsyncSession, freeze: Freeze) -> None:
    async for _ in session.query(User).stream(chunk=1):
        freeze()


async def in_create_all(session: AsyncSession, freeze: Freeze) -> None:
    freeze()
    await session.engine.create_all(SCHEMA)


@pytest.mark.parametrize(
    "block",
    [
        *(in_a_statement, in_its_commit, in_its_rollback, in_a_nested_block, in_a_release),
        *(while_tasks_take_turns, in_a_stream, in_create_all),
    ],
    ids=lambda block: block.__name__,
)
async def test_a_timeout_ends_a_block_in_which_it_dies(
    engine: Engine, proxy: Proxy, block: Block
) -> None:
    session = AsyncSession(engine)
    await assert_it_ends(engine, proxy, block(session, proxy.freeze))
    kept = await session.query(Tag).filter(Tag.name != "taken").count()
    # A COMMIT may be on its way, and arrive.
    assert kept == 0 or block is in_its_commit


async def test_an_engine_closes_on_it_in_time(proxy: Proxy) -> None:
    engine = await create_engine(proxy.url, min_connections=3, connect_timeout=1)
    proxy.freeze()
    start = time.monotonic()
    await engine.close()
    assert time.monotonic() - start < 2
    assert engine.pool.size == 0
