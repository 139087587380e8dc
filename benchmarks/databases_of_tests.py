"""What the databases of tests take: `python -m benchmarks.databases_of_tests`.

Prints the least and the median of the milliseconds that the fixtures of ormkit.testing add to a
test that sends one statement, of either isolation; and the seconds of a run of 200 tests of
examples/shop, by two processes of pytest-xdist, from the start of Python to its end. On a machine
that does other things too, the least is the figure to look at.
"""

from __future__ import annotations

import asyncio
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from benchmarks.db import SCHEMA, User
from ormkit import AsyncSession
from ormkit.testing.databases import Database, Databases
from ormkit.testing.opened_engine import opened
from ormkit.testing.server import server_for
from ormkit.testing.settings import Contents

ROUNDS = 60
RUNS = 3
ROOT = Path(__file__).parents[1]
SHOP = ROOT / "examples/shop/tests"


async def one_test(database: Database) -> None:
    """Do what the fixtures do for a test that sends one statement."""
    async with opened(database, {}) as engine:
        await AsyncSession(engine).query(User).count()


@contextmanager
def timed(into: list[float]) -> Generator[None]:
    """Note how many milliseconds the block takes."""
    began = time.perf_counter()
    yield
    into.append((time.perf_counter() - began) * 1000)


def measure_tests(url: str) -> dict[str, list[float]]:
    """Return the milliseconds of tests of both kinds of isolation, in turn."""
    fingerprint = sha256(SCHEMA.ddl().encode()).hexdigest()[:16]
    times: dict[str, list[float]] = {"rolled back": [], "own database": []}
    databases = Databases(url, Contents((SCHEMA,), (), None, fingerprint))
    asyncio.run(one_test(databases.shared))
    for _ in range(ROUNDS):
        with timed(times["own database"]), databases.own() as database:
            asyncio.run(one_test(database))
        with timed(times["rolled back"]):
            asyncio.run(one_test(databases.shared))
    databases.close()
    return times


def measure_run(*options: str) -> float:
    """Return the seconds of a run of 200 tests."""
    began = time.perf_counter()
    arguments = [
        "-q",
        "-p",
        "benchmarks.two_hundred_tests",
        "-c",
        str(SHOP / "pytest.ini"),
        *options,
    ]
    environment = {**os.environ}
    # With it, pytest would prepare the assertions of its plugins anew in each run.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    result = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments, "--rootdir", str(ROOT), str(SHOP)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    seconds = time.perf_counter() - began
    if not re.search(r"\b200 passed", result.stdout):
        raise SystemExit(result.stdout + result.stderr)
    return seconds


def main() -> None:
    """Measure tests by themselves, and runs of many."""
    with server_for(None) as url:
        for name, times in measure_tests(url).items():
            print(f"{name}: {min(times):.1f} ms at least, {statistics.median(times):.1f} ms median")
    runs = [measure_run("-n", "2") for _ in range(RUNS)]
    print(
        f"200 tests with -n 2: {min(runs):.1f} s at least, {statistics.median(runs):.1f} s median"
    )


if __name__ == "__main__":
    main()
