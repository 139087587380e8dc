"""Streams through a cursor of the server."""

from __future__ import annotations

import asyncio
import tracemalloc
from typing import Any

import pytest

from examples.blog.db import Post, User
from ormkit import AsyncSession, Engine, InvalidValue, joinedload, selectinload
from tests.reliability.pool_state import settled
from tests.statements import Statements


@pytest.fixture
async def users(session: AsyncSession) -> list[User]:
    return await session.insert_all([User(name=str(n), age=n) for n in range(10)])


async def is_at_rest(engine: Engine) -> bool:
    """Return whether every connection comes back, and no transaction stays open.

    A pooler may end a transaction some time after its client has gone on.
    """
    await settled(engine)
    for _ in range(500):
        open_ones = await engine.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND state LIKE 'idle in transaction%'"
        )
        if open_ones.scalar() == 0:
            return True
        await asyncio.sleep(0.02)
    return False


async def test_a_stream_yields_every_object_in_order(
    session: AsyncSession, engine: Engine, users: list[User]
) -> None:
    for chunk in (1, 3, 10, 1000):
        query = session.query(User).filter(age__lt=9).order_by("-age")
        found = [user.age async for user in query.stream(chunk=chunk)]
        assert found == list(range(8, -1, -1))
    assert await is_at_rest(engine)


async def test_a_stream_loads_relationships_for_each_chunk(
    session: AsyncSession, engine: Engine, users: list[User]
) -> None:
    await session.insert_all([Post(author=user, title=user.name) for user in users])
    query = session.query(User).options(selectinload("posts").joinedload("author")).order_by("id")
    with Statements(engine) as sent:
        titles = [user.posts[0].title async for user in query.stream(chunk=4)]
    assert titles == [user.name for user in users]
    assert len([text for text in sent if text.startswith("SELECT posts.")]) == 3
    joined = session.query(Post).options(joinedload("author")).order_by("id")
    assert [post.author.name async for post in joined.stream(chunk=3)] == titles


async def test_a_stream_of_values_and_of_pairs(session: AsyncSession, users: list[User]) -> None:
    query = session.query(User).order_by("id")
    assert [row async for row in query.values_list(User.name, User.age).stream(chunk=4)] == [
        (str(n), n) for n in range(10)
    ]
    assert [age async for age in query.scalars(User.age).stream(chunk=1)] == list(range(10))
    assert [row async for row in query.values("age").stream()][3] == {"age": 3}
    assert [n async for _, n in query.with_values(User.age + 1).stream(chunk=3)] == list(
        range(1, 11)
    )


async def test_chunks_come_as_lists(session: AsyncSession, users: list[User]) -> None:
    stream = session.query(User).stream(chunk=4)
    assert [len(chunk) async for chunk in stream.chunks()] == [4, 4, 2]


async def test_a_stream_left_early_gives_its_connection_back(
    session: AsyncSession, engine: Engine, users: list[User]
) -> None:
    async with session.query(User).stream(chunk=2) as stream:
        async for _ in stream:
            assert engine.pool.idle < engine.pool.size
            break
    assert await is_at_rest(engine)
    async for _ in session.query(User).stream(chunk=2):
        break
    assert await is_at_rest(engine)
    with pytest.raises(ZeroDivisionError):
        async for _ in session.query(User).stream(chunk=2):
            raise ZeroDivisionError
    assert await is_at_rest(engine)


async def test_a_stream_that_is_cancelled_gives_its_connection_back(
    session: AsyncSession, engine: Engine, users: list[User]
) -> None:
    async def read() -> None:
        async for _ in session.query(User).stream(chunk=1):
            await asyncio.sleep(0)

    for ticks in range(30):
        task = asyncio.create_task(read())
        for _ in range(ticks):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert await is_at_rest(engine)
    assert len(await session.query(User).all()) == 10


async def test_a_stream_in_a_transaction_sees_it_and_leaves_it_open(
    session: AsyncSession, engine: Engine, users: list[User]
) -> None:
    async with session.begin() as tx:
        tx.add(User(name="new", age=99))
        found: list[Any] = []
        async for user in tx.query(User).order_by("id").stream(chunk=3):
            found.append(user.name)
            # The same connection serves other statements in between.
            assert await tx.query(User).filter(id=user.id).count() == 1
        assert found[-1] == "new"
        await tx.insert(User(name="more"))
    assert await session.query(User).count() == 12


async def test_an_error_within_a_stream_is_the_servers(
    session: AsyncSession, engine: Engine, users: list[User]
) -> None:
    with pytest.raises(Exception, match="division by zero") as caught:
        async for _ in session.query(User).scalars(10 / User.age).stream(chunk=2):
            pass
    assert type(caught.value).__module__ == "ormkit.errors"
    for wrong in (0, -1, True, "10", None):
        size: Any = wrong
        with pytest.raises(InvalidValue, match="chunk"):
            async for _ in session.query(User).stream(chunk=size):
                pass
    with pytest.raises(InvalidValue, match=r"User\.age"):
        async for _ in session.query(User).filter(User.age == "x").stream():  # type: ignore[operator]
            pass
    assert await is_at_rest(engine)


@pytest.mark.slow
async def test_a_stream_holds_a_chunk_and_not_the_table(
    session: AsyncSession, engine: Engine
) -> None:
    await engine.execute(
        "INSERT INTO users (name, role, status, settings) "
        "SELECT repeat('x', 100), 'r', 's', '{}' FROM generate_series(1, 20000)"
    )
    tracemalloc.start()
    try:
        count = 0
        async for _ in session.query(User).stream(chunk=200):
            count += 1
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 20_000
    # All of them together take more than 20 MiB.
    assert peak < 3 * 2**20


async def test_batch_size_is_another_name_for_chunk(
    session: AsyncSession, users: list[User]
) -> None:
    stream = session.query(User).stream(batch_size=4)
    assert [len(chunk) async for chunk in stream.chunks()] == [4, 4, 2]
    ages = session.query(User).scalars(User.age).stream(batch_size=4)
    assert [len(chunk) async for chunk in ages.chunks()] == [4, 4, 2]
    with pytest.raises(InvalidValue, match="chunk must be a whole number"):
        async for _ in session.query(User).stream(batch_size=0):
            pass
