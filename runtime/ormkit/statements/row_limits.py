"""LIMIT and OFFSET: frequent counts are written into the SQL as constants, others as parameters.

With a parameter, PostgreSQL's generic plan assumes a tenth of all rows. It costs more than the
custom plans, so that the server would plan each execution anew.
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
#: How many counts of a table become constants, which bounds the number of texts of one shape.
MOST_LIMITS = 16
MOST_OFFSETS = 8
#: A count becomes a constant at this use. A rare one would only fill the table.
USES_TO_WRITE = 6
#: How many rarer counts are tracked.
MOST_TRACKED = 64


class Written(int):
    """A count that is written into the SQL as a constant."""

    __slots__ = ()


ONE: Final = Written(1)
TWO: Final = Written(2)


class Counts(dict[int, Written]):
    """The counts that are constants in the statements of one table, on one engine."""

    __slots__ = ("_most", "_name", "_times")

    def __init__(self, name: str, most: int) -> None:
        """Allow at most `most` counts; `name` is the method, for error messages."""
        super().__init__()
        self._name = name
        self._most = most
        self._times: dict[int, int] = {}

    def take(self, value: object) -> int:
        """Validate a count, and return it, Written where it is a constant; raises InvalidValue."""
        # The common case, without a further call.
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
        if times < USES_TO_WRITE:
            if len(self._times) >= MOST_TRACKED:
                self._times.clear()
            self._times[count] = times
            return count
        written = self[count] = Written(count)
        return written


class TableCounts:
    """The limits and offsets that are constants in the statements of one table."""

    __slots__ = ("limits", "offsets")

    def __init__(self) -> None:
        self.limits = Counts("limit", MOST_LIMITS)
        self.offsets = Counts("offset", MOST_OFFSETS)


#: Those of each table that an engine reads.
EngineCounts = defaultdict[Hashable, TableCounts]


def engine_counts() -> EngineCounts:
    """Return the empty counts of a new engine."""
    return defaultdict(TableCounts)


def whole_number(name: str, value: object) -> int:
    """Validate the argument of limit() or offset(); raises InvalidValue."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise InvalidValue(f"{name} must be a whole number, at least 0, not {shown(value)}")
    if value >= 2**63:
        raise InvalidValue(f"{name} is beyond PostgreSQL's bigint")
    return value


def shape_of(count: int | None) -> object:
    """Return the part of a statement's key that depends on a count."""
    if count is None or isinstance(count, Written):
        return count
    return "bound"


def bound(*counts: int | None) -> list[int]:
    """Return the counts that are parameters."""
    return [count for count in counts if count is not None and not isinstance(count, Written)]


def limit_sql(limit: int | None, offset: int | None, scope: Scope) -> str:
    """Return the SQL of LIMIT and OFFSET."""
    parts = [
        f" {word} {int(count) if isinstance(count, Written) else scope.bind(None)}"
        for word, count in (("LIMIT", limit), ("OFFSET", offset))
        if count is not None
    ]
    return "".join(parts)
