"""Transactions that are run again: what is repeated, and what is not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from examples.blog.db import Tag, User
from ormkit import (
    AsyncSession,
    CommitUnknown,
    ConfigurationError,
    DeadlockDetected,
    Engine,
    OperationalError,
    SerializationFailure,
    StatementError,
    Transaction,
    UsageError,
    create_engine,
)
from ormkit.transactions import retries
from ormkit.transactions.retries import FIRST_DELAY, LONGEST_DELAY, delay_before
from tests.proxy import Proxy

ON_CALL = "SELECT count(*) FROM doctors WHERE is_on_call"


@pytest.fixture
async def doctors(database_url: str) -> AsyncIterator[Engine]:
    """An engine on a table of two doctors on call, of whom one must stay."""
    async with await create_engine(database_url, max_connections=5) as engine:
        await engine.execute("CREATE TABLE doctors (id int PRIMARY KEY, is_on_call bool)")
        await engine.execute("INSERT INTO doctors VALUES (1, true), (2, true)")
        yield engine


class Leaving:
    """Two doctors who each leave if the other stays, and look at the same time at first."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.runs = 0
        self._looked = asyncio.Barrier(2)

    async def leave(self, doctor: int, retries: int = 3) -> bool:
        is_first = True

        async def work(tx: Transaction) -> bool:
            nonlocal is_first
            self.runs += 1
            on_call = (await tx.execute_raw(ON_CALL)).scalar()
            if is_first:
                is_first = False
                await self._looked.wait()
            if on_call < 2:
                return False
            await tx.execute_raw("UPDATE doctors SET is_on_call = false WHERE id = $1", [doctor])
            return True

        return await self.engine.run(work, isolation="serializable", retries=retries)


async def test_write_skew_is_run_again_until_it_is_serial(doctors: Engine) -> None:
    leaving = Leaving(doctors)
    left = await asyncio.gather(leaving.leave(1), leaving.leave(2))
    assert sorted(left) == [False, True]
    assert leaving.runs >= 3
    assert (await doctors.execute(ON_CALL)).scalar() == 1


async def test_without_retries_the_failure_comes_out(doctors: Engine) -> None:
    leaving = Leaving(doctors)
    left = await asyncio.gather(
        leaving.leave(1, retries=0), leaving.leave(2, retries=0), return_exceptions=True
    )
    assert sorted(type(each).__name__ for each in left) == ["SerializationFailure", "bool"]
    assert leaving.runs == 2


@pytest.mark.slow
async def test_a_deadlock_is_run_again(doctors: Engine) -> None:
    both_hold = asyncio.Barrier(2)
    runs = 0

    async def swap(first: int, second: int) -> None:
        is_first = True

        async def work(tx: Transaction) -> None:
            nonlocal is_first, runs
            runs += 1
            for doctor in (first, second):
                await tx.execute_raw(
                    "UPDATE doctors SET is_on_call = NOT is_on_call WHERE id = $1", [doctor]
                )
                if is_first:
                    is_first = False
                    await both_hold.wait()

        await doctors.run(work)

    await asyncio.gather(swap(1, 2), swap(2, 1))
    assert runs == 3
    assert (await doctors.execute(ON_CALL)).scalar() == 2


async def test_a_failure_of_the_commit_itself_is_run_again(doctors: Engine) -> None:
    await doctors.execute(
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN "
        "IF NEW.id < 5 THEN RAISE EXCEPTION 'again' USING ERRCODE = '40001'; END IF; "
        "RETURN NULL; END$$"
    )
    await doctors.execute(
        "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON doctors "
        "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fail()"
    )
    tried: list[int] = []

    async def work(tx: Transaction) -> str:
        tried.append(3 + len(tried))
        await tx.execute_raw("INSERT INTO doctors VALUES ($1, true)", [tried[-1]])
        return "done"

    assert await doctors.run(work) == "done"
    assert tried == [3, 4, 5]
    assert (await doctors.execute(ON_CALL)).scalar() == 3


async def test_it_is_run_again_so_often_and_no_more(doctors: Engine) -> None:
    runs = 0

    async def work(tx: Transaction) -> None:
        nonlocal runs
        runs += 1
        await tx.execute_raw("DO $$BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40P01'; END$$")

    with pytest.raises(DeadlockDetected):
        await doctors.run(work, retries=2)
    assert runs == 3


@pytest.mark.parametrize("error", [StatementError("x"), RuntimeError("x"), CommitUnknown("x")])
async def test_other_errors_pass_through_at_once(engine: Engine, error: Exception) -> None:
    runs = 0

    async def work(tx: Transaction) -> None:
        nonlocal runs
        runs += 1
        await tx.insert(Tag(name="t"))
        raise error

    with pytest.raises(type(error)):
        await engine.run(work)
    assert runs == 1
    assert (await engine.execute("SELECT count(*) FROM tags")).scalar() == 0


async def test_a_transaction_that_may_be_committed_is_never_repeated(blog_url: str) -> None:
    runs = 0

    async def work(tx: Transaction) -> None:
        nonlocal runs
        runs += 1
        await tx.insert(Tag(name=f"{runs}"))

    async with Proxy(blog_url) as proxy, await create_engine(proxy.url) as engine:
        proxy.cut(b"COMMIT")
        with pytest.raises(CommitUnknown):
            await engine.run(work)
    assert runs == 1


async def test_an_unknown_completion_that_the_server_reports_is_not_repeated(
    engine: Engine,
) -> None:
    with pytest.raises(OperationalError) as caught:
        await engine.execute("DO $$BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40003'; END$$")
    assert caught.value.sqlstate == "40003"


async def test_the_session_takes_part_and_each_run_starts_afresh(session: AsyncSession) -> None:
    called: list[str] = []

    async def work(tx: Transaction) -> int:
        tx.add(User(name="Ada"))
        tx.after_commit(lambda: called.append("committed"))
        await session.insert(User(name="Grace"))
        if len(called) == 0:
            called.append("failed")
            raise SerializationFailure("again")
        return await session.query(User).count()

    assert await session.run(work, isolation="repeatable read") == 2
    assert called == ["failed", "committed"]


async def test_a_part_of_a_transaction_is_not_run_on_its_own(session: AsyncSession) -> None:
    async def work(tx: Transaction) -> None: ...

    async with session.begin():
        with pytest.raises(UsageError, match="cannot repeat a part"):
            await session.run(work)


@pytest.mark.parametrize("number", [-1, 1.5, None, True])
async def test_retries_is_a_number(engine: Engine, number: int) -> None:
    async def work(tx: Transaction) -> None: ...

    with pytest.raises(ConfigurationError, match="retries="):
        await engine.run(work, retries=number)


def test_waits_grow_are_spread_and_have_a_limit() -> None:
    for repetition, longest in ((0, FIRST_DELAY), (3, FIRST_DELAY * 8), (2000, LONGEST_DELAY)):
        waits = [delay_before(repetition) for _ in range(500)]
        assert 0 <= min(waits) < longest * 0.1
        assert longest * 0.9 < max(waits) <= longest


async def test_no_connection_is_held_while_waiting(
    blog_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    idle: list[int] = []

    async with await create_engine(blog_url, max_connections=1) as engine:

        def look(repetition: int) -> float:
            idle.append(engine.pool.idle)
            return 0

        async def work(tx: Transaction) -> None:
            await tx.execute_raw("SELECT 1")
            if not idle:
                raise SerializationFailure("again")

        monkeypatch.setattr(retries, "delay_before", look)
        await engine.run(work)
    assert idle == [1]
