"""Tests leave their connection to the next one, in another event loop, and nothing with it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, suppress
from typing import Any

import pytest

from examples.blog.db import User
from ormkit import AsyncSession, DatabaseError, QueryCanceled, UsageError
from ormkit.testing.databases import Database
from ormkit.testing.opened_engine import opened
from ormkit.testing.portable_loop import PortableTransport
from tests.copies import Copies
from tests.servers import Server

pytestmark = pytest.mark.one_interpreter

#: What one test does.
Work = Callable[[AsyncSession], Awaitable[Any]]


@pytest.fixture(scope="module")
def copies(server18: Server, blog_template: str) -> Iterator[Copies]:
    with closing(Copies(server18, blog_template)) as copies:
        yield copies


@pytest.fixture
def database(copies: Copies) -> Iterator[Database]:
    with copies.lend() as url:
        database = Database(url, url.rpartition("/")[2], (), is_shared=True)
        yield database
        asyncio.run(database.kept.close())


def run_test(database: Database, work: Work, **options: Any) -> Any:
    """Do what the fixtures do for a test, in an event loop of its own."""

    async def test() -> Any:
        async with opened(database, options) as engine:
            return await work(AsyncSession(engine))

    return asyncio.run(test())


async def backend(session: AsyncSession) -> int:
    """Return which connection the test has."""
    connection = await session.engine.pool.acquire()
    session.engine.pool.give(connection)
    return connection.backend


async def counts_users(session: AsyncSession) -> tuple[int, int]:
    return await backend(session), await session.query(User).count()


def test_tests_share_one_connection_in_several_loops(database: Database) -> None:
    async def writes(session: AsyncSession) -> tuple[int, int]:
        await session.insert(User(name="Ada", email="ada@x"))
        return await counts_users(session)

    first = run_test(database, writes)
    assert first[1] == 1
    assert run_test(database, writes) == first
    assert run_test(database, counts_users) == (first[0], 0)


def test_a_test_opens_no_connection_and_adds_two_round_trips(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """BEGIN with its savepoint, and ROLLBACK; and none where it sends nothing."""
    first, _ = run_test(database, counts_users)
    sent: list[bytes] = []
    for method in ("write", "writelines"):
        send = getattr(PortableTransport, method)

        def noted(self: PortableTransport, data: Any, send: Any = send) -> None:
            sent.append(bytes(data))
            send(self, data)

        monkeypatch.setattr(PortableTransport, method, noted)
    assert run_test(database, counts_users) == (first, 0)
    assert [message[:1] for message in sent] == [b"Q", b"B", b"Q"]
    run_test(database, lambda session: asyncio.sleep(0))
    assert len(sent) == 3


#: What a test may leave in its session, and a question whose answer tells.
ODD = {
    "SET work_mem = '1MB'": "SELECT current_setting('work_mem')",
    "SET app.x = '1'": "SELECT coalesce(current_setting('app.x', true), '')",
    "SET search_path = pg_catalog": "SELECT current_schemas(false)::text",
    "SET ROLE pg_read_all_data": "SELECT current_user::text",
    "LISTEN odd": "SELECT count(*) FROM pg_listening_channels()",
    "CREATE TEMP TABLE odd (x int)": "SELECT to_regclass('odd')::text",
    "SELECT pg_advisory_lock(4711)": "SELECT count(*) FROM pg_locks WHERE objid = 4711",
    "PREPARE odd AS SELECT 1": "SELECT count(*) FROM pg_prepared_statements WHERE from_sql",
    "DECLARE c CURSOR WITH HOLD FOR SELECT 1": "SELECT count(*) FROM pg_cursors WHERE is_holdable",
    "DEALLOCATE ALL": "SELECT count(*) FROM users",
    "CREATE TYPE odd AS ENUM ('a')": "SELECT to_regtype('odd')::text",
}


@pytest.mark.parametrize("statement", ODD)
def test_what_a_test_leaves_in_its_session_is_gone(database: Database, statement: str) -> None:
    async def asks(session: AsyncSession) -> tuple[int, Any]:
        await session.query(User).count()
        return await backend(session), (await session.execute_raw(ODD[statement])).scalar()

    async def in_a_block(session: AsyncSession) -> None:
        async with session.begin() as tx:
            await tx.execute_raw(statement)

    async def in_a_block_that_fails(session: AsyncSession) -> None:
        with suppress(DatabaseError):
            async with session.begin() as tx:
                await tx.execute_raw(statement)
                await tx.execute_raw("SELECT 1 / 0")

    async def alone(session: AsyncSession) -> None:
        await session.execute_raw(statement)

    usual = run_test(database, asks)
    for work in (in_a_block, in_a_block_that_fails, alone):
        run_test(database, work)
        assert run_test(database, asks) == usual


def test_statements_are_prepared_anew_after_a_test_has_changed_their_table(
    database: Database,
) -> None:
    async def alters(session: AsyncSession) -> None:
        await session.query(User).all()
        await session.execute_raw("ALTER TABLE users ALTER age TYPE text, ADD odd text")
        assert (await session.execute_raw("SELECT * FROM users")).all() == []

    async def reads(session: AsyncSession) -> list[Any]:
        await session.insert(User(name="Ada", email="ada@x", age=3))
        assert len((await session.execute_raw("SELECT * FROM users")).all()) == 1
        return [user.age for user in await session.query(User).all()]

    for _ in range(2):
        run_test(database, alters)
        assert run_test(database, reads) == [3]


def test_a_connection_that_cannot_be_kept_is_closed(database: Database) -> None:
    """And the next test opens another one."""

    async def interrupted(session: AsyncSession) -> None:
        with pytest.raises(QueryCanceled):
            await session.engine.execute("SELECT pg_sleep(10)", timeout=0.01)

    async def closed(session: AsyncSession) -> None:
        with pytest.raises(DatabaseError):
            await session.execute_raw("SELECT pg_terminate_backend(pg_backend_pid())")

    async def abandoned(session: AsyncSession) -> None:
        await session.engine.pool.acquire()

    async def inserts(session: AsyncSession) -> None:
        await session.insert(User(name="Ada", email="ada@x"))

    for work in (interrupted, closed, abandoned):
        before, _ = run_test(database, counts_users)
        run_test(database, work)
        after, count = run_test(database, counts_users)
        assert (after != before, count) == (True, 0)
    assert run_test(database, counts_users, application_name="other")[0] != after
    run_test(database, inserts, init=lambda connection: asyncio.sleep(0))
    assert not database.kept.is_spoilt


def test_a_task_that_outlives_its_test_loses_its_connection(database: Database) -> None:
    """And the locks of its transaction, for which the next test in the loop would wait."""
    tasks: list[asyncio.Task[None]] = []

    async def leaves_a_task(session: AsyncSession) -> None:
        async def work() -> None:
            async with session.begin() as tx:
                await tx.insert(User(name="Ada", email="ada@x"))
                await tx.flush()
                has_written.set()
                await asyncio.Event().wait()

        has_written = asyncio.Event()
        tasks.append(asyncio.create_task(work()))
        await has_written.wait()

    async def tests() -> None:
        async with opened(database, {}) as engine:
            await leaves_a_task(AsyncSession(engine))
        async with opened(database, {}) as engine, asyncio.timeout(10):
            await AsyncSession(engine).insert(User(name="Ada", email="ada@x"))
        assert not tasks[0].done()

    asyncio.run(tests())


def test_a_connection_that_the_server_has_closed_between_tests_is_replaced(
    database: Database, server18: Server
) -> None:
    before, _ = run_test(database, counts_users)
    server18.maintain(f"SELECT pg_terminate_backend({before}, 5000)")
    after, count = run_test(database, counts_users)
    assert (after != before, count) == (True, 0)


def test_a_transaction_that_was_committed_spoils_the_database(database: Database) -> None:
    async def commits(session: AsyncSession) -> None:
        async with session.engine.pool.connection() as connection:
            await connection.wire.query("SELECT; COMMIT", None)
            await connection.wire.query("SELECT", None)

    run_test(database, counts_users)
    assert not database.kept.is_spoilt
    run_test(database, commits)
    assert database.kept.is_spoilt


def test_nothing_real_is_committed_beside_the_test(database: Database) -> None:
    async def opens_another(session: AsyncSession) -> None:
        with pytest.raises(UsageError, match='isolation="database"'):
            await session.engine.pool.open_apart()

    run_test(database, opens_another)


def test_a_client_in_a_thread_is_told_what_to_use(database: Database) -> None:
    async def in_a_thread(session: AsyncSession) -> None:
        async def request() -> None:
            await session.query(User).count()

        with pytest.raises(UsageError, match="another event loop") as refused:
            await asyncio.to_thread(asyncio.run, request())
        assert "ASGITransport" in refused.value.__notes__[0]

    run_test(database, in_a_thread)
