"""Transactions: what stays, what goes, and who takes part."""

from __future__ import annotations

import asyncio

import pytest

from examples.blog.db import AuditLog, Post, Tag, User
from ormkit import (
    AsyncSession,
    ConfigurationError,
    Engine,
    SerializationFailure,
    StatementError,
    TransactionClosed,
    TransactionFailed,
    UniqueViolation,
    UsageError,
)
from tests.statements import Statements


async def test_a_block_commits_what_was_added(session: AsyncSession) -> None:
    async with session.begin() as tx:
        user = User(name="Ada")
        tx.add(user)
        tx.add(AuditLog(action="user_created"))
    assert user.id == 1
    assert await session.query(User).count() == 1
    assert await session.query(AuditLog).count() == 1


async def test_what_was_added_goes_out_as_one_statement_a_model_parents_first(
    session: AsyncSession, engine: Engine
) -> None:
    with Statements(engine) as sent:
        async with session.begin() as tx:
            for number in range(3):
                author = User(name=f"{number}")
                tx.add(AuditLog(action="created"))
                tx.add(author)
            tx.add(Tag(name="t"))
    tables = [sql.split()[2] for sql in sent if sql.startswith(("INSERT", "MERGE"))]
    assert sorted(tables) == ["audit_log", "tags", "users"]
    assert (sent[0], sent[-1]) == ("BEGIN", "COMMIT")


async def test_objects_may_refer_to_each_other_before_they_have_keys(
    session: AsyncSession,
) -> None:
    async with session.begin() as tx:
        author = User(name="Ada")
        post = Post(author=author, title="t")
        tx.add(post)
        tx.add(author)
    assert post.author_id == author.id


async def test_an_error_undoes_the_block(session: AsyncSession) -> None:
    with pytest.raises(RuntimeError):
        async with session.begin() as tx:
            await tx.insert(User(name="Ada"))
            raise RuntimeError
    assert await session.query(User).count() == 0


async def test_an_error_of_the_commit_undoes_the_block(session: AsyncSession) -> None:
    with pytest.raises(UniqueViolation):
        async with session.begin() as tx:
            tx.add(AuditLog(action="kept?"))
            tx.add(User(name="a", email="x"))
            tx.add(User(name="b", email="x"))
    assert await session.query(AuditLog).count() == 0


async def test_a_block_without_statements_sends_nothing(
    session: AsyncSession, engine: Engine
) -> None:
    with Statements(engine) as sent:
        async with session.begin():
            pass
    assert sent == []


async def test_the_sessions_own_methods_take_part(session: AsyncSession) -> None:
    with pytest.raises(RuntimeError):
        async with session.begin() as tx:
            await session.insert(User(name="Ada"))
            assert await tx.query(User).count() == 1
            assert await AsyncSession(session.engine).query(User).count() == 0
            raise RuntimeError
    assert await session.query(User).count() == 0


async def test_reads_see_what_was_added(session: AsyncSession) -> None:
    async with session.begin() as tx:
        tx.add(User(name="Ada"))
        assert await tx.query(User).filter(name="Ada").exists()


async def test_tasks_that_share_a_session_do_not_see_each_others_transaction(
    session: AsyncSession,
) -> None:
    inserted, looked = asyncio.Event(), asyncio.Event()

    async def writer() -> None:
        async with session.begin() as tx:
            await tx.insert(User(name="Ada"))
            inserted.set()
            await looked.wait()

    async def reader() -> int:
        await inserted.wait()
        count = await session.query(User).count()
        looked.set()
        return count

    _, seen = await asyncio.gather(writer(), reader())
    assert seen == 0
    assert await session.query(User).count() == 1


async def test_tasks_started_inside_take_turns_on_the_connection(session: AsyncSession) -> None:
    async with session.begin() as tx:
        await asyncio.gather(*(tx.insert(User(name=f"{n}")) for n in range(10)))
        assert await tx.query(User).count() == 10


async def test_a_nested_block_is_a_savepoint(session: AsyncSession) -> None:
    async with session.begin() as tx:
        await tx.insert(User(name="outer"))
        with pytest.raises(RuntimeError):
            async with session.begin() as inner:
                await inner.insert(User(name="inner"))
                async with session.begin() as innermost:
                    await innermost.insert(User(name="innermost"))
                raise RuntimeError
        async with session.begin() as again:
            await again.insert(User(name="again"))
    names = [user.name for user in await session.query(User).order_by("id").all()]
    assert names == ["outer", "again"]


async def test_a_savepoint_saves_the_transaction_from_a_failed_statement(
    session: AsyncSession,
) -> None:
    async with session.begin() as tx:
        await tx.insert(User(name="a", email="x"))
        with pytest.raises(UniqueViolation):
            async with session.begin():
                await session.insert(User(name="b", email="x"))
        await tx.insert(User(name="c"))
    assert await session.query(User).count() == 2


