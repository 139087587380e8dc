"""Arrays: parameters that carry one value for each of many rows."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, ClassVar

#: Collections that asyncpg takes for one value of an array.
SCALARS = (str, bytes, bytearray, memoryview, tuple, Mapping)


class FlatArray:
    """A list of values that asyncpg encodes as an array of one dimension.

    A list among the values is not another dimension. It is a value that the type of the elements
    refuses.

    asyncpg walks a list twice: it tests each element for a nested list, which takes longer than
    encoding, and then it encodes the elements. It asks for the length right before the first walk.
    With `hides_elements` the first walk after that finds no elements. Otherwise both walks find
    each nested list in a wrapper.
    """

    __slots__ = ("_is_measured", "values")

    #: Whether the first walk is known to be only the test; asyncpg_internals.py decides.
    hides_elements: ClassVar[bool] = False

    def __init__(self, values: list[Any]) -> None:
        self.values = values
        self._is_measured = False

    def __len__(self) -> int:
        self._is_measured = self.hides_elements
        return len(self.values)

    def __iter__(self) -> Iterator[Any]:
        if self._is_measured:
            self._is_measured = False
            return iter(())
        return iter(self.values) if self.hides_elements else map(shielded, self.values)


class Shield:
    """A nested list without the methods of one, so that no type of an element accepts it."""

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        self.value = value

    def __repr__(self) -> str:
        return repr(self.value)


def shielded(value: Any) -> Any:
    """Return an element that asyncpg does not take for another dimension."""
    if isinstance(value, SCALARS) or not isinstance(value, Collection):
        return value  # pyright: ignore[reportUnknownVariableType]
    return Shield(value)  # pyright: ignore[reportUnknownArgumentType]


def plain(parameter: Any) -> Any:
    """Return what a parameter was made of."""
    return parameter.values if isinstance(parameter, FlatArray) else parameter
