"""Where the time of a lookup and of a large read goes: python -m benchmarks.anatomy [--write]

The same statement goes through ever more layers, which take turns within each round, on one server.
libpq (through psycopg's thin wrapper, blocking) is what any client in any language pays; each line
after it adds a layer. The server's own part is what its EXPLAIN ANALYZE says. Client and server
have a core each, where there are two, so that neither moves to where the other one is.
"""

from __future__ import annotations

import asyncio
import gc
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import psycopg
from psycopg import pq

from benchmarks.db import SCHEMA, User
from benchmarks.machine import describe_machine
from benchmarks.placement import bound_to, place
from ormkit import AsyncSession, EmbeddedServer, Engine, create_engine
from ormkit.driver.command import Command
from ormkit.driver.read_buffer import receive_into_buffer
from ormkit.loading.decoding import decode

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs/performance.md"
ROUNDS = 31
LOOKUPS = 300
ROWS = 10_000
KEY = 77

COLUMNS = "id, name, email, age, score, status, is_active, created_at"
BY_KEY = f"SELECT {COLUMNS} FROM users WHERE id = $1"
LOOKUP = Command(BY_KEY)
EVERY = f"SELECT {COLUMNS} FROM users"
FILL = f"""
    INSERT INTO users (name, email, age, score, status, is_active, created_at)
    SELECT 'User ' || n, 'user' || n || '@example.com', n % 90, n * 0.5, 'active', n % 3 > 0,
           timestamptz '2026-01-01' + n * interval '1 minute'
    FROM generate_series(1, {ROWS}) AS n
"""

Step = tuple[str, Callable[[], Awaitable[object]]]
Figures = dict[str, float]


async def measured(steps: list[Step], count: int) -> Figures:
    """Return the median seconds of each step, the steps taking turns."""
    seconds: dict[str, list[float]] = {name: [] for name, _ in steps}
    for turn in range(ROUNDS):
        first = turn % len(steps)
        for name, step in steps[first:] + steps[:first]:
            gc.collect()
            start = time.perf_counter()
            for _ in range(count):
                await step()
            seconds[name].append((time.perf_counter() - start) / count)
    return {name: statistics.median(each) for name, each in seconds.items()}


class Layers:
    """The same two statements through more and more layers."""

    def __init__(self, url: str, bare: Any, buffered: Any, engine: Engine) -> None:
        self.bare, self.buffered, self.engine = bare, buffered, engine
        self.session = AsyncSession(engine)
        self.connection: Any = engine.pool.take()
        engine.pool.give(self.connection)
        self.libpq: Any = psycopg.connect(url, autocommit=True).pgconn
        for name, sql in (("one", BY_KEY), ("all", EVERY)):
            self.libpq.prepare(name.encode(), sql.encode())

    async def by_libpq(self, name: str, *keys: int) -> None:
        values = [key.to_bytes(8, "big") for key in keys]
        result = self.libpq.exec_prepared(name.encode(), values, [1] * len(keys), 1)
        assert result.status == pq.ExecStatus.TUPLES_OK

    async def alone(self) -> object:
        return await self.session.get(User, KEY, coalesce=False)

    async def objects(self) -> object:
        return decode(User, await self.buffered.fetch(EVERY))

    async def tuples(self) -> object:
        return (await self.engine.execute(EVERY)).tuples()

    async def dicts(self) -> object:
        return (await self.engine.execute(EVERY)).all()

    def of_lookup(self) -> list[Step]:
        """Return the steps of a lookup by key."""
        return [
            ("libpq, blocking", lambda: self.by_libpq("one", KEY)),
            ("asyncpg's `fetchrow()`", lambda: self.bare.fetchrow(BY_KEY, KEY)),
            ("asyncpg behind the receiver", lambda: self.buffered.fetchrow(BY_KEY, KEY)),
            ("the driver's connection", lambda: self.connection.run(LOOKUP, (KEY,))),
            ("`session.get()`, alone", self.alone),
            ("`session.get()`", lambda: self.session.get(User, KEY)),
        ]

    def of_rows(self) -> list[Step]:
        """Return the steps of a read of many rows."""
        return [
            ("libpq, blocking, nothing decoded", lambda: self.by_libpq("all")),
            ("asyncpg's `fetch()`", lambda: self.bare.fetch(EVERY)),
            ("asyncpg behind the receiver", lambda: self.buffered.fetch(EVERY)),
            ("and objects made of its records", self.objects),
            ("`session.query(User).all()`", lambda: self.session.query(User).all()),
            ("`execute().tuples()`", self.tuples),
            ("`execute().all()`, dicts", self.dicts),
        ]


