"""Codecs for dates, times, timestamps and intervals.

asyncpg's codecs treat 9999-12-31 as infinity and a year as 365 days. They also raise in the middle
of an answer for values outside the range of Python's types. The accelerator encodes and decodes
ordinary values in C. This module handles all other values, and every value without the accelerator.
"""

from __future__ import annotations

import datetime as dt
import struct
from collections.abc import Callable
from typing import Any, NamedTuple

from ..accelerator import accelerator
from ..postgres.checks import in_utc
from ..postgres.infinity import (
    INFINITE_DATE,
    INFINITY,
    MINUS_INFINITE_DATE,
    MINUS_INFINITY,
    sign_of,
)
from ..postgres.interval import DAY, MICROSECOND, SLOTS, Interval, new_interval
from .unreadable import Unreadable

Shortcut: Any = getattr(accelerator, "Shortcut", None)

#: The integers of a value's binary format.
Numbers = tuple[int, ...]

EPOCH = dt.datetime(2000, 1, 1)
EPOCH_UTC = EPOCH.replace(tzinfo=dt.UTC)
#: The difference between a date's ordinal in Python and PostgreSQL's number of days.
DAYS = EPOCH.toordinal()
LAST_DAY, LAST_MOMENT = 2**31 - 1, 2**63 - 1
#: PostgreSQL's integers for infinity, and their values in Python.
DATES = {LAST_DAY: INFINITE_DATE, ~LAST_DAY: MINUS_INFINITE_DATE}
TIMESTAMPS = {LAST_MOMENT: INFINITY, ~LAST_MOMENT: MINUS_INFINITY}
#: The first release of PostgreSQL with infinite intervals.
INFINITE_INTERVALS = 17

YEARS = "it is outside the years 1 to 9999 of Python's dates"
MIDNIGHT = "it is 24:00, which Python's times cannot hold"


class BinaryFormat(NamedTuple):
    """The binary format of a type: its layout, and the function that encodes a value."""

    layout: struct.Struct
    encode: Callable[[Any], Numbers]


def type_error(what: str, value: object) -> TypeError:
    """Return the error for a value of the wrong Python type."""
    return TypeError(f"expected {what}, got {type(value).__name__!r}")


def date_numbers(value: Any) -> Numbers:
    """Return the days of a date since 2000-01-01."""
    if not isinstance(value, dt.date):
        raise type_error("a datetime.date", value)
    if sign := sign_of(value):
        return (LAST_DAY if sign > 0 else ~LAST_DAY,)
    return (value.toordinal() - DAYS,)


