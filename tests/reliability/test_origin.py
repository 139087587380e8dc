"""An engine serves the process and the event loop that it was made in, and no other."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import threading
import time
import traceback
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from examples.blog.db import Tag, User
from ormkit import AsyncSession, Engine, UsageError, create_engine
from tests.reliability.bouncer import Bouncer

PID = "SELECT pg_backend_pid()"
#: What the child of a test reports.
FINE = 42


def in_child(work: Callable[[], object]) -> int:
    """Run the work in a forked process, and return its exit code: FINE where it came to its end."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(FINE)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return -1


def refused(work: Callable[[], Awaitable[object]], match: str = "before fork") -> None:
    """Run the work in a loop of its own, in which it must be refused."""

    async def main() -> None:
        async with asyncio.timeout(5):
            with pytest.raises(UsageError, match=match):
                await work()

    asyncio.run(main())


async def consumed(rows: Any) -> None:
    async for _ in rows:
        pass


async def in_transaction(engine: Engine) -> None:
    async with engine.transaction() as tx:
        await tx.execute_raw("SELECT 1")


async def nothing(data: bytes) -> None:
    raise AssertionError


USES: dict[str, Callable[[Engine], Awaitable[object]]] = {
    "execute": lambda engine: engine.execute("SELECT 1"),
    "many": lambda engine: engine.execute_many("SELECT $1::int", [[1], [2]]),
    "get": lambda engine: AsyncSession(engine).get(User, 1),
    "query": lambda engine: AsyncSession(engine).query(User).all(),
    "insert": lambda engine: AsyncSession(engine).insert(Tag(name="a")),
    "stream": lambda engine: consumed(AsyncSession(engine).query(User).stream()),
    "transaction": in_transaction,
    "copy_in": lambda engine: engine.copy_in("tags", [("a",)], columns=["name"]),
    "copy_out": lambda engine: engine.copy_out("SELECT 1", nothing),
    "acquire": lambda engine: engine.pool.acquire(),
}


@pytest.fixture(params=["direct", "tls"])
def url(request: pytest.FixtureRequest, blog_url: str) -> str:
    if request.param == "direct":
        return blog_url
    encrypted: Bouncer = request.getfixturevalue("encrypted")
    return encrypted.url_of(blog_url)


@pytest.mark.usefixtures("own_garbage")
async def test_a_forked_process_is_refused_and_leaves_the_parent_alone(url: str) -> None:
    async with await create_engine(url, min_connections=3) as engine:
        before = {await pid_of(engine) for _ in range(3)}

        def work() -> None:
            for use in USES.values():
                refused(lambda use=use: use(engine))  # type: ignore[misc]
            asyncio.run(engine.close())
            gc.collect()

        assert in_child(work) == FINE
        found = await asyncio.gather(*(engine.execute(f"{PID}, pg_sleep(0.05)") for _ in range(3)))
        assert before <= {result.scalar() for result in found}


async def pids_of(engine: Engine) -> set[object]:
    """The backends of both connections, of which one may serve while the other is reset."""
    found = await asyncio.gather(*(engine.execute(f"{PID}, pg_sleep(0.05)") for _ in range(2)))
    return {result.scalar() for result in found}


@pytest.mark.usefixtures("own_garbage")
async def test_the_child_may_drop_an_engine_or_end_as_it_likes(url: str) -> None:
    engine = await create_engine(url, min_connections=2)
    kept = [engine]
    before = await pids_of(engine)

    def forget() -> None:
        nonlocal engine
        del engine
        kept.clear()
        for _ in range(3):
            gc.collect()

    for work in (forget, lambda: asyncio.run(kept[0].close())):
        assert in_child(work) == FINE
        assert await pids_of(kept[0]) == before
    await kept[0].close()


async def test_a_child_that_goes_on_in_the_same_coroutine_is_refused(url: str) -> None:
    async with await create_engine(url) as engine:
        before = await pid_of(engine)
        child = os.fork()
        if child == 0:
            try:
                await engine.execute("SELECT 1")
            except UsageError as error:
                os._exit(FINE if "before fork" in str(error) else 2)
            os._exit(3)
        _, status = await asyncio.to_thread(os.waitpid, child, 0)
        assert os.waitstatus_to_exitcode(status) == FINE
        assert await pid_of(engine) == before


