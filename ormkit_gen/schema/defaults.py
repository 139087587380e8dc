"""Constant defaults: checking that a value fits its column's type, and converting it for the IR."""

from __future__ import annotations

import datetime as dt
import math
import struct
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from ormkit_gen.diagnostics.diagnostic import did_you_mean
from ormkit_gen.ir import DefaultValue, Enum
from ormkit_gen.postgres.types import ColumnType, DefaultKind
from ormkit_gen.schema.document import is_list, is_table

#: Digits of a numeric without modifiers: before and after the decimal point.
NUMERIC_LIMITS = (147_455, 16_383)
#: PostgreSQL accepts offsets from UTC below this limit, MAX_TZDISP_HOUR + 1.
OFFSET_LIMIT = dt.timedelta(hours=16)
#: Python's parser accepts 200 nested brackets, and generated code adds some around these.
MAX_JSON_DEPTH = 32
#: Python prints numbers of up to 4300 digits.
MAX_JSON_BITS = 10_000


#: The special values of dates and timestamps in PostgreSQL.
INFINITIES = ("infinity", "-infinity")


class BadDefault(Exception):
    """The value does not fit the type. The args are the message and the remedy."""


def default_value(value: Any, type_: ColumnType, enums: Mapping[str, Enum]) -> DefaultValue:
    """Return the default in the form of the IR. Raises BadDefault."""
    if type_.is_array:
        array = _array(value, type_, type_.dimensions, enums)
        _shape(array, type_.dimensions)
        return array
    if type_.is_enum:
        return _label(value, enums[type_.name])
    if type_.base.default is None:
        raise BadDefault(
            f"the default of {type_.name} cannot be a constant",
            'use server_default = "...", an SQL expression',
        )
    return CHECKS[type_.base.default](value, type_)


def _array(
    value: Any, type_: ColumnType, depth: int, enums: Mapping[str, Enum]
) -> list[DefaultValue]:
    if not is_list(value):
        raise BadDefault("the default of an array must be a list", "write [] for an empty one")
    if depth > 1:
        return [_array(each, type_, depth - 1, enums) for each in value]
    return [default_value(each, type_.element, enums) for each in value]


def _shape(array: Any, depth: int) -> tuple[int, ...]:
    """Return the lengths of an array's dimensions. PostgreSQL requires a rectangular array."""
    if depth == 1 or not array:
        return (len(array),)
    shapes = {_shape(each, depth - 1) for each in array}
    if len(shapes) > 1 or 0 in next(iter(shapes)):
        raise BadDefault(
            "the inner lists of an array must be equally long, and not empty",
            "write [] for an empty array, or use jsonb",
        )
    return (len(array), *next(iter(shapes)))


def _label(value: Any, enum: Enum) -> str:
    labels = [label for _, label in enum.members]
    if value not in labels:
        text = _shown(value)
        raise BadDefault(f"{enum.name} has no label {text!r}", did_you_mean(text, labels))
    return str(value)


def _shown(value: object) -> str:
    """Return a value for a message."""
    try:
        text = str(value)
    except ValueError:  # Python does not print a number with so many digits.
        return "the number"
    return text if len(text) <= 60 else f"{text[:57]}..."


def _boolean(value: Any, type_: ColumnType) -> bool:
    if not isinstance(value, bool):
        raise BadDefault("the default of a boolean must be true or false", "write true or false")
    return value


def _integer(value: Any, type_: ColumnType) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadDefault(f"the default of {type_.name} must be a whole number", "as in 0")
    limit = 2 ** (type_.base.bits - 1)
    if not -limit <= value < limit:
        raise BadDefault(
            f"{_shown(value)} is out of the range of {type_.name}",
            f"it holds {-limit} to {limit - 1}",
        )
    return value


def _float(value: Any, type_: ColumnType) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise BadDefault(f"the default of {type_.name} must be a number", "as in 0.0")
    number = 0.0
    try:
        number = float(value)
        fits = type_.base.bits > 32 or not number or _single(number) != 0
    except OverflowError:
        fits = False
    if not fits:
        example = "as in 1e30" if type_.base.bits == 32 else "as in 1e300"
        raise BadDefault(f"{_shown(value)} is out of the range of {type_.name}", example)
    return number


def _single(number: float) -> float:
    """Return the number rounded to a real. Raise OverflowError if it is too large."""
    (single,) = struct.unpack("<f", struct.pack("<f", number))
    return float(single)


def _numeric(value: Any, type_: ColumnType) -> Decimal:
    wrong = BadDefault(
        "the default of a numeric must be a number", 'as in 1.5, or "1.50" to keep each digit'
    )
    if isinstance(value, bool) or not isinstance(value, (int, float, str, Decimal)):
        raise wrong
    try:
        number = Decimal(value if isinstance(value, int) else str(value))
    except InvalidOperation:
        raise wrong from None
    if number.is_snan():
        raise wrong
    if number.is_nan():
        return Decimal("NaN")  # PostgreSQL has only one NaN, without a sign or digits.
    if number.is_infinite() and type_.modifiers:
        raise BadDefault(
            "a numeric with a precision cannot be infinity",
            "remove the precision or the default",
        )
    if number.is_finite():
        _check_digits(number, type_)
    return number