def timestamp_numbers(value: Any) -> Numbers:
    """Return the microseconds of a naive datetime, or of a date's midnight, since 2000-01-01."""
    if not isinstance(value, dt.date):
        raise type_error("a datetime.date or datetime.datetime", value)
    if sign := sign_of(value):
        return (LAST_MOMENT if sign > 0 else ~LAST_MOMENT,)
    if not isinstance(value, dt.datetime):
        value = dt.datetime(value.year, value.month, value.day)
    return ((value - EPOCH) // MICROSECOND,)


def timestamptz_numbers(value: Any) -> Numbers:
    """Return the microseconds since 2000-01-01 UTC; a naive datetime is in the local time zone."""
    if not isinstance(value, dt.date) or sign_of(value):
        return timestamp_numbers(value)
    return ((in_utc(value) - EPOCH_UTC) // MICROSECOND,)


def time_numbers(value: Any) -> Numbers:
    """Return the microseconds since midnight of a time without a time zone."""
    if not isinstance(value, dt.time) or value.tzinfo is not None:
        raise type_error("a datetime.time without a time zone", value)
    return (since_midnight(value),)


def since_midnight(value: dt.time) -> int:
    """Return the microseconds since midnight; the time zone is ignored."""
    seconds = (value.hour * 60 + value.minute) * 60 + value.second
    return seconds * 1_000_000 + value.microsecond


def timetz_numbers(value: Any) -> Numbers:
    """Return the microseconds since midnight, and the offset in seconds west of UTC."""
    offset = value.utcoffset() if isinstance(value, dt.time) else None
    if offset is None:
        raise type_error("a datetime.time with a fixed offset from UTC", value)
    return since_midnight(value), -round(offset.total_seconds())


def interval_numbers(value: Any) -> Numbers:
    """Return the microseconds, days and months of an interval, in the order of its format."""
    span = Interval.of(value)
    if not isinstance(span, Interval):
        raise type_error("an ormkit.Interval or a datetime.timedelta", value)
    return span.microseconds, span.days, span.months


def finite_interval_numbers(value: Any) -> Numbers:
    """Do the same for a server without infinite intervals; raises ValueError for one."""
    if isinstance(value, Interval) and value.is_infinite:
        raise ValueError(
            f"PostgreSQL supports infinite intervals since version {INFINITE_INTERVALS}"
        )
    return interval_numbers(value)


FORMS = {
    "date": BinaryFormat(struct.Struct(">i"), date_numbers),
    "timestamp": BinaryFormat(struct.Struct(">q"), timestamp_numbers),
    "timestamptz": BinaryFormat(struct.Struct(">q"), timestamptz_numbers),
    "time": BinaryFormat(struct.Struct(">q"), time_numbers),
    "timetz": BinaryFormat(struct.Struct(">qi"), timetz_numbers),
    "interval": BinaryFormat(struct.Struct(">qii"), interval_numbers),
}


class Reading:
    """Decodes the integers that a connection receives; one method for each type.

    A value that Python's type cannot hold becomes a mark, which is also appended to a list.
    """

    __slots__ = ("_marks",)

    def __init__(self, marks: list[Unreadable]) -> None:
        self._marks = marks

    def _unread(self, reason: str) -> Unreadable:
        mark = Unreadable(reason)
        self._marks.append(mark)
        return mark

    def date(self, numbers: Numbers) -> Any:
        try:
            return dt.date.fromordinal(numbers[0] + DAYS)
        except (ValueError, OverflowError):
            return DATES.get(numbers[0]) or self._unread(YEARS)

    def timestamp(self, numbers: Numbers) -> Any:
        try:
            return EPOCH + dt.timedelta(0, 0, numbers[0])
        except OverflowError:
            return TIMESTAMPS.get(numbers[0]) or self._unread(YEARS)

    def timestamptz(self, numbers: Numbers) -> Any:
        try:
            return EPOCH_UTC + dt.timedelta(0, 0, numbers[0])
        except OverflowError:
            return TIMESTAMPS.get(numbers[0]) or self._unread(YEARS)

    def time(self, numbers: Numbers) -> Any:
        return self._time(numbers[0], None)

    def timetz(self, numbers: Numbers) -> Any:
        return self._time(numbers[0], dt.timezone(dt.timedelta(0, -numbers[1])))

    def _time(self, number: int, zone: dt.timezone | None) -> Any:
        if number >= DAY:
            return self._unread(MIDNIGHT)
        seconds, microsecond = divmod(number, 1_000_000)
        return dt.time(seconds // 3600, seconds // 60 % 60, seconds % 60, microsecond, zone)

    def interval(self, numbers: Numbers) -> Any:
        microseconds, days, months = numbers
        return new_interval(Interval, months, days, microseconds)


#: The encoder and decoder of a type, and asyncpg's name of the format that they use.
Codec = tuple[Callable[[Any], Any], Callable[[Any], Any], str]


def moment_codecs(marks: list[Unreadable], version: int) -> dict[str, Codec]:
    """Return the codecs of a connection by type name.

    marks: the list to which they append a mark for each undecodable value.
    version: the server's major version.
    """
    reading = Reading(marks)
    make = in_python if Shortcut is None else in_c
    forms = dict(FORMS)
    if version < INFINITE_INTERVALS:
        forms["interval"] = BinaryFormat(FORMS["interval"].layout, finite_interval_numbers)
    return {name: make(name, form, getattr(reading, name)) for name, form in forms.items()}


def in_python(name: str, form: BinaryFormat, decode: Callable[[Numbers], Any]) -> Codec:
    """Return the codec of a type in Python, which exchanges tuples of integers with asyncpg."""
    if name != "interval":
        return form.encode, decode, "tuple"

    # asyncpg uses the reverse order for intervals.
    def encode_interval(value: Any) -> Numbers:
        return form.encode(value)[::-1]

    def decode_interval(numbers: Numbers) -> Any:
        return decode(numbers[::-1])

    return encode_interval, decode_interval, "tuple"


def in_c(name: str, form: BinaryFormat, decode: Callable[[Numbers], Any]) -> Codec:
    """Return the codec of a type in C, which falls back to Python for unusual values."""
    pack, unpack = form.layout.pack, form.layout.unpack

    def encode_otherwise(value: Any) -> bytes:
        return pack(*form.encode(value))

    def decode_otherwise(data: bytes) -> Any:
        return decode(unpack(data))

    return (
        Shortcut(f"encode_{name}", encode_otherwise, Interval, SLOTS),
        Shortcut(f"decode_{name}", decode_otherwise, Interval, SLOTS),
        "binary",
    )
