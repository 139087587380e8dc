"""Represent PostgreSQL's infinite dates and timestamps in Python.

Their classes are subclasses of `date` and `datetime`, so that columns keep those annotations. They
equal no finite date: 9999-12-31 and `datetime.max` remain ordinary values.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Final, Self, final

__all__ = ["INFINITY"]


class Infinite:
    """The common behaviour of infinite dates and infinite timestamps.

    An infinite date equals the infinite timestamp of the same sign, as in PostgreSQL. The fields
    (`year` ...) are those of the last or the first date that Python has, and carry no meaning.
    """

    __slots__ = ()

    @property
    def sign(self) -> int:
        """1 for infinity, -1 for minus infinity."""
        fields: Any = self
        return 1 if fields.year == dt.MAXYEAR else -1

    def __neg__(self) -> Self:
        opposite: Self = SINGLETONS[type(self), -self.sign][1]
        return opposite

    def __pos__(self) -> Self:
        return self

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Infinite):
            return self.sign == other.sign
        return False if isinstance(other, dt.date) else NotImplemented

    def __ne__(self, other: object) -> bool:
        # date.__ne__ would compare the fields.
        is_same = Infinite.__eq__(self, other)
        return is_same if is_same is NotImplemented else not is_same

    def __hash__(self) -> int:
        return hash(("infinity", self.sign))

    def __lt__(self, other: object) -> bool:
        return NotImplemented if not isinstance(other, dt.date) else self.sign < sign_of(other)

    def __le__(self, other: object) -> bool:
        return NotImplemented if not isinstance(other, dt.date) else self.sign <= sign_of(other)

    def __gt__(self, other: object) -> bool:
        return NotImplemented if not isinstance(other, dt.date) else self.sign > sign_of(other)

    def __ge__(self, other: object) -> bool:
        return NotImplemented if not isinstance(other, dt.date) else self.sign >= sign_of(other)

    def __add__(self, other: Any) -> Any:
        """Return infinity: adding a finite timedelta does not change it."""
        return self if isinstance(other, dt.timedelta) else NotImplemented

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        if isinstance(other, dt.timedelta):
            return self
        if isinstance(other, dt.date):
            raise OverflowError("there is no timedelta from or to infinity")
        return NotImplemented

    __rsub__ = __sub__

    def __str__(self) -> str:
        return "infinity" if self.sign > 0 else "-infinity"

    def __repr__(self) -> str:
        return "ormkit.INFINITY" if self.sign > 0 else "-ormkit.INFINITY"

    def __format__(self, spec: str) -> str:
        return str(self)

    def isoformat(self, *_: Any, **__: Any) -> str:
        """Return "infinity" or "-infinity", as PostgreSQL writes it."""
        return str(self)

    def strftime(self, format: str) -> str:
        """Return the same: infinity has no fields to show."""
        return str(self)

    def ctime(self) -> str:
        """Return the same."""
        return str(self)

    def replace(self, *_: Any, **__: Any) -> Self:
        """Return infinity itself, whose fields mean nothing."""
        return self

    # pickle and copy would restore a date from its fields, and so make a finite one.
    def __reduce_ex__(self, protocol: object) -> str:
        return SINGLETONS[type(self), self.sign][0]

    def __reduce__(self) -> str:
        return SINGLETONS[type(self), self.sign][0]


def infinite_as(kind: type, value: Infinite) -> Any:
    """Return the infinity of this class, that of dates or of timestamps, with the same sign."""
    return SINGLETONS[kind, value.sign][1]


def sign_of(value: object) -> int:
    """Return the sign of an infinite date or timestamp; 0 for a finite one."""
    return value.sign if isinstance(value, Infinite) else 0


@final
class InfiniteDate(Infinite, dt.date):
    """The value of a date column that holds infinity or -infinity."""

    __slots__ = ()

    def __new__(cls, *_: object, **__: object) -> Self:
        raise TypeError("there are two infinite dates: use ormkit.INFINITY or -ormkit.INFINITY")


@final
class InfiniteDatetime(Infinite, dt.datetime):
    """The value of a timestamp or timestamptz column that holds infinity or -infinity.

    It has no time zone, and compares with both naive and aware datetimes.
    """

    __slots__ = ()

    def __new__(cls, *_: object, **__: object) -> Self:
        raise TypeError("there are two infinities: use ormkit.INFINITY or -ormkit.INFINITY")

    def date(self) -> InfiniteDate:
        """Return the infinite date of the same sign."""
        return INFINITE_DATE if self.sign > 0 else MINUS_INFINITE_DATE

    def astimezone(self, tz: dt.tzinfo | None = None) -> Self:
        """Return infinity itself, which is the same in every zone."""
        return self

    def timestamp(self) -> float:
        """Return the infinite float of the same sign."""
        return self.sign * float("inf")


#: Later than every date and timestamp; -INFINITY is earlier than all of them.
INFINITY: Final = dt.datetime.__new__(InfiniteDatetime, 9999, 12, 31, 23, 59, 59, 999999)
MINUS_INFINITY: Final = dt.datetime.__new__(InfiniteDatetime, 1, 1, 1)
INFINITE_DATE: Final = dt.date.__new__(InfiniteDate, 9999, 12, 31)
MINUS_INFINITE_DATE: Final = dt.date.__new__(InfiniteDate, 1, 1, 1)

#: The name by which pickle finds each instance, and the instance, by class and sign.
SINGLETONS: dict[tuple[type, int], tuple[str, Any]] = {
    (InfiniteDatetime, 1): ("INFINITY", INFINITY),
    (InfiniteDatetime, -1): ("MINUS_INFINITY", MINUS_INFINITY),
    (InfiniteDate, 1): ("INFINITE_DATE", INFINITE_DATE),
    (InfiniteDate, -1): ("MINUS_INFINITE_DATE", MINUS_INFINITE_DATE),
}
