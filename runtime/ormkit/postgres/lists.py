"""Lists: what Python's collections are to PostgreSQL's arrays, and work on their elements."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from ..errors import InvalidValue

#: Collections that asyncpg treats as a single element of an array.
SCALARS = (str, bytes, bytearray, memoryview, tuple, Mapping)


class Shield:
    """Wraps a list that is one element of an array, and has no list methods.

    The codec of JSON takes the list out. Every other element type refuses it.
    """

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        self.value = value

    def __repr__(self) -> str:
        return repr(self.value)


def as_element(value: Any) -> Any:
    """Return an element of an array, in a Shield where asyncpg would see another dimension."""
    if isinstance(value, SCALARS) or not isinstance(value, Collection):
        return value  # pyright: ignore[reportUnknownVariableType]
    return Shield(value)  # pyright: ignore[reportUnknownArgumentType]


def collected(values: object) -> list[Any]:
    """Return the collection as a list; InvalidValue for text, never meant as its letters."""
    if isinstance(values, (str, bytes, bytearray)) or not isinstance(values, Collection):
        kind = type(values).__name__
        advice = "write [value]" if not isinstance(values, Iterator) else "write list(...)"
        raise InvalidValue(f"a collection of values is needed, not {kind}: {advice}")
    return list(values)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]


def elements(value: object) -> list[Any]:
    """Return what an array or a vector holds; raises InvalidValue."""
    if isinstance(value, Mapping):
        raise InvalidValue("it takes a list, not dict")
    return collected(value)


def encoded(value: Any, encode: Callable[[Any], str] | None, depth: int) -> Any:
    """Return the value encoded, element by element in an array of that many dimensions."""
    if value is None or encode is None:
        return value
    if not depth:
        return encode(value)
    return [encoded(each, encode, depth - 1) for each in elements(value)]


def decoded(value: Any, decode: Callable[[Any], Any] | None) -> Any:
    """Return the value decoded, element by element where it is an array of any depth."""
    if isinstance(value, list):
        return [decoded(each, decode) for each in value]  # pyright: ignore
    return value if value is None or decode is None else decode(value)
