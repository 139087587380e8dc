"""A task cancelled at any of its suspensions leaks and poisons nothing, and leaves nothing open."""

# pyright: reportPrivateUsage=false
from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import count

import pytest

from examples.blog.db import Tag, User
from ormkit import AsyncSession, Engine, create_engine
from tests.reliability.interruption import interrupt
from tests.reliability.pool_state import assert_all_usable, settled
from tests.reliability.works import WORKS, Work, copy_out, seed

OPEN_ONES = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'counted'"


async def stored(session: AsyncSession) -> list[str]:
    """Return the names of the tags that a work has left, and remove them."""
    mine = session.query(Tag).filter(Tag.name != "taken")
    names = await mine.values_list(Tag.name)
    await mine.delete()
    return sorted(name for (name,) in names)


@pytest.fixture
async def engine(blog_url: str) -> AsyncIterator[Engine]:
    """An engine of one connection, which whoever leaks it would wait for in vain."""
    async with await create_engine(
        blog_url, min_connections=0, max_connections=1, acquire_timeout=3
    ) as engine:
        await seed(AsyncSession(engine))
        yield engine


@pytest.mark.parametrize("is_late", [False, True], ids=["waiting", "answered"])
@pytest.mark.parametrize("work", WORKS, ids=lambda work: work.__name__)
async def test_cancelled_at_any_suspension_all_is_as_before(
    engine: Engine, work: Work, *, is_late: bool
) -> None:
    session = AsyncSession(engine)
    for number in count():
        was_cut = await interrupt(work(session), number, is_late=is_late)
        await assert_all_usable(engine)
        names = await stored(session)
        if not was_cut:
            break
        assert names in ([], WORKS[work])
    assert names == WORKS[work]
    assert number > 0


@pytest.mark.one_interpreter
@pytest.mark.parametrize("is_late", [False, True], ids=["waiting", "answered"])
@pytest.mark.parametrize("work", WORKS, ids=lambda work: work.__name__)
async def test_cancelled_where_the_connection_is_new_or_waited_for_the_next_one_gets_it(
    blog_url: str, work: Work, *, is_late: bool
) -> None:
    """A connection to open, statements to prepare, or a place in the line to give up."""
    number, goes_on = 0, True
    while goes_on:
        async with await create_engine(
            blog_url, min_connections=number % 2, max_connections=1, acquire_timeout=3
        ) as engine:
            session = AsyncSession(engine)
            await seed(session) if number == 0 else None
            taken = await engine.pool.acquire() if number % 3 == 0 else None
            first = asyncio.create_task(
                interrupt(work(session), number // 2, is_late=is_late), name="first"
            )
            await asyncio.sleep(0)
            second = asyncio.create_task(session.query(Tag).filter(name="taken").count())
            await asyncio.sleep(0)
            if taken is not None:
                engine.pool.give(taken)
            goes_on = await first
            assert await second == 1
            await settled(engine)
            # A COPY that was cut between two pieces may have taken its connection along.
            fewest = 0 if work is copy_out and is_late else 1
            assert fewest <= engine.pool.size <= 1
            await assert_all_usable(engine)
            assert await stored(session) in ([], WORKS[work])
        number += 1
    assert number > 2


@pytest.mark.parametrize("work", WORKS, ids=lambda work: work.__name__)
async def test_a_timeout_at_any_moment_leaves_all_as_before(engine: Engine, work: Work) -> None:
    session = AsyncSession(engine)
    for number in count():
        try:
            async with asyncio.timeout(number * 0.0005):
                await work(session)
        except TimeoutError:
            is_late = True
        else:
            is_late = False
        await assert_all_usable(engine)
        names = await stored(session)
        if not is_late:
            break
        assert names in ([], WORKS[work])
    assert names == WORKS[work]


@pytest.mark.parametrize("work", WORKS, ids=lambda work: work.__name__)
async def test_what_a_task_group_cancels_leaves_all_as_before(engine: Engine, work: Work) -> None:
    session = AsyncSession(engine)

    async def fail(steps: int) -> None:
        for _ in range(steps):
            await asyncio.sleep(0)
        raise KeyError

    for steps in range(0, 40, 3):
        with pytest.raises(ExceptionGroup) as caught:
            async with asyncio.TaskGroup() as group:
                group.create_task(work(session))
                group.create_task(fail(steps))
        # No error of a connection that was cut short stands beside the one that is the cause.
        assert [type(each) for each in caught.value.exceptions] == [KeyError]
        await assert_all_usable(engine)
        assert await stored(session) in ([], WORKS[work])


async def test_a_transaction_that_was_cut_short_keeps_its_connection(engine: Engine) -> None:
    """The server has ended it, and answers nothing but its ROLLBACK."""
    session = AsyncSession(engine)
    (born,) = engine.pool._opened_at
    for _ in range(5):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02), session.begin() as tx:
                await tx.execute_raw("SELECT pg_sleep(10)")
        await assert_all_usable(engine)
        assert list(engine.pool._opened_at) == [born]


