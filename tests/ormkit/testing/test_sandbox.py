"""Code under test begins, commits and rolls back as if it were real, in one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from typing import Any

import asyncpg
import pytest

from examples.blog.db import Post, User
from ormkit import (
    AsyncSession,
    DatabaseError,
    Engine,
    ForeignKeyViolation,
    TransactionFailed,
    UniqueViolation,
    UsageError,
    capture_statements,
    create_engine,
    selectinload,
)
from ormkit.driver.connection import Connection
from ormkit.testing.databases import deferred_constraints
from ormkit.testing.sandbox import SANDBOX_OPTIONS, enter_sandbox
from tests.copies import Copies
from tests.servers import Server

pytestmark = pytest.mark.one_interpreter

PAIRS = """
CREATE TABLE pairs (
    id integer PRIMARY KEY,
    other integer REFERENCES pairs DEFERRABLE INITIALLY DEFERRED,
    twin integer CONSTRAINT pairs_twin_fkey REFERENCES pairs DEFERRABLE
)
"""


@pytest.fixture(scope="module")
def pairs_template(server18: Server, blog_template: str) -> Iterator[str]:
    with server18.database(blog_template) as url:
        server18.run_script(url, PAIRS)
        yield url


@pytest.fixture(scope="module")
def copies(server18: Server, pairs_template: str) -> Iterator[Copies]:
    with closing(Copies(server18, pairs_template)) as copies:
        yield copies


@pytest.fixture
def url(copies: Copies) -> Iterator[str]:
    with copies.lend() as url:
        yield url


@pytest.fixture
async def engine(url: str) -> AsyncIterator[Engine]:
    async with await create_engine(url, **SANDBOX_OPTIONS) as engine:
        deferred = await deferred_constraints(engine)
        assert deferred == ["public.pairs_other_fkey"]
        enter_sandbox(engine, deferred)
        yield engine


async def rows_for_others(url: str) -> int:
    """Return how many users another connection sees."""
    connection = await asyncpg.connect(url)
    try:
        count: int = await connection.fetchval("SELECT count(*) FROM users")
        return count
    finally:
        await connection.close()


async def test_a_commit_runs_its_callbacks_and_is_rolled_back_with_the_engine(
    session: AsyncSession, url: str
) -> None:
    ran: list[bool] = []
    async with session.begin() as tx:
        tx.add(User(name="Ada"))
        tx.after_commit(lambda: ran.append(tx.is_committed))
    assert ran == [True]
    assert await session.query(User).count() == 1
    assert await rows_for_others(url) == 0
    await session.engine.close()
    assert await rows_for_others(url) == 0


async def test_a_block_that_raises_undoes_its_own_work_only(session: AsyncSession) -> None:
    await session.insert(User(name="Ada"))
    with pytest.raises(KeyError):
        async with session.begin() as tx:
            await tx.insert(User(name="Grace"))
            raise KeyError
    assert [user.name for user in await session.query(User).all()] == ["Ada"]


async def test_a_failed_statement_leaves_the_test_as_it_was(session: AsyncSession) -> None:
    await session.insert(User(name="Ada", email="a@x"))
    with pytest.raises(UniqueViolation):
        await session.insert(User(name="Eve", email="a@x"))
    with pytest.raises(DatabaseError):
        await session.execute_raw("SELECT 1 / 0")
    with pytest.raises(DatabaseError):
        await session.engine.execute_many("INSERT INTO users (name) VALUES ($1)", [["x"], [None]])
    with pytest.raises(DatabaseError):
        await session.copy_in("users", [(1, "x"), (1, "y")], columns=["id", "name"])
    assert await session.query(User).count() == 1


async def test_a_caught_error_fails_the_commit_as_it_does_without_a_sandbox(
    session: AsyncSession,
) -> None:
    await session.insert(User(name="Ada", email="a@x"))
    with pytest.raises(TransactionFailed):
        async with session.begin() as tx:
            with pytest.raises(UniqueViolation):
                await tx.insert(User(name="Eve", email="a@x"))
    async with session.begin() as tx:
        with pytest.raises(UniqueViolation):
            async with tx.begin():
                await tx.insert(User(name="Eve", email="a@x"))
        await tx.insert(User(name="Bob"))
    assert await session.query(User).count() == 2


async def test_a_deferred_constraint_speaks_at_the_commit(session: AsyncSession) -> None:
    ran: list[str] = []
    with pytest.raises(ForeignKeyViolation):
        async with session.begin() as tx:
            tx.after_commit(lambda: ran.append("committed"))
            await tx.execute_raw("INSERT INTO pairs (id, other) VALUES (1, 2)")
            ran.append("inserted")
    with pytest.raises(ForeignKeyViolation):
        await session.execute_raw("INSERT INTO pairs (id, other) VALUES (1, 2)")
    assert ran == ["inserted"]
    # What is immediate stays so, and what is deferred as well, after a commit has checked it.
    async with session.begin() as tx:
        await tx.execute_raw("INSERT INTO pairs (id, other) VALUES (1, 2)")
        await tx.execute_raw("INSERT INTO pairs (id, other) VALUES (2, 1)")
    with pytest.raises(ForeignKeyViolation):
        async with session.begin() as tx:
            await tx.execute_raw("INSERT INTO pairs (id, twin) VALUES (3, 4)")
            ran.append("never")
    assert ran == ["inserted"]
    assert (await session.execute_raw("SELECT count(*) FROM pairs")).scalar() == 2


async def test_a_stream_leaves_the_connection_to_others(session: AsyncSession) -> None:
    await session.insert_all([User(name=f"{n:02}", settings={}) for n in range(25)])
    seen = 0
    async for user in session.query(User).options(selectinload("posts")).stream(chunk=10):
        await session.insert(Post(author=user, title="t"))
        with pytest.raises(DatabaseError):
            await session.execute_raw("SELECT 1 / 0")
        seen += 1
    assert seen == await session.query(Post).count() == 25


async def test_tasks_take_turns(session: AsyncSession) -> None:
    async def sign_up(name: str) -> None:
        async with session.begin() as tx:
            await tx.insert(User(name=name))

    await asyncio.gather(*(sign_up(f"{n}") for n in range(10)))
    keys = [user.id for user in await session.query(User).all()]
    found = await asyncio.gather(*(session.get(User, key) for key in keys))
    assert len(keys) == 10
    assert [user and user.id for user in found] == keys


async def test_settings_end_with_their_transaction(session: AsyncSession) -> None:
    reading = "SELECT current_setting('app.tenant', true)"
    async with session.begin(settings={"app.tenant": "7"}, read_only=True) as tx:
        assert (await tx.execute_raw(reading)).scalar() == "7"
    assert not (await session.execute_raw(reading)).scalar()
    with pytest.raises(DatabaseError, match="read-only"):
        async with session.begin(read_only=True) as tx:
            await tx.insert(User(name="Ada"))
    await session.insert(User(name="Ada"))
    await session.execute_raw("SET app.tenant = '8'")
    assert not (await session.execute_raw(reading)).scalar()


async def test_an_interrupted_block_is_undone(session: AsyncSession) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05), session.begin() as tx:
            await tx.insert(User(name="Ada"))
            await tx.execute_raw("SELECT pg_sleep(10)")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await session.execute_raw("INSERT INTO users (name) SELECT pg_sleep(10)::text")
    await session.insert(User(name="Grace"))
    assert [user.name for user in await session.query(User).all()] == ["Grace"]


async def test_what_a_sandbox_cannot_do_names_the_way_out(session: AsyncSession) -> None:
    with pytest.raises(UsageError, match='isolation="database"'):
        async with session.begin(isolation="serializable") as tx:
            await tx.flush()
            await tx.execute_raw("SELECT 1")
    with pytest.raises(UsageError, match="second connection"):
        async with session.begin() as tx:
            await tx.insert(User(name="Ada"))
            await session.engine.execute("SELECT 1")
    with pytest.raises(DatabaseError) as refused:
        await session.execute_raw("VACUUM")
    assert 'isolation="database"' in refused.value.__notes__[0]
    assert await session.query(User).count() == 0


async def test_a_lost_connection_ends_the_test(session: AsyncSession) -> None:
    await session.insert(User(name="Ada"))
    with pytest.raises(DatabaseError):
        await session.execute_raw("SELECT pg_terminate_backend(pg_backend_pid())")
    with pytest.raises(UsageError, match="connection of the test was closed"):
        await session.query(User).count()


async def test_create_all_finds_everything_in_place(session: AsyncSession) -> None:
    await session.insert(User(name="Ada"))
    await session.engine.create_all()
    assert await session.query(User).count() == 1


async def test_a_sandbox_adds_one_round_trip_after_a_write(
    session: AsyncSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And none to a read, or to a block as such."""
    await session.query(User).count()
    pool: Any = session.engine.pool
    (connection,) = pool._opened_at
    connection.sandbox.deferring = ""
    scripts: list[str] = []
    send = Connection.script

    async def script(self: Connection, sql: str, timeout: float | None = None) -> str:
        scripts.append(sql)
        return await send(self, sql, timeout)

    monkeypatch.setattr(Connection, "script", script)
    with capture_statements(session.engine) as sent:
        await session.query(User).count()
        await session.query(User).all()
        assert len(scripts) == 0
        async with session.begin() as tx:
            await tx.insert(User(name="Ada"))
            await tx.insert(User(name="Bob"))
        assert scripts == ["SET CONSTRAINTS ALL IMMEDIATE"]
        await session.query(User).count()
        await session.query(User).all()
        assert len(scripts) == 2
        await session.insert(User(name="Eve"))
        await session.insert(User(name="Joe"))
    assert len(scripts) == 3
    summaries = [event.summary for event in sent]
    assert summaries == [*["SELECT users"] * 2, *["INSERT users"] * 2] * 2
