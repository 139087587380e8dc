"""After a cancelled or outdated statement or a broken connection, all is as it was before."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from examples.blog.db import AuditLog, Tag
from ormkit import (
    AsyncSession,
    CommitUnknown,
    ConfigurationError,
    ConnectionLost,
    DatabaseError,
    Engine,
    TransactionClosed,
    UsageError,
    create_engine,
)
from ormkit.driver.connection import Connection
from tests.proxy import Proxy


@pytest.fixture
async def engine(blog_url: str) -> AsyncIterator[Engine]:
    """An engine of one connection, which whoever leaks it would wait for in vain."""
    async with await create_engine(blog_url, max_connections=1, acquire_timeout=3) as engine:
        yield engine


@pytest.fixture
async def proxy(blog_url: str) -> AsyncIterator[Proxy]:
    async with Proxy(blog_url) as proxy:
        yield proxy


@pytest.fixture
async def distant(proxy: Proxy) -> AsyncIterator[AsyncSession]:
    """A session whose one connection goes through the proxy."""
    async with await create_engine(proxy.url, max_connections=1, acquire_timeout=3) as engine:
        yield AsyncSession(engine)


async def backend(engine: Engine) -> int:
    pid: int = (await engine.execute("SELECT pg_backend_pid()")).scalar()
    return pid


async def die(connection: Connection) -> None:
    """Let the server end the connection."""
    with pytest.raises(ConnectionLost):
        await connection.script("SELECT pg_terminate_backend(pg_backend_pid())")


@pytest.mark.parametrize(
    "sql",
    [
        "SET work_mem = '1MB'",
        "/* a comment */ SET work_mem = '1MB'",
        "SELECT set_config('work_mem', '1MB', false)",
        "CREATE TEMP TABLE leftover (a integer)",
        "SELECT pg_advisory_lock(7)",
        "DEALLOCATE ALL",
    ],
)
async def test_a_reset_brings_the_same_connection_back_as_new(engine: Engine, sql: str) -> None:
    state = (
        "SELECT current_setting('work_mem'), to_regclass('leftover'), "
        "(SELECT count(*) FROM pg_locks WHERE locktype = 'advisory')"
    )
    before = await backend(engine), (await engine.execute(state)).tuples()
    await engine.execute(sql)
    assert (await backend(engine), (await engine.execute(state)).tuples()) == before


async def test_an_update_in_raw_sql_needs_no_reset(engine: Engine) -> None:
    await engine.execute("UPDATE users SET age = 1")
    assert engine.pool.idle == 1


async def test_an_advisory_lock_of_a_failed_statement_is_given_up(
    engine: Engine, blog_url: str
) -> None:
    with pytest.raises(DatabaseError):
        async with AsyncSession(engine).begin() as tx:
            await tx.execute_raw("SELECT pg_advisory_lock(7), 1 / (random() * 0)::integer")
    await backend(engine)
    async with await create_engine(blog_url) as other:
        assert (await other.execute("SELECT pg_try_advisory_lock(7)")).scalar()


async def test_a_statement_outlives_a_change_of_its_table(engine: Engine) -> None:
    for change in ("ADD COLUMN more text", "DROP COLUMN more"):
        await engine.execute("SELECT * FROM tags")
        await engine.execute(f"ALTER TABLE tags {change}")
        await engine.execute("SELECT * FROM tags")
    await engine.execute("ALTER TABLE tags ALTER COLUMN id TYPE integer")
    session = AsyncSession(engine)
    await session.insert(Tag(name="a"))
    assert [tag.id for tag in await session.query(Tag).all()] == [1]


async def test_a_transaction_that_met_a_change_of_its_table_works_the_next_time(
    engine: Engine,
) -> None:
    session = AsyncSession(engine)
    await session.query(Tag).all()
    await engine.execute("ALTER TABLE tags ALTER COLUMN id TYPE integer")
    with pytest.raises(DatabaseError, match="cached plan"):
        async with session.begin() as tx:
            await tx.query(Tag).all()
    async with session.begin() as tx:
        assert await tx.query(Tag).all() == []


@pytest.mark.parametrize("sql", ["-- why\nCOMMIT", "/* why */ BEGIN", " /* a */ -- b\n ROLLBACK"])
async def test_a_comment_hides_no_transaction_word(engine: Engine, sql: str) -> None:
    with pytest.raises(UsageError, match="cannot be sent"):
        await engine.execute(sql)


@pytest.mark.parametrize("params", [[], [1, 2]])
async def test_a_wrong_number_of_parameters_is_the_caller_s_mistake(
    engine: Engine, params: list[int]
) -> None:
    with pytest.raises(UsageError, match=r"expects 1 argument for this query, \d w\w+ passed$"):
        await engine.execute("SELECT $1::integer", params)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ada:pa/ssword@localhost/x",
        "postgresql://localhost:port/x",
        "postgresql://localhost/x?sslmode=maybe",
    ],
)
async def test_a_url_that_cannot_be_read_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        await create_engine(url)
    assert "'pa'" not in str(caught.value)
    # No error of a parser, which may quote the password, is shown along with it.
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


async def test_a_connection_that_breaks_is_lost_and_replaced(
    distant: AsyncSession, proxy: Proxy
) -> None:
    proxy.cut(b"SELECT 1 AS cut")
    with pytest.raises(ConnectionLost):
        await distant.execute_raw("SELECT 1 AS cut")
    proxy.release()
    assert (await distant.execute_raw("SELECT 2")).scalar() == 2


async def test_a_commit_without_an_answer_is_unknown(distant: AsyncSession, proxy: Proxy) -> None:
    proxy.cut(b"COMMIT")
    with pytest.raises(CommitUnknown):
        async with distant.begin() as tx:
            await tx.insert(Tag(name="a"))
    proxy.release()
    assert await distant.query(Tag).count() == 1


async def test_a_block_goes_on_after_a_begin_that_was_cancelled(
    distant: AsyncSession, proxy: Proxy
) -> None:
    proxy.hold(b"BEGIN")
    async with distant.begin() as tx:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await tx.insert(Tag(name="a"))
        proxy.release()
        await tx.insert(Tag(name="b"))
    assert [tag.name for tag in await distant.query(Tag).all()] == ["b"]


async def test_a_task_that_outlives_its_block_leaves_no_transaction_open(
    distant: AsyncSession, proxy: Proxy
) -> None:
    proxy.hold(b"BEGIN")
    with pytest.raises(RuntimeError):
        async with distant.begin() as tx:
            task = asyncio.create_task(tx.insert(Tag(name="a")))
            await proxy.reached.wait()
            raise RuntimeError
    proxy.release()
    with pytest.raises(TransactionClosed):
        await task
    await distant.insert(Tag(name="b"))
    assert [tag.name for tag in await distant.query(Tag).all()] == ["b"]


async def test_a_savepoint_ends_with_the_transaction_around_it(engine: Engine) -> None:
    session = AsyncSession(engine)
    async with session.begin() as tx:
        await tx.insert(Tag(name="kept"))
        with pytest.raises(TransactionClosed):
            async with session.begin() as inner:
                await inner.insert(Tag(name="kept too"))
                await tx.commit()
                await inner.insert(Tag(name="lost"))
    assert await session.query(Tag).count() == 2


async def test_a_savepoint_stands_behind_what_was_added_before_it(engine: Engine) -> None:
    session = AsyncSession(engine)
    async with session.begin() as tx:
        tx.add(AuditLog(action="before"))
        with pytest.raises(RuntimeError):
            async with session.begin() as inner:
                assert await inner.query(AuditLog).count() == 1
                raise RuntimeError
    assert await session.query(AuditLog).count() == 1


async def test_savepoints_side_by_side_are_refused(engine: Engine) -> None:
    session = AsyncSession(engine)

    async def work(name: str) -> None:
        async with session.begin() as inner:
            await inner.insert(Tag(name=name))

    async with session.begin():
        answers = await asyncio.gather(work("a"), work("b"), return_exceptions=True)
        await work("c")
    assert answers[0] is None
    assert isinstance(answers[1], UsageError)
    assert await session.query(Tag).count() == 2


async def test_a_transaction_that_was_never_entered_takes_no_connection(engine: Engine) -> None:
    session = AsyncSession(engine)
    with pytest.raises(TransactionClosed, match="async with"):
        await session.begin().insert(Tag(name="a"))
    assert engine.pool.idle == 1


async def test_a_waiter_behind_one_that_gave_up_gets_a_new_connection(engine: Engine) -> None:
    pool = engine.pool
    connection = await pool.acquire()
    waiter = asyncio.create_task(pool.acquire())
    await asyncio.sleep(0)
    await die(connection)
    waiter.cancel()
    pool.give(connection)
    pool.give(await pool.acquire())
    assert (pool.size, pool.idle) == (1, 1)


async def test_no_more_connections_than_allowed_when_all_are_lost_at_once(blog_url: str) -> None:
    async with await create_engine(blog_url, min_connections=3, max_connections=3) as engine:
        taken = [await engine.pool.acquire() for _ in range(3)]
        waiting = [asyncio.create_task(backend(engine)) for _ in range(12)]
        await asyncio.sleep(0)
        for connection in taken:
            await die(connection)
        for connection in taken:
            engine.pool.give(connection)
        engine.pool.give(await engine.pool.acquire())
        assert len(set(await asyncio.gather(*waiting))) <= 3
        assert engine.pool.size <= 3


async def test_closing_waits_for_a_connection_that_is_being_reset(blog_url: str) -> None:
    before = asyncio.all_tasks()
    engine = await create_engine(blog_url)
    await engine.execute("SET work_mem = '1MB'")
    await engine.close()
    assert engine.pool.size == 0
    assert asyncio.all_tasks() == before
