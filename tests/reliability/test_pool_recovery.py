"""The pool comes back by itself: after a restart, an outage, a dead network, a full server."""

# The state of a pool is its own; what it must be is what is tested here.
# pyright: reportPrivateUsage=false
from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from examples.blog.db import Tag
from ormkit import (
    AsyncSession,
    CommitUnknown,
    ConfigurationError,
    ConnectionFailed,
    ConnectionLost,
    EmbeddedServer,
    Engine,
    PoolClosed,
    PoolTimeout,
    QueryCanceled,
    UsageError,
    create_engine,
)
from ormkit.driver.connection import Connection
from ormkit.pool.pool import MOST_OPENING
from ormkit.pool.reconnect import LONGEST_DELAY
from tests.proxy import Proxy
from tests.reliability.attempts import Attempts
from tests.reliability.pool_state import assert_all_usable, settled
from tests.servers import Server

Ask = Callable[[], Awaitable[Any]]


@pytest.fixture
async def proxy(database_url: str) -> AsyncIterator[Proxy]:
    async with Proxy(database_url) as proxy:
        yield proxy


async def one(engine: Engine) -> int:
    number: int = (await engine.execute("SELECT 1")).scalar()
    return number


async def backend(engine: Engine) -> int:
    pid: int = (await engine.execute("SELECT pg_backend_pid()")).scalar()
    return pid


@asynccontextmanager
async def role(server: Server, url: str, options: str) -> AsyncGenerator[str]:
    """Yield the URL for a role with these options, which is dropped afterwards."""
    await asyncio.to_thread(server.run_script, server.url, f"CREATE ROLE other {options}")
    try:
        yield url.replace("postgres@", "other@", 1)
    finally:
        await asyncio.to_thread(server.run_script, server.url, "DROP ROLE other")


async def until(condition: Callable[[], bool], seconds: float = 3) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


async def test_a_restart_costs_waiting_and_no_error(server_directory: Path) -> None:
    server = EmbeddedServer.start(server_directory / "restarted", settings={"fsync": "off"})
    engine = await create_engine(server.url, min_connections=3, max_connections=5)
    try:
        await asyncio.to_thread(server.shut_down)
        await until(lambda: engine.pool.idle == 0)
        waiting = [asyncio.create_task(one(engine)) for _ in range(50)]
        await asyncio.sleep(0.2)
        server = await asyncio.to_thread(EmbeddedServer.start, server_directory / "restarted")
        back = time.monotonic()
        assert await asyncio.gather(*waiting) == [1] * 50
        assert time.monotonic() - back < 1
        await until(lambda: engine.pool.idle >= 3)
    finally:
        await engine.close()
        await asyncio.to_thread(server.shut_down)


async def test_dead_idle_connections_are_replaced_without_a_statement(
    database_url: str, server18: Server
) -> None:
    async with await create_engine(
        database_url, min_connections=3, application_name="doomed"
    ) as engine:
        where = "FROM pg_stat_activity WHERE application_name = 'doomed'"
        sql = f"SELECT pg_terminate_backend(pid) {where}"
        before = set(engine.pool._opened_at)
        ended = await asyncio.to_thread(server18.fetch, database_url, sql)
        assert len(ended) == 3
        await until(lambda: engine.pool.idle == 3 and not before & set(engine.pool._opened_at))
        await assert_all_usable(engine)
        assert (await engine.execute(f"SELECT count(*) {where}")).scalar() == 3


async def test_when_one_is_found_dead_the_other_idle_ones_are_asked(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ormkit.pool.pool.PROBE_TIMEOUT", 0.1)
    async with await create_engine(proxy.url, min_connections=4, max_connections=4) as engine:
        taken = await engine.pool.acquire()
        before = set(engine.pool._opened_at)
        proxy.freeze()
        taken.terminate()
        engine.pool.give(taken)
        assert engine.pool.idle == 0
        await until(lambda: not before & set(engine.pool._opened_at))
        proxy.thaw()
        assert await asyncio.gather(*(one(engine) for _ in range(8))) == [1] * 8
        await assert_all_usable(engine)


async def test_one_dead_connection_costs_the_living_ones_nothing(proxy: Proxy) -> None:
    async with await create_engine(proxy.url, min_connections=4, max_connections=4) as engine:
        taken = await engine.pool.acquire()
        living = {id(connection) for connection, _ in engine.pool._idle}
        taken.terminate()
        engine.pool.give(taken)
        await until(lambda: engine.pool.idle == 4)
        assert living < {id(connection) for connection, _ in engine.pool._idle}


async def test_a_burst_opens_a_few_connections_at_once(database_url: str) -> None:
    async with await create_engine(database_url, min_connections=0, max_connections=20) as engine:
        attempts = Attempts(engine)
        await asyncio.gather(*(one(engine) for _ in range(300)))
        assert attempts.most == MOST_OPENING
        assert attempts.count <= 20


async def test_while_the_server_refuses_it_is_asked_once_at_a_time_with_growing_pauses(
    tmp_path: Path,
) -> None:
    url = f"postgresql://postgres@/postgres?host={tmp_path}"
    async with await create_engine(url, min_connections=0, reconnect_timeout=0.6) as engine:
        attempts = Attempts(engine)
        start = time.monotonic()
        answers = await asyncio.gather(*(one(engine) for _ in range(500)), return_exceptions=True)
        seconds = time.monotonic() - start
        assert all(isinstance(answer, ConnectionFailed) for answer in answers)
        assert len({id(answer) for answer in answers}) == 500
        assert 0.6 <= seconds < 0.6 + 2 * LONGEST_DELAY
        # The first few before any was refused, then 20 ms, 40 ms, ... in between.
        assert attempts.count <= MOST_OPENING + 8
        # In an outage that goes on, nobody waits for longer than the next attempt.
        start = time.monotonic()
        with pytest.raises(ConnectionFailed, match="cannot connect"):
            await one(engine)
        assert time.monotonic() - start < 2 * LONGEST_DELAY


async def test_after_an_outage_that_nobody_noticed_the_next_one_is_waited_for(
    server18: Server, database_url: str, tmp_path: Path
) -> None:
    socket = f"{tmp_path}/.s.PGSQL.5432"
    url = database_url.replace(database_url.partition("host=")[2], f"{tmp_path}&port=5432")
    async with await create_engine(url, min_connections=0, reconnect_timeout=0.3) as engine:
        with pytest.raises(ConnectionFailed):
            await one(engine)
        await until(lambda: engine.pool._backoff.error is None)
        waiting = asyncio.create_task(one(engine))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        target = f"{database_url.partition('host=')[2].partition('&')[0]}/.s.PGSQL.5432"
        os.symlink(target, socket)
        assert await waiting == 1


async def test_where_the_server_has_no_more_connections_the_others_serve_all(
    database_url: str, server18: Server
) -> None:
    async with (
        role(server18, database_url, "LOGIN CONNECTION LIMIT 2") as url,
        await create_engine(url, reconnect_timeout=0) as engine,
    ):
        assert await asyncio.gather(*(one(engine) for _ in range(200))) == [1] * 200
        # The last attempts to connect may not have been answered yet.
        await until(lambda: engine.pool.size <= 2)


async def test_a_wrong_login_fails_at_once_for_everyone_in_line(
    database_url: str, server18: Server
) -> None:
    async with (
        role(server18, database_url, "NOLOGIN") as url,
        await create_engine(url, min_connections=0, reconnect_timeout=30) as engine,
    ):
        tasks = [one(engine) for _ in range(20)]
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(answer) for answer in answers} == {ConnectionFailed}
        assert {getattr(answer, "sqlstate", "") for answer in answers} == {"28000"}


