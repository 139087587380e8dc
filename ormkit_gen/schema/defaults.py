"""Constant defaults: whether a value fits its column's type, and its one form in the IR."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from ormkit_gen.diagnostics import did_you_mean
from ormkit_gen.ir import DefaultValue, Enum
from ormkit_gen.postgres.types import ColumnType
from ormkit_gen.schema.document import is_list, is_table

INTEGERS = {"smallint": 2**15, "integer": 2**31, "bigint": 2**63}


class BadDefault(Exception):
    """The value is none of the type; args are the message and the remedy."""


def default_value(value: Any, type_: ColumnType, enums: Mapping[str, Enum]) -> DefaultValue:
    """Return the default in the form that the IR holds; raises BadDefault."""
    if type_.is_array:
        return _array(value, type_, type_.dimensions, enums)
    if type_.is_enum:
        return _label(value, enums[type_.name])
    if not type_.base.has_literal:
        raise BadDefault(
            f"{type_.name} has no constant that Python and PostgreSQL share",
            'give server_default = "...", an SQL expression',
        )
    return CHECKS.get(type_.name, _text)(value, type_)


def _array(value: Any, type_: ColumnType, depth: int, enums: Mapping[str, Enum]) -> DefaultValue:
    if not is_list(value):
        raise BadDefault("the default of an array must be a list", "write [] for an empty one")
    if depth > 1 and value:
        return [_array(each, type_, depth - 1, enums) for each in value]
    return [default_value(each, type_.element, enums) for each in value]


def _label(value: Any, enum: Enum) -> str:
    labels = [label for _, label in enum.members]
    if value not in labels:
        raise BadDefault(f"{enum.name} has no label {value!r}", did_you_mean(str(value), labels))
    return str(value)


def _boolean(value: Any, type_: ColumnType) -> bool:
    if not isinstance(value, bool):
        raise BadDefault("the default of a boolean must be true or false", "write true or false")
    return value


def _integer(value: Any, type_: ColumnType) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadDefault(f"the default of {type_.name} must be a whole number", "as in 0")
    limit = INTEGERS[type_.name]
    if not -limit <= value < limit:
        raise BadDefault(
            f"{value} is out of the range of {type_.name}", f"it holds {-limit} to {limit - 1}"
        )
    return value


def _float(value: Any, type_: ColumnType) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise BadDefault(f"the default of {type_.name} must be a number", "as in 0.0")
    try:
        return float(value)
    except OverflowError:
        raise BadDefault(f"{value} is out of the range of {type_.name}", "as in 1e300") from None


def _numeric(value: Any, type_: ColumnType) -> Decimal:
    wrong = BadDefault(
        "the default of a numeric must be a number", 'as in 1.5, or "1.50" to keep each digit'
    )
    if isinstance(value, bool) or not isinstance(value, (int, float, str, Decimal)):
        raise wrong
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise wrong from None
    if type_.modifiers and number.is_finite():
        precision, scale = (*type_.modifiers, 0)[:2]
        exponent = number.normalize().as_tuple().exponent
        decimals = -exponent if isinstance(exponent, int) and exponent < 0 else 0
        if decimals > scale or number.adjusted() >= precision - scale:
            raise BadDefault(
                f"{value} does not fit numeric({precision}, {scale})",
                f"it holds {precision - scale} digits before the point and {scale} after it",
            )
    return number


def _text(value: Any, type_: ColumnType) -> str:
    if not isinstance(value, str):
        raise BadDefault(f"the default of {type_.name} must be a text", 'as in "active"')
    if "\0" in value:
        raise BadDefault("text in PostgreSQL cannot hold a NUL character", "leave it out")
    if any("\ud800" <= each <= "\udfff" for each in value):
        raise BadDefault("the text holds half of a surrogate pair", "write the character itself")
    if type_.modifiers and len(value) > type_.modifiers[0]:
        raise BadDefault(
            f"the default has {len(value)} characters, the column holds {type_.modifiers[0]}",
            "shorten it or widen the column",
        )
    return value


def _date(value: Any, type_: ColumnType) -> dt.date:
    if isinstance(value, str):
        value = _parsed(value, dt.date.fromisoformat, type_)
    if not isinstance(value, dt.date) or isinstance(value, dt.datetime):
        raise BadDefault(f"the default must be of type {type_.name}", _example(type_.name))
    return value


def _time(value: Any, type_: ColumnType) -> dt.time:
    if isinstance(value, str):
        value = _parsed(value, dt.time.fromisoformat, type_)
    if not isinstance(value, dt.time):
        raise BadDefault(f"the default must be of type {type_.name}", _example(type_.name))
    _check_zone(value.tzinfo is not None, type_)
    return value


def _timestamp(value: Any, type_: ColumnType) -> dt.datetime:
    if isinstance(value, str):
        value = _parsed(value, dt.datetime.fromisoformat, type_)
    if not isinstance(value, dt.datetime):
        raise BadDefault(f"the default must be of type {type_.name}", _example(type_.name))
    _check_zone(value.tzinfo is not None, type_)
    return value


def _parsed(text: str, parse: Callable[[str], Any], type_: ColumnType) -> Any:
    try:
        return parse(text)
    except ValueError:
        raise BadDefault(f"{text!r} is no {type_.name}", _example(type_.name)) from None


def _check_zone(has_zone: bool, type_: ColumnType) -> None:
    wants_zone = type_.name.endswith("tz")
    if has_zone != wants_zone:
        verb = "needs" if wants_zone else "has no place for"
        raise BadDefault(f"{type_.name} {verb} a time zone", _example(type_.name))


def _example(name: str) -> str:
    examples = {
        "date": "2030-01-31",
        "time": "12:30:00",
        "timetz": '"12:30:00+00:00"',
        "timestamp": "2030-01-31T12:30:00",
        "timestamptz": "2030-01-31T12:30:00Z",
    }
    return f"as in {examples[name]}, or give server_default"


def _uuid(value: Any, type_: ColumnType) -> UUID:
    try:
        return value if isinstance(value, UUID) else UUID(value)
    except (ValueError, AttributeError, TypeError):
        raise BadDefault(
            f"{value!r} is no uuid", 'for a new one per row: server_default = "gen_random_uuid()"'
        ) from None


def _json(value: Any, type_: ColumnType) -> DefaultValue:
    if is_table(value):
        return {_text(key, ColumnType("text")): _json(each, type_) for key, each in value.items()}
    if is_list(value):
        return [_json(each, type_) for each in value]
    if isinstance(value, str):
        return _text(value, ColumnType("text"))
    if isinstance(value, float) and not math.isfinite(value):
        raise BadDefault("JSON has no infinity and no NaN", "take null or a number")
    if value is None or isinstance(value, (bool, int, float)):
        return value
    raise BadDefault(f"JSON has no {type(value).__name__}", "write it as a text")


CHECKS: dict[str, Callable[[Any, ColumnType], DefaultValue]] = {
    "boolean": _boolean,
    "smallint": _integer,
    "integer": _integer,
    "bigint": _integer,
    "real": _float,
    "double precision": _float,
    "numeric": _numeric,
    "date": _date,
    "time": _time,
    "timetz": _time,
    "timestamp": _timestamp,
    "timestamptz": _timestamp,
    "uuid": _uuid,
    "json": _json,
    "jsonb": _json,
}
