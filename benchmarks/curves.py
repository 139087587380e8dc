"""How time grows with rows, tasks and columns: python -m benchmarks.curves

Libraries take turns, as in the comparison, with fewer rounds.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import random
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from benchmarks.dataset import FULL, QUICK, WIDTHS, Sizes, create
from benchmarks.leaving import leave
from benchmarks.libraries import LIBRARIES, Library, is_installed, load
from benchmarks.measuring import opened, rotated
from benchmarks.placement import PLACEMENTS, Placement, bound_to, place
from benchmarks.server import server

ROWS = (1, 10, 100, 1_000, 10_000, 100_000)
TASKS = (1, 5, 10, 50, 100, 200, 500)
#: How many keys each task reads.
KEYS = 10
ROUNDS = 5
#: A point is measured again within a round until this much time has passed.
ENOUGH = 0.02

#: Seconds by library, as pairs of x and y.
Points = dict[str, list[tuple[float, float]]]


@dataclass(frozen=True)
class Curve:
    """Something whose size is varied."""

    name: str
    title: str
    x_label: str
    xs: tuple[int, ...]
    #: What is done for one x, as a function of the library.
    work: Callable[[Library, int, Sizes], Awaitable[Any]]
    #: The library to be compared with: a task needs a connection of its own.
    floor: str = "bare"


async def read_in_tasks(library: Library, tasks: int, sizes: Sizes) -> Any:
    chance = random.Random(tasks)
    everyone = range(1, sizes.users + 1)
    return await library.get_in_tasks([chance.sample(everyone, KEYS) for _ in range(tasks)])


CURVES = (
    Curve("rows", "Reading rows as models", "rows", ROWS, lambda lib, x, _: lib.events(x)),
    Curve("tasks", "Tasks that each read 10 rows by key", "tasks", TASKS, read_in_tasks, "pool"),
    Curve("columns", "Reading 1,000 rows", "columns", WIDTHS, lambda lib, x, _: lib.wide(x)),
)


async def measure(
    url: str, sizes: Sizes, rounds: int, placement: Placement, keys: Sequence[str]
) -> dict[str, Points]:
    """Measure every curve with every library."""
    connection = await asyncpg.connect(url)
    try:
        await create(connection, sizes)
    finally:
        await connection.close()
    libraries = [load(key) for key in keys]
    early = bound_to(placement.client) if placement.binds_threads else nullcontext()
    with early:
        async with opened(libraries, url):
            with bound_to(placement.client):
                return {
                    curve.name: await measure_curve(curve, libraries, sizes, rounds)
                    for curve in CURVES
                }


async def measure_curve(
    curve: Curve, libraries: Sequence[Library], sizes: Sizes, rounds: int
) -> Points:
    """Return the medians of one curve."""
    other = {"bare": "pool", "pool": "bare"}[curve.floor]
    able = [each for each in libraries if each.key != other]
    points: Points = {each.key: [] for each in able}
    for x in curve.xs:
        samples: dict[str, list[float]] = {each.key: [] for each in able}
        # Round 0 is not counted.
        for number in range(rounds + 1):
            for library in rotated(able, number):
                seconds = await sample(curve, library, x, sizes)
                if number:
                    samples[library.key].append(seconds)
        for key, seconds_of in samples.items():
            points[key].append((x, statistics.median(seconds_of)))
        print(line(curve, x, points, libraries), flush=True)
    return points


async def sample(curve: Curve, library: Library, x: int, sizes: Sizes) -> float:
    """Return the seconds for one x, over as many times as it takes to tell."""
    gc.collect()
    times = 0
    start = time.perf_counter()
    while (passed := time.perf_counter() - start) < ENOUGH or not times:
        await curve.work(library, x, sizes)
        times += 1
    return passed / times


def line(curve: Curve, x: int, points: Points, libraries: Sequence[Library]) -> str:
    def cell(key: str) -> str:
        return f"{points[key][-1][1] * 1e3:.2f} ms" if key in points else "n/a"

    return f"{curve.name:8}{x:>8}" + "".join(cell(each.key).rjust(15) for each in libraries)


def main() -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.curves", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round")
    parser.add_argument("--libraries", default="", help=f"of {','.join(LIBRARIES)}")
    parser.add_argument("--placement", choices=PLACEMENTS, default=PLACEMENTS[0])
    parser.add_argument("--save", type=Path, help="write the points to this file")
    given = parser.parse_args()
    wanted = {"bare", "pool", *(given.libraries.split(",") if given.libraries else LIBRARIES)}
    keys = [key for key in LIBRARIES if key in wanted and is_installed(key)]
    keys = [key for key in keys if key != "ormkit-alone"]
    placement = place(given.placement)
    sizes, rounds = (QUICK, 1) if given.quick else (FULL, ROUNDS)
    print(f"{'':16}" + "".join(key.rjust(15) for key in keys), flush=True)
    with server(placement) as url:
        curves = asyncio.run(measure(url, sizes, rounds, placement, keys))
    if given.save:
        given.save.write_text(json.dumps(curves), encoding="utf-8")
    return 0


if __name__ == "__main__":
    leave(main())
