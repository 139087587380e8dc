"""Types, constants and expressions as SQL text."""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from ormkit_gen.ir import DefaultValue, Schema
from ormkit_gen.postgres.identifiers import qualified, quote_identifier, quote_literal
from ormkit_gen.postgres.sql_names import name_parts
from ormkit_gen.postgres.types import ColumnType

#: Simple expressions that DEFAULT accepts without parentheses: a word, a number, a string or a
#: function call with such arguments, optionally with a cast.
_PLAIN_DEFAULT = re.compile(r"(?:[\w.]+(?:\((?:[\w., ]|'[^'\\]*')*\))?|'[^'\\]*')(?:::[\w.]+)?")


def sql_type(type_: ColumnType, schema: Schema) -> str:
    """Return the type's name, such as "varchar(100)", "integer[]" or "audit.post_status"."""
    if type_.spelling:
        return type_.spelling
    name = value_type(type_, schema)
    is_placed = type_.is_enum or (type_.is_text and len(name_parts(type_.name)) > 1)
    place = None if is_placed else _extension_place(type_.base.extension, schema)
    return f"{quote_identifier(place)}.{name}" if place else name


def _extension_place(name: str | None, schema: Schema) -> str | None:
    """Return the schema of PostgreSQL that an extension is in, if its types need it."""
    if name is None:
        return None
    places = (each.schema for each in schema.extensions if each.name == name)
    return next((place for place in places if place not in (None, "public")), None)


def value_type(type_: ColumnType, schema: Schema) -> str:
    """Return the name of the type that values have: of a domain, the type below it."""
    if type_.is_enum:
        enum = schema.enum(type_.name)
        name = qualified(enum.schema, enum.db_name)
    else:
        modifiers = f"({','.join(map(str, type_.modifiers))})" if type_.modifiers else ""
        name = f"{type_.name}{modifiers}"
    return name + "[]" * type_.dimensions


def sql_constant(value: DefaultValue, type_: ColumnType, schema: Schema) -> str:
    """Return a default value as an SQL expression of the column's type."""
    if value is None:
        return "NULL"
    if type_.is_array:
        return _array(value, type_, schema)
    if type_.is_json:
        return quote_literal(json.dumps(value, ensure_ascii=False, allow_nan=False))
    return _scalar(value)


def parenthesised(expression: str) -> str:
    """Return an SQL expression in parentheses. The expression may end in a comment."""
    end = "\n)" if "--" in expression else ")"
    return f"({expression.strip()}{end}"


def default_expression(expression: str) -> str:
    """Return an SQL expression for DEFAULT, with parentheses unless it is simple."""
    text = expression.strip()
    return text if _PLAIN_DEFAULT.fullmatch(text) else parenthesised(text)


def _array(value: DefaultValue, type_: ColumnType, schema: Schema) -> str:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise TypeError(f"a {type(value).__name__} is not an array")
    if not value:
        return "'{}'"
    return f"ARRAY{_elements(value, type_, schema)}::{sql_type(type_, schema)}"


def _elements(values: Sequence[DefaultValue], type_: ColumnType, schema: Schema) -> str:
    is_json = type_.is_json
    texts = (
        (
            _elements(each, type_, schema)
            if isinstance(each, Sequence) and not isinstance(each, str) and not is_json
            else sql_constant(each, type_.element, schema)
        )
        for each in values
    )
    return f"[{', '.join(texts)}]"


def _scalar(value: DefaultValue) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, Decimal):
        return f"{value:f}" if value.is_finite() else quote_literal(str(value))
    if isinstance(value, int):
        return str(value)
    if isinstance(value, dt.datetime):
        return quote_literal(value.isoformat(sep=" "))
    if isinstance(value, (dt.date, dt.time)):
        return quote_literal(value.isoformat())
    if isinstance(value, (str, UUID)):
        return quote_literal(str(value))
    raise TypeError(f"a {type(value).__name__} has no SQL constant")


def _float(value: float) -> str:
    if math.isfinite(value) and (value or math.copysign(1, value) > 0):
        return repr(value)
    # In SQL, -0.0 is a numeric, which has no negative zero.
    words = {math.inf: "Infinity", -math.inf: "-Infinity"}
    return quote_literal(words.get(value, "NaN" if math.isnan(value) else repr(value)))
