"""Define `func`: PostgreSQL's functions with typed arguments and results."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Hashable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Literal, NoReturn, TypeVar, get_args, overload

from ..errors import UnknownName, UsageError, did_you_mean
from ..postgres.interval import Span
from ..postgres.type_words import scalar_of
from ..postgres.types import DATE, DOUBLE, NUMERIC, TIMESTAMPTZ
from .aggregates import Aggregate, Function, WindowFunction
from .choices import Filled, Nullable, Unfilled
from .context import Scope
from .expressions import AnyExpression, Expression
from .literals import as_expression, bound_beside
from .operators import check_moment, check_ordered, check_summed, is_whole

O = TypeVar("O")  # noqa: E741  the model that owns the expression
T = TypeVar("T")
V = TypeVar("V")
R = TypeVar("R")
N = TypeVar("N", int, float, Decimal)
#: Types that sum() adds up.
S = TypeVar("S", int, float, Decimal, Span)
#: Types whose average has the same type.
A = TypeVar("A", float, Decimal, Span)
#: Numbers that may have a fraction.
F = TypeVar("F", float, Decimal)

#: A part of a date that extract() knows.
Field = Literal[
    "century", "day", "decade", "dow", "doy", "epoch", "hour", "isodow", "isoyear",
    "microseconds", "millennium", "milliseconds", "minute", "month", "quarter", "second",
    "timezone", "timezone_hour", "timezone_minute", "week", "year",
]  # fmt: skip
Unit = Literal[
    "century", "day", "decade", "hour", "microseconds", "millennium", "milliseconds", "minute",
    "month", "quarter", "second", "week", "year",
]  # fmt: skip
UNITS: frozenset[str] = frozenset(get_args(Unit))
EXTRACT_FIELDS: frozenset[str] = frozenset(get_args(Field))
FUNCTION_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)?\Z", re.ASCII)


class NamedFunction(Function[O, T, V]):
    """A call of a function by its name, which may change the state of the connection."""

    __slots__ = ("schema",)

    def __init__(
        self, name: str, arguments: Sequence[AnyExpression], type_: str, *, schema: str
    ) -> None:
        self.schema = schema
        super().__init__(name, arguments, type_)

    def mark(self) -> Hashable:
        return "by name", self.schema, self.name

    def called(self, scope: Scope) -> str:
        scope.is_foreign = True
        return scope.call(self.name, self.schema)


class GrammarFunction(Function[O, T, V]):
    """What looks like a call and is grammar, so that no function can take its place."""

    __slots__ = ()

    def called(self, scope: Scope) -> str:
        return self.name


class Functions:
    """PostgreSQL's functions by their own names; `call` reaches all the others.

    Arguments are columns, expressions, or values, which are bound. What a function does is
    https://www.postgresql.org/docs/18/functions.html
    """

    # Aggregates

    @overload
    def count(self) -> Aggregate[Any, int, int]: ...
    @overload
    def count(
        self, operand: Expression[O, Any, Any], *, distinct: bool = False
    ) -> Aggregate[O, int, int]: ...
    def count(
        self, operand: AnyExpression | None = None, *, distinct: bool = False
    ) -> Aggregate[Any, int, int]:
        """Count the rows, or those where the operand is not NULL."""
        if operand is None:
            return Aggregate("count", (), "bigint", prefix="*")
        return Aggregate("count", (checked_operand(operand),), "bigint", prefix=prefix_of(distinct))

    def sum(
        self, operand: Expression[O, S, V], *, distinct: bool = False
    ) -> Aggregate[O, S, V | None]:
        """Add up numbers or intervals; NULL over no rows. Whole numbers give an int of any size."""
        type_ = check_summed("sum", checked_operand(operand))
        # PostgreSQL's sum of bigints is a numeric, so that it cannot overflow.
        convert = int if is_whole(operand.type) else None
        return Aggregate("sum", (operand,), type_, convert=convert, prefix=prefix_of(distinct))

    @overload
    def avg(self, operand: Expression[O, int, Any]) -> Aggregate[O, Decimal, Decimal | None]: ...
    @overload
    def avg(self, operand: Expression[O, A, V]) -> Aggregate[O, A, V | None]: ...
    def avg(self, operand: Expression[O, Any, Any]) -> Aggregate[O, Any, Any]:
        """Return the mean: a Decimal for whole and decimal numbers, NULL over no rows."""
        return Aggregate("avg", (checked_operand(operand),), check_summed("avg", operand))

    def min(self, operand: Expression[O, T, V]) -> Aggregate[O, T, V | None]:
        """Return the smallest value; NULL over no rows."""
        check_ordered("min", checked_operand(operand))
        return Aggregate("min", (operand,), source=operand)

    def max(self, operand: Expression[O, T, V]) -> Aggregate[O, T, V | None]:
        """Return the largest value; NULL over no rows."""
        check_ordered("max", checked_operand(operand))
        return Aggregate("max", (operand,), source=operand)

    def bool_and(self, operand: Expression[O, bool, Any]) -> Aggregate[O, bool, bool | None]:
        """Tell whether it is true in every row; NULL over no rows."""
        return Aggregate("bool_and", (checked_operand(operand),), "boolean")

    def bool_or(self, operand: Expression[O, bool, Any]) -> Aggregate[O, bool, bool | None]:
        """Tell whether it is true in any row; NULL over no rows."""
        return Aggregate("bool_or", (checked_operand(operand),), "boolean")

    def array_agg(
        self, operand: Expression[O, T, V], *, distinct: bool = False
    ) -> Aggregate[O, list[T], list[V] | None]:
        """Gather the values in a list; NULL over no rows."""
        return Aggregate(
            "array_agg",
            (checked_operand(operand),),
            f"{operand.type}[]",
            source=operand,
            prefix=prefix_of(distinct),
        )

    def string_agg(
        self, operand: Expression[O, str, Any], separator: str
    ) -> Aggregate[O, str, str | None]:
        """Join the texts; NULL over no rows."""
        return Aggregate("string_agg", (checked_operand(operand), as_expression(separator)), "text")

    # Windows

    def row_number(self) -> WindowFunction[Any, int, int]:
        """Number the rows of a window from 1."""
        return WindowFunction(Function("row_number", (), "bigint"))

    def rank(self) -> WindowFunction[Any, int, int]:
        """Rank the rows of a window, with gaps after equal ones."""
        return WindowFunction(Function("rank", (), "bigint"))

    def dense_rank(self) -> WindowFunction[Any, int, int]:
        """Rank the rows of a window, without gaps."""
        return WindowFunction(Function("dense_rank", (), "bigint"))

    def ntile(self, buckets: int) -> WindowFunction[Any, int, int]:
        """Divide a window into that many parts of nearly equal size, numbered from 1."""
        return WindowFunction(Function("ntile", (as_expression(buckets),), "integer"))

    def lag(self, operand: Expression[O, T, V], rows: int = 1) -> WindowFunction[O, T, V | None]:
        """Return the value so many rows before; NULL where there is none."""
        arguments = (checked_operand(operand), as_expression(rows))
        return WindowFunction(Function("lag", arguments, source=operand))

    def lead(self, operand: Expression[O, T, V], rows: int = 1) -> WindowFunction[O, T, V | None]:
        """Return the value so many rows after; NULL where there is none."""
        arguments = (checked_operand(operand), as_expression(rows))
        return WindowFunction(Function("lead", arguments, source=operand))

    def first_value(self, operand: Expression[O, T, V]) -> WindowFunction[O, T, V]:
        """Return the value of the window's first row."""
        return WindowFunction(Function("first_value", (checked_operand(operand),), source=operand))

    def last_value(self, operand: Expression[O, T, V]) -> WindowFunction[O, T, V]:
        """Return the value of the frame's last row, by default the current row's last equal."""
        return WindowFunction(Function("last_value", (checked_operand(operand),), source=operand))

    # NULL, and choices

    @overload
    def coalesce(self, first: Filled[T, R], *others: T | Expression[Any, T, T]) -> R: ...
    @overload
    def coalesce(self, first: Nullable[T, R], *others: T | Expression[Any, T, Any]) -> R: ...
    def coalesce(self, first: Any, *others: Any) -> Any:
        """Return the first argument that is not NULL."""
        return same_type_call("coalesce", first, others)

    def nullif(self, operand: Nullable[T, R], value: T | Expression[Any, T, Any]) -> R:
        """Return NULL where the two are equal, else the operand."""
        called: R = same_type_call("nullif", operand, (value,))
        return called

    def greatest(self, first: Unfilled[T, R], *others: T | Expression[Any, T, Any]) -> R:
        """Return the largest argument; NULLs do not count."""
        called: R = same_type_call("greatest", first, others)
        return called

    def least(self, first: Unfilled[T, R], *others: T | Expression[Any, T, Any]) -> R:
        """Return the smallest argument; NULLs do not count."""
        called: R = same_type_call("least", first, others)
        return called

    # Text

    def lower(self, text: Expression[O, str, V]) -> Function[O, str, V]:
        """Return the text in lower case."""
        return Function("lower", (checked_operand(text),), "text")

    def upper(self, text: Expression[O, str, V]) -> Function[O, str, V]:
        """Return the text in upper case."""
        return Function("upper", (checked_operand(text),), "text")

    def trim(self, text: Expression[O, str, V]) -> Function[O, str, V]:
        """Return the text without spaces at either end."""
        return Function("btrim", (checked_operand(text),), "text")

    @overload
    def length(self, text: Expression[O, str, str]) -> Function[O, int, int]: ...
    @overload
    def length(self, text: Expression[O, str, str | None]) -> Function[O, int, int | None]: ...
    def length(self, text: Expression[O, str, Any]) -> Function[O, int, Any]:
        """Return the number of characters."""
        return Function("length", (checked_operand(text),), "integer")

    def concat(
        self, first: Expression[O, Any, Any], *others: str | AnyExpression
    ) -> Function[O, str, str]:
        """Join texts, and other values as texts; NULL counts as empty."""
        return Function("concat", (checked_operand(first), *map(as_expression, others)), "text")

    def replace(self, text: Expression[O, str, V], old: str, new: str) -> Function[O, str, V]:
        """Replace every occurrence of a text."""
        arguments = (checked_operand(text), as_expression(old), as_expression(new))
        return Function("replace", arguments, "text")

    def left(self, text: Expression[O, str, V], count: int) -> Function[O, str, V]:
        """Return the first characters."""
        return Function("left", (checked_operand(text), as_expression(count)), "text")

    def right(self, text: Expression[O, str, V], count: int) -> Function[O, str, V]:
        """Return the last characters."""
        return Function("right", (checked_operand(text), as_expression(count)), "text")

    # Numbers

    def abs(self, number: Expression[O, N, V]) -> Function[O, N, V]:
        """Return the number without its sign."""
        return Function("abs", (checked_operand(number),), source=number)

    @overload
    def ceil(self, number: Expression[O, int, int]) -> Function[O, float, float]: ...
    @overload
    def ceil(self, number: Expression[O, int, Any]) -> Function[O, float, float | None]: ...
    @overload
    def ceil(self, number: Expression[O, F, V]) -> Function[O, F, V]: ...
    def ceil(self, number: Expression[O, Any, Any]) -> Function[O, Any, Any]:
        """Round up to a whole number; of an int it is a float, as in PostgreSQL."""
        return rounding_call("ceil", number)

    @overload
    def floor(self, number: Expression[O, int, int]) -> Function[O, float, float]: ...
    @overload
    def floor(self, number: Expression[O, int, Any]) -> Function[O, float, float | None]: ...
    @overload
    def floor(self, number: Expression[O, F, V]) -> Function[O, F, V]: ...
    def floor(self, number: Expression[O, Any, Any]) -> Function[O, Any, Any]:
        """Round down to a whole number; of an int it is a float, as in PostgreSQL."""
        return rounding_call("floor", number)

    @overload
    def round(
        self, number: Expression[O, int, int], digits: None = None
    ) -> Function[O, float, float]: ...
    @overload
    def round(
        self, number: Expression[O, int, Any], digits: None = None
    ) -> Function[O, float, float | None]: ...
    @overload
    def round(
        self, number: Expression[O, F, V], digits: int | None = None
    ) -> Function[O, F, V]: ...
    def round(
        self, number: Expression[O, Any, Any], digits: int | None = None
    ) -> Function[O, Any, Any]:
        """Round; to digits after the point, which PostgreSQL offers for numeric alone."""
        return rounding_call("round", number, *([] if digits is None else [as_expression(digits)]))

    def random(self) -> Function[Any, float, float]:
        """Return a random number from 0 up to 1."""
        return Function("random", (), "double precision")

    # Time

    def now(self) -> Function[Any, dt.datetime, dt.datetime]:
        """Return the time at which the transaction began."""
        return Function("now", (), "timestamptz")

    def date_trunc(
        self, unit: Unit, moment: Expression[O, dt.datetime, V], zone: str | None = None
    ) -> Function[O, dt.datetime, V]:
        """Truncate a timestamp to its "day", "month" ..., in the session's time zone or this one.

        Raises UnknownName for an unknown unit.
        """
        if not isinstance(unit, str) or unit not in UNITS:
            raise UnknownName(f"date_trunc() has no unit {unit!r}: {did_you_mean(unit, UNITS)}")
        check_moment("date_trunc", checked_operand(moment))
        arguments: list[AnyExpression] = [as_expression(unit), moment]
        if zone is not None:
            arguments.append(as_expression(zone))
        # PostgreSQL converts a date to timestamptz before it truncates it.
        type_ = TIMESTAMPTZ.name if scalar_of(moment.type) is DATE else ""
        return Function("date_trunc", arguments, type_, source=None if type_ else moment)

    @overload
    def extract(
        self, field: Field, moment: Expression[O, T, T]
    ) -> Function[O, Decimal, Decimal]: ...
    @overload
    def extract(
        self, field: Field, moment: Expression[O, T, T | None]
    ) -> Function[O, Decimal, Decimal | None]: ...
    def extract(self, field: Field, moment: Expression[O, Any, Any]) -> Function[O, Decimal, Any]:
        """Return one field of a date, a time or an interval, as a Decimal."""
        if not isinstance(field, str) or field not in EXTRACT_FIELDS:
            raise UnknownName(
                f"extract() has no field {field!r}: {did_you_mean(field, EXTRACT_FIELDS)}"
            )
        check_moment("extract", checked_operand(moment))
        return GrammarFunction("extract", (moment,), "numeric", prefix=f"{field} FROM ")

    # All the others

    def call(self, name: str, *arguments: object, type: str = "") -> Function[Any, Any, Any]:
        """Call any function by its name, "schema.name" where it is not on the search path.

        Nobody knows what it does to the session: its connection is reset afterwards, as after raw
        SQL.

        type: PostgreSQL's name of what it returns; needed only where more is made of the result,
            such as `contains` of a text.
        """
        if not isinstance(name, str) or FUNCTION_NAME.match(name) is None:
            raise UsageError(f"{name!r} is not the name of a function")
        schema, _, own = name.rpartition(".")
        return NamedFunction(own, tuple(map(as_expression, arguments)), type, schema=schema)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> NoReturn:
            if name.startswith("__"):
                raise AttributeError(name)
            known = [each for each in dir(self) if not each.startswith("_")]
            raise UnknownName(
                f"func has no {name!r}: {did_you_mean(name, known)} Any other function of "
                f"PostgreSQL is func.call({name!r}, ...)"
            )


