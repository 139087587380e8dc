"""Names of PostgreSQL's types, as casts write them."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
)
from uuid import UUID

from ..errors import InvalidValue, UsageError
from ..postgres.identifiers import quote
from ..postgres.interval import Interval

#: What a Python type is in PostgreSQL, where nothing says otherwise.
PYTHON_TYPES: dict[type, str] = {
    bool: "boolean",
    int: "bigint",
    float: "double precision",
    str: "text",
    bytes: "bytea",
    Decimal: "numeric",
    dt.datetime: "timestamptz",
    dt.date: "date",
    dt.time: "time",
    dt.timedelta: "interval",
    Interval: "interval",
    UUID: "uuid",
    IPv4Address: "inet",
    IPv6Address: "inet",
    IPv4Interface: "inet",
    IPv6Interface: "inet",
    IPv4Network: "cidr",
    IPv6Network: "cidr",
    dict: "jsonb",
}
#: Names of types that are words of SQL's grammar; any other name is an identifier.
GRAMMAR = frozenset(
    (
        *("bit", "bit varying", "boolean", "char", "character", "character varying"),
        *("double precision", "integer", "int", "interval", "numeric", "decimal", "real"),
        *("smallint", "bigint", "float", "time", "timestamp", "varchar"),
        *("time with time zone", "time without time zone"),
        *("timestamp with time zone", "timestamp without time zone"),
    )
)
SPELLING = re.compile(r"(\w[\w .]*?)\s*(\(\s*\d+\s*(?:,\s*-?\d+\s*)?\))?((?:\[\])*)\Z")
INTEGER_LIMIT = 2**31


def type_name(wanted: type | str) -> str:
    """Return the text of a type for CAST(... AS text); raises UsageError.

    wanted: a Python type such as `int`, or PostgreSQL's own name, "numeric(10, 2)", "text[]".
    """
    if isinstance(wanted, type):
        if wanted not in PYTHON_TYPES:
            raise UsageError(f"no PostgreSQL type stands for {wanted.__name__}: give its name")
        return PYTHON_TYPES[wanted]
    # With one space at most in a place, or the time would grow with the square of the spaces.
    found = SPELLING.match(" ".join(wanted.split())) if isinstance(wanted, str) else None
    if found is None:
        raise UsageError(f"{wanted!r} is no type's name: write one such as 'numeric(10, 2)'")
    name, modifier, brackets = found.groups()
    known = " ".join(name.split()).lower()
    text = known if known in GRAMMAR else ".".join(map(quote, name.split(".")))
    return f"{text}{modifier or ''}{brackets}"


def type_of_value(value: object) -> str:
    """Return the type under which a plain Python value is sent; raises InvalidValue.

    An int is an integer where it fits, as in SQL's own text, and a bigint beyond.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return "integer" if -INTEGER_LIMIT <= value < INTEGER_LIMIT else "bigint"
    if isinstance(value, dt.datetime) and value.tzinfo is None:
        return "timestamp"
    for kind in type(value).__mro__:
        if kind in PYTHON_TYPES:
            return PYTHON_TYPES[kind]
    raise InvalidValue(
        f"no PostgreSQL type stands for {type(value).__name__}: wrap the value in "
        f"literal(value, 'the type')"
    )
