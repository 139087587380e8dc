"""Through PgBouncer in transaction mode, where each transaction may meet another backend."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from examples.blog.db import Post, Tag, User
from ormkit import AsyncSession, Engine, UniqueViolation, selectinload
from tests.reliability.bank import Bank
from tests.reliability.bouncer import PROGRAM, Bouncer
from tests.reliability.pool_state import settled
from tests.reliability.storms import work_off

pytestmark = [
    pytest.mark.skipif(PROGRAM is None, reason="pgbouncer is not installed"),
    pytest.mark.one_interpreter,
]


@pytest.fixture
async def engine(bouncer: Bouncer, blog_url: str) -> AsyncIterator[Engine]:
    async with bouncer.engine(blog_url) as engine:
        yield engine


async def test_reads_writes_and_transactions_pass_through(engine: Engine) -> None:
    session = AsyncSession(engine)
    ada = await session.insert(User(name="Ada", age=36))
    await session.insert_all([Post(title=f"post {n}", author_id=ada.id) for n in range(3)])
    async with session.begin() as tx:
        tx.add(Tag(name="kept"))
        with pytest.raises(UniqueViolation):
            async with session.begin() as inner:
                await inner.insert_all([Tag(name="kept"), Tag(name="kept")])
        await tx.update(ada, age=37)
    users = await session.query(User).options(selectinload("posts")).all()
    assert [(user.age, len(user.posts)) for user in users] == [(37, 3)]
    assert await session.query(Tag).count() == 1
    await settled(engine)


async def test_more_tasks_than_backends_take_turns_statement_by_statement(engine: Engine) -> None:
    session = AsyncSession(engine)
    await session.insert_all([Tag(name=f"tag {n}") for n in range(20)])

    async def work(number: int) -> str:
        tag = await session.query(Tag).filter(name=f"tag {number % 20}").one()
        assert (await engine.execute("SELECT $1::int + 1", [number])).scalar() == number + 1
        return tag.name

    names = await asyncio.gather(*(work(number) for number in range(300)))
    assert names == [f"tag {number % 20}" for number in range(300)]


async def test_money_is_conserved_through_it(engine: Engine) -> None:
    bank = Bank(engine)
    await bank.open()
    await work_off(200, 20, lambda number: bank.transfer())
    assert await bank.audit() == 0


async def test_a_cancelled_statement_poisons_no_backend(engine: Engine) -> None:
    for _ in range(5):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await engine.execute("SELECT pg_sleep(10)")
        assert (await engine.execute("SELECT 1")).scalar() == 1
    await settled(engine)


async def test_nothing_is_left_prepared_on_the_backends(engine: Engine) -> None:
    """A second process would meet its names, and the backends' memory would grow."""
    session = AsyncSession(engine)

    async def work() -> int:
        await session.query(Tag).all()
        async with session.begin() as tx:
            await tx.query(User).count()
        left: int = (await engine.execute("SELECT count(*) FROM pg_prepared_statements")).scalar()
        return left

    assert await asyncio.gather(*(work() for _ in range(20))) == [0] * 20