async def test_a_transaction_that_is_forked_stays_the_parent_s(url: str) -> None:
    async with await create_engine(url, max_connections=1) as engine:
        async with engine.transaction() as tx:
            await tx.insert(Tag(name="kept"))

            def work() -> None:
                for use in (
                    lambda: tx.execute_raw("SELECT 1"),
                    lambda: tx.insert(Tag(name="lost")),
                    lambda: tx.query(Tag).all(),
                    tx.commit,
                ):
                    refused(use)

            assert in_child(work) == FINE
            assert await tx.query(Tag).count() == 1
        assert await AsyncSession(engine).query(Tag).count() == 1


async def test_lookups_that_share_statements_do_not_wait_for_the_parent(blog_url: str) -> None:
    async with await create_engine(blog_url, max_connections=1) as engine:
        session = AsyncSession(engine)
        # Two fly and one waits, while the process is forked.
        flying = [asyncio.create_task(session.get(User, n)) for n in (1, 2, 3)]
        await asyncio.sleep(0)
        assert in_child(lambda: refused(lambda: session.get(User, 4))) == FINE
        assert await asyncio.gather(*flying) == [None] * 3


async def test_answers_of_two_processes_are_never_mixed(blog_url: str) -> None:
    """A preloaded engine, and workers that make one of their own."""
    async with await create_engine(blog_url) as engine:

        async def own() -> None:
            async with await create_engine(blog_url) as mine:
                for number in range(200):
                    assert (await mine.execute("SELECT $1::int", [number])).scalar() == number

        def work() -> None:
            asyncio.run(own())

        child = asyncio.create_task(asyncio.to_thread(in_child, work))
        for number in range(200):
            assert (await engine.execute("SELECT $1::int", [-number])).scalar() == -number
        assert await child == FINE


async def pid_of(engine: Engine) -> int:
    found: int = (await engine.execute(PID)).scalar()
    return found


@pytest.fixture
def loops() -> Iterator[tuple[asyncio.AbstractEventLoop, asyncio.AbstractEventLoop]]:
    """Two event loops."""
    both = asyncio.new_event_loop(), asyncio.new_event_loop()
    yield both
    for each in both:
        each.close()


@pytest.mark.parametrize("use", USES)
def test_another_loop_is_refused(blog_url: str, loops: Any, use: str) -> None:
    first, second = loops
    engine: Engine = first.run_until_complete(create_engine(blog_url, min_connections=1))
    with pytest.raises(UsageError, match="another event loop"):
        second.run_until_complete(USES[use](engine))
    with pytest.raises(UsageError, match="another event loop"):
        second.run_until_complete(engine.close())
    assert first.run_until_complete(pid_of(engine))
    first.run_until_complete(engine.close())


def test_a_loop_in_another_thread_is_refused(blog_url: str, loops: Any) -> None:
    first, second = loops
    engine: Engine = first.run_until_complete(create_engine(blog_url))
    caught: list[BaseException] = []

    def work() -> None:
        try:
            second.run_until_complete(engine.execute("SELECT 1"))
        except UsageError as error:
            caught.append(error)

    async def both() -> None:
        thread = threading.Thread(target=work)
        thread.start()
        for number in range(100):
            assert (await engine.execute("SELECT $1::int", [number])).scalar() == number
        await asyncio.to_thread(thread.join)

    first.run_until_complete(both())
    assert "another event loop" in str(caught[0])
    first.run_until_complete(engine.close())


def test_an_engine_of_a_loop_that_has_ended_is_refused_and_can_be_closed(blog_url: str) -> None:
    async def make() -> tuple[Engine, int]:
        engine = await create_engine(blog_url)
        return engine, await pid_of(engine)

    async def look(pid: int) -> None:
        async with await create_engine(blog_url) as other, asyncio.timeout(5):
            sql = "SELECT count(*) FROM pg_stat_activity WHERE pid = $1"
            while (await other.execute(sql, [pid])).scalar():
                await asyncio.sleep(0.02)

    engine, pid = asyncio.run(make())
    with pytest.raises(UsageError, match="another event loop"):
        asyncio.run(pid_of(engine))  # type: ignore[arg-type]
    asyncio.run(engine.close())
    asyncio.run(look(pid))
