"""The values of the IR as JSON, and back: each kind by the annotations of its class."""

from __future__ import annotations

import datetime as dt
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from decimal import Decimal
from functools import cache
from typing import Any, cast
from uuid import UUID

from ormkit_gen.ir import Default
from ormkit_gen.postgres.types import ColumnType

#: How a constant that JSON does not have is written: the name of its type, and its text.
_TEXTS: dict[type, tuple[str, Callable[[Any], str], Callable[[str], Any]]] = {
    Decimal: ("numeric", str, Decimal),
    UUID: ("uuid", str, UUID),
    dt.datetime: ("timestamp", dt.datetime.isoformat, dt.datetime.fromisoformat),
    dt.date: ("date", dt.date.isoformat, dt.date.fromisoformat),
    dt.time: ("time", dt.time.isoformat, dt.time.fromisoformat),
    float: ("float", repr, float),
}
_READERS = {name: read for name, _, read in _TEXTS.values()}
#: Places in schema files say nothing about a schema.
_LEFT_OUT = ("at",)


def encode(value: Any, leave_out: Sequence[str] = ()) -> Any:
    """Return a value of the IR as JSON has it, without what is as always.

    leave_out: fields of the value itself that are not written.
    """
    if isinstance(value, ColumnType) and value == ColumnType(value.name):
        return value.name
    if isinstance(value, Default):
        return {"value": _constant(value.value)}
    if is_dataclass(value) and not isinstance(value, type):
        return {
            each.name: encode(getattr(value, each.name))
            for each in _fields(type(value))
            if each.name not in leave_out and getattr(value, each.name) != _default(each)
        }
    if isinstance(value, tuple):
        items: Any = value
        return [encode(each) for each in items]
    return value


def decode(wanted: Any, data: Any) -> Any:
    """Return the value of a type that `encode` wrote."""
    if wanted is ColumnType and isinstance(data, str):
        return ColumnType(data)
    if wanted is Default:
        return Default(_read_constant(data["value"]))
    if isinstance(wanted, type) and is_dataclass(wanted):
        hints = _hints(wanted)
        return wanted(**{name: decode(hints[name], each) for name, each in data.items()})
    arguments = typing.get_args(wanted)
    if isinstance(wanted, types.UnionType) or typing.get_origin(wanted) is typing.Union:
        present = [each for each in arguments if each is not types.NoneType]
        return None if data is None else decode(present[0], data)
    if typing.get_origin(wanted) is tuple:
        if arguments[-1] is Ellipsis:
            return tuple(decode(arguments[0], each) for each in data)
        return tuple(decode(each, item) for each, item in zip(arguments, data, strict=True))
    return data


def _constant(value: Any) -> Any:
    if isinstance(value, Mapping):
        pairs = cast(Mapping[str, Any], value).items()
        return {"object": {name: _constant(each) for name, each in pairs}}
    if isinstance(value, (list, tuple)):
        return [_constant(each) for each in cast(Sequence[Any], value)]
    for type_, (name, write, _) in _TEXTS.items():
        if type(value) is type_:
            return {name: write(value)}
    return value


def _read_constant(data: Any) -> Any:
    if isinstance(data, list):
        items: Any = data
        return [_read_constant(each) for each in items]
    if not isinstance(data, dict):
        return data
    ((name, content),) = cast(dict[str, Any], data).items()
    if name == "object":
        return {key: _read_constant(each) for key, each in content.items()}
    return _READERS[name](content)


@cache
def _fields(type_: type) -> tuple[Field[Any], ...]:
    return tuple(
        each for each in fields(cast(Any, type_)) if each.init and each.name not in _LEFT_OUT
    )


@cache
def _hints(type_: type) -> dict[str, Any]:
    return typing.get_type_hints(type_)


def _default(field: Field[Any]) -> Any:
    if field.default_factory is not MISSING:
        return field.default_factory()
    return field.default
