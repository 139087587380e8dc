"""Values as the cursor of a page holds them, which is JSON: one reader for each kind of type."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

from .infinity import INFINITE_DATE, INFINITY, MINUS_INFINITE_DATE, MINUS_INFINITY
from .interval import Interval, fields

#: Returns a value from what a cursor holds; raises ValueError, TypeError.
Reader = Callable[[Any], Any]

#: What stands for dates and timestamps that have no form in ISO 8601.
DATES: dict[object, dt.date] = {str(each): each for each in (INFINITE_DATE, MINUS_INFINITE_DATE)}
TIMESTAMPS: dict[object, dt.datetime] = {str(each): each for each in (INFINITY, MINUS_INFINITY)}


def to_json(value: Any) -> Any:
    """Return a value as JSON can hold it."""
    if isinstance(value, (Interval, dt.timedelta)):
        return fields(Interval.of(value))
    if isinstance(value, (dt.datetime, dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, (Decimal, UUID, float)):
        return str(value)
    return value


def of_type(kind: type, value: Any) -> Any:
    """Return the value if it is of just this type; raises TypeError."""
    if type(value) is not kind:
        raise TypeError
    return value


def read_int(value: Any) -> Any:
    return of_type(int, value)


def read_float(text: Any) -> Any:
    return float(of_type(str, text))


def read_decimal(text: Any) -> Any:
    return Decimal(of_type(str, text))


def read_bool(value: Any) -> Any:
    return of_type(bool, value)


def read_text(value: Any) -> Any:
    return of_type(str, value)


def read_date(text: Any) -> Any:
    return DATES.get(text) or dt.date.fromisoformat(text)


def read_timestamp(text: Any) -> Any:
    return TIMESTAMPS.get(text) or dt.datetime.fromisoformat(text)


def read_interval(parts: Any) -> Any:
    return Interval(*of_type(list, parts))


def read_uuid(text: Any) -> Any:
    return UUID(of_type(str, text))
