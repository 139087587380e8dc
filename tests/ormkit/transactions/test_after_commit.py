"""What runs after a COMMIT: every callback, once, and never the transaction again."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest

from examples.blog.db import Tag, User
from ormkit import (
    AfterCommitError,
    AsyncSession,
    Engine,
    RetryableError,
    SerializationFailure,
    Transaction,
    UniqueViolation,
)


async def conflict(engine: Engine) -> None:
    """Run into a serialization failure, in a transaction of its own."""
    await engine.execute("INSERT INTO tags (name) VALUES ('fought over') ON CONFLICT DO NOTHING")
    async with engine.transaction(isolation="serializable") as tx:
        await tx.execute_raw("SELECT name FROM tags")
        await engine.execute("UPDATE tags SET name = name WHERE name = 'fought over'")
        await tx.execute_raw("UPDATE tags SET name = name WHERE name = 'fought over'")


async def test_a_callback_that_meets_a_conflict_repeats_nothing(
    session: AsyncSession, engine: Engine
) -> None:
    async def work(tx: Transaction) -> None:
        tx.add(User(name="Ada"))
        tx.after_commit(lambda: conflict(engine))

    for run in (session.run, engine.run):
        with pytest.raises(AfterCommitError, match="is committed") as caught:
            await run(work)
        assert not isinstance(caught.value, RetryableError)
        assert isinstance(caught.value.__cause__, SerializationFailure)
        assert caught.value.errors == (caught.value.__cause__,)
    assert await session.query(User).count() == 2


async def test_a_callback_that_raises_drops_no_other(session: AsyncSession) -> None:
    called: list[str] = []

    async def later() -> None:
        await asyncio.sleep(0)
        called.append("later")

    def fail() -> None:
        raise ValueError("a value")

    with pytest.raises(AfterCommitError) as caught:
        async with session.begin() as tx:
            tx.add(User(name="Ada"))
            tx.after_commit(fail)
            tx.after_commit(lambda: called.append("first"))
            async with tx.begin() as inner:
                inner.after_commit(lambda: 1 / 0)  # type: ignore[arg-type, return-value]
            tx.after_commit(later)
    assert called == ["first", "later"]
    assert isinstance(caught.value.__cause__, ExceptionGroup)
    assert [type(each) for each in caught.value.errors] == [ValueError, ZeroDivisionError]
    assert "a value" not in str(caught.value)
    assert tx.is_committed
    assert await session.query(User).count() == 1


async def test_an_explicit_commit_says_so_too(session: AsyncSession) -> None:
    with pytest.raises(AfterCommitError):
        async with session.begin() as tx:
            tx.add(User(name="Ada"))
            tx.after_commit(lambda: [][0])
            await tx.commit()
    assert await session.query(User).count() == 1


async def test_a_function_that_committed_by_itself_is_not_run_again(
    session: AsyncSession, engine: Engine
) -> None:
    async def work(tx: Transaction) -> None:
        await tx.insert(User(name="Ada"))
        await tx.commit()
        await conflict(engine)

    with pytest.raises(AfterCommitError) as caught:
        await session.run(work)
    assert isinstance(caught.value.__cause__, SerializationFailure)
    assert await session.query(User).count() == 1


async def test_a_transaction_around_is_not_run_again_either(
    session: AsyncSession, engine: Engine
) -> None:
    runs = 0

    async def work(tx: Transaction) -> None:
        nonlocal runs
        runs += 1
        async with engine.transaction() as other:
            await other.insert(Tag(name="once"))
            other.after_commit(lambda: conflict(engine))

    with pytest.raises(AfterCommitError):
        await session.run(work)
    assert runs == 1


async def test_a_transaction_that_was_rolled_back_is_still_run_again(
    session: AsyncSession, engine: Engine
) -> None:
    runs = 0

    async def work(tx: Transaction) -> None:
        nonlocal runs
        runs += 1
        await tx.insert(User(name="Ada"))
        if runs == 1:
            await tx.rollback()
            await conflict(engine)

    await session.run(work)
    assert runs == 2
    assert await session.query(User).count() == 1


@pytest.mark.slow
async def test_a_cancelled_callback_drops_no_other(session: AsyncSession) -> None:
    called: list[str] = []

    async def work() -> None:
        async with session.begin() as tx:
            tx.add(User(name="Ada"))
            tx.after_commit(lambda: asyncio.sleep(60))
            tx.after_commit(lambda: called.append("called"))
            tx.after_commit(lambda: [][0])

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await work()
    assert called == ["called"]
    assert await session.query(User).count() == 1


async def test_what_fails_before_the_commit_is_what_it_was(session: AsyncSession) -> None:
    called: list[str] = []
    await session.insert(Tag(name="taken"))
    with pytest.raises(UniqueViolation):
        async with session.begin() as tx:
            tx.after_commit(lambda: called.append("called"))
            tx.add(Tag(name="taken"))
    assert called == []
    assert not tx.is_committed


@pytest.mark.usefixtures("own_garbage")
@pytest.mark.parametrize("ends", ["commits", "rolls back", "fails"])
async def test_an_ended_transaction_lets_go_of_its_objects(
    session: AsyncSession, ends: str
) -> None:
    def living() -> int:
        gc.collect()
        return sum(isinstance(each, User) for each in gc.get_objects())

    await session.insert(User(name="Ada"))
    before = living()
    held: Any = None
    try:
        async with session.begin() as tx:
            held = tx
            await tx.query(User).all()
            tx.add(User(name="Grace"))
            async with tx.begin():
                await tx.insert(User(name="Linus"))
            assert living() > before
            if ends == "rolls back":
                await tx.rollback()
            if ends == "fails":
                1 / 0  # noqa: B018
    except ZeroDivisionError:
        pass
    assert living() == before
    assert held.is_closed