def _check_digits(number: Decimal, type_: ColumnType) -> None:
    """Record digits that do not fit the numeric, before or after the decimal point."""
    precision, scale = (*type_.modifiers, 0)[:2] if type_.modifiers else NUMERIC_LIMITS
    _, digits, exponent = number.as_tuple()
    last = exponent if isinstance(exponent, int) else 0
    if type_.modifiers and number:
        text = "".join(map(str, digits))
        last += len(text) - len(text.rstrip("0"))
    is_too_long = bool(number) and number.adjusted() >= precision - scale
    if not is_too_long and -last <= (scale if number else NUMERIC_LIMITS[1]):
        return
    name = f"numeric({precision}, {scale})" if type_.modifiers else "numeric"
    remedy = f"it holds {precision - scale} digits before the decimal point and {scale} after it"
    if scale < 0:
        remedy = f"it holds {precision - scale} digits, of which the last {-scale} are zeros"
    if scale > precision:
        remedy = f"its {precision} digits stand {scale - precision} places after the decimal point"
    raise BadDefault(f"{_shown(number)} does not fit {name}", remedy)


def _text(value: Any, type_: ColumnType) -> str:
    if not isinstance(value, str):
        raise BadDefault(f"the default of {type_.name} must be a string", 'as in "active"')
    if "\0" in value:
        raise BadDefault("text in PostgreSQL cannot hold a NUL character", "leave it out")
    if any("\ud800" <= each <= "\udfff" for each in value):
        raise BadDefault("the string holds half of a surrogate pair", "write the character itself")
    if type_.modifiers and len(value) > type_.modifiers[0]:
        raise BadDefault(
            f"the default has {len(value)} characters, the column holds {type_.modifiers[0]}",
            "shorten it or widen the column",
        )
    return value


def _is_infinite(value: object) -> bool:
    """Return whether the value is infinity: the text, or the runtime's object."""
    return isinstance(value, (str, dt.date)) and str(value) in INFINITIES


def _date(value: Any, type_: ColumnType) -> dt.date | str:
    if _is_infinite(value):
        return str(value)
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
    return value.replace(tzinfo=_zone(value.utcoffset(), type_))


def _timestamp(value: Any, type_: ColumnType) -> dt.datetime | str:
    if _is_infinite(value):
        return str(value)
    if isinstance(value, str):
        value = _parsed(value, dt.datetime.fromisoformat, type_)
    if not isinstance(value, dt.datetime):
        raise BadDefault(f"the default must be of type {type_.name}", _example(type_.name))
    moment: dt.datetime = value.replace(tzinfo=_zone(value.utcoffset(), type_))
    try:
        if moment.tzinfo is not None:
            moment.astimezone(dt.UTC)
    except OverflowError:
        raise BadDefault(
            f"{moment} is outside of the years 1 to 9999 in UTC", "use server_default"
        ) from None
    return moment


def _parsed(text: str, parse: Callable[[str], Any], type_: ColumnType) -> Any:
    try:
        return parse(text)
    except ValueError:
        raise BadDefault(f"{text!r} is not a valid {type_.name}", _example(type_.name)) from None


def _zone(offset: dt.timedelta | None, type_: ColumnType) -> dt.timezone | None:
    """Return the time zone of a time as an offset from UTC."""
    wants_zone = type_.name.endswith("tz")
    if (offset is not None) != wants_zone:
        verb = "needs" if wants_zone else "cannot have"
        raise BadDefault(f"{type_.name} {verb} a time zone", _example(type_.name))
    if offset is None:
        return None
    if abs(offset) >= OFFSET_LIMIT:
        raise BadDefault(
            "PostgreSQL allows offsets of less than 16 hours from UTC", _example(type_.name)
        )
    return dt.timezone(offset)


def _example(name: str) -> str:
    examples = {
        "date": "2030-01-31",
        "time": "12:30:00",
        "timetz": '"12:30:00+00:00"',
        "timestamp": "2030-01-31T12:30:00",
        "timestamptz": "2030-01-31T12:30:00Z",
    }
    return f"as in {examples[name]}, or use server_default"


def _uuid(value: Any, type_: ColumnType) -> UUID:
    try:
        return value if isinstance(value, UUID) else UUID(value)
    except (ValueError, AttributeError, TypeError):
        raise BadDefault(
            f"{_shown(value)!r} is not a valid uuid",
            'for a new one per row: server_default = "gen_random_uuid()"',
        ) from None


def _json(value: Any, type_: ColumnType, depth: int = 0) -> DefaultValue:
    if depth > MAX_JSON_DEPTH:
        raise BadDefault(
            f"the default is nested more than {MAX_JSON_DEPTH} levels deep",
            "use server_default, an SQL expression",
        )
    if is_table(value):
        return {
            _text(key, ColumnType("text")): _json(each, type_, depth + 1)
            for key, each in value.items()
        }
    if is_list(value):
        return [_json(each, type_, depth + 1) for each in value]
    if isinstance(value, str):
        return _text(value, ColumnType("text"))
    if isinstance(value, float) and not math.isfinite(value):
        raise BadDefault("JSON has no infinity and no NaN", "use null or a number")
    if isinstance(value, int) and value.bit_length() > MAX_JSON_BITS:
        raise BadDefault("the number has too many digits", "write it as a string")
    if value is None or isinstance(value, (bool, int, float)):
        return value
    raise BadDefault(f"JSON has no {type(value).__name__}", "write it as a string")


CHECKS: dict[DefaultKind, Callable[[Any, ColumnType], DefaultValue]] = {
    "boolean": _boolean,
    "whole": _integer,
    "float": _float,
    "numeric": _numeric,
    "text": _text,
    "date": _date,
    "time": _time,
    "timestamp": _timestamp,
    "uuid": _uuid,
    "json": _json,
}
