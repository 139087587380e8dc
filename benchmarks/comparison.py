"""OrmKit, asyncpg and other libraries in one run: python -m benchmarks.comparison

All do the same works on the same tables of one PostgreSQL, in turn in every round. What is printed
is each library's time over the floor's in the same round, as a median.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from benchmarks import tables
from benchmarks.dataset import FULL, QUICK, Sizes, create
from benchmarks.libraries import LIBRARIES, Library, UnknownLibrary, choose
from benchmarks.measuring import Bench, Measured, opened
from benchmarks.placement import PLACEMENTS, Placement, bound_to, place
from benchmarks.works import WORKS, Work
from ormkit import EmbeddedServer

ROUNDS = 15
QUICK_ROUNDS = 5


@dataclass(frozen=True)
class Options:
    """What the command was asked for."""

    rounds: int
    quick: bool
    works: Sequence[Work]
    libraries: Sequence[str]
    loop: str
    placement: str
    write: bool

    @property
    def sizes(self) -> Sizes:
        return QUICK if self.quick else FULL


def parse(arguments: Sequence[str]) -> Options:
    """Read the command line; exits with a message where it is wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.comparison", description=__doc__)
    parser.add_argument("--rounds", type=int, help=f"samples of each ({ROUNDS})")
    parser.add_argument("--quick", action="store_true", help="fewer rounds and operations")
    parser.add_argument("--only", action="append", metavar="WORK", help="a part of works' names")
    parser.add_argument("--libraries", default="", help=f"of {','.join(LIBRARIES)}")
    parser.add_argument("--loop", choices=["asyncio", "uvloop"], default="asyncio")
    parser.add_argument("--placement", choices=PLACEMENTS, default=PLACEMENTS[0])
    parser.add_argument("--write", action="store_true", help="write README.md and docs/")
    given = parser.parse_args(arguments)
    works = [work for work in WORKS if is_wanted(work, given.only)]
    if not works:
        parser.error(f"no work is called so: there are {', '.join(w.method for w in WORKS)}")
    return Options(
        rounds=given.rounds or (QUICK_ROUNDS if given.quick else ROUNDS),
        quick=given.quick,
        works=works,
        libraries=[key for key in given.libraries.split(",") if key],
        loop=given.loop,
        placement=given.placement,
        write=given.write,
    )


def is_wanted(work: Work, parts: Sequence[str] | None) -> bool:
    return not parts or any(part == work.method or part in work.title for part in parts)


@contextmanager
def server(placement: Placement) -> Generator[str]:
    """Yield the URL of a PostgreSQL of its own, with the settings that PostgreSQL comes with."""
    with tempfile.TemporaryDirectory(prefix="ormkit-bench-") as directory:
        Path(directory).chmod(0o755)
        with bound_to(placement.server):
            running = EmbeddedServer.start(Path(directory) / "data", version=18)
        with running:
            yield running.url


async def compare(
    url: str, options: Options, placement: Placement, libraries: Sequence[Library]
) -> list[Measured]:
    """Measure the works, and print each as soon as it is done."""
    # Threads are bound where they are started from, which is while a library connects.
    before = bound_to(placement.client) if placement.binds_threads else nullcontext()
    connection = await asyncpg.connect(url)
    try:
        await create(connection, options.sizes)
        with before:
            return await compare_opened(connection, url, options, placement, libraries)
    finally:
        await connection.close()


async def compare_opened(
    connection: Any, url: str, options: Options, placement: Placement, libraries: Sequence[Library]
) -> list[Measured]:
    """Connect the libraries and measure the works."""
    async with opened(libraries, url):
        with bound_to(placement.client):
            bench = Bench(connection, options.sizes, libraries)
            print(tables.heading(libraries), flush=True)
            found = []
            for work in options.works:
                rounds = min(options.rounds, work.rounds or options.rounds)
                operations = -(-work.operations // (5 if options.quick else 1))
                measured = await bench.measure(work, rounds, operations)
                print(tables.line(measured, libraries), flush=True)
                found.append(measured)
            return found


def run(options: Options, libraries: Sequence[Library]) -> list[Measured]:
    """Measure on a server that lives as long."""
    factory = None
    if options.loop == "uvloop":
        import uvloop

        factory = uvloop.new_event_loop
    placement = place(options.placement)
    print(f"placement of server and libraries: {placement.name}", flush=True)
    with server(placement) as url, asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(compare(url, options, placement, libraries))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = parse(sys.argv[1:] if arguments is None else arguments)
    try:
        libraries, missing = choose(options.libraries)
    except UnknownLibrary as error:
        print(error, file=sys.stderr)
        return 2
    for key in missing:
        print(f"{key} is not installed and left out; `make bench` installs it", file=sys.stderr)
    found = run(options, libraries)
    print()
    print(tables.verdicts(found, libraries))
    return 0


if __name__ == "__main__":
    sys.exit(main())
