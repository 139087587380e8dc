"""Work of any depth without recursion, for what a program nests as deep as it likes."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeVar

T = TypeVar("T")

#: Work that may need the result of more work: it yields that, and is sent the result.
Work = Generator["Work[Any]", Any, T]


def done(work: Work[T]) -> T:
    """Do the work, and all that it needs, and return its result."""
    waiting: list[Work[Any]] = [work]
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