@pytest.mark.usefixtures("reader")
async def test_a_stream_that_is_cancelled_at_any_suspension_keeps_its_connection(
    blog_url: str,
) -> None:
    """The answer of the command that was cancelled arrives after the stream has ended."""
    async with await create_engine(blog_url, max_connections=1) as engine:
        session = AsyncSession(engine)

        async def read() -> None:
            async for _ in session.query(User).stream(chunk=1):
                pass

        await session.insert_all([User(name=str(n), age=n) for n in range(3)])
        (born,) = engine.pool._opened_at
        for steps in range(40):
            task = asyncio.create_task(read())
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert await session.query(User).count() == 3
            assert list(engine.pool._opened_at) == [born]


@pytest.mark.parametrize("keys", [(1, 2, 3, 4, 5), (1, 1, 1, 1, 1)], ids=["several", "one"])
async def test_lookups_end_where_all_who_share_them_have_given_up(
    blog_url: str, keys: tuple[int, ...]
) -> None:
    """Two statements of a model fly at most: they would hold up all lookups that come later."""
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    async with (
        await create_engine(blog_url, max_connections=4) as engine,
        await create_engine(blog_url, max_connections=2) as other,
    ):
        session = AsyncSession(engine)
        await seed(session)

        async def look_up(key: int, seconds: float) -> None:
            async with asyncio.timeout(seconds):
                await session.get(User, key)

        async with other.transaction() as tx:
            await tx.execute_raw("LOCK TABLE users")
            # The first two fly alone; when they give up, the others go out together.
            patience = (0.1, 0.1, 0.2, 0.2, 0.2)
            lookups = [look_up(key, each) for key, each in zip(keys, patience, strict=True)]
            ends = await asyncio.gather(*lookups, return_exceptions=True)
            assert [type(end) for end in ends] == [TimeoutError] * 5
            async with asyncio.timeout(2):
                while (await other.execute(waiting)).scalar():
                    await asyncio.sleep(0.01)
        await assert_all_usable(engine)
        await asyncio.gather(*(look_up(key, 2) for key in keys))


@pytest.mark.parametrize("is_late", [False, True], ids=["waiting", "answered"])
async def test_an_engine_whose_start_is_cancelled_leaves_no_connection(
    blog_url: str, *, is_late: bool
) -> None:
    made: list[Engine] = []

    async def start() -> None:
        made.append(await create_engine(blog_url, min_connections=3, application_name="counted"))

    async with await create_engine(blog_url, max_connections=1) as observer:
        for number in count():
            was_cut = await interrupt(start(), number, is_late=is_late)
            for engine in made:
                await engine.close()
            if not was_cut:
                break
            async with asyncio.timeout(3):
                while (await observer.execute(OPEN_ONES)).scalar():
                    await asyncio.sleep(0.001)
    assert number > 3
    assert len(made) == 1


@pytest.mark.parametrize("is_late", [False, True], ids=["waiting", "answered"])
async def test_a_close_that_is_cancelled_goes_on_and_can_be_called_again(
    blog_url: str, *, is_late: bool
) -> None:
    async with await create_engine(blog_url, max_connections=1) as observer:
        for number in count():
            engine = await create_engine(blog_url, min_connections=3, application_name="counted")
            held = await engine.pool.acquire()
            held.mark_dirty()
            engine.pool.give(held)
            was_cut = await interrupt(engine.close(), number, is_late=is_late)
            await engine.close()
            assert engine.pool.size == 0
            assert (await observer.execute(OPEN_ONES)).scalar() == 0
            if not was_cut:
                break
    assert number > 0
