"""The rows of an observed statement, which note how long it takes to make objects of them."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from .event import StatementEvent

T = TypeVar("T")


class ObservedRows(list[Any]):
    """The rows of a statement that listeners were told of, with its event."""

    __slots__ = ("event",)

    event: StatementEvent

    def made(self, make: Callable[[list[Any]], T]) -> T:
        """Return what a function makes of the rows, and add the time to the event."""
        began = perf_counter()
        try:
            return make(list(self))
        finally:
            self.event.making += perf_counter() - began
