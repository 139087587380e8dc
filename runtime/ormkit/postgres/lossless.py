"""Types whose values the driver may cut in silence, and what surely is not cut.

asyncpg stores 1.5 as 1 in a column of whole numbers, 0 for a numeric of more digits than
PostgreSQL has, and the time of a datetime: such values are refused before they are sent.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from decimal import Decimal
from functools import partial
from typing import Any

from .checks import MOST_DIGITS
from .values import Range

#: Of an array of PostgreSQL.
MOST_DIMENSIONS = 6


class Exactness:
    """Values of one Python type, which reach the server as they are."""

    __slots__ = ("kinds", "sure")

    def __init__(self, sure: type | None) -> None:
        #: The type whose values are never cut, where that is all there is to know of them.
        self.sure = sure
        self.kinds = frozenset((sure, type(None)))

    def holds(self, value: Any) -> bool:
        """Return whether a value surely is not cut; what is not sure has to be looked at."""
        return type(value) is self.sure

    def holds_all(self, values: Collection[Any]) -> bool:
        """Return the same of many values, by iterators of C."""
        return self.kinds.issuperset(map(type, values))

    def holds_elements(self, value: Any, depth: int = MOST_DIMENSIONS) -> bool:
        """Return the same of an array's elements, in as many dimensions as there can be."""
        if not isinstance(value, (list, tuple)) or not depth:
            return False
        if self.holds_all(value):  # pyright: ignore[reportUnknownArgumentType]
            return True
        deeper = partial(self.holds_elements, depth=depth - 1)
        return all(map(deeper, value))  # pyright: ignore[reportUnknownArgumentType]


class ExactDecimals(Exactness):
    """Decimals, unless they have more digits than PostgreSQL's numeric."""

    __slots__ = ()

    def holds(self, value: Any) -> bool:
        return type(value) is Decimal and value.adjusted() < MOST_DIGITS

    def holds_all(self, values: Collection[Any]) -> bool:
        return all(value is None or self.holds(value) for value in values)


class ExactRanges(ExactDecimals):
    """Ranges of whole numbers."""

    __slots__ = ()

    def holds(self, value: Any) -> bool:
        if type(value) is not Range:
            return False
        given: Range[Any] = value  # pyright: ignore[reportUnknownVariableType]
        return WHOLE.holds_all((given.lower, given.upper))


class ExactTimes(ExactDecimals):
    """Times without a zone."""

    __slots__ = ()

    def holds(self, value: Any) -> bool:
        return type(value) is dt.time and value.tzinfo is None


WHOLE = Exactness(int)
#: Types of Python that may have a fraction.
FRACTIONAL = (float, Decimal)
WHOLE_RANGES = ExactRanges(None)