async def server_part(connection: Any, sql: str, *args: object) -> float:
    """Return the seconds that the server itself takes, as the median of several runs."""
    explain = f"EXPLAIN (ANALYZE, TIMING OFF, SERIALIZE BINARY, SUMMARY) {sql}"
    seconds: list[float] = []
    for _ in range(ROUNDS):
        lines = [row[0] for row in await connection.fetch(explain, *args)]
        found = re.search(r"Execution Time: ([\d.]+) ms", "\n".join(lines))
        assert found is not None, lines
        seconds.append(float(found.group(1)) / 1000)
    return statistics.median(seconds)


async def measure() -> tuple[Figures, Figures]:
    """Return the figures of a lookup and of a read of many rows."""
    placement = place("apart")
    with tempfile.TemporaryDirectory() as directory, bound_to(placement.client):
        with bound_to(placement.server):
            server = EmbeddedServer.start(directory)
        with server:
            return await measured_on(server.url)


async def measured_on(url: str) -> tuple[Figures, Figures]:
    """Return the figures on this server, which is empty."""
    bare = await asyncpg.connect(url)
    buffered = await asyncpg.connect(url)
    receive_into_buffer(buffered._transport, buffered.terminate)
    async with await create_engine(url, max_connections=1) as engine:
        await engine.create_all(SCHEMA)
        await engine.execute(FILL)
        await engine.execute("VACUUM ANALYZE users")
        layers = Layers(url, bare, buffered, engine)
        part = {"the server's own execution": await server_part(bare, BY_KEY, KEY)}
        lookup = part | await measured(layers.of_lookup(), LOOKUPS)
        part = {"the server's own execution": await server_part(bare, EVERY)}
        rows = part | await measured(layers.of_rows(), 1)
        layers.libpq.finish()
    await bare.close()
    await buffered.close()
    return lookup, rows


def table(title: str, figures: Figures, unit: str, scale: float, floor: str) -> str:
    """Return the figures as a table in Markdown, with each one's ratio to asyncpg's."""
    lines = [f"| {title} | {unit} | ratio |", "|---|---:|---:|"]
    lines += [
        f"| {name} | {seconds * scale:.1f} | {seconds / figures[floor]:.2f} |"
        for name, seconds in figures.items()
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure, print, and with --write put the tables into the documentation."""
    lookup, rows = asyncio.run(measure())
    text = "\n\n".join(
        [
            f"Measured on {describe_machine()}; medians of {ROUNDS} rounds.",
            table("a lookup by key", lookup, "us", 1e6, "asyncpg's `fetchrow()`"),
            table(f"{ROWS:,} rows of 8 columns", rows, "ms", 1e3, "asyncpg's `fetch()`"),
        ]
    )
    print(text)
    if "--write" in sys.argv[1:]:
        document = DOCUMENT.read_text(encoding="utf-8")
        pattern = re.compile(r"<!-- anatomy -->.*<!-- /anatomy -->", re.DOTALL)
        assert pattern.search(document), "docs/performance.md has no place for the anatomy"
        text = f"<!-- anatomy -->\n{text}\n<!-- /anatomy -->"
        DOCUMENT.write_text(pattern.sub(lambda _: text, document), encoding="utf-8")


if __name__ == "__main__":
    main()
