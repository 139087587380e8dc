"""A session bound to a block, for the code below it."""

from __future__ import annotations

import asyncio

import pytest

from examples.blog.db import Tag
from ormkit import AsyncSession, Engine, UsageError, create_engine, current_session, session_context


async def store(name: str) -> None:
    await asyncio.sleep(0)
    await current_session().insert(Tag(name=name))


async def test_code_below_gets_the_session_of_the_block(engine: Engine) -> None:
    async with session_context(engine) as session:
        assert current_session() is session
        async with session_context(engine) as inner:
            assert current_session() is inner
        assert current_session() is session
        await store("a")
    assert await AsyncSession(engine).query(Tag).count() == 1


async def test_without_a_block_there_is_no_session(engine: Engine) -> None:
    with pytest.raises(UsageError, match="enter `async with session_context"):
        current_session()
    with pytest.raises(RuntimeError):
        async with session_context(engine):
            raise RuntimeError
    with pytest.raises(UsageError):
        current_session()


async def test_concurrent_tasks_each_have_their_own(engine: Engine, blog_url: str) -> None:
    async def handle(engine: Engine, name: str) -> AsyncSession:
        async with session_context(engine) as session:
            await store(name)
            assert current_session() is session
            return session

    async with await create_engine(blog_url) as other:
        handled = [handle((engine, other)[n % 2], f"{n}") for n in range(10)]
        sessions = await asyncio.gather(*handled)
    assert len({id(session) for session in sessions}) == 10
    assert {session.engine for session in sessions} == {engine, other}
    with pytest.raises(UsageError):
        current_session()


async def test_tasks_started_inside_see_it(engine: Engine) -> None:
    async with session_context(engine):
        await asyncio.gather(store("a"), store("b"))
        assert await current_session().query(Tag).count() == 2


async def test_the_block_is_no_transaction_and_begin_is(engine: Engine) -> None:
    with pytest.raises(RuntimeError):
        async with session_context(engine) as session:
            await store("kept")
            async with session.begin():
                await store("undone")
                raise RuntimeError
    assert [tag.name for tag in await AsyncSession(engine).query(Tag).all()] == ["kept"]


async def test_it_may_be_left_in_another_context(engine: Engine) -> None:
    block = session_context(engine)
    await asyncio.create_task(block.__aenter__())
    await block.__aexit__(None, None, None)
    with pytest.raises(UsageError):
        current_session()
