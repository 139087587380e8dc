"""What was measured, as lines and tables to read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.interference import QUIET
from benchmarks.libraries import Library
from benchmarks.measuring import Measured, Spread, ratios
from benchmarks.saved import About

OURS = "ormkit"
ALONE = "ormkit-alone"
#: Where the two differ. In every other work they run the same code, and differ by chance only.
COALESCED = ("get", "get_in_tasks")
#: A figure is unsteady where chance changes it by more than this share.
STEADY = 0.10
TITLE = 26
COLUMN = 14


@dataclass(frozen=True)
class Verdict:
    """How OrmKit stands in one work."""

    measured: Measured
    key: str
    limit: float | None

    @property
    def figure(self) -> float:
        return self.measured.ratios(self.key).median

    @property
    def is_met(self) -> bool:
        return self.limit is None or self.figure <= self.limit

    @property
    def is_undecided(self) -> bool:
        """True where chance alone can carry the figure over its limit, or below it."""
        if self.limit is None:
            return False
        share = noise(self.measured, self.key)
        return self.figure * (1 - share) <= self.limit < self.figure * (1 + share)

    @property
    def word(self) -> str:
        if self.limit is None:
            return ""
        return "undecided" if self.is_undecided else "met" if self.is_met else "NOT met"


def heading(libraries: Sequence[Library]) -> str:
    """Return the line above those of line()."""
    names = "".join(each.key.rjust(COLUMN) for each in libraries)
    return f"{'':{TITLE}}{'floor':>12}{names}"


def line(measured: Measured, libraries: Sequence[Library]) -> str:
    """Return the floor's time for one operation, and everyone's over it."""
    work = measured.work
    floor = duration(measured.times(work.floor).median)
    cells = "".join(cell(measured, each.key).rjust(COLUMN) for each in libraries)
    return f"{work.title:{TITLE}}{floor:>12}{cells}"


def cell(measured: Measured, key: str) -> str:
    return f"{measured.ratios(key).median:.2f}" if key in measured.seconds else "n/a"


def duration(seconds: float) -> str:
    """Return a time with its unit."""
    if seconds < 1e-3:
        return f"{seconds * 1e6:.0f} us"
    return f"{seconds * 1e3:.2f} ms" if seconds < 1 else f"{seconds:.2f} s"


def verdicts_of(found: Sequence[Measured]) -> list[Verdict]:
    """Return OrmKit's figures with their limits."""
    verdicts = []
    for each in found:
        limits = {OURS: each.work.limit, ALONE: each.work.limit_alone}
        verdicts += [
            Verdict(each, key, limit)
            for key, limit in limits.items()
            if key in each.seconds and (key == OURS or limit is not None)
        ]
    return verdicts


def noise(measured: Measured, key: str = OURS) -> float:
    """Return the share by which chance changes OrmKit's time.

    It is how far the quartiles of OrmKit's time over that of the same code are from 1: a median may
    be 1 by luck. In a lookup by key there is no same code, and the figure's own quartiles stand in.
    """
    if {OURS, ALONE} <= measured.seconds.keys() and measured.work.method not in COALESCED:
        found = Spread.of(ratios(measured.seconds[ALONE], measured.seconds[OURS]))
        return max(abs(found.low - 1), abs(found.high - 1))
    found = measured.ratios(key)
    return max(1 - found.low / found.median, found.high / found.median - 1)


def ahead_of(measured: Measured, libraries: Sequence[Library]) -> list[Library]:
    """Return the peers that are faster than OrmKit in a work, or as fast."""
    ours = measured.ratios(OURS).median
    return [
        each
        for each in libraries
        if not each.is_reference
        and not each.key.startswith(OURS)
        and each.key in measured.seconds
        and measured.ratios(each.key).median <= ours
    ]


def verdicts(found: Sequence[Measured], libraries: Sequence[Library]) -> str:
    """Return, line by line, OrmKit's figures, their limits, and who is faster."""
    lines = []
    for each in verdicts_of(found):
        limit = "no limit" if each.limit is None else f"limit {each.limit:.2f}"
        faster = ahead_of(each.measured, libraries) if each.key == OURS else []
        behind = f"behind {', '.join(peer.title for peer in faster)}" if faster else ""
        title = each.measured.work.title + (", alone" if each.key == ALONE else "")
        chance = f"chance {noise(each.measured, each.key):.0%}"
        line = f"{title:34}{each.figure:6.2f}  {limit:12}{each.word:11}{chance:13}{behind}"
        lines.append(line.rstrip())
    return "\n".join(lines)


def warning(about: About) -> str:
    """Return a line about other work on the machine; empty where there was none to speak of."""
    busiest = max(about.others, default=0.0)
    if busiest <= QUIET:
        return ""
    mean = sum(about.others) / len(about.others)
    return (
        f"other processes used {mean:.2f} cores between the benchmarks, at most {busiest:.2f}: "
        f"this makes ratios larger than they are, most of all for long samples"
    )
