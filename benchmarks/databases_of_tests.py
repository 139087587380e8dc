"""What the database of a test takes: `python -m benchmarks.databases_of_tests`.

Prints the least and the median of the milliseconds that the fixtures of ormkit.testing add.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256

from benchmarks.db import SCHEMA, User
from ormkit import AsyncSession
from ormkit.testing.databases import Database, Databases
from ormkit.testing.opened_engine import opened
from ormkit.testing.server import server_for
from ormkit.testing.settings import Contents

ROUNDS = 60


async def one_test(database: Database) -> None:
    """Do what the fixtures do for a test that sends one statement."""
    async with opened(database, {}) as engine:
        await AsyncSession(engine).query(User).count()


@contextmanager
def timed(into: list[float]) -> Iterator[None]:
    """Note how many milliseconds the block takes."""
    began = time.perf_counter()
    yield
    into.append((time.perf_counter() - began) * 1000)


def main() -> None:
    """Measure both kinds of isolation in turn."""
    fingerprint = sha256(SCHEMA.ddl().encode()).hexdigest()[:16]
    contents = Contents((SCHEMA,), (), None, fingerprint)
    rolled_back: list[float] = []
    own: list[float] = []
    with server_for(None) as url:
        databases = Databases(url, contents)
        asyncio.run(one_test(databases.shared))
        for _ in range(ROUNDS):
            with timed(rolled_back):
                asyncio.run(one_test(databases.shared))
            with timed(own), databases.own() as database:
                asyncio.run(one_test(database))
        databases.close()
    for name, times in (("rolled back", rolled_back), ("own database", own)):
        print(f"{name}: {min(times):.1f} ms at least, {statistics.median(times):.1f} ms median")


if __name__ == "__main__":
    main()
