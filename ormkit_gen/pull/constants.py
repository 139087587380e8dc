"""Defaults that are constants: from PostgreSQL's expression to the value in a schema file.

A constant counts as one only where the schema's own DDL gives PostgreSQL the same expression: `0`
and `'0'::bigint` are the same number, and two defaults.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from ormkit.catalog import TypeName
from ormkit_gen.schema.document import is_list, is_table

_LITERAL = re.compile(r"'((?:[^']|'')*)'::(.+)", re.DOTALL)
_INTEGER = re.compile(r"\d{1,18}")
_DECIMAL = re.compile(r"\d+\.\d+|\d{1,18}")
#: Types of numbers by their names in pg_type, and what PostgreSQL writes behind a negative one.
_WHOLE = {"int2": "smallint", "int4": "integer", "int8": "bigint"}
_TEXTS = {"text": "text", "varchar": "character varying", "bpchar": "bpchar"}

#: What stands for "no constant".
NOTHING = object()


def constant(expression: str, type_: TypeName) -> Any:
    """Return the value of a constant default for TOML, or NOTHING."""
    if type_.is_array:
        is_empty = expression == f"'{{}}'::{_without_modifiers(type_.text)}"
        return [] if is_empty else NOTHING
    literal = _LITERAL.fullmatch(expression)
    text, cast = (literal[1].replace("''", "'"), literal[2]) if literal else ("", "")
    if "\\" in text and literal is not None and not expression.startswith("'"):
        return NOTHING
    if type_.kind == "enum":
        return text if cast == type_.text else NOTHING
    if not type_.is_system:
        return NOTHING
    read = _READERS.get(type_.name)
    return NOTHING if read is None else read(expression, text, cast, type_)


def _without_modifiers(text: str) -> str:
    return re.sub(r"\([^()]*\)", "", text)


def _boolean(expression: str, text: str, cast: str, type_: TypeName) -> Any:
    return {"true": True, "false": False}.get(expression, NOTHING)


def _whole(expression: str, text: str, cast: str, type_: TypeName) -> Any:
    if _INTEGER.fullmatch(expression):
        return int(expression)
    # PostgreSQL folds the minus sign into a constant of the smallest type that holds it.
    if re.fullmatch(r"-\d{1,18}", text):
        number = int(text)
        fits = "integer" if number > -(2**31) else "bigint"
        return number if cast == fits else NOTHING
    return NOTHING


def _numeric(expression: str, text: str, cast: str, type_: TypeName) -> Any:
    if _INTEGER.fullmatch(expression):
        return int(expression)
    if _DECIMAL.fullmatch(expression):
        return expression
    if re.fullmatch(r"-\d+\.\d+", text) and cast == "numeric":
        return text
    if re.fullmatch(r"-\d{1,9}", text) and cast == "integer":
        return int(text)
    return NOTHING


def _float(expression: str, text: str, cast: str, type_: TypeName) -> Any:
    is_plain = _DECIMAL.fullmatch(expression) and repr(float(expression)) == expression
    return float(expression) if is_plain else NOTHING


def _text(expression: str, text: str, cast: str, type_: TypeName) -> Any:
    length = int(type_.modifiers.strip("()") or 0)
    is_held = cast == _TEXTS[type_.name] and (not length or len(text) <= length)
    return text if is_held else NOTHING


def _uuid(expression: str, text: str, cast: str, type_: TypeName) -> Any:
    return text if cast == "uuid" else NOTHING


def _json(expression: str, text: str, cast: str, type_: TypeName) -> Any:
    if cast != type_.name:
        return NOTHING
    try:
        value = json.loads(text, parse_float=Decimal)
        if json.dumps(value, ensure_ascii=False, allow_nan=False) != text:
            return NOTHING
    except (ValueError, TypeError, RecursionError):
        return NOTHING
    # TOML has no null.
    return NOTHING if _has_null(value) else value


def _has_null(value: Any) -> bool:
    if is_table(value):
        return any(map(_has_null, value.values()))
    if is_list(value):
        return any(map(_has_null, value))
    return value is None


def _moment(parse: Callable[[str], Any], printed: str) -> Callable[..., Any]:
    def read(expression: str, text: str, cast: str, type_: TypeName) -> Any:
        if cast != printed:
            return NOTHING
        if text in ("infinity", "-infinity"):
            return text if printed != "time without time zone" else NOTHING
        try:
            value = parse(text)
        except ValueError:
            return NOTHING
        return value if str(value) == text else NOTHING

    return read


_READERS: dict[str, Callable[[str, str, str, TypeName], Any]] = {
    "bool": _boolean,
    **dict.fromkeys(_WHOLE, _whole),
    "numeric": _numeric,
    "float4": _float,
    "float8": _float,
    **dict.fromkeys(_TEXTS, _text),
    "uuid": _uuid,
    "json": _json,
    "jsonb": _json,
    "date": _moment(dt.date.fromisoformat, "date"),
    "time": _moment(dt.time.fromisoformat, "time without time zone"),
    "timestamp": _moment(dt.datetime.fromisoformat, "timestamp without time zone"),
}
