"""List PostgreSQL's arithmetic operators and the types of their results.

https://www.postgresql.org/docs/18/functions-math.html
https://www.postgresql.org/docs/18/functions-datetime.html
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from ..errors import UsageError
from ..postgres.base_type import BaseType
from ..postgres.interval import Interval
from ..postgres.type_words import scalar_of, type_of
from ..postgres.types import BIGINT, DATE, DOUBLE, INTERVAL, NUMERIC, TIME
from .comparison_types import foreign_type
from .operands import subject

#: Python's classes of dates and times.
TEMPORAL_CLASSES = (dt.date, dt.time, dt.timedelta, Interval)

#: The type of a sum of two of these types, in either order.
SUMS: dict[frozenset[str], str] = {
    frozenset(("date", "interval")): "timestamp",
    frozenset(("date", "time")): "timestamp",
    frozenset(("date", "timetz")): "timestamptz",
    frozenset(("date", "smallint")): "date",
    frozenset(("date", "integer")): "date",
    frozenset(("timestamp", "interval")): "timestamp",
    frozenset(("timestamp", "time")): "timestamp",
    frozenset(("timestamptz", "interval")): "timestamptz",
    frozenset(("timestamptz", "time")): "timestamptz",
    frozenset(("time", "interval")): "time",
    frozenset(("time", "timetz")): "timetz",
    frozenset(("timetz", "interval")): "timetz",
    frozenset(("interval",)): "interval",
}
DATE_TYPES = ("date", "timestamp", "timestamptz")
#: The type of the first of these types minus the second.
DIFFERENCES: dict[tuple[str, str], str] = {
    **{(left, right): "interval" for left in DATE_TYPES for right in DATE_TYPES},
    ("date", "date"): "integer",
    ("date", "smallint"): "date",
    ("date", "integer"): "date",
    ("date", "interval"): "timestamp",
    ("date", "time"): "timestamp",
    ("timestamp", "interval"): "timestamp",
    ("timestamp", "time"): "timestamp",
    ("timestamptz", "interval"): "timestamptz",
    ("timestamptz", "time"): "timestamptz",
    ("time", "time"): "interval",
    ("time", "interval"): "time",
    ("timetz", "interval"): "timetz",
    ("timetz", "time"): "timetz",
    ("interval", "interval"): "interval",
    ("interval", "time"): "interval",
}
#: Types that can be multiplied by a number, which gives an interval.
SPANS = ("interval", "time")


def result_type(operator: str, left: BaseType, right: BaseType) -> str | None:
    """Return the type of what an operator returns; None where there is no such operator.

    left, right: types whose operators are known.
    """
    if left.is_number and right.is_number:
        return number_type(operator, left, right)
    if operator == "+":
        return SUMS.get(frozenset((left.name, right.name)))
    if operator == "-":
        return DIFFERENCES.get((left.name, right.name))
    is_multiple = left.name in SPANS and right.is_number and operator in ("*", "/")
    is_product = left.is_number and right.name in SPANS and operator == "*"
    return "interval" if is_multiple or is_product else None


def number_type(operator: str, left: BaseType, right: BaseType) -> str | None:
    """Return the type of what an operator returns of two numbers."""
    kinds = {left.arithmetic, right.arithmetic}
    if kinds == {"whole"}:
        return max(left, right, key=lambda each: each.bits).name
    if "float" not in kinds:
        return NUMERIC.name
    if operator == "%":
        return None
    return left.name if left is right else DOUBLE.name


def precedence(operator: str) -> str:
    """Return the same text for operators of one precedence."""
    return "+" if operator in "+-" else "*" if operator in "*/%" else operator


def type_beside(beside: Any, value: object) -> str:
    """Return the type under which a value is sent beside an expression; "" for the same type.

    Without a type, PostgreSQL would infer the expression's: a timestamp for a timedelta.
    Raises InvalidValue for a datetime that lacks the time zone it needs.
    """
    known = scalar_of(beside.type)
    if known.arithmetic == "time" or (known.is_number and isinstance(value, TEMPORAL_CLASSES)):
        return type_of_operand(beside, known, value)
    if known.is_number and isinstance(value, bool):
        return "boolean"
    # As a numeric, 1.1 would be the 52 digits of its nearest double.
    return DOUBLE.name if known.arithmetic == "exact" and isinstance(value, float) else ""


def type_of_operand(beside: Any, known: BaseType, value: object) -> str:
    """Return the type under which a value takes part in computing with times."""
    if isinstance(value, (Interval, dt.timedelta)):
        return "interval"
    if isinstance(value, dt.datetime):
        if known.needs_zone:
            foreign_type(beside, value)
        return "timestamp" if value.tzinfo is None else "timestamptz"
    if isinstance(value, dt.date):
        return "date"
    if isinstance(value, dt.time):
        return "time" if value.tzinfo is None else "timetz"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int) and known is DATE:
        return "integer"
    return "double precision" if isinstance(value, (int, float, Decimal)) else ""


def symbol(operator: str, left: Any, right: Any) -> str:
    """Return the operator that PostgreSQL has for Python's: || where + joins.

    left, right: the expressions, or values. Raises UsageError where that depends on a type that is
    not known, and where JSON would be joined with a number.
    """
    if operator != "+":
        return operator
    sides = [(side, getattr(side, "type", None)) for side in (left, right)]
    types = [type_ for _, type_ in sides if isinstance(type_, str)]
    if any(type_of(type_).is_joined for type_ in types) and "" not in types:
        check_joined(left, right)
        return "||"
    is_text = any(isinstance(side, str) for side, _ in sides)
    is_text = is_text or any(type_of(type_).is_text for type_ in types)
    if "" in types and is_text:
        raise UsageError(
            "+ concatenates strings and adds numbers, and the type of one side is not known: "
            "name it, as in func.call('f', type='text') or cast(..., 'text')"
        )
    return operator


def check_joined(left: Any, right: Any) -> None:
    """Raise UsageError for JSON beside a number, which || would make an array of the two."""
    for json, other in ((left, right), (right, left)):
        if is_joined_json(json) and is_number(other):
            raise UsageError(
                f"{subject(json)}+ concatenates JSON and does not add numbers: use cast(..., "
                "'numeric') where it holds numbers"
            )


def is_joined_json(side: Any) -> bool:
    """Return whether this is an expression whose documents || joins."""
    known = scalar_of(getattr(side, "type", None) or "")
    return known.is_json and known.arithmetic == "joins"


def is_whole(type_: str) -> bool:
    """Return whether values of the type are whole numbers."""
    return scalar_of(type_).arithmetic == "whole"


def is_number(side: Any) -> bool:
    """Return whether this is a number, or an expression of a number's type."""
    if isinstance(side, (int, float, Decimal)):
        return not isinstance(side, bool)
    type_ = getattr(side, "type", None)
    return isinstance(type_, str) and scalar_of(type_).is_number


