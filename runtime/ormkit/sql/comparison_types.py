"""What a value counts as where it is compared: its own type beside that of the expression.

The driver sends a value as the type of what it is compared with. A datetime beside a date loses
its time of day on that way, and the answer changes. Where PostgreSQL compares the two types, such a
value is sent as its own type; where the driver would have to guess, it is refused.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from ..errors import InvalidValue
from ..postgres.infinity import Infinite, InfiniteDate, InfiniteDatetime
from ..postgres.values import Range
from .operands import about

NAIVE = "it has no time zone: give it one, such as value.replace(tzinfo=timezone.utc)"


class Comparability:
    """How the values of one type of PostgreSQL are compared with values of Python."""

    __slots__ = ("foreign", "native")

    def __init__(self, *native: type, foreign: Callable[[Any], str]) -> None:
        """Describe a type.

        native: Python types whose values are always sent as this type.
        foreign: tells the type under which any other value is sent, empty for this one; raises
            ValueError with the reason where it is not to be compared.
        """
        self.native = frozenset(native)
        self.foreign = foreign


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


def are_unzoned(by: Mapping[str, Any], names: tuple[str, ...]) -> bool:
    """Return whether any of these keywords has a datetime that lacks a time zone."""
    for name in names:  # noqa: SIM110  a generator would take as long as the query itself
        if by[name].tzinfo is None and is_unzoned(by[name]):
            return True
    return False


def of_zoned_time(value: object) -> str:
    if isinstance(value, dt.time) and value.tzinfo is None:
        raise ValueError("it has no time zone, and the type has one")
    return ""


def of_number(value: object) -> str:
    if isinstance(value, bool):
        raise ValueError("it is no number: write 1 or 0")
    return ""


def of_numeric(value: object) -> str:
    # As a numeric, 1.1 would be the 52 digits of its nearest double, and equal to no 1.1.
    return "double precision" if isinstance(value, float) else of_number(value)


#: Infinity is of every type of dates and timestamps.
INFINITE = (InfiniteDate, InfiniteDatetime)
#: By PostgreSQL's name of the type, without its modifier.
COMPARABILITIES: dict[str, Comparability] = {
    "date": Comparability(dt.date, *INFINITE, foreign=of_date),
    "timestamp": Comparability(dt.datetime, dt.date, *INFINITE, foreign=own),
    "timestamptz": Comparability(*INFINITE, foreign=of_moment),
    "timetz": Comparability(foreign=of_zoned_time),
    **dict.fromkeys(("smallint", "integer", "bigint"), Comparability(int, foreign=of_number)),
    **dict.fromkeys(("real", "double precision"), Comparability(float, int, foreign=of_number)),
    "numeric": Comparability(Decimal, int, foreign=of_numeric),
    **dict.fromkeys(("text", "varchar", "citext"), Comparability(str, foreign=own)),
    "uuid": Comparability(UUID, foreign=own),
    "boolean": Comparability(bool, foreign=own),
}
#: Of a type that has no entry.
PLAIN = Comparability(foreign=own)
#: The type of a range's bounds, where their values can be of another type than it takes.
BOUNDS = {
    "numrange": COMPARABILITIES["numeric"],
    "daterange": COMPARABILITIES["date"],
    "tstzrange": COMPARABILITIES["timestamptz"],
}


def comparability(type_: str) -> Comparability:
    """Return how values of a type are compared; of an array, how its elements are."""
    return COMPARABILITIES.get(type_.partition("[")[0].partition("(")[0], PLAIN)


def native_types(type_: str) -> frozenset[type]:
    """Return the types of Python whose values are compared with a type as they are."""
    return frozenset() if type_.endswith(("[]", "range")) else comparability(type_).native


def foreign_type(compared: Any, value: object) -> str:
    """Return the type under which a value is compared; empty where it is the expression's own.

    compared: the expression beside it. Raises InvalidValue for a value that is not to be compared.
    """
    if value is None:
        raise refused(compared, value, "a comparison with NULL is never true: take isnull()")
    type_: str = compared.type
    if type_.endswith(("[]", "range")):
        check_elements(compared, value)
        return ""
    return foreign_as(compared, value, comparability(type_))


def foreign_as(compared: Any, value: object, known: Comparability) -> str:
    """Return the type under which a value is sent; empty for the type that `known` describes."""
    if type(value) in known.native:
        return ""
    try:
        return known.foreign(value)
    except ValueError as error:
        raise refused(compared, value, str(error)) from None


def check_own(compared: Any, values: Collection[Any], kinds: set[type]) -> None:
    """Raise InvalidValue for a value that is not sent as one of the expression's own type.

    kinds: the types of the values.
    """
    known = comparability(compared.type)
    if not kinds <= known.native:
        for value in values:
            check_one(compared, value, known)


def check_elements(compared: Any, value: Any) -> None:
    """Raise InvalidValue where an array or a range holds what is no value of its type."""
    if isinstance(value, (list, tuple)):
        for each in value:  # pyright: ignore[reportUnknownVariableType]
            check_elements(compared, each)
    elif isinstance(value, Range):
        given: Range[Any] = value  # pyright: ignore[reportUnknownVariableType]
        for bound in (given.lower, given.upper):
            if bound is not None and (known := BOUNDS.get(compared.type.partition("[")[0])):
                check_one(compared, bound, known)
    elif value is not None and compared.is_array:
        check_one(compared, value, comparability(compared.type))


def check_one(compared: Any, value: Any, known: Comparability | None = None) -> None:
    """Raise InvalidValue where the value is sent as another type than the one it belongs to.

    known: how that type is compared, where it is not the type of the expression.
    """
    if known is None:
        foreign = foreign_type(compared, value)
    else:
        foreign = foreign_as(compared, value, known)
    if foreign:
        raise refused(
            compared, value, f"here it would have to be of that type, and is {foreign}: convert it"
        )


def refused(compared: Any, value: object, reason: str) -> InvalidValue:
    """Return the error for a value that is not to be compared with an expression."""
    name = about(compared).removesuffix(": ") or "the expression"
    return InvalidValue(
        f"{name} is of type {compared.type} and cannot be compared with this "
        f"{type(value).__name__}: {reason}"
    )
