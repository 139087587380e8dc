"""Represent PostgreSQL's interval: months, days and microseconds."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Sequence
from typing import Any, ClassVar, Never, Self, TypeAlias, final, overload

from ..errors import InvalidValue
from .infinity import Infinite

__all__ = ["Interval", "Span"]

#: The largest value of each field.
MAX_MONTHS = MAX_DAYS = 2**31 - 1
MAX_MICROSECONDS = 2**63 - 1
DAYS_OF_MONTH = 30
#: In microseconds.
DAY = 86_400_000_000
MICROSECOND = dt.timedelta(microseconds=1)


@final
class Interval:
    """A span of time, as columns of type interval hold it: months, days and microseconds.

    Two of them compare as in PostgreSQL, where a month has 30 days and a day has 24 hours: one of
    30 days equals one of a month, and a `timedelta` of 30 days, and they are the same key of a
    dict. The fields tell them apart, and OrmKit stores what the fields say.
    """

    __slots__ = ("days", "microseconds", "months")

    #: Longer than every other interval; -Interval.INFINITY is shorter. From PostgreSQL 17 on.
    INFINITY: ClassVar[Interval]

    months: int
    days: int
    microseconds: int

    def __new__(cls, months: int = 0, days: int = 0, microseconds: int = 0) -> Self:
        """Make an interval; raises InvalidValue for what PostgreSQL's fields cannot hold."""
        made: Self = new_interval(
            cls,
            checked_field("months", months, MAX_MONTHS),
            checked_field("days", days, MAX_DAYS),
            checked_field("microseconds", microseconds, MAX_MICROSECONDS),
        )
        return made

    @overload
    @staticmethod
    def of(value: Interval | dt.timedelta) -> Interval: ...
    @overload
    @staticmethod
    def of(value: Interval | dt.timedelta | None) -> Interval | None: ...
    @staticmethod
    def of(value: Any) -> Any:
        """Return a timedelta as the interval that PostgreSQL makes of it; other values as is."""
        if not isinstance(value, dt.timedelta):
            return value
        return new_interval(Interval, 0, value.days, value.seconds * 1_000_000 + value.microseconds)

    @overload
    @staticmethod
    def all_of(values: Sequence[Any]) -> list[Any]: ...
    @overload
    @staticmethod
    def all_of(values: Sequence[Any] | None) -> list[Any] | None: ...
    @staticmethod
    def all_of(values: Any) -> Any:
        """Return a list of intervals for an array of any depth; other values as is."""
        if not isinstance(values, (list, tuple)):
            return Interval.of(values)
        return list(map(Interval.all_of, list[Any](values)))  # pyright: ignore

    @property
    def is_infinite(self) -> bool:
        """True for Interval.INFINITY and -Interval.INFINITY."""
        return fields(self) in OPPOSITES

    def to_timedelta(self) -> dt.timedelta:
        """Return the same span as a timedelta.

        Raises InvalidValue for one of months, which have no length, an infinite one, and one
        beyond what a timedelta holds.
        """
        if self.is_infinite:
            raise InvalidValue("an infinite interval cannot become a timedelta")
        if self.months:
            raise InvalidValue(
                "an interval with months cannot become a timedelta, because months differ in "
                "length: use its months, days and microseconds, or add it to a date"
            )
        try:
            return dt.timedelta(self.days, 0, self.microseconds)
        except OverflowError:
            raise InvalidValue("the interval is too large for a timedelta") from None

    def total_seconds(self) -> float:
        """Return the number of seconds; raises InvalidValue where to_timedelta() does."""
        return self.to_timedelta().total_seconds()

    def __setattr__(self, name: str, value: object) -> Never:
        raise AttributeError("an interval is immutable: create another one")

    def __delattr__(self, name: str) -> Never:
        raise AttributeError("an interval is immutable: create another one")

    def __eq__(self, other: object) -> bool:
        found = span(other)
        return NotImplemented if found is None else span_of(self) == found

    def __lt__(self, other: Interval | dt.timedelta) -> bool:
        found = span(other)
        return NotImplemented if found is None else span_of(self) < found

    def __le__(self, other: Interval | dt.timedelta) -> bool:
        found = span(other)
        return NotImplemented if found is None else span_of(self) <= found

    def __gt__(self, other: Interval | dt.timedelta) -> bool:
        found = span(other)
        return NotImplemented if found is None else span_of(self) > found

    def __ge__(self, other: Interval | dt.timedelta) -> bool:
        found = span(other)
        return NotImplemented if found is None else span_of(self) >= found

    def __hash__(self) -> int:
        # Equal values need equal hashes: this is the hash of the equal timedelta.
        found = span_of(self)
        try:
            return hash(dt.timedelta(microseconds=found))
        except OverflowError:
            return hash(found)

    def __bool__(self) -> bool:
        return bool(self.months or self.days or self.microseconds)

    def __neg__(self) -> Interval:
        opposite = OPPOSITES.get(fields(self))
        return opposite or Interval(-self.months, -self.days, -self.microseconds)

    def __pos__(self) -> Interval:
        return self

    @overload
    def __add__(self, other: Interval | dt.timedelta) -> Interval: ...
    @overload
    def __add__(self, other: dt.datetime) -> dt.datetime: ...
    @overload
    def __add__(self, other: dt.date) -> dt.date: ...
    def __add__(self, other: Any) -> Any:
        """Add field by field; to a date or a datetime as PostgreSQL does.

        First come the months, where a day that the month lacks becomes its last one, then the
        days, and then the time, which passes between two moments whatever clocks show. InvalidValue
        for a date and an interval that has a time: take a datetime.
        """
        if isinstance(other, (Interval, dt.timedelta)):
            return added(self, Interval.of(other), 1)
        return shifted(other, self) if isinstance(other, dt.date) else NotImplemented

    __radd__ = __add__

    def __sub__(self, other: Interval | dt.timedelta) -> Interval:
        if isinstance(other, (Interval, dt.timedelta)):
            return added(self, Interval.of(other), -1)
        return NotImplemented

    @overload
    def __rsub__(self, other: dt.timedelta) -> Interval: ...
    @overload
    def __rsub__(self, other: dt.datetime) -> dt.datetime: ...
    @overload
    def __rsub__(self, other: dt.date) -> dt.date: ...
    def __rsub__(self, other: Any) -> Any:
        if isinstance(other, dt.timedelta):
            return added(Interval.of(other), self, -1)
        return shifted(other, -self) if isinstance(other, dt.date) else NotImplemented

    def __mul__(self, factor: int) -> Interval:
        if not isinstance(factor, int):
            return NotImplemented
        if self.is_infinite and factor:
            return self if factor > 0 else -self
        return Interval(self.months * factor, self.days * factor, self.microseconds * factor)

    __rmul__ = __mul__

    def __repr__(self) -> str:
        if self.is_infinite:
            return "Interval.INFINITY" if self.months > 0 else "-Interval.INFINITY"
        named = zip(("months", "days", "microseconds"), fields(self), strict=True)
        return f"Interval({', '.join(f'{name}={value}' for name, value in named if value)})"

    def __str__(self) -> str:
        """Return the text as PostgreSQL writes it, such as "1 year 2 mons 3 days 04:05:06"."""
        if self.is_infinite:
            return "infinity" if self.months > 0 else "-infinity"
        years, months = divmod(abs(self.months), 12)
        sign = -1 if self.months < 0 else 1
        parts: list[str] = []
        was_negative = False
        for count, unit in ((sign * years, "year"), (sign * months, "mon"), (self.days, "day")):
            if count:
                plus = "+" if was_negative and count > 0 else ""
                parts.append(f"{plus}{count} {unit}{'s' * (count != 1)}")
                was_negative = count < 0
        if self.microseconds or not parts:
            plus = "+" if was_negative and self.microseconds > 0 else ""
            parts.append(plus + clock(self.microseconds))
        return " ".join(parts)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return restored, fields(self)


