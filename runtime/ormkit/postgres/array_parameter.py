"""Array parameters, which hold one value for each of many rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from .lists import as_element


class FlatArray:
    """A list of values that asyncpg encodes as a one-dimensional array.

    A list among the values does not add a dimension. It is a value of JSON, and other element types
    refuse it.

    asyncpg iterates over a list twice. The first pass tests each element for a nested list, which
    takes longer than encoding. The second pass encodes the elements. asyncpg calls len() directly
    before the first pass. With `hides_elements` the pass after len() yields nothing. Without it,
    both passes yield each nested list in a Shield.
    """

    __slots__ = ("_is_measured", "values")

    #: Whether the first pass is known to be only the test; asyncpg_internals.py decides.
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
        return iter(self.values) if self.hides_elements else map(as_element, self.values)


def plain(parameter: Any) -> Any:
    """Return the list of a FlatArray; return any other parameter unchanged."""
    return parameter.values if isinstance(parameter, FlatArray) else parameter
