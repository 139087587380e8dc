"""The values of the IR as JSON, and back: each kind by the annotations of its class."""

from __future__ import annotations

import datetime as dt
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from decimal import Decimal
from functools import cache, partial
from itertools import compress
from operator import attrgetter, is_not
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
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, tuple):
        return [encode(each) for each in value]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, ColumnType) and value == ColumnType(value.name):
        return value.name
    if isinstance(value, Default):
        return {"value": _constant(value.value)}
    if is_dataclass(value) and not isinstance(value, type):
        names, defaults, get = _fields(type(value))
        items = get(value)
        # Most items are the default itself, and map() passes over them without Python's loop.
        others = compress(zip(names, items, defaults, strict=True), map(is_not, items, defaults))
        return {
            name: encode(item)
            for name, item, default in others
            if item != default and name not in leave_out
        }
    return value


def decode(wanted: Any, data: Any) -> Any:
    """Return the value of a type that `encode` wrote."""
    return _decoder(wanted)(data)


@cache
def _decoder(wanted: Any) -> Callable[[Any], Any]:
    """Return the function that reads values of a type."""
    arguments = typing.get_args(wanted)
    if wanted is ColumnType:
        return lambda data: ColumnType(data) if isinstance(data, str) else _read(ColumnType, data)
    if wanted is Default:
        return lambda data: Default(_read_constant(data["value"]))
    if isinstance(wanted, type) and is_dataclass(wanted):
        return partial(_read, wanted)
    if isinstance(wanted, types.UnionType) or typing.get_origin(wanted) is typing.Union:
        present, *_ = (each for each in arguments if each is not types.NoneType)
        read = _decoder(present)
        return lambda data: None if data is None else read(data)
    if typing.get_origin(wanted) is tuple:
        readers = [_decoder(each) for each in arguments if each is not Ellipsis]
        if arguments[-1] is Ellipsis:
            return lambda data: tuple(map(readers[0], data))
        return lambda data: tuple(read(each) for read, each in zip(readers, data, strict=True))
    return lambda data: data


def _read(wanted: Any, data: Mapping[str, Any]) -> Any:
    """Return the value of a class of the IR."""
    readers = _readers(wanted)
    return wanted(**{name: readers[name](each) for name, each in data.items()})


@cache
def _readers(wanted: Any) -> dict[str, Callable[[Any], Any]]:
    return {name: _decoder(hint) for name, hint in typing.get_type_hints(wanted).items()}


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
        return [_read_constant(each) for each in data]  # pyright: ignore[reportUnknownVariableType]
    if not isinstance(data, dict):
        return data
    ((name, content),) = cast(dict[str, Any], data).items()
    if name == "object":
        return {key: _read_constant(each) for key, each in content.items()}
    return _READERS[name](content)


@cache
def _fields(
    type_: type,
) -> tuple[tuple[str, ...], tuple[Any, ...], Callable[[Any], tuple[Any, ...]]]:
    """Return the names of a class's fields, what they are as always, and what reads all of them."""
    found = [each for each in fields(cast(Any, type_)) if each.init and each.name not in _LEFT_OUT]
    names = tuple(each.name for each in found)
    defaults = tuple(
        each.default if each.default_factory is MISSING else each.default_factory()
        for each in found
    )
    return names, defaults, _getter(names)


def _getter(names: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    if len(names) > 1:
        return attrgetter(*names)
    # With fewer names, attrgetter returns no tuple.
    return lambda value: tuple(getattr(value, name) for name in names)