async def test_closing_gives_up_connections_that_are_being_opened(proxy: Proxy) -> None:
    engine = await create_engine(proxy.url, min_connections=0, connect_timeout=30)
    proxy.freeze()
    waiting = asyncio.create_task(one(engine))
    await until(lambda: engine.pool.size == 1)
    start = time.monotonic()
    await engine.close()
    assert time.monotonic() - start < 1
    with pytest.raises(PoolClosed):
        await waiting
    assert engine.pool.size == 0


async def test_giving_a_connection_back_twice_is_refused(database_url: str) -> None:
    async with await create_engine(database_url) as engine:
        connection = await engine.pool.acquire()
        engine.pool.give(connection)
        with pytest.raises(UsageError, match="already"):
            engine.pool.give(connection)
        assert (engine.pool.size, engine.pool.idle) == (1, 1)


async def test_a_dead_network_is_found_out_by_one_statement_that_times_out(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ormkit.pool.pool.RESET_TIMEOUT", 0.1)
    monkeypatch.setattr("ormkit.pool.pool.PROBE_TIMEOUT", 0.1)
    async with await create_engine(proxy.url, min_connections=3, max_connections=3) as engine:
        before = set(engine.pool._opened_at)
        proxy.freeze()
        with pytest.raises(QueryCanceled, match="longer than its timeout"):
            await engine.execute("SELECT 1", timeout=0.1)
        await until(lambda: not before & set(engine.pool._opened_at))
        proxy.thaw()
        assert await asyncio.gather(*(one(engine) for _ in range(8))) == [1] * 8
        await settled(engine)


@pytest.mark.parametrize("option", ["reconnect_timeout", "leak_threshold"])
async def test_times_that_cannot_be_are_refused(database_url: str, option: str) -> None:
    options: dict[str, Any] = {option: -1}
    with pytest.raises(ConfigurationError, match=option):
        await create_engine(database_url, **options)


async def test_a_connection_lost_in_a_transaction_is_lost_and_the_next_one_works(
    database_url: str,
) -> None:
    async with await create_engine(database_url, max_connections=1) as engine:
        session = AsyncSession(engine)
        with pytest.raises(ConnectionLost):
            async with session.begin() as tx:
                await tx.execute_raw("SELECT pg_terminate_backend(pg_backend_pid())")
        assert await one(engine) == 1


async def itself(connection: Connection) -> Connection:
    return connection


async def test_a_commit_on_a_connection_that_had_ended_is_known_to_have_failed(
    blog_url: str, server18: Server
) -> None:
    """Nothing of it was sent: there is no doubt, as with an answer that was lost."""
    async with await create_engine(blog_url, max_connections=1) as engine:
        session = AsyncSession(engine)
        with pytest.raises(ConnectionLost) as caught:
            async with session.begin() as tx:
                await tx.insert(Tag(name="gone"))
                pid = (await tx.execute_raw("SELECT pg_backend_pid()")).scalar()
                connection = await tx.executor().use(itself)
                sql = f"SELECT pg_terminate_backend({pid})"
                await asyncio.to_thread(server18.fetch, blog_url, sql)
                await until(lambda: connection.is_closed)
        assert not isinstance(caught.value, CommitUnknown)
        assert await session.query(Tag).count() == 0


async def test_a_full_pool_says_that_the_server_refuses_more(
    database_url: str, server18: Server
) -> None:
    async with (
        role(server18, database_url, "LOGIN CONNECTION LIMIT 1") as url,
        await create_engine(url, acquire_timeout=0.2) as engine,
    ):
        taken = await engine.pool.acquire()
        with pytest.raises(PoolTimeout, match=r"refuses more: .*too many connections"):
            await one(engine)
        engine.pool.give(taken)