def checked_result(operator: str, left: Any, right: Any) -> str:
    """Return the type of an operation on two expressions; UsageError where there is no such one."""
    here, there = type_of(left.type), type_of(right.type)
    if operator == "||":
        return "text" if here.is_text or there.is_text else left.type or right.type
    one, other = scalar_of(left.type), scalar_of(right.type)
    if here.is_text or (there.is_text and one.has_known_operators):
        found = None
    elif not (one.has_known_operators and other.has_known_operators):
        return left.type if left.type and right.type and not one.has_known_operators else ""
    else:
        found = result_type(operator, one, other)
    if found is None:
        raise UsageError(
            f"{subject(left) or subject(right)}PostgreSQL has no operator "
            f"{here.bare} {operator} {there.bare}"
        )
    return found


def check_negative(operand: Any) -> None:
    """Raise UsageError for what has no negative."""
    known = type_of(operand.type)
    base = scalar_of(operand.type)
    has_negative = base.is_number or base is INTERVAL
    if known.is_text or (base.has_known_operators and not has_negative):
        raise UsageError(f"{subject(operand)}PostgreSQL has no operator - {known.bare}")


def check_summed(function: str, operand: Any) -> str:
    """Return the type of a sum or mean of the operand; UsageError where there is none.

    The type is empty where that of the operand is not known.
    """
    base = scalar_of(operand.type)
    if base.is_number:
        return summed_number(function, base)
    if base is INTERVAL or base is TIME:
        return INTERVAL.name
    if base.has_known_operators or has_no_sum(operand):
        raise UsageError(
            f"{subject(operand)}{function}() adds up numbers and intervals, and this is of type "
            f"{operand.type}: use cast(..., 'numeric') where it holds numbers"
        )
    return operand.type  # type: ignore[no-any-return]


def check_moment(function: str, operand: Any) -> None:
    """Raise UsageError for an operand that is surely no date, time or interval."""
    base = scalar_of(operand.type)
    if base.reads and not base.is_moment and base is not INTERVAL:
        raise UsageError(
            f"{subject(operand)}{function}() takes a date, a time or an interval, and this is of "
            f"type {operand.type}"
        )


def check_ordered(function: str, operand: Any) -> None:
    """Raise UsageError for an operand of a type for which PostgreSQL has no min() and max()."""
    base = scalar_of(operand.type)
    if base.is_json or base.family == "boolean":
        advice = (
            "use bool_or()"
            if base.family == "boolean"
            else "use cast(..., 'text') or cast(..., int)"
        )
        raise UsageError(
            f"{subject(operand)}there is no {function}() of values of type {operand.type}: {advice}"
        )


def has_no_sum(operand: Any) -> bool:
    """Return whether the operand is of a type that no sum can be made of."""
    known = type_of(operand.type)
    is_summed = known.base.has_sum and not known.dimensions
    return not is_summed or getattr(operand, "labels", None) is not None


def summed_number(function: str, known: BaseType) -> str:
    if known.arithmetic == "float":
        return known.name if function == "sum" else DOUBLE.name
    is_small = known.arithmetic == "whole" and known is not BIGINT
    return BIGINT.name if function == "sum" and is_small else NUMERIC.name
