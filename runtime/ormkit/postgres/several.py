"""Define the type of several values, which one text is not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol, TypeVar

T_co = TypeVar("T_co", covariant=True)


class Several(Protocol[T_co]):
    """A list, tuple, set or another collection of T, for type checkers.

    A str is a collection of texts, and seldom meant as one. It is none of these, because its
    `in` takes a str only.
    """

    def __contains__(self, value: object, /) -> bool: ...
    def __iter__(self) -> Iterator[T_co]: ...
    def __len__(self) -> int: ...


class Listed(Several[T_co], Protocol[T_co]):
    """Several values in an order."""

    def __getitem__(self, index: int, /) -> T_co: ...

    # A dict has none.
    def count(self, value: Any, /) -> int: ...
