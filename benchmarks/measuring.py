"""Samples of all libraries in turn, and the arithmetic over them."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from benchmarks.answers import check_answer
from benchmarks.dataset import Sizes, accounts, renew_accounts
from benchmarks.libraries import Library
from benchmarks.works import Batch, Work

#: Seconds after which a work has rounds enough, unless they are fewer than that.
BUDGET = 10.0
ROUNDS_AT_LEAST = 5


@dataclass(frozen=True)
class Spread:
    """A median and the quartiles around it."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Return the spread of some values; of a single one, that value three times."""
        if len(values) == 1:
            return cls(values[0], values[0], values[0])
        low, median, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(median, low, high)


@dataclass
class Measured:
    """The seconds of one operation of a work, by library and round."""

    work: Work
    seconds: dict[str, list[float]] = field(default_factory=dict)
    #: Why a library is missing, by its key.
    notes: dict[str, str] = field(default_factory=dict)

    def times(self, key: str) -> Spread:
        return Spread.of(self.seconds[key])

    def ratios(self, key: str) -> Spread:
        """Return the library's times over the floor's of the same round."""
        return Spread.of(ratios(self.seconds[key], self.seconds[self.work.floor]))


def ratios(samples: Sequence[float], floor: Sequence[float]) -> list[float]:
    """Divide each sample by the floor's of the same round."""
    return [one / other for one, other in zip(samples, floor, strict=True)]


def rotated(libraries: Sequence[Library], number: int) -> list[Library]:
    """Return the libraries from another one on in every round, so that none is always first."""
    start = number % len(libraries)
    return [*libraries[start:], *libraries[:start]]


class Bench:
    """Runs works on libraries that are open, with a connection of its own for what lies around."""

    def __init__(self, connection: Any, sizes: Sizes, libraries: Sequence[Library]) -> None:
        self.connection = connection
        self.sizes = sizes
        self.libraries = libraries

    async def check(self, work: Work, operations: int) -> Mapping[str, str]:
        """Do a work once with each library; return why some cannot do it, by their keys.

        Raises WrongAnswer where one does something else than the floor.
        """
        arguments = work.arguments(self.sizes, operations, seed=0)
        floor = next(each for each in self.libraries if each.key == work.floor)
        expected = await self.answer(work, floor, arguments)
        notes = {}
        for library in self.libraries:
            if work.method in library.unavailable:
                notes[library.key] = library.unavailable[work.method]
            elif library is not floor:
                answer = await self.answer(work, library, arguments)
                check_answer(library, work.title, answer, expected)
        return notes

    async def answer(self, work: Work, library: Library, arguments: Batch) -> Any:
        """Return what a library does, in plain values."""
        await self.before(work)
        operation = getattr(library, work.method)
        given = await library.prepare(work.method, arguments)
        results = [await operation(*each) for each in given]
        left = [] if work.accounts is None else await accounts(self.connection)
        return work.answer(library, results, left)

    async def before(self, work: Work) -> None:
        """Make the accounts what they were."""
        if work.accounts is not None:
            await renew_accounts(self.connection, work.accounts(self.sizes))

    async def sample(self, work: Work, library: Library, arguments: Batch) -> float:
        """Return the seconds that one operation took, over all those of a sample."""
        await self.before(work)
        given = await library.prepare(work.method, arguments)
        operation = getattr(library, work.method)
        gc.collect()
        start = time.perf_counter()
        for each in given:
            await operation(*each)
        return (time.perf_counter() - start) / len(given)

    async def measure(self, work: Work, rounds: int, operations: int) -> Measured:
        """Check the answers of a work, then sample all libraries in every round."""
        measured = Measured(work, notes=dict(await self.check(work, min(operations, 20))))
        able = [each for each in self.libraries if each.key not in measured.notes]
        measured.seconds = {each.key: [] for each in able}
        start = time.perf_counter()
        # Round 0 fills the caches of statements and is not counted. What takes long has filled them
        # while its answer was checked.
        for number in range(0 if work.rounds is None else 1, rounds + 1):
            if number > ROUNDS_AT_LEAST and time.perf_counter() - start > BUDGET:
                break
            arguments = work.arguments(self.sizes, operations, seed=number)
            for library in rotated(able, number):
                seconds = await self.sample(work, library, arguments)
                if number:
                    measured.seconds[library.key].append(seconds)
        return measured


@asynccontextmanager
async def opened(libraries: Sequence[Library], url: str) -> AsyncGenerator[None]:
    """Connect the libraries for the block."""
    done: list[Library] = []
    try:
        for library in libraries:
            await library.open(url)
            done.append(library)
        # What has been imported and built stays; the collector need not look at it for each sample.
        gc.collect()
        gc.freeze()
        yield
    finally:
        gc.unfreeze()
        for library in done:
            await library.close()
