"""Detect values that asyncpg would truncate silently, so that they are rejected first.

asyncpg stores 1.5 as 1 in an integer column, 0 for a numeric with more digits than PostgreSQL
has, and only the time of a datetime in a time column.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from decimal import Decimal
from functools import partial
from typing import Any

from .checks import MOST_DIGITS
from .values import Range

#: The most dimensions that an array of PostgreSQL has.
MAX_DIMENSIONS = 6


class LosslessValues:
    """The values of one Python type, which the driver sends without loss."""

    __slots__ = ("kinds", "sure")

    def __init__(self, sure: type | None) -> None:
        #: The Python type whose values are never truncated; None where it does not tell.
        self.sure = sure
        self.kinds = frozenset((sure, type(None)))

    def holds(self, value: Any) -> bool:
        """Return whether a value is known to be sent without loss; False means unknown."""
        return type(value) is self.sure

    def holds_all(self, values: Collection[Any]) -> bool:
        """Return the same for many values, in a loop that runs in C."""
        return self.kinds.issuperset(map(type, values))

    def holds_elements(self, value: Any, depth: int = MAX_DIMENSIONS) -> bool:
        """Return the same for the elements of an array of up to `depth` dimensions."""
        if not isinstance(value, (list, tuple)) or not depth:
            return False
        if self.holds_all(value):  # pyright: ignore[reportUnknownArgumentType]
            return True
        deeper = partial(self.holds_elements, depth=depth - 1)
        return all(map(deeper, value))  # pyright: ignore[reportUnknownArgumentType]


class LosslessDecimals(LosslessValues):
    """Decimals with no more digits than PostgreSQL's numeric has."""

    __slots__ = ()

    def holds(self, value: Any) -> bool:
        return type(value) is Decimal and value.adjusted() < MOST_DIGITS

    def holds_all(self, values: Collection[Any]) -> bool:
        return all(value is None or self.holds(value) for value in values)


class LosslessRanges(LosslessDecimals):
    """Ranges with integer bounds."""

    __slots__ = ()

    def holds(self, value: Any) -> bool:
        if type(value) is not Range:
            return False
        given: Range[Any] = value  # pyright: ignore[reportUnknownVariableType]
        return LOSSLESS_INTEGERS.holds_all((given.lower, given.upper))


class LosslessTimes(LosslessDecimals):
    """Times without a time zone."""

    __slots__ = ()

    def holds(self, value: Any) -> bool:
        return type(value) is dt.time and value.tzinfo is None


LOSSLESS_INTEGERS = LosslessValues(int)
#: Python types of numbers that may have a fraction.
FRACTIONAL = (float, Decimal)
WHOLE_RANGES = LosslessRanges(None)
