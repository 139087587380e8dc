"""What was measured, as lines and tables to read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.libraries import Library
from benchmarks.measuring import Measured, Spread, ratios

OURS = "ormkit"
ALONE = "ormkit-alone"
#: Where the two differ. In every other work they run the same code, and differ by chance only.
COALESCED = ("get", "get_in_tasks")
#: A figure is unsteady where the same code differs from itself by more than this.
STEADY = 0.05
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


def noise(measured: Measured) -> float | None:
    """Return by how much OrmKit's time differs from that of the same code; None where unknown."""
    if not {OURS, ALONE} <= measured.seconds.keys() or measured.work.method in COALESCED:
        return None
    return abs(Spread.of(ratios(measured.seconds[ALONE], measured.seconds[OURS])).median - 1)


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
        met = "" if each.limit is None else "met" if each.is_met else "NOT met"
        faster = ahead_of(each.measured, libraries) if each.key == OURS else []
        behind = f"behind {', '.join(peer.title for peer in faster)}" if faster else ""
        title = each.measured.work.title + (", alone" if each.key == ALONE else "")
        error = noise(each.measured) or 0
        doubt = f"unsteady: the same code differs by {error:.0%}  " if error > STEADY else ""
        lines.append(f"{title:34}{each.figure:6.2f}  {limit:12}{met:9}{doubt}{behind}".rstrip())
    return "\n".join(lines)
