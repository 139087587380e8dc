"""Convert dates, times, timestamps and intervals to the values that PostgreSQL returns for them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from ..errors import InvalidValue
from .checks import in_utc, reason_by, time_mismatch
from .infinity import Infinite, InfiniteDate, InfiniteDatetime, infinite_as
from .interval import DAY, Interval

#: PostgreSQL counts timestamps from here, so that a half is rounded away from this date.
POSTGRES_EPOCH = dt.datetime(2000, 1, 1)


def date_form(value: Any) -> Any:
    if isinstance(value, Infinite):
        return infinite_as(InfiniteDate, value)
    return dt.date(value.year, value.month, value.day) if isinstance(value, dt.date) else value


def time_form(places: int, value: Any) -> Any:
    if reason := reason_by(time_mismatch, value):
        raise InvalidValue(reason)
    is_plain = type(value) is dt.time and not value.fold
    return rounded_time(value if is_plain else plain_time(value, None), places)


def timetz_form(places: int, value: Any) -> Any:
    if not isinstance(value, dt.time) or value.tzinfo is None:
        return value
    offset = value.tzinfo.utcoffset(None)
    if offset is None:
        raise InvalidValue("its time zone has no offset without a date")
    if offset % dt.timedelta(seconds=1):
        raise InvalidValue("the offset of its time zone is not a whole number of seconds")
    return rounded_time(plain_time(value, dt.timezone(offset)), places)


def plain_time(value: dt.time, zone: dt.tzinfo | None) -> dt.time:
    """Return the time with this time zone, as an instance of `time` and not of a subclass."""
    return dt.time(value.hour, value.minute, value.second, value.microsecond, zone)


def rounded_time(value: dt.time, places: int) -> dt.time:
    """Return the time rounded to this many fractional digits of a second."""
    unit = 10 ** (6 - places)
    if value.microsecond % unit == 0:
        return value
    seconds = (value.hour * 60 + value.minute) * 60 + value.second
    count = (seconds * 1_000_000 + value.microsecond + unit // 2) // unit * unit
    if count >= DAY:
        raise InvalidValue("it rounds to 24:00, which Python's times cannot hold")
    rounded = dt.datetime.min + dt.timedelta(microseconds=count)
    return rounded.time().replace(tzinfo=value.tzinfo)


def timestamp_form(places: int, value: Any) -> Any:
    if isinstance(value, Infinite):
        return infinite_as(InfiniteDatetime, value)
    if isinstance(value, dt.datetime):
        if value.tzinfo is not None:
            return value
        is_plain = type(value) is dt.datetime and not value.fold
        plain = value if is_plain else plain_datetime(value, None)
    elif isinstance(value, dt.date):
        plain = dt.datetime(value.year, value.month, value.day)
    else:
        return value
    return rounded_datetime(plain, places)


def timestamptz_form(places: int, value: Any) -> Any:
    if isinstance(value, Infinite):
        return infinite_as(InfiniteDatetime, value)
    if not isinstance(value, dt.date):
        return value
    if type(value) is not dt.datetime or value.tzinfo is not dt.UTC or value.fold:
        try:
            value = plain_datetime(in_utc(value), dt.UTC)
        except OverflowError:
            raise InvalidValue("it is outside the years 1 to 9999 in UTC") from None
    return rounded_datetime(value, places)


def plain_datetime(value: dt.datetime, zone: dt.tzinfo | None) -> dt.datetime:
    """Return the same fields with this time zone, as an instance of `datetime` itself."""
    day = (value.year, value.month, value.day)
    return dt.datetime(*day, value.hour, value.minute, value.second, value.microsecond, zone)


def rounded_datetime(value: dt.datetime, places: int) -> dt.datetime:
    """Return the datetime rounded to this many digits of a second; halves go away from 2000."""
    unit = 10 ** (6 - places)
    rest = value.microsecond % unit
    if rest == 0:
        return value
    is_later = value.replace(tzinfo=None) >= POSTGRES_EPOCH
    is_up = rest * 2 > unit or (rest * 2 == unit and is_later)
    try:
        return value + dt.timedelta(microseconds=unit - rest if is_up else -rest)
    except OverflowError:
        raise InvalidValue("it rounds to a time after the year 9999") from None


def interval_form(places: int, value: Any) -> Any:
    span = Interval.of(value)
    unit = 10 ** (6 - places)
    if not isinstance(span, Interval) or span.is_infinite or span.microseconds % unit == 0:
        return span
    count = (abs(span.microseconds) + unit // 2) // unit * unit
    return Interval(span.months, span.days, count if span.microseconds > 0 else -count)
