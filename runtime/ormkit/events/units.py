"""Units: blocks such as a request, whose statements are judged together."""

from __future__ import annotations

from collections.abc import Callable, Generator, Hashable
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any


class Unit:
    """A block whose statements are judged together, such as a request or a test."""

    __slots__ = ("ends", "is_over", "notes", "outer")

    def __init__(self, outer: Unit | None = None) -> None:
        self.outer = outer
        #: What listeners note of it, by keys of their own.
        self.notes: dict[Hashable, Any] = {}
        #: What is called at its end; each returns the error to raise, or None.
        self.ends: list[Callable[[], Exception | None]] = []
        self.is_over = False

    def is_within(self, other: Unit) -> bool:
        """Return whether this is the other unit, or one within it."""
        unit: Unit | None = self
        while unit is not None and unit is not other:
            unit = unit.outer
        return unit is other

    def end(self) -> Exception | None:
        """End the unit, and return the first error that its judges found."""
        self.is_over = True
        return self._judged()

    def begin_anew(self) -> None:
        """Judge what was sent until now, and go on as another unit; raises what is found."""
        if (error := self._judged()) is not None:
            raise error

    def _judged(self) -> Exception | None:
        ends, self.ends = self.ends, []
        errors = [error for judge in ends if (error := judge()) is not None]
        return errors[0] if errors else None


#: True where `run()` calls its function again, after a transaction that failed.
is_repetition: ContextVar[bool] = ContextVar("ormkit_is_repetition", default=False)
_current: ContextVar[Unit | None] = ContextVar("ormkit_unit", default=None)


def current_unit() -> Unit | None:
    """Return the innermost unit around that has not ended; None outside of all."""
    unit = _current.get()
    # One that ended in another context, as that of an async fixture, is still in this one.
    while unit is not None and unit.is_over:
        unit = unit.outer
    return unit


@contextmanager
def unit_of_work() -> Generator[Unit]:
    """Judge the statements of the block together; tasks that start inside belong to it.

    What the judges find is raised at the end, unless the block itself has failed.
    """
    unit = Unit(_current.get())
    token = _current.set(unit)
    try:
        yield unit
    except BaseException:
        unit.end()
        raise
    else:
        error = unit.end()
    finally:
        # A block may end in another context, as that of an async fixture does.
        with suppress(ValueError):
            _current.reset(token)
    if error is not None:
        raise error
