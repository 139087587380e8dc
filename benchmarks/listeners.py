"""What listeners cost: `python -m benchmarks.listeners`.

Each piece of work is done with each listener and without, in short blocks that alternate in one
process. Each call is measured by itself, in processor time of this process and in elapsed time. The
table has the fifth percentile of each, which other processes disturb least, and its ratio to no
listener. Switching listeners changes the class of the connection, so that CPython specializes its
bytecode anew: the first calls of each block do not count.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from typing import Any

from opentelemetry import trace
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, ParentBased, Sampler
from prometheus_client import CollectorRegistry

from examples.blog.db import SCHEMA, User
from ormkit import (
    AsyncSession,
    Engine,
    SlowQueries,
    StatementEvent,
    create_engine,
    detect_repeats,
    session_context,
)
from ormkit.integrations.opentelemetry import instrument
from ormkit.integrations.prometheus import register

ROUNDS = 40
SKIPPED = 80
CALLS = 50
QUANTILE = 0.05

Work = Callable[[AsyncSession], Awaitable[Any]]

WORKS: dict[str, Work] = {
    "get": lambda session: session.get(User, 1),
    "filter, 10 rows": lambda session: session.query(User).filter(User.id <= 10).all(),
    "count": lambda session: session.query(User).count(),
    "insert": lambda session: session.insert(User(name="Grace")),
}


def empty(event: StatementEvent) -> None:
    """Listen, and do nothing."""


@contextmanager
def spans(engine: Engine, sampler: Sampler) -> Any:
    """Make spans, within one of a request."""
    provider = TracerProvider(sampler=ParentBased(sampler))
    made = instrument(engine, tracer_provider=provider, meter_provider=NoOpMeterProvider())
    request = provider.get_tracer("request").start_span("request")
    with trace.use_span(request), closing(made):
        yield


@contextmanager
def repeats(engine: Engine) -> Any:
    """Look for repeats, within one block each time."""
    logging.getLogger("ormkit.repeats").disabled = True
    with closing(detect_repeats(engine)):
        yield


LISTENERS: dict[str, Callable[[Engine], AbstractContextManager[Any]]] = {
    "an empty listener": lambda engine: engine.listen(on_statement=empty),
    "a list of the events": lambda engine: engine.listen(
        on_statement=list[StatementEvent]().append
    ),
    "slow_query=1": lambda engine: engine.listen(on_statement=SlowQueries(1.0).note),
    "OpenTelemetry, not sampled": lambda engine: spans(engine, ALWAYS_OFF),
    "OpenTelemetry, sampled": lambda engine: spans(engine, ALWAYS_ON),
    "Prometheus": lambda engine: closing(register(engine, CollectorRegistry())),
    "detect_repeats": repeats,
}

Times = list[tuple[int, int]]


async def block(session: AsyncSession, work: Work, times: Times) -> None:
    """Do the work again and again, and note the times of each call but the first ones."""
    for _ in range(SKIPPED):
        await work(session)
    for _ in range(CALLS):
        cpu, began = time.thread_time_ns(), time.perf_counter_ns()
        await work(session)
        ended = time.perf_counter_ns()
        times.append((time.thread_time_ns() - cpu, ended - began))


async def measure(engine: Engine, work: Work) -> None:
    """Print what each listener adds to the work."""
    alone: Times = []
    heard: dict[str, Times] = {name: [] for name in LISTENERS}
    async with session_context(engine) as session:
        for _ in range(ROUNDS):
            await block(session, work, alone)
            for name, listen in LISTENERS.items():
                with ExitStack() as open_:
                    open_.enter_context(listen(engine))
                    await block(session, work, heard[name])
                await engine.execute("DELETE FROM users WHERE id > 100")
    base = percentiles(alone)
    print(f"  {'no listener':28}{base[0]:8.1f}{'':8}{base[1]:8.1f}")
    for name, times in heard.items():
        cpu, wall = percentiles(times)
        print(f"  {name:28}{cpu:8.1f}{cpu / base[0]:8.3f}{wall:8.1f}{wall / base[1]:8.3f}")


def percentiles(times: Times) -> tuple[float, float]:
    """Return the low percentile of both times, in microseconds."""
    cpu, wall = (sorted(each) for each in zip(*times, strict=True))
    place = int(len(times) * QUANTILE)
    return cpu[place] / 1000, wall[place] / 1000


async def main() -> None:
    """Print the table."""
    async with await create_engine(
        "embedded://.pgdata?dbname=listeners", max_connections=1
    ) as engine:
        await engine.create_all(SCHEMA)
        await engine.execute("TRUNCATE users RESTART IDENTITY CASCADE")
        await AsyncSession(engine).insert_all([User(name=str(n)) for n in range(100)])
        for name, work in WORKS.items():
            print(f"{name:30}{'CPU us':>8}{'ratio':>8}{'us':>8}{'ratio':>8}")
            await measure(engine, work)


if __name__ == "__main__":
    asyncio.run(main())
