"""Arrays: parameters that carry one value for each of many rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


class FlatArray:
    """A list of values that is an array of one dimension to the driver, whatever they are.

    asyncpg walks a list twice. For its dimensions it asks of each element whether that is a list,
    which takes longer than to encode it; then it encodes them. Right before the first walk it asks
    for the length: this one then shows no elements. One that is a list is thus no more dimension,
    but a value that the type of the elements refuses.
    """

    __slots__ = ("_is_measured", "values")

    def __init__(self, values: list[Any]) -> None:
        self.values = values
        self._is_measured = False

    def __len__(self) -> int:
        self._is_measured = True
        return len(self.values)

    def __iter__(self) -> Iterator[Any]:
        if self._is_measured:
            self._is_measured = False
            return iter(())
        return iter(self.values)


def plain(parameter: Any) -> Any:
    """Return what a parameter was made of."""
    return parameter.values if isinstance(parameter, FlatArray) else parameter
