"""How long a large database takes to read, to check and to migrate: python -m benchmarks.catalog

The schema has as many tables as asked for. `ormkit check` is timed as a whole process: with an
embedded shadow that builds the schema, and with the catalog that the first run has kept. So is
`ormkit migrate new`, for one column that is new, and where nothing has changed.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.machine import describe_machine
from ormkit import EmbeddedServer, Schema, create_engine
from ormkit.catalog import read_catalog
from tests.big_schema import big_schema
from tests.generated import ROOT, generate

REPEATS = 3
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


async def read_seconds(url: str, repeats: int) -> tuple[int, float]:
    """Return the number of facts and the median time that reading them takes."""
    seconds: list[float] = []
    facts = 0
    async with await create_engine(url, max_connections=1) as engine:
        for _ in range(repeats):
            start = time.perf_counter()
            facts = len(await read_catalog(engine))
            seconds.append(time.perf_counter() - start)
    return facts, statistics.median(seconds)


async def start_seconds(url: str, package: Path, repeats: int) -> float:
    """Return the median time of `engine.check()`, after creating the tables."""
    schema = Schema(package.name, str(package / "__init__.py"))
    seconds: list[float] = []
    async with await create_engine(url, max_connections=1, schemas=[schema]) as engine:
        await engine.create_all()
        for _ in range(repeats):
            start = time.perf_counter()
            assert await engine.check() == ()
            seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def command_seconds(directory: Path, *arguments: str) -> tuple[float, float]:
    """Return the time that a process of `ormkit` takes, and that of its processors."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "ormkit_gen", *arguments],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
        env={
            # Users' commands keep their bytecode.
            **{
                name: text
                for name, text in os.environ.items()
                if not name.startswith(("PYTHON", "XDG"))
            },
            "PYTHONPATH": os.pathsep.join((str(ROOT / "runtime"), str(ROOT))),
            # A user without caches; the shadow server is in memory, as users have it.
            "HOME": str(directory),
        },
    )
    seconds = time.perf_counter() - start
    assert done.returncode == 0, done.stdout + done.stderr
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def migration_seconds(directory: Path, count: int) -> tuple[tuple[float, float], ...]:
    """Return the times of `ormkit migrate new` for one new column, and where nothing is new."""
    command_seconds(directory, "migrate", "new", "start")
    schema = directory / "schema.toml"
    start = f"[models.Model{count // 2}.columns]\n"
    found: list[tuple[float, float]] = []
    for number in range(REPEATS):
        text = schema.read_text()
        assert start in text
        schema.write_text(text.replace(start, f'{start}extra{number} = "text?"\n'))
        found.append(command_seconds(directory, "migrate", "new", "extra"))
    return min(found), command_seconds(directory, "migrate", "new", "nothing")


def main() -> None:
    """Measure, and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=int, default=1000)
    count = parser.parse_args().tables
    with (
        tempfile.TemporaryDirectory() as name,
        EmbeddedServer.start(Path(name) / "data", settings=FAST) as server,
    ):
        directory = Path(name) / "project"
        directory.mkdir()
        generate(directory, big_schema(count))
        start_up = asyncio.run(start_seconds(server.url, directory / "models", REPEATS))
        facts, read = asyncio.run(read_seconds(server.url, REPEATS))
        check = ("check", "--database", server.url)
        cold = command_seconds(directory, *check)
        warm = min(command_seconds(directory, *check) for _ in range(REPEATS))
        changed, same = migration_seconds(directory, count)
    print(f"{describe_machine()}\n")
    print(f"| {count:,} tables, {facts:,} facts | seconds | of its processors |\n|---|---:|---:|")
    print(f"| read the catalog of the database | {read:.2f} | |")
    print(f"| `ormkit check`, the first time: a shadow is built | {cold[0]:.2f} | {cold[1]:.2f} |")
    print(f"| `ormkit check` again | {warm[0]:.2f} | {warm[1]:.2f} |")
    print(f"| `ormkit migrate new` for one column | {changed[0]:.2f} | {changed[1]:.2f} |")
    print(f"| `ormkit migrate new` without a change | {same[0]:.2f} | {same[1]:.2f} |")
    print(f"| `engine.check()` | {start_up:.2f} | |")


if __name__ == "__main__":
    main()
