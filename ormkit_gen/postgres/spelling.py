"""Column types and constants as SQL spells them."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Mapping
from decimal import Decimal
from uuid import UUID

from ormkit_gen.ir import DefaultValue, Schema
from ormkit_gen.postgres.identifiers import qualified, quote_literal
from ormkit_gen.postgres.types import ColumnType


def sql_type(type_: ColumnType, schema: Schema) -> str:
    """Return the type's name, such as "varchar(100)", "integer[]" or "audit.post_status"."""
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
    if not type_.is_array and type_.name in ("json", "jsonb"):
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(", ", ": "))
        return f"{quote_literal(text)}::{type_.name}"
    if type_.is_array and isinstance(value, (list, tuple)):
        return _array(value, type_, schema)
    return _scalar(value)


def _array(
    value: list[DefaultValue] | tuple[DefaultValue, ...], type_: ColumnType, schema: Schema
) -> str:
    if not value:
        return "'{}'"
    return f"ARRAY[{', '.join(_element(each, type_, schema) for each in value)}]::{sql_type(type_, schema)}"


def _element(value: DefaultValue, type_: ColumnType, schema: Schema) -> str:
    if isinstance(value, (list, tuple)) and type_.element.name not in ("json", "jsonb"):
        return f"ARRAY[{', '.join(_element(each, type_, schema) for each in value)}]"
    return sql_constant(value, type_.element, schema)


def _scalar(value: DefaultValue) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and not math.isfinite(value):
        return "'NaN'" if math.isnan(value) else "'Infinity'" if value > 0 else "'-Infinity'"
    if isinstance(value, Decimal) and not value.is_finite():
        return quote_literal(str(value))
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, (dt.datetime, dt.date, dt.time)):
        return quote_literal(value.isoformat())
    if isinstance(value, (str, UUID)):
        return quote_literal(str(value))
    if isinstance(value, Mapping):
        return quote_literal(json.dumps(value))
    raise TypeError(f"a {type(value).__name__} has no SQL constant")
