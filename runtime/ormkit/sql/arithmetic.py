"""Define Python's arithmetic operators on expressions, with PostgreSQL's result types."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar, overload

from ..postgres.interval import Interval, Span
from ..postgres.several import Several
from ..postgres.values import Range
from .operands import Selectable, is_selectable
from .operators import checked_result, symbol, type_beside
from .type_variables import O, T, V_co

if TYPE_CHECKING:
    from .expressions import Expression

    Whole: TypeAlias = "int | Expression[Any, int, Any]"
    Days: TypeAlias = "int | Expression[Any, int, Any]"
    Spans: TypeAlias = "Interval | dt.timedelta | Expression[Any, Span, Any]"
    Time: TypeAlias = "dt.time | Expression[Any, dt.time, Any]"
    Day: TypeAlias = "dt.date | Expression[Any, dt.date, Any]"
    Moment: TypeAlias = "dt.datetime | Expression[Any, dt.datetime, Any]"
    Number: TypeAlias = "float | Decimal | Expression[Any, int, Any] | Expression[Any, float, Any]"

V = TypeVar("V")
E = TypeVar("E")
#: Types whose sum has the same type.
A = TypeVar("A", int, float, Decimal, str, bytes, Span)
#: Types with all four operations.
N = TypeVar("N", int, float, Decimal)


#: A numeric expression, beside which whole numbers stand.
Decimals: TypeAlias = "ArithmeticOperators[O, Decimal, V]"


class ArithmeticOperators(Selectable[O, V_co], Generic[O, T, V_co]):
    """The arithmetic operators of an expression."""

    __slots__ = ()

    def own(self, value: object) -> Expression[O, Any, Any]:
        """Return a value that is sent as this expression's type."""
        raise NotImplementedError

    def combined(self, operator: str, left: Any, right: Any, type_: str) -> Any:
        """Return the expression of an operator between two expressions."""
        raise NotImplementedError

    def computed(self, operator: str, left: Any, right: Any) -> Any:
        """Return the expression of an operator between two sides; one of them may be a value.

        Raises UsageError where PostgreSQL has no such operator, and InvalidValue for a value that
        the operator does not take.
        """
        word = symbol(operator, left, right)
        left, right = self._side(left), self._side(right)
        return self.combined(word, left, right, checked_result(word, left, right))

    def _side(self, side: Any) -> Any:
        if is_selectable(side):
            return side
        type_ = type_beside(self, side)
        return self.sent_as(side, type_) if type_ else self.own(side)

    @overload
    def __add__(  # type: ignore[overload-overlap]
        self: ArithmeticOperators[O, dt.datetime, V], other: Spans | Time
    ) -> Expression[O, dt.datetime, V]: ...
    @overload
    def __add__(
        self: ArithmeticOperators[O, dt.date, dt.date], other: Spans | Time
    ) -> Expression[O, dt.datetime, dt.datetime]: ...
    @overload
    def __add__(
        self: ArithmeticOperators[O, dt.date, Any], other: Spans | Time
    ) -> Expression[O, dt.datetime, dt.datetime | None]: ...
    @overload
    def __add__(
        self: ArithmeticOperators[O, dt.date, V], other: Days
    ) -> Expression[O, dt.date, V]: ...
    @overload
    def __add__(
        self: ArithmeticOperators[O, dt.time, V], other: Spans
    ) -> Expression[O, dt.time, V]: ...
    @overload
    def __add__(
        self: ArithmeticOperators[O, dt.time, dt.time], other: Day
    ) -> Expression[O, dt.datetime, dt.datetime]: ...
    @overload
    def __add__(
        self: ArithmeticOperators[O, dt.time, Any], other: Day
    ) -> Expression[O, dt.datetime, dt.datetime | None]: ...
    @overload
    def __add__(
        self: ArithmeticOperators[O, Span, Any], other: Moment
    ) -> Expression[O, dt.datetime, dt.datetime | None]: ...
    @overload
    def __add__(
        self: ArithmeticOperators[O, Span, Any], other: Day
    ) -> Expression[O, dt.datetime, dt.datetime | None]: ...
    @overload
    def __add__(self: Decimals[O, V], other: Whole) -> Expression[O, Decimal, V]: ...
    @overload
    def __add__(
        self: ArithmeticOperators[O, A, V], other: A | Expression[Any, A, Any]
    ) -> Expression[O, A, V]: ...
    @overload
    def __add__(
        self: ArithmeticOperators[O, list[E], V],
        other: Several[E] | Expression[Any, list[E], Any],
    ) -> Expression[O, list[E], V]: ...
    @overload
    def __add__(
        self: ArithmeticOperators[O, Range[E], V], other: Range[E] | Expression[Any, Range[E], Any]
    ) -> Expression[O, Range[E], V]: ...
    def __add__(self, other: Any) -> Any:
        """Add; texts and arrays are joined."""
        return self.computed("+", self, other)

    @overload
    def __sub__(  # type: ignore[overload-overlap]
        self: ArithmeticOperators[O, dt.datetime, V], other: Spans | Time
    ) -> Expression[O, dt.datetime, V]: ...
    @overload
    def __sub__(  # type: ignore[overload-overlap]
        self: ArithmeticOperators[O, dt.datetime, dt.datetime],
        other: dt.date | Expression[Any, dt.datetime, dt.datetime],
    ) -> Expression[O, Span, Interval]: ...
    @overload
    def __sub__(
        self: ArithmeticOperators[O, dt.datetime, Any], other: Moment | Day
    ) -> Expression[O, Span, Interval | None]: ...
    @overload
    def __sub__(
        self: ArithmeticOperators[O, dt.date, dt.date], other: Spans | Time
    ) -> Expression[O, dt.datetime, dt.datetime]: ...
    @overload
    def __sub__(
        self: ArithmeticOperators[O, dt.date, Any], other: Spans | Time
    ) -> Expression[O, dt.datetime, dt.datetime | None]: ...
    @overload
    def __sub__(
        self: ArithmeticOperators[O, dt.date, V], other: Days
    ) -> Expression[O, dt.date, V]: ...
    @overload
    def __sub__(  # type: ignore[overload-overlap]
        self: ArithmeticOperators[O, dt.date, Any], other: Moment
    ) -> Expression[O, Span, Interval | None]: ...
    @overload
    def __sub__(
        self: ArithmeticOperators[O, dt.date, dt.date],
        other: dt.date | Expression[Any, dt.date, dt.date],
    ) -> Expression[O, int, int]: ...
    @overload
    def __sub__(
        self: ArithmeticOperators[O, dt.date, Any], other: Day
    ) -> Expression[O, int, int | None]: ...
    @overload
    def __sub__(
        self: ArithmeticOperators[O, dt.time, V], other: Spans
    ) -> Expression[O, dt.time, V]: ...
    @overload
    def __sub__(
        self: ArithmeticOperators[O, dt.time, dt.time],
        other: dt.time | Expression[Any, dt.time, dt.time],
    ) -> Expression[O, Span, Interval]: ...
    @overload
    def __sub__(
        self: ArithmeticOperators[O, dt.time, Any], other: Time
    ) -> Expression[O, Span, Interval | None]: ...
    @overload
    def __sub__(self: ArithmeticOperators[O, Span, V], other: Spans) -> Expression[O, Span, V]: ...
    @overload
    def __sub__(self: Decimals[O, V], other: Whole) -> Expression[O, Decimal, V]: ...
    @overload
    def __sub__(
        self: ArithmeticOperators[O, N, V], other: N | Expression[Any, N, Any]
    ) -> Expression[O, N, V]: ...
    @overload
    def __sub__(
        self: ArithmeticOperators[O, Range[E], V], other: Range[E] | Expression[Any, Range[E], Any]
    ) -> Expression[O, Range[E], V]: ...
    def __sub__(self, other: Any) -> Any:
        """Subtract: a date from a date is a number of days, otherwise a span of time."""
        return self.computed("-", self, other)

    @overload
    def __mul__(self: ArithmeticOperators[O, Span, V], other: Number) -> Expression[O, Span, V]: ...
    @overload
    def __mul__(self: Decimals[O, V], other: Whole) -> Expression[O, Decimal, V]: ...
    @overload
    def __mul__(
        self: ArithmeticOperators[O, N, V], other: N | Expression[Any, N, Any]
    ) -> Expression[O, N, V]: ...
    @overload
    def __mul__(
        self: ArithmeticOperators[O, Range[E], V], other: Range[E] | Expression[Any, Range[E], Any]
    ) -> Expression[O, Range[E], V]: ...
    def __mul__(self, other: Any) -> Any:
        """Multiply; two ranges give what they have in common."""
        return self.computed("*", self, other)

    @overload
    def __truediv__(
        self: ArithmeticOperators[O, Span, V], other: Number
    ) -> Expression[O, Span, V]: ...
    @overload
    def __truediv__(self: Decimals[O, V], other: Whole) -> Expression[O, Decimal, V]: ...
    @overload
    def __truediv__(
        self: ArithmeticOperators[O, N, V], other: N | Expression[Any, N, Any]
    ) -> Expression[O, N, V]: ...
    def __truediv__(self, other: Any) -> Any:
        """Divide; whole numbers as in SQL, without a fraction."""
        return self.computed("/", self, other)

    @overload
    def __mod__(self: Decimals[O, V], other: Whole) -> Expression[O, Decimal, V]: ...
    @overload
    def __mod__(
        self: ArithmeticOperators[O, N, V], other: N | Expression[Any, N, Any]
    ) -> Expression[O, N, V]: ...
    def __mod__(self, other: Any) -> Any:
        """Return the remainder."""
        return self.computed("%", self, other)

    @overload
    def __radd__(  # type: ignore[overload-overlap]
        self: ArithmeticOperators[O, dt.datetime, V], other: Span | dt.time
    ) -> Expression[O, dt.datetime, V]: ...
    @overload
    def __radd__(
        self: ArithmeticOperators[O, dt.date, dt.date], other: Span | dt.time
    ) -> Expression[O, dt.datetime, dt.datetime]: ...
    @overload
    def __radd__(
        self: ArithmeticOperators[O, dt.date, Any], other: Span | dt.time
    ) -> Expression[O, dt.datetime, dt.datetime | None]: ...
    @overload
    def __radd__(
        self: ArithmeticOperators[O, dt.date, V], other: int
    ) -> Expression[O, dt.date, V]: ...
    @overload
    def __radd__(
        self: ArithmeticOperators[O, dt.time, V], other: Span
    ) -> Expression[O, dt.time, V]: ...
    @overload
    def __radd__(
        self: ArithmeticOperators[O, dt.time, Any], other: dt.date
    ) -> Expression[O, dt.datetime, dt.datetime | None]: ...
    @overload
    def __radd__(
        self: ArithmeticOperators[O, Span, Any], other: dt.date
    ) -> Expression[O, dt.datetime, dt.datetime | None]: ...
    @overload
    def __radd__(
        self: ArithmeticOperators[O, Decimal, V], other: int
    ) -> Expression[O, Decimal, V]: ...
    @overload
    def __radd__(self: ArithmeticOperators[O, A, V], other: A) -> Expression[O, A, V]: ...
    @overload
    def __radd__(
        self: ArithmeticOperators[O, list[E], V], other: Several[E]
    ) -> Expression[O, list[E], V]: ...
    def __radd__(self, other: Any) -> Any:
        return self.computed("+", other, self)

    @overload
    def __rsub__(
        self: ArithmeticOperators[O, dt.datetime, Any], other: dt.date
    ) -> Expression[O, Span, Interval | None]: ...
    @overload
    def __rsub__(  # type: ignore[overload-overlap]
        self: ArithmeticOperators[O, dt.date, Any], other: dt.datetime
    ) -> Expression[O, Span, Interval | None]: ...
    @overload
    def __rsub__(
        self: ArithmeticOperators[O, dt.date, dt.date], other: dt.date
    ) -> Expression[O, int, int]: ...
    @overload
    def __rsub__(
        self: ArithmeticOperators[O, dt.date, Any], other: dt.date
    ) -> Expression[O, int, int | None]: ...
    @overload
    def __rsub__(
        self: ArithmeticOperators[O, Span, Any], other: dt.date
    ) -> Expression[O, dt.datetime, dt.datetime | None]: ...
    @overload
    def __rsub__(
        self: ArithmeticOperators[O, dt.time, Any], other: dt.time
    ) -> Expression[O, Span, Interval | None]: ...
    @overload
    def __rsub__(self: ArithmeticOperators[O, Span, V], other: Span) -> Expression[O, Span, V]: ...
    @overload
    def __rsub__(
        self: ArithmeticOperators[O, Decimal, V], other: int
    ) -> Expression[O, Decimal, V]: ...
    @overload
    def __rsub__(self: ArithmeticOperators[O, N, V], other: N) -> Expression[O, N, V]: ...
    def __rsub__(self, other: Any) -> Any:
        return self.computed("-", other, self)

    @overload
    def __rmul__(
        self: ArithmeticOperators[O, Span, V], other: float | Decimal
    ) -> Expression[O, Span, V]: ...
    @overload
    def __rmul__(
        self: ArithmeticOperators[O, Decimal, V], other: int
    ) -> Expression[O, Decimal, V]: ...
    @overload
    def __rmul__(self: ArithmeticOperators[O, N, V], other: N) -> Expression[O, N, V]: ...
    def __rmul__(self, other: Any) -> Any:
        return self.computed("*", other, self)

    @overload
    def __rtruediv__(
        self: ArithmeticOperators[O, Decimal, V], other: int
    ) -> Expression[O, Decimal, V]: ...
    @overload
    def __rtruediv__(self: ArithmeticOperators[O, N, V], other: N) -> Expression[O, N, V]: ...
    def __rtruediv__(self, other: Any) -> Any:
        return self.computed("/", other, self)

    @overload
    def __rmod__(
        self: ArithmeticOperators[O, Decimal, V], other: int
    ) -> Expression[O, Decimal, V]: ...
    @overload
    def __rmod__(self: ArithmeticOperators[O, N, V], other: N) -> Expression[O, N, V]: ...
    def __rmod__(self, other: Any) -> Any:
        return self.computed("%", other, self)
