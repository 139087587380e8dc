"""How values of a type are compared: which are sent as they are, and which as another type."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from .infinity import Infinite, InfiniteDate, InfiniteDatetime

NAIVE = "it has no time zone: give it one, such as value.replace(tzinfo=timezone.utc)"


class Comparability:
    """How the values of one type of PostgreSQL are compared with values of Python."""

    __slots__ = ("foreign", "native", "takes_all")

    def __init__(self, *native: type, foreign: Callable[[Any], str]) -> None:
        """Describe a type.

        native: Python types whose values are always sent as this type.
        foreign: tells the type under which any other value is sent, empty for this one; raises
            ValueError with the reason where it is not to be compared.
        """
        self.native = frozenset(native)
        self.foreign = foreign
        #: True where every value is sent as this type.
        self.takes_all = foreign is own


def own(value: object) -> str:
    """Take every value as one of the type itself; the driver refuses what does not fit."""
    return ""


def of_date(value: object) -> str:
    # PostgreSQL compares a date with a timestamp as the midnight that it is.
    if isinstance(value, dt.datetime):
        return "timestamp" if value.tzinfo is None else "timestamptz"
    return ""


def of_moment(value: object) -> str:
    if isinstance(value, dt.datetime):
        if is_unzoned(value):
            raise ValueError(NAIVE)
        return ""
    return "date" if isinstance(value, dt.date) else ""


def is_unzoned(value: Any) -> bool:
    """Return whether a datetime is of another moment in each time zone; infinity is of none."""
    return not isinstance(value, Infinite) and value.tzinfo is None


def of_zoned_time(value: object) -> str:
    if isinstance(value, dt.time) and value.tzinfo is None:
        raise ValueError("it has no time zone, and the type has one")
    return ""


def of_number(value: object) -> str:
    if isinstance(value, bool):
        raise ValueError("it is not a number: write 1 or 0")
    return ""


def of_numeric(value: object) -> str:
    # As a numeric, 1.1 would be the 52 digits of its nearest double, and equal to no 1.1.
    return "double precision" if isinstance(value, float) else of_number(value)


#: Infinity is of every type of dates and timestamps.
INFINITE = (InfiniteDate, InfiniteDatetime)
#: Of a type of which nothing is known.
PLAIN = Comparability(foreign=own)
#: Of any type of numbers, by the types of Python that are sent as they are.
WHOLE_NUMBERS = Comparability(int, foreign=of_number)
FLOATS = Comparability(float, int, foreign=of_number)
TEXTS = Comparability(str, foreign=own)
