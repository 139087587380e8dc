"""A connection that the server ends: the error tells the server's own reason."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from examples.blog.db import Tag
from ormkit import AsyncSession, CommitUnknown, ConnectionLost, Engine, create_engine
from ormkit.driver import read_buffer as receiving
from ormkit.statements.statement import Statement
from tests.proxy import Proxy
from tests.reliability.secure_server import PASSWORD, SecureServer
from tests.servers import ContribServer, contrib_binaries

pytestmark = pytest.mark.one_interpreter

IDLE = "terminating connection due to idle-in-transaction timeout"


@pytest.fixture
async def engine(reader: None, blog_url: str) -> AsyncIterator[Engine]:
    async with await create_engine(blog_url, max_connections=2) as engine:
        yield engine


def error_of(*fields: str) -> bytes:
    """Return the message of an error with these fields."""
    body = b"".join(field.encode() + b"\0" for field in fields) + b"\0"
    return b"E" + (len(body) + 4).to_bytes(4) + body


async def lost(work: Callable[[], Awaitable[object]]) -> ConnectionLost:
    async with asyncio.timeout(10):
        with pytest.raises(ConnectionLost) as caught:
            await work()
    return caught.value


TIMEOUTS = [
    ("idle_in_transaction_session_timeout", "25P03", IDLE),
    ("transaction_timeout", "25P04", "terminating connection due to transaction timeout"),
]


@pytest.mark.parametrize("pause", [0.4, 0.0])
@pytest.mark.parametrize(("setting", "state", "said"), TIMEOUTS)
async def test_a_transaction_that_took_too_long(
    engine: Engine, setting: str, state: str, said: str, pause: float
) -> None:
    """Whether or not the client has read the end by the time of the next statement."""

    async def work() -> None:
        async with engine.transaction(settings={setting: "100"}) as tx:
            await tx.insert(Tag(name="lost"))
            if pause:
                await asyncio.sleep(pause)
            elif state == "25P03":
                # The loop is held up, and writes before it reads.
                held_up(0.4)
            else:
                await tx.execute_raw("SELECT pg_sleep(5)")
            await tx.query(Tag).count()

    error = await lost(work)
    assert (error.sqlstate, said in str(error)) == (state, True)
    assert not isinstance(error, CommitUnknown)
    assert await AsyncSession(engine).query(Tag).count() == 0


def held_up(seconds: float) -> None:
    """Do what blocks the event loop."""
    time.sleep(seconds)


@pytest.mark.parametrize("pause", [0.4, 0.0])
async def test_a_commit_after_the_timeout_is_known_to_be_none(engine: Engine, pause: float) -> None:
    async def work() -> None:
        settings = {"idle_in_transaction_session_timeout": "100"}
        async with engine.transaction(settings=settings) as tx:
            await tx.insert(Tag(name="lost"))
            if pause:
                await asyncio.sleep(pause)
            else:
                held_up(0.4)

    error = await lost(work)
    assert (error.sqlstate, IDLE in str(error)) == ("25P03", True)
    assert not isinstance(error, CommitUnknown)
    assert await AsyncSession(engine).query(Tag).count() == 0


@pytest.mark.parametrize("is_idle", [True, False])
async def test_a_backend_that_is_terminated(engine: Engine, is_idle: bool) -> None:
    async def end(pid: int) -> None:
        await asyncio.sleep(0.1)
        await engine.execute("SELECT pg_terminate_backend($1)", [pid])

    async def work() -> None:
        async with engine.transaction() as tx:
            pid = (await tx.execute_raw("SELECT pg_backend_pid()")).scalar()
            ending = asyncio.create_task(end(pid))
            if is_idle:
                await ending
                await asyncio.sleep(0.1)
            try:
                await tx.execute_raw("SELECT pg_sleep(5)")
            finally:
                await ending

    error = await lost(work)
    assert error.sqlstate == "57P01"
    assert "terminating connection due to administrator command" in str(error)
    assert error.statement == "SELECT pg_sleep(5)"


@pytest.mark.parametrize("is_idle", [True, False])
async def test_a_stream_and_a_copy_tell_it_too(engine: Engine, is_idle: bool) -> None:
    pids: list[int] = []

    async def end(data: object) -> None:
        if pids:
            await engine.execute("SELECT pg_terminate_backend($1)", [pids.pop()])
            await asyncio.sleep(0.2)

    numbers = Statement("SELECT generate_series(1, 100)", ())

    async def streamed() -> None:
        async with engine.transaction() as tx:
            pids.append((await tx.execute_raw("SELECT pg_backend_pid()")).scalar())
            async for _, rows in tx.executor().stream(numbers, [], 10):
                await end(rows)

    async def copied() -> None:
        async with engine.transaction() as tx:
            pids.append((await tx.execute_raw("SELECT pg_backend_pid()")).scalar())
            sql = "SELECT repeat('x', 1000), pg_sleep(0.02) FROM generate_series(1, 100)"
            await tx.copy_out(sql, end)

    error = await lost(streamed if is_idle else copied)
    assert error.sqlstate == "57P01", error


async def test_an_idle_session_that_was_ended_costs_nothing(reader: None, blog_url: str) -> None:
    # No connection is kept open: one that the pool opens by itself might end just as it is used.
    options: Any = {"min_connections": 0, "max_connections": 1}
    settings = {"idle_session_timeout": "300"}
    async with await create_engine(blog_url, server_settings=settings, **options) as short:
        for _ in range(2):
            assert (await short.execute("SELECT 1")).scalar() == 1
            await asyncio.sleep(0.7)
        connection = await short.pool.acquire()
        await asyncio.sleep(0.7)
        error = await lost(lambda: connection.fetch("SELECT 1"))
        short.pool.give(connection)
        assert (error.sqlstate, "idle-session timeout" in str(error)) == ("57P05", True)


#: What a server says before it closes the connection, in whatever language.
TIMED_OUT = error_of("SFATAL", "VFATAL", "C57P05", "Mtime is up")
TRANSLATED = error_of("SSCHWERWIEGEND", "VFATAL", "C57P01", "Mes ist aus")
WITHOUT_V = error_of("SPANIC", "C57P01", "Mthe end")
LAST_WORDS = {"57P05": TIMED_OUT, "57P01": TRANSLATED, "without V": WITHOUT_V}


@pytest.fixture
async def told(reader: None, blog_url: str) -> AsyncIterator[tuple[Engine, Proxy]]:
    """An engine of one connection, to which the proxy can say what the server would."""
    async with Proxy(blog_url) as proxy, await create_engine(proxy.url, max_connections=1) as far:
        yield far, proxy


@pytest.mark.parametrize("words", LAST_WORDS.values(), ids=LAST_WORDS)
async def test_after_its_last_words_an_idle_connection_serves_nobody(
    told: tuple[Engine, Proxy], words: bytes
) -> None:
    """The connection is still open: the words come first, its end may come at any time."""
    engine, proxy = told
    connection = engine.pool.take()
    assert connection is not None
    engine.pool.give(connection)
    assert await end_of(proxy, words)
    assert (connection.is_closed, connection.is_reusable) == (True, False)
    async with asyncio.timeout(5):
        assert (await engine.execute("SELECT 1")).scalar() == 1
    assert proxy.connections == 2
    assert engine.pool.size == 1


@pytest.mark.parametrize("words", LAST_WORDS.values(), ids=LAST_WORDS)
async def test_a_commit_after_the_last_words_is_known_to_be_none(
    told: tuple[Engine, Proxy], words: bytes
) -> None:
    engine, proxy = told

    async def work() -> None:
        async with engine.transaction() as tx:
            await tx.insert(Tag(name="lost"))
            assert await end_of(proxy, words)

    error = await lost(work)
    assert (error.sqlstate, error.is_sent) == (words.partition(b"\0C")[2][:5].decode(), False)
    assert not isinstance(error, CommitUnknown)
    assert await AsyncSession(engine).query(Tag).count() == 0


@pytest.mark.parametrize("words", LAST_WORDS.values(), ids=LAST_WORDS)
async def test_a_statement_fails_by_the_last_words_and_waits_for_no_end(
    told: tuple[Engine, Proxy], words: bytes
) -> None:
    engine, proxy = told
    waiting = asyncio.create_task(engine.execute("SELECT pg_sleep(3)"))
    await asyncio.sleep(0.1)
    assert await end_of(proxy, words)
    error = await lost(lambda: waiting)
    assert (error.sqlstate, error.is_sent) == (
        words.partition(b"\0C")[2][:5].decode(),
        b"57P05" not in words,
    )
    assert (await engine.execute("SELECT 1")).scalar() == 1


async def test_a_commit_that_the_driver_does_not_send_is_known_to_be_none(
    told: tuple[Engine, Proxy],
) -> None:
    """An error that nobody asked for ends no session, and breaks the protocol."""
    engine, proxy = told

    async def work() -> None:
        async with engine.transaction() as tx:
            await tx.insert(Tag(name="lost"))
            proxy.tell(error_of("SERROR", "VERROR", "CXX000", "Mwhat"))
            await asyncio.sleep(0.1)

    failed = await lost(work)
    assert (failed.sqlstate, failed.is_sent) == ("08P01", False)
    assert not isinstance(failed, CommitUnknown)
    assert await AsyncSession(engine).query(Tag).count() == 0


async def end_of(proxy: Proxy, words: bytes) -> bool:
    """Say the last words, and return whether the client closes its connection at once."""
    client = proxy.clients[-1]
    proxy.tell(words)
    for _ in range(100):
        if client.transport.is_closing():
            return True
        await asyncio.sleep(0.01)
    return False


@pytest.mark.parametrize("mode", ["disable", "require"])
@pytest.mark.parametrize("pause", [0.4, 0.0])
async def test_by_tcp_and_tls_it_is_told_as_well(
    reader: None, secure: SecureServer, mode: str, pause: float
) -> None:
    user = f"edsger:{PASSWORD}" if mode == "disable" else "postgres"

    async def work() -> None:
        settings = {"idle_in_transaction_session_timeout": "100"}
        async with engine.transaction(settings=settings) as tx:
            await tx.execute_raw("SELECT 1")
            if pause:
                await asyncio.sleep(pause)
            else:
                held_up(0.4)
            await tx.execute_raw("SELECT 2")

    async with await create_engine(secure.url(mode, user=user)) as engine:
        error = await lost(work)
    assert (error.sqlstate, IDLE in str(error)) == ("25P03", True)


async def test_a_server_that_is_shut_down(server_directory: Any, reader: None) -> None:
    binaries = contrib_binaries()
    if binaries is None:
        pytest.skip("no PostgreSQL is installed")
    name = "down-c" if receiving.Reader is not None else "down-py"
    server = ContribServer(binaries, server_directory / name)
    await asyncio.to_thread(server.__enter__)
    try:
        engine = await create_engine(server.url, reconnect_timeout=0)
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(engine.close)
            waiting = asyncio.create_task(engine.execute("SELECT pg_sleep(30)"))
            await asyncio.sleep(0.2)
            await asyncio.to_thread(server._stop)
            error = await lost(lambda: waiting)
    finally:
        await asyncio.to_thread(server._stop)
    assert (error.sqlstate, "administrator command" in str(error)) == ("57P01", True)


async def test_a_statement_that_failed_before_is_no_reason(engine: Engine, blog_url: str) -> None:
    """Nor is what the proxy breaks: there the server said nothing."""
    async with Proxy(blog_url) as proxy, await create_engine(proxy.url, max_connections=1) as far:
        with contextlib.suppress(Exception):
            await far.execute("SELECT nonsense")
        proxy.cut(b"SELECT 2 AS cut")
        error = await lost(lambda: far.execute("SELECT 2 AS cut"))
        proxy.release()
    assert error.sqlstate != "42703"
    assert "nonsense" not in str(error)
