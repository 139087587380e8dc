"""Everything that one run of the benchmark found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.libraries import Library
from benchmarks.measuring import Measured
from benchmarks.saved import About
from benchmarks.tables import OURS, Verdict, ahead_of, verdicts_of

#: Seconds by library, as pairs of x and y.
Points = dict[str, list[tuple[float, float]]]


@dataclass(frozen=True)
class Findings:
    """The parts of a run, to be written about."""

    libraries: Sequence[Library]
    #: Server and libraries on one core, and on two.
    together: Sequence[Measured]
    about: About
    apart: Sequence[Measured]
    about_apart: About
    uvloop: Sequence[Measured]
    #: Bytes by method and library.
    memory: dict[str, dict[str, int]]
    curves: dict[str, Points]
    models: Points

    @property
    def peers(self) -> list[Library]:
        """The ORMs that OrmKit is compared with."""
        return [
            each
            for each in self.libraries
            if not each.is_reference and not each.key.startswith(OURS)
        ]

    def pairs(self) -> list[tuple[Verdict, Verdict]]:
        """Return OrmKit's figures on one core, each with that on two."""
        return list(zip(verdicts_of(self.together), verdicts_of(self.apart), strict=True))

    def word(self, one: Verdict, two: Verdict) -> str:
        """Return whether a limit holds in both placements: one could be chosen to suit us."""
        words = {one.word, two.word}
        return next((word for word in ("NOT met", "undecided") if word in words), "met")

    def named(self, word: str) -> list[tuple[Verdict, Verdict]]:
        """Return the figures with a limit of which this is to be said."""
        return [
            pair for pair in self.pairs() if pair[0].limit is not None and self.word(*pair) == word
        ]

    def lost(self) -> list[tuple[Measured, list[Library]]]:
        """Return the works in which a peer is as fast as OrmKit, in either placement."""
        lost = []
        for one, two in zip(self.together, self.apart, strict=True):
            faster = {each.key: each for each in ahead_of(one, self.libraries)}
            faster |= {each.key: each for each in ahead_of(two, self.libraries)}
            if faster:
                lost.append((one, list(faster.values())))
        return lost
