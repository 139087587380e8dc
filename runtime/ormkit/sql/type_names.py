"""Map Python types to PostgreSQL types, and write type names for casts."""

from __future__ import annotations

import datetime as dt
import re

from ..errors import InvalidValue, UsageError
from ..postgres.identifiers import quote
from ..postgres.types import BIGINT, GRAMMAR, INTEGER, PYTHON_TYPES, TIMESTAMP

SPELLING = re.compile(r"(\w[\w .]*?)\s*(\(\s*\d+\s*(?:,\s*-?\d+\s*)?\))?((?:\[\])*)\Z")
INTEGER_LIMIT = 2**31


def type_name(wanted: type | str) -> str:
    """Return the text of a type for CAST(... AS text); raises UsageError.

    wanted: a Python type such as `int`, or PostgreSQL's own name, "numeric(10, 2)", "text[]".
    """
    if isinstance(wanted, type):
        if wanted not in PYTHON_TYPES:
            raise UsageError(f"no PostgreSQL type corresponds to {wanted.__name__}: give its name")
        return PYTHON_TYPES[wanted].name
    # Runs of spaces are collapsed first, or matching would take quadratic time.
    found = SPELLING.match(" ".join(wanted.split())) if isinstance(wanted, str) else None
    if found is None:
        raise UsageError(
            f"{wanted!r} is not the name of a type: write one such as 'numeric(10, 2)'"
        )
    name, modifier, brackets = found.groups()
    known = " ".join(name.split()).lower()
    text = known if known in GRAMMAR else ".".join(map(quote, name.split(".")))
    return f"{text}{modifier or ''}{brackets}"


def type_of_value(value: object) -> str:
    """Return the type under which a plain Python value is sent; raises InvalidValue.

    An int is an integer where it fits, as in SQL text, and a bigint otherwise.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return INTEGER.name if -INTEGER_LIMIT <= value < INTEGER_LIMIT else BIGINT.name
    if isinstance(value, dt.datetime) and value.tzinfo is None:
        return TIMESTAMP.name
    for kind in type(value).__mro__:
        if kind in PYTHON_TYPES:
            return PYTHON_TYPES[kind].name
    raise InvalidValue(
        f"no PostgreSQL type corresponds to {type(value).__name__}: wrap the value in "
        "literal(value, 'the type')"
    )
