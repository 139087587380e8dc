"""How much memory each work takes: python -m benchmarks.memory

Each library does each work once, in a process of its own. What counts is the peak over what the
process held once it was connected.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import asyncpg

from benchmarks.dataset import FULL, QUICK, Sizes, create, renew_accounts
from benchmarks.leaving import leave
from benchmarks.libraries import LIBRARIES, is_installed, load
from benchmarks.placement import place
from benchmarks.server import server
from benchmarks.works import WORKS, Work

MIB = 1 << 20
STATUS = Path("/proc/self/status")
#: What is allocated at once to use up free memory: Python has pools for objects up to 512 bytes,
#: and leaves larger ones to the system's allocator.
SIZES_TO_FILL = [*range(1, 480, 8)] * 20 + [*range(600, 4000, 200)] * 5
#: Memory is used up when so many allocations in a row took new memory for this part of their bytes.
GROWTHS = 3
NEW_PART = 0.9
METHODS = (
    *("models", "tuples", "dicts", "insert_many", "upsert"),
    *("selectin", "joined", "tree", "links", "stream"),
)
WORKS_OF_MEMORY = [work for work in WORKS if work.method in METHODS]
#: What differs from another library in nothing that takes memory.
LEFT_OUT = ("pool", "ormkit-alone")

#: Bytes by method and library.
Peaks = dict[str, dict[str, int]]


def measure(sizes: Sizes, keys: Sequence[str]) -> Peaks:
    """Measure each work with each library that can do it."""
    with server(place("free")) as url:
        asyncio.run(fill(url, sizes))
        peaks: Peaks = {}
        for work in WORKS_OF_MEMORY:
            able = [key for key in keys if work.method not in load(key).unavailable]
            peaks[work.method] = {key: peak_of(url, sizes, work, key) for key in able}
            print(line(work, peaks[work.method], keys), flush=True)
        return peaks


async def fill(url: str, sizes: Sizes) -> None:
    connection = await asyncpg.connect(url)
    try:
        await create(connection, sizes)
    finally:
        await connection.close()


def peak_of(url: str, sizes: Sizes, work: Work, key: str) -> int:
    """Return the bytes that a work takes in a new process."""
    command = [sys.executable, "-m", "benchmarks.memory", "--child", url, work.method, key]
    if sizes is QUICK:
        command.append("--quick")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{key}: {work.title}: exit code {done.returncode}: {done.stderr}")
    return int(done.stdout)


async def measure_here(url: str, sizes: Sizes, work: Work, key: str) -> int:
    """Do a work once and return the bytes of its peak."""
    connection = await asyncpg.connect(url)
    if work.accounts is not None:
        await renew_accounts(connection, work.accounts(sizes))
    await connection.close()
    library = load(key)
    await library.open(url)
    try:
        (given,) = await library.prepare(work.method, work.arguments(sizes, 1, seed=1))
        gc.collect()
        kept = use_up_free_memory()
        before = start_of_peak()
        result = await getattr(library, work.method)(*given)
        grown = peak() - before
        del result, kept
    finally:
        await library.close()
    return max(grown, 0)


def start_of_peak() -> int:
    """Let the peak begin where memory is now, and return it.

    ru_maxrss would do neither: it counts the imports, and on Linux also what the parent held when
    it started this process.
    """
    if Path("/proc/self/clear_refs").exists():
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return peak()


def use_up_free_memory() -> list[list[object]]:
    """Allocate until every further object takes new memory, and return what is to be kept.

    Imports leave free memory behind, up to some MiB, in which a work's objects would not show: a
    library would seem the smaller, the more it imports.
    """
    kept: list[list[object]] = []
    grown = 0 if STATUS.exists() else GROWTHS
    while grown < GROWTHS:
        before = status("VmRSS")
        kept.append([bytes(size) for size in SIZES_TO_FILL])
        taken = status("VmRSS") - before
        grown = grown + 1 if taken >= NEW_PART * sum(map(sys.getsizeof, kept[-1])) else 0
    return kept


def peak() -> int:
    """Return the most bytes that were resident."""
    if STATUS.exists():
        return status("VmHWM")
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def status(name: str) -> int:
    """Return a number of bytes that Linux tells of this process."""
    lines = STATUS.read_text(encoding="ascii").splitlines()
    (found,) = (each.split()[1] for each in lines if each.startswith(f"{name}:"))
    return int(found) * 1024


def line(work: Work, peaks: dict[str, int], keys: Sequence[str]) -> str:
    cells = "".join(mebibytes(peaks.get(key)).rjust(14) for key in keys)
    return f"{work.title:26}{cells}"


def mebibytes(count: int | None) -> str:
    return "n/a" if count is None else f"{count / MIB:.1f}"


def measured_libraries(chosen: Sequence[str] = ()) -> list[str]:
    """Return the installed libraries that memory is measured of."""
    wanted = {"bare", *(chosen or LIBRARIES)}
    return [key for key in LIBRARIES if key in wanted - set(LEFT_OUT) and is_installed(key)]


def main() -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a shorter stream")
    parser.add_argument("--libraries", default="", help=f"of {','.join(LIBRARIES)}")
    parser.add_argument("--save", type=Path, help="write the bytes to this file")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    sizes = QUICK if given.quick else FULL
    if given.child:
        url, method, key = given.child
        work = next(each for each in WORKS if each.method == method)
        print(asyncio.run(measure_here(url, sizes, work, key)))
        return 0
    keys = measured_libraries([key for key in given.libraries.split(",") if key])
    print(f"{'MiB over the start':26}" + "".join(key.rjust(14) for key in keys), flush=True)
    peaks = measure(sizes, keys)
    if given.save:
        given.save.write_text(json.dumps(peaks), encoding="utf-8")
    return 0


if __name__ == "__main__":
    leave(main())