async def test_a_caught_failure_is_not_reported_as_a_commit(session: AsyncSession) -> None:
    with pytest.raises(TransactionFailed, match="the transaction was rolled back"):
        async with session.begin() as tx:
            await tx.insert(User(name="a"))
            with pytest.raises(StatementError):
                await tx.execute_raw("SELECT nonsense")
    assert await session.query(User).count() == 0


async def test_the_outer_transactions_object_takes_part_in_a_nested_block(
    session: AsyncSession,
) -> None:
    async with session.begin() as tx:
        await tx.insert(User(name="outer"))
        with pytest.raises(RuntimeError):
            async with session.begin(), session.begin():
                await tx.insert(User(name="sent in the innermost block"))
                tx.add(User(name="added in the innermost block"))
                raise RuntimeError
        with pytest.raises(RuntimeError):
            async with session.begin():
                tx.add(User(name="added in the block"))
                raise RuntimeError
        async with session.begin():
            tx.add(User(name="kept"))
        await tx.insert(User(name="after"))
    names = [user.name for user in await session.query(User).order_by("id").all()]
    assert names == ["outer", "kept", "after"]


async def test_a_failure_caught_inside_a_nested_block_undoes_that_block_alone(
    session: AsyncSession,
) -> None:
    async with session.begin() as tx:
        await tx.insert(User(name="outer"))
        with pytest.raises(TransactionFailed, match="the nested block was rolled back"):
            async with session.begin() as inner:
                await inner.insert(User(name="inner"))
                with pytest.raises(StatementError):
                    await inner.execute_raw("SELECT nonsense")
        await tx.insert(User(name="after"))
    names = [user.name for user in await session.query(User).order_by("id").all()]
    assert names == ["outer", "after"]


async def test_commit_and_rollback_may_come_early(session: AsyncSession) -> None:
    async with session.begin() as tx:
        await tx.insert(User(name="kept"))
        await tx.commit()
        with pytest.raises(TransactionClosed):
            await tx.insert(User(name="too late"))
    async with session.begin() as tx:
        await tx.insert(User(name="undone"))
        await tx.rollback()
    assert [user.name for user in await session.query(User).all()] == ["kept"]


async def test_callbacks_run_after_the_outermost_commit_only(session: AsyncSession) -> None:
    called: list[str] = []

    async def later() -> None:
        called.append("outer")

    async with session.begin() as tx:
        tx.after_commit(later)
        async with session.begin() as inner:
            inner.after_commit(lambda: called.append("inner"))
        with pytest.raises(RuntimeError):
            async with session.begin() as undone:
                undone.after_commit(lambda: called.append("undone"))
                raise RuntimeError
        assert called == []
    assert called == ["outer", "inner"]


async def test_options_reach_the_server(session: AsyncSession) -> None:
    async with session.begin(isolation="serializable", read_only=True, deferrable=True) as tx:
        shown = await tx.execute_raw(
            "SELECT current_setting('transaction_isolation'), "
            "current_setting('transaction_read_only'), current_setting('transaction_deferrable')"
        )
    assert shown.tuples() == [("serializable", "on", "on")]


async def test_unknown_isolation_and_options_of_a_savepoint_are_refused(
    session: AsyncSession,
) -> None:
    with pytest.raises(ConfigurationError, match="isolation='none'"):
        session.begin(isolation="none")  # type: ignore[arg-type]
    async with session.begin():
        with pytest.raises(ConfigurationError, match="savepoint"):
            async with session.begin(read_only=True):
                pass


async def test_a_lost_update_is_a_serialization_failure(session: AsyncSession) -> None:
    user = await session.insert(User(name="Ada", age=1))
    other = AsyncSession(session.engine)
    with pytest.raises(SerializationFailure):
        async with session.begin(isolation="repeatable read") as tx:
            await tx.get(User, user.id)
            await other.query(User).update(age=2)
            await tx.query(User).update(age=3)


async def test_transaction_words_in_raw_sql_are_refused(session: AsyncSession) -> None:
    async with session.begin() as tx:
        for sql in ("COMMIT", " rollback", "SAVEPOINT x", "begin"):
            with pytest.raises(UsageError, match=r"use `async with session\.begin"):
                await tx.execute_raw(sql)


async def test_a_cancelled_block_is_rolled_back_and_gives_its_connection_back(
    session: AsyncSession, engine: Engine
) -> None:
    started = asyncio.Event()

    async def work() -> None:
        async with session.begin() as tx:
            await tx.insert(User(name="Ada"))
            started.set()
            await tx.execute_raw("SELECT pg_sleep(30)")

    task = asyncio.create_task(work())
    await started.wait()
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await session.query(User).count() == 0
    async with asyncio.timeout(10):
        while engine.pool.idle < engine.pool.size:
            await asyncio.sleep(0.01)
    open_ones = await engine.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND state LIKE 'idle in transaction%'"
    )
    assert open_ones.scalar() == 0