def checked_operand(operand: Expression[O, T, V]) -> Expression[O, T, V]:
    """Return the operand; raises UsageError for anything but an expression."""
    if not isinstance(operand, Expression):
        raise UsageError(
            f"a function takes columns and expressions such as User.age, not {operand!r}"
        )
    return operand


def rounding_call(
    name: str, number: Expression[O, Any, Any], *digits: AnyExpression
) -> Function[O, Any, Any]:
    """Return a call of a function that exists for numeric and double precision."""
    arithmetic = scalar_of(checked_operand(number).type).arithmetic
    is_numeric = arithmetic == "exact" or (digits and arithmetic == "whole")
    type_ = NUMERIC.name if is_numeric else DOUBLE.name
    return Function(name, (number, *digits), type_ if number.type else "")


def same_type_call(name: str, first: Any, others: Any) -> Any:
    """Return a choice of values that are all of the first one's type, as is the result."""
    checked_operand(first)
    rest: list[AnyExpression] = [
        each if isinstance(each, Expression) else bound_beside(first, each) for each in others
    ]
    made: Function[Any, Any, Any] = GrammarFunction(name, (first, *rest), source=first)
    return made


def prefix_of(is_distinct: bool) -> str:
    """Return what stands before the argument of an aggregate."""
    return "DISTINCT " if is_distinct else ""


func: Final = Functions()
