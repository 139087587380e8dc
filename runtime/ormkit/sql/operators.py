"""PostgreSQL's operators of arithmetic: which there are, and the types of what they return.

https://www.postgresql.org/docs/18/functions-math.html
https://www.postgresql.org/docs/18/functions-datetime.html
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from ..errors import UsageError
from ..postgres.interval import Interval
from .comparison_types import foreign_type
from .operands import about, is_textual

#: Other names of types, as casts may write them.
ALIASES = {
    "int2": "smallint",
    "int4": "integer",
    "int": "integer",
    "int8": "bigint",
    "float4": "real",
    "float8": "double precision",
    "decimal": "numeric",
    "timestamp without time zone": "timestamp",
    "timestamp with time zone": "timestamptz",
    "time without time zone": "time",
    "time with time zone": "timetz",
}
#: Whole numbers, from the narrowest on.
WHOLE = ("smallint", "integer", "bigint")
NUMBERS = frozenset((*WHOLE, "numeric", "real", "double precision"))
TIMES = frozenset(("date", "time", "timetz", "timestamp", "timestamptz", "interval"))
#: Types whose operators are all known here; those of another type are left to PostgreSQL.
KNOWN = NUMBERS | TIMES | {"boolean", "uuid"}
#: Types that are joined by || where Python has +.
JOINED = frozenset(("bytea", "jsonb", "tsvector", "bit", "varbit"))

#: The classes of times in Python.
TEMPORAL = (dt.date, dt.time, dt.timedelta, Interval)

#: What adding two of these returns, in either order.
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
MOMENTS = ("date", "timestamp", "timestamptz")
#: What taking the second of these from the first returns.
DIFFERENCES: dict[tuple[str, str], str] = {
    **{(left, right): "interval" for left in MOMENTS for right in MOMENTS},
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
#: What can be a multiple of, as a span of time.
SPANS = ("interval", "time")


def bare(type_: str) -> str:
    """Return the name of a type without its modifier, as the schema writes it."""
    name, is_modified, rest = type_.partition("(")
    if is_modified:
        name += rest.partition(")")[2]
    return ALIASES.get(name, name)


def is_joined(type_: str) -> bool:
    """Return whether || joins values of the type."""
    return is_textual(type_) or type_.endswith("[]") or bare(type_) in JOINED


def result_type(operator: str, left: str, right: str) -> str | None:
    """Return the type of what an operator returns; None where there is no such operator.

    left, right: the bare names of KNOWN types.
    """
    if left in NUMBERS and right in NUMBERS:
        return number_type(operator, left, right)
    if operator == "+":
        return SUMS.get(frozenset((left, right)))
    if operator == "-":
        return DIFFERENCES.get((left, right))
    is_multiple = left in SPANS and right in NUMBERS and operator in ("*", "/")
    is_product = left in NUMBERS and right in SPANS and operator == "*"
    return "interval" if is_multiple or is_product else None


def number_type(operator: str, left: str, right: str) -> str | None:
    """Return the type of what an operator returns of two numbers."""
    if left in WHOLE and right in WHOLE:
        return max(left, right, key=WHOLE.index)
    if {left, right} <= {*WHOLE, "numeric"}:
        return "numeric"
    if operator == "%":
        return None
    return "real" if left == right == "real" else "double precision"


def level(operator: str) -> str:
    """Return what operators that bind equally have in common."""
    return "+" if operator in "+-" else "*" if operator in "*/%" else operator


def type_beside(beside: Any, value: object) -> str:
    """Return the type under which a value is sent beside an expression; empty for that one's own.

    PostgreSQL would take it for one of the expression's type, a timedelta for one more moment.
    Raises InvalidValue for a value whose meaning depends on a time zone that it lacks.
    """
    type_ = bare(beside.type)
    if type_ in TIMES or (type_ in NUMBERS and isinstance(value, TEMPORAL)):
        return type_of_operand(beside, type_, value)
    if type_ in NUMBERS and isinstance(value, bool):
        return "boolean"
    # As a numeric, 1.1 would be the 52 digits of its nearest double.
    return "double precision" if type_ == "numeric" and isinstance(value, float) else ""


def type_of_operand(beside: Any, type_: str, value: object) -> str:
    """Return the type under which a value takes part in computing with times."""
    if isinstance(value, (Interval, dt.timedelta)):
        return "interval"
    if isinstance(value, dt.datetime):
        if type_ == "timestamptz":
            foreign_type(beside, value)
        return "timestamp" if value.tzinfo is None else "timestamptz"
    if isinstance(value, dt.date):
        return "date"
    if isinstance(value, dt.time):
        return "time" if value.tzinfo is None else "timetz"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int) and type_ == "date":
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
    if any(type_ and is_joined(type_) for type_ in types) and "" not in types:
        check_joined(left, right)
        return "||"
    is_text = any(isinstance(side, str) for side, _ in sides) or any(map(is_textual, types))
    if "" in types and is_text:
        raise UsageError(
            "+ joins texts and adds numbers, and the type of one side is not known: name it, as in "
            "func.call('f', type='text') or cast(..., 'text')"
        )
    return operator


def check_joined(left: Any, right: Any) -> None:
    """Raise UsageError for JSON beside a number, which || would make an array of the two."""
    for json, other in ((left, right), (right, left)):
        if bare(getattr(json, "type", None) or "") == "jsonb" and is_number(other):
            raise UsageError(
                f"{about(json)}+ joins JSON, and adds no numbers: use cast(..., 'numeric') where "
                "it holds numbers"
            )


def is_number(side: Any) -> bool:
    """Return whether this is a number, or an expression of a number's type."""
    if isinstance(side, (int, float, Decimal)):
        return not isinstance(side, bool)
    type_ = getattr(side, "type", None)
    return isinstance(type_, str) and bare(type_) in NUMBERS


