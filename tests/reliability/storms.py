"""Storms that a pool and its transactions must weather; each returns what it did, in figures."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
import os
import random
import resource
import signal
import statistics
import sys
import time
from array import array
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

from ormkit import (
    ConnectionFailed,
    ConnectionLost,
    DatabaseError,
    EmbeddedServer,
    Engine,
    OrmKitError,
    create_engine,
)
from ormkit.transactions.options import Isolation
from tests.proxy import Proxy
from tests.reliability.attempts import Attempts
from tests.reliability.bank import Bank
from tests.reliability.pool_state import assert_all_usable

Figures = dict[str, float]
#: READ COMMITTED, with row locks, is None.
ISOLATIONS: tuple[Isolation | None, ...] = (None, "repeatable read", "serializable")
#: What PostgreSQL or asyncpg must refuse for one of the columns, or take and give back.
BAD: list[Any] = [
    *(None, True, -1, 2**63, -(2**63) - 1, 2**4000, 1.5, float("nan"), float("inf"), 10**400),
    *("", "1", "\0", "\ud800", "'; DROP TABLE accounts; --", "x" * 100_000, b"", b"\xff\0"),
    *([], [1], {}, {"a": [1]}, (), object(), dt.date.max, dt.datetime.min, dt.timedelta.max),
]


async def work_off(
    times: int | Iterator[int], tasks: int, work: Callable[[int], Coroutine[Any, Any, None]]
) -> float:
    """Do the work so many times, in so many tasks; return the seconds it took."""
    numbers = iter(range(times)) if isinstance(times, int) else times

    async def worker() -> None:
        for number in numbers:
            await work(number)

    start = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(tasks)))
    return time.perf_counter() - start


async def cancellations(url: str, operations: int) -> Figures:
    """Cancel operations at random moments, over 10 connections."""
    async with await create_engine(url, max_connections=10) as engine:
        bank = Bank(engine)
        await bank.open()
        cancelled = 0

        async def work(number: int) -> None:
            nonlocal cancelled
            task = asyncio.create_task(bank.transfer() if number % 3 == 0 else bank.read())
            for _ in range(random.randrange(30)):
                if task.done():
                    break
                await asyncio.sleep(random.choice((0, 0, 0.0005)))
            task.cancel()
            try:
                await task
            except asyncio.CancelledError:
                cancelled += 1

        seconds = await work_off(operations, 40, work)
        lost = await bank.audit()
        leaked = await leaked_connections(engine)
    return {
        "operations": operations,
        "cancelled": cancelled,
        "lost": lost,
        "leaked": leaked,
        "seconds": seconds,
    }


async def exactness(url: str, transfers: int) -> Figures:
    """Transfer at each isolation level in turn, and run again what lost against another one."""
    async with await create_engine(url, max_connections=10) as engine:
        bank = Bank(engine)
        await bank.open()
        retries: dict[str, float] = {}
        for isolation in ISOLATIONS:
            before = bank.retries
            await work_off(transfers, 20, lambda number, each=isolation: bank.transfer(each))
            retries[f"retries at {isolation or 'read committed'}"] = bank.retries - before
        lost = await bank.audit()
        leaked = await leaked_connections(engine)
    return {"transfers": len(bank.acknowledged), **retries, "lost": lost, "leaked": leaked}


async def load(url: str, seconds: float, tasks: int = 2000) -> Figures:
    """Hold up many tasks with reads and transfers on 10 connections, without one error."""
    async with await create_engine(url, max_connections=10, acquire_timeout=60) as engine:
        bank = Bank(engine)
        await bank.open()
        took = array("d")
        sizes: list[int] = []
        start = time.perf_counter()

        async def work(number: int) -> None:
            begun = time.perf_counter()
            await (bank.transfer() if number % 10 == 0 else bank.read())
            took.append(time.perf_counter() - begun)

        async def weigh() -> None:
            while True:
                await asyncio.sleep(seconds / 20)
                sizes.append(resident_bytes())

        scale = asyncio.create_task(weigh())
        is_time = lambda _: time.perf_counter() - start < seconds  # noqa: E731
        await work_off(itertools.takewhile(is_time, itertools.count()), tasks, work)
        scale.cancel()
        lost = await bank.audit()
        leaked = await leaked_connections(engine)
    ordered = sorted(took)
    halves = sizes[len(sizes) // 4 : len(sizes) // 2], sizes[-len(sizes) // 4 :]
    first, last = (statistics.median(half) for half in halves)
    return {
        "operations": len(took),
        "tasks": tasks,
        "per second": len(took) / (time.perf_counter() - start),
        "p50 ms": ordered[len(took) // 2] * 1000,
        "p99.9 ms": ordered[int(len(took) * 0.999)] * 1000,
        "longest ms": ordered[-1] * 1000,
        "grown MB": (last - first) / 1e6,
        "lost": lost,
        "leaked": leaked,
        "seconds": time.perf_counter() - start,
    }


async def crashes(directory: Path, rounds: int, seconds: float) -> Figures:
    """Crash the server under load, several times; every acknowledged commit must be there."""
    # Without fsync the machine must not crash; that of the server loses nothing.
    settings = {"fsync": "off"}
    server = await asyncio.to_thread(EmbeddedServer.start, directory, settings=settings)
    slowest = 0.0
    errors = 0
    engine = await create_engine(server.url, max_connections=10, reconnect_timeout=30)
    attempts = Attempts(engine)
    try:
        bank = Bank(engine)
        await bank.open()
        is_over = False

        async def worker() -> None:
            nonlocal errors
            while not is_over:
                try:
                    await bank.transfer(random.choice(ISOLATIONS))
                except (ConnectionLost, ConnectionFailed):
                    errors += 1

        workers = [asyncio.create_task(worker()) for _ in range(20)]
        for _ in range(rounds):
            await asyncio.sleep(seconds)
            crash(directory)
            await asyncio.sleep(0.1)
            server = await asyncio.to_thread(EmbeddedServer.start, directory, settings=settings)
            back, done = time.perf_counter(), len(bank.acknowledged)
            while len(bank.acknowledged) == done:
                await asyncio.sleep(0.001)
            slowest = max(slowest, time.perf_counter() - back)
        is_over = True
        await asyncio.gather(*workers)
        lost = await bank.audit()
        leaked = await leaked_connections(engine)
    finally:
        await engine.close()
        await asyncio.to_thread(server.shut_down)
    return {
        "crashes": rounds,
        "transfers": len(bank.acknowledged),
        "errors": errors,
        "slowest recovery ms": slowest * 1000,
        "attempts to connect a crash": attempts.count / rounds,
        "attempts at once": attempts.most,
        "lost": lost,
        "leaked": leaked,
    }


def crash(directory: Path) -> None:
    """End the server at once, as `pg_ctl stop -m immediate` does."""
    os.kill(int((directory / "postmaster.pid").read_text().split()[0]), signal.SIGQUIT)


async def faults(url: str, operations: int) -> Figures:
    """Break connections at random bytes, and end backends, while transfers and reads go on."""
    injected = errors = 0
    async with Proxy(url) as proxy, await create_engine(proxy.url, max_connections=10) as engine:
        bank = Bank(engine)
        await bank.open()

        async def work(number: int) -> None:
            nonlocal errors
            try:
                await (bank.transfer(random.choice(ISOLATIONS)) if number % 2 else bank.read())
            except (ConnectionLost, ConnectionFailed):
                errors += 1

        async def inject() -> None:
            nonlocal injected
            other = await create_engine(url, max_connections=1)
            async with other:
                while True:
                    await asyncio.sleep(0.02)
                    injected += 1
                    if random.random() < 0.1:
                        await other.execute(
                            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                            "WHERE datname = current_database() AND pid <> pg_backend_pid() "
                            "ORDER BY random() LIMIT 2"
                        )
                    else:
                        way: Any = random.choice(("asked", "answered"))
                        ending: Any = random.choice(("abort", "reset", "half-close"))
                        proxy.end_after(random.randrange(400), way, ending)

        injector = asyncio.create_task(inject())
        seconds = await work_off(operations, 40, work)
        injector.cancel()
        await asyncio.wait([injector])
        proxy.end_nothing()
        await asyncio.sleep(0.05)
        lost = await bank.audit()
        leaked = await leaked_connections(engine)
    return {
        "operations": operations,
        "faults": injected,
        "errors": errors,
        "connections": proxy.connections,
        "lost": lost,
        "leaked": leaked,
        "seconds": seconds,
    }


async def bad_inputs(url: str, count: int) -> Figures:
    """Pass values of every wrong kind; each is taken or refused, and harms no connection."""
    async with await create_engine(url, max_connections=2) as engine:
        bank = Bank(engine)
        await bank.open()
        account, refused = bank.models.Account, 0
        for _ in range(count):
            value: Any = random.choice(BAD)
            try:
                match random.randrange(4):
                    case 0:
                        await bank.session.get(account, value)
                    case 1:
                        await bank.session.query(account).filter(balance__gt=value).count()
                    case 2:
                        await bank.session.query(account).filter(id__in=[1, value]).all()
                    case _:
                        await engine.execute("SELECT $1::text, $2::bigint", [value, value])
            except ConnectionLost as error:
                raise AssertionError(f"{value!r:.80} cost the connection") from error
            except OrmKitError:
                refused += 1
        lost = await bank.audit()
        leaked = await leaked_connections(engine)
    return {"inputs": count, "refused": refused, "lost": lost, "leaked": leaked}


async def leaked_connections(engine: Engine) -> int:
    """Return how many connections did not come back; fail where one that did cannot be used."""
    try:
        await assert_all_usable(engine)
    except DatabaseError as error:
        raise AssertionError(f"a connection that came back is broken: {error}") from error
    return engine.pool.size - engine.pool.idle


def resident_bytes() -> int:
    """Return how much memory the process has; where that is not told, what it has had at most."""
    status = Path("/proc/self/statm")
    if status.exists():
        return int(status.read_text().split()[1]) * resource.getpagesize()
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size if sys.platform == "darwin" else size * 1024