#: What is taken for a value of type interval.
Span: TypeAlias = Interval | dt.timedelta

#: Setters of the fields, since __setattr__ rejects every change.
SLOTS = tuple([vars(Interval)[name] for name in ("months", "days", "microseconds")])
set_months, set_days, set_microseconds = [slot.__set__ for slot in SLOTS]


def new_interval(kind: Any, months: int, days: int, microseconds: int) -> Any:
    """Return an interval with these fields, without checking them."""
    made = object.__new__(kind)
    set_months(made, months)
    set_days(made, days)
    set_microseconds(made, microseconds)
    return made


def restored(months: int, days: int, microseconds: int) -> Interval:
    """Return an unpickled interval."""
    made: Interval = new_interval(Interval, months, days, microseconds)
    return made


def checked_field(name: str, value: object, most: int) -> int:
    """Return a field of an interval; raises InvalidValue for a wrong type or range."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidValue(f"the {name} of an interval must be an int, not {type(value).__name__}")
    if not -most - 1 <= value <= most:
        raise InvalidValue(f"the {name} of an interval must be from {-most - 1} to {most}")
    return int(value)


def fields(interval: Interval) -> tuple[int, int, int]:
    """Return the fields, which distinguish intervals that compare as equal."""
    return interval.months, interval.days, interval.microseconds


def span_of(interval: Interval) -> int:
    """Return the length in microseconds that PostgreSQL compares intervals by."""
    days = interval.months * DAYS_OF_MONTH + interval.days
    return days * DAY + interval.microseconds


def span(value: object) -> int | None:
    """Return that length for an interval or a timedelta; None for other values."""
    if isinstance(value, Interval):
        return span_of(value)
    return value // MICROSECOND if isinstance(value, dt.timedelta) else None


def added(one: Interval, other: Interval, sign: int) -> Interval:
    """Return the sum or the difference of two intervals."""
    if other.is_infinite:
        other, sign = (other, 1) if sign > 0 else (-other, 1)
        if one.is_infinite and fields(one) != fields(other):
            raise InvalidValue("infinite intervals of opposite signs cannot be added")
        return other
    if one.is_infinite:
        return one
    pairs = zip(fields(one), fields(other), strict=True)
    return Interval(*[mine + sign * theirs for mine, theirs in pairs])


def shifted(moment: Any, by: Interval) -> Any:
    """Return the date or datetime plus the interval.

    Raises InvalidValue for an infinite interval, OverflowError beyond the years 1 to 9999.
    """
    if isinstance(moment, Infinite):
        return moment
    if by.is_infinite:
        raise InvalidValue("an infinite interval cannot be added to a date: use ormkit.INFINITY")
    year, month = divmod(moment.year * 12 + moment.month - 1 + by.months, 12)
    if not dt.MINYEAR <= year <= dt.MAXYEAR:
        raise OverflowError("date value out of range")
    day = min(moment.day, calendar.monthrange(year, month + 1)[1])
    there = moment.replace(year=year, month=month + 1, day=day) + dt.timedelta(by.days)
    if not by.microseconds:
        return there
    if not isinstance(there, dt.datetime):
        raise InvalidValue("the interval has a time, and a date has none: use a datetime")
    time = dt.timedelta(microseconds=by.microseconds)
    if there.tzinfo is None:
        return there + time
    return (there.astimezone(dt.UTC) + time).astimezone(there.tzinfo)


def clock(microseconds: int) -> str:
    """Return a time as PostgreSQL writes it, such as "-26:00:00.5"."""
    seconds, rest = divmod(abs(microseconds), 1_000_000)
    fraction = f".{rest:06}".rstrip("0") if rest else ""
    sign = "-" if microseconds < 0 else ""
    return f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{fraction}"


Interval.INFINITY = new_interval(Interval, MAX_MONTHS, MAX_DAYS, MAX_MICROSECONDS)
MINUS_INFINITE_INTERVAL: Interval = new_interval(
    Interval, ~MAX_MONTHS, ~MAX_DAYS, ~MAX_MICROSECONDS
)
#: The infinite intervals by the fields of their opposites.
OPPOSITES = {
    fields(Interval.INFINITY): MINUS_INFINITE_INTERVAL,
    fields(MINUS_INFINITE_INTERVAL): Interval.INFINITY,
}
