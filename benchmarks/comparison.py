"""OrmKit, asyncpg and other libraries in one run: python -m benchmarks.comparison

All do the same works on the same tables of one PostgreSQL, in turn in every round. What is printed
is each library's time over the floor's in the same round, as a median.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from benchmarks import publication, tables
from benchmarks.dataset import FULL, QUICK, Sizes, create
from benchmarks.interference import share_of_others
from benchmarks.leaving import leave
from benchmarks.libraries import LIBRARIES, Library, UnknownLibrary, choose
from benchmarks.measuring import Bench, Measured, opened
from benchmarks.placement import PLACEMENTS, Placement, bound_to, place
from benchmarks.saved import About, save
from benchmarks.server import server
from benchmarks.works import WORKS, Work

ROUNDS = 15
QUICK_ROUNDS = 5
METHODS = {work.method for work in WORKS}
#: A quick run does this part of the operations of a sample.
QUICK_PART = 5


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
    save: Path | None

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
    parser.add_argument("--write", action="store_true", help="measure all, write README and docs/")
    parser.add_argument("--save", type=Path, help="write the samples to this file")
    given = parser.parse_args(arguments)
    works = [work for work in WORKS if is_wanted(work, given.only)]
    if not works:
        parser.error(f"no work is called so: there are {', '.join(w.method for w in WORKS)}")
    if given.write and (given.only or given.libraries):
        parser.error("--write publishes every work and library: leave --only and --libraries out")
    return Options(
        rounds=given.rounds or (QUICK_ROUNDS if given.quick else ROUNDS),
        quick=given.quick,
        works=works,
        libraries=[key for key in given.libraries.split(",") if key],
        loop=given.loop,
        placement=given.placement,
        write=given.write,
        save=given.save,
    )


def is_wanted(work: Work, parts: Sequence[str] | None) -> bool:
    # A method's name means that work alone: "count" or "get" may be part of another's title.
    named = [part for part in parts or () if part in METHODS]
    titled = [part for part in parts or () if part not in METHODS]
    return not parts or work.method in named or any(part in work.title for part in titled)


async def compare(
    url: str, options: Options, placement: Placement, libraries: Sequence[Library]
) -> tuple[list[Measured], About]:
    """Measure the works, and print each as soon as it is done."""
    # Threads are bound where they are started from, which is while a library connects.
    early = bound_to(placement.client) if placement.binds_threads else nullcontext()
    connection = await asyncpg.connect(url)
    try:
        await create(connection, options.sizes)
        with early:
            async with opened(libraries, url):
                with bound_to(placement.client):
                    return await compare_opened(connection, options, placement, libraries)
    finally:
        await connection.close()


async def compare_opened(
    connection: Any, options: Options, placement: Placement, libraries: Sequence[Library]
) -> tuple[list[Measured], About]:
    """Measure the works with libraries that are connected."""
    bench = Bench(connection, options.sizes, libraries)
    print(tables.heading(libraries), flush=True)
    found, others = [], []
    for work in options.works:
        others.append(await share_of_others())
        rounds = min(options.rounds, work.rounds or options.rounds)
        operations = -(-work.operations // (QUICK_PART if options.quick else 1))
        measured = await bench.measure(work, rounds, operations)
        print(tables.line(measured, libraries), flush=True)
        found.append(measured)
    about = About(
        placement=placement.name,
        loop=options.loop,
        rounds=options.rounds,
        postgresql=(await connection.fetchval("SHOW server_version")).split()[0],
        others=[share for share in others if share is not None],
    )
    return found, about


def run(options: Options, libraries: Sequence[Library]) -> tuple[list[Measured], About]:
    """Measure on a server that lives as long."""
    factory = None
    if options.loop == "uvloop":
        import uvloop

        factory = uvloop.new_event_loop
    placement = place(options.placement)
    print(f"placement {placement.name}, loop {options.loop}", flush=True)
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
    if options.write:
        if missing:
            return 2
        publication.publish(options.rounds, quick=options.quick)
        return 0
    found, about = run(options, libraries)
    print(f"\n{tables.verdicts(found, libraries)}\n{tables.warning(about)}".rstrip())
    if options.save:
        save(options.save, found, about)
    return 0


if __name__ == "__main__":
    leave(main())
