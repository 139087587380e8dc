"""Run recursive generators on a trampoline, so that depth is not limited by Python's call stack."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeVar

T = TypeVar("T")

#: A recursive computation: it yields each inner computation, and is sent that one's result.
Steps = Generator["Steps[Any]", Any, T]


def run_steps(work: Steps[T]) -> T:
    """Run a computation with all inner ones, and return its result."""
    waiting: list[Steps[Any]] = [work]
    result: Any = None
    while waiting:
        try:
            needed = waiting[-1].send(result)
        except StopIteration as stopped:
            waiting.pop()
            result = stopped.value
        else:
            waiting.append(needed)
            result = None
    return result  # type: ignore[no-any-return]