def checked_result(operator: str, left: Any, right: Any) -> str:
    """Return the type of an operation on two expressions; UsageError where there is no such one."""
    here, there = bare(left.type), bare(right.type)
    if operator == "||":
        return (
            "text" if is_textual(left.type) or is_textual(right.type) else left.type or right.type
        )
    if is_textual(left.type) or (is_textual(right.type) and here in KNOWN):
        found = None
    elif here not in KNOWN or there not in KNOWN:
        return left.type if here and there and here not in KNOWN else ""
    else:
        found = result_type(operator, here, there)
    if found is None:
        raise UsageError(
            f"{about(left) or about(right)}PostgreSQL has no operator {here} {operator} {there}"
        )
    return found


def check_negative(operand: Any) -> None:
    """Raise UsageError for what has no negative."""
    type_ = bare(operand.type)
    if is_textual(operand.type) or (type_ in KNOWN and type_ not in NUMBERS | {"interval"}):
        raise UsageError(f"{about(operand)}PostgreSQL has no operator - {type_}")


def check_summed(function: str, operand: Any) -> str:
    """Return the type of a sum or mean of the operand; UsageError where there is none.

    The type is empty where that of the operand is not known.
    """
    type_ = bare(operand.type)
    if type_ in NUMBERS:
        return summed_number(function, type_)
    if type_ in ("interval", "money", ""):
        return type_
    if type_ == "time":
        return "interval"
    if type_ in KNOWN or is_known_text(operand):
        raise UsageError(
            f"{about(operand)}{function}() adds up numbers and intervals, and this is of type "
            f"{operand.type}: use cast(..., 'numeric') where it holds numbers"
        )
    return operand.type  # type: ignore[no-any-return]


def is_known_text(operand: Any) -> bool:
    """Return whether the operand is of a type that no sum can be made of."""
    return (
        is_textual(operand.type)
        or operand.type.endswith(("[]", "range"))
        or bare(operand.type) in (*JOINED, "json")
        or getattr(operand, "labels", None) is not None
    )


def summed_number(function: str, type_: str) -> str:
    if type_ in ("real", "double precision"):
        return type_ if function == "sum" else "double precision"
    return "bigint" if function == "sum" and type_ in ("smallint", "integer") else "numeric"
