"""Limits: counts of rows, which stand in a statement's text where they are few and come often.

Where a LIMIT is a parameter, PostgreSQL's generic plan is one for a tenth of all rows. It looks
worse than the plans made for each value, so that the server goes on planning at every execution.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable
from typing import Final

from ..errors import InvalidValue, shown
from ..sql.context import Scope

#: Larger counts are always parameters: reading so many rows takes longer than planning for them.
#: Chunks of 1,000 rows ask for one more.
LARGEST = 1024
#: How many counts of a table are written, so that one shape of a query has at most so many texts.
MOST_LIMITS = 16
MOST_OFFSETS = 8
#: A count is written when it comes for this time: one that comes once would only take the place.
TIMES = 6
#: How many counts are watched that did not come as often yet.
MOST_WATCHED = 64


class Written(int):
    """A count that stands in the text of a statement, and is no parameter of it."""

    __slots__ = ()


ONE: Final = Written(1)
TWO: Final = Written(2)


class Counts(dict[int, Written]):
    """The counts that stand in the statements of one table, on one engine."""

    __slots__ = ("_most", "_name", "_times")

    def __init__(self, name: str, most: int) -> None:
        """Take at most so many; the name is that of the method which is given them."""
        super().__init__()
        self._name = name
        self._most = most
        self._times: dict[int, int] = {}

    def take(self, value: object) -> int:
        """Return a count that a caller gave, Written where it is to be; raises InvalidValue."""
        # Most are given rightly, and need no further function.
        if type(value) is int and 0 <= value < 2**63:
            count: int = value
        elif isinstance(value, Written):
            return value
        else:
            count = whole_number(self._name, value)
        if (written := self.get(count)) is not None:
            return written
        if count > LARGEST or len(self) >= self._most:
            return count
        times = self._times.get(count, 0) + 1
        if times < TIMES:
            if len(self._times) >= MOST_WATCHED:
                self._times.clear()
            self._times[count] = times
            return count
        written = self[count] = Written(count)
        return written


class TableCounts:
    """The limits and offsets that stand in the statements of one table."""

    __slots__ = ("limits", "offsets")

    def __init__(self) -> None:
        self.limits = Counts("limit", MOST_LIMITS)
        self.offsets = Counts("offset", MOST_OFFSETS)


#: Those of each table that an engine reads.
EngineCounts = defaultdict[Hashable, TableCounts]


def engine_counts() -> EngineCounts:
    """Return what an engine that has read nothing yet knows of counts."""
    return defaultdict(TableCounts)


def whole_number(name: str, value: object) -> int:
    """Return the count that limit() or offset() was given; raises InvalidValue."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise InvalidValue(f"{name} needs a whole number from 0 on, not {shown(value)}")
    if value >= 2**63:
        raise InvalidValue(f"{name} is beyond PostgreSQL's bigint")
    return value


def shape_of(count: int | None) -> object:
    """Return what a statement's text owes to a count."""
    if count is None or isinstance(count, Written):
        return count
    return "bound"


def bound(*counts: int | None) -> list[int]:
    """Return those of the counts that are parameters."""
    return [count for count in counts if count is not None and not isinstance(count, Written)]


def cut_sql(limit: int | None, offset: int | None, scope: Scope) -> str:
    """Return LIMIT and OFFSET, as far as they are given."""
    parts = [
        f" {word} {int(count) if isinstance(count, Written) else scope.bind(None)}"
        for word, count in (("LIMIT", limit), ("OFFSET", offset))
        if count is not None
    ]
    return "".join(parts)
