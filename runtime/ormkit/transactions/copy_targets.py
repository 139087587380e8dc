"""Sinks: where the bytes go that COPY gives."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from ..errors import UsageError


class Writable(Protocol):
    """A file opened for writing bytes."""

    def write(self, data: bytes, /) -> object: ...


Sink = str | os.PathLike[str] | Writable | Callable[[bytes], Awaitable[object]]


async def pass_on(sink: Callable[[bytes], Awaitable[object]], data: bytes) -> None:
    """Await what the function returns for the bytes; raises UsageError where it is not async."""
    answer: Any = sink(data)
    if not isinstance(answer, Awaitable):
        raise UsageError(
            f"copy_out() awaits what its function returns, and that is {type(answer).__name__}: "
            f"give an async function of bytes"
        )
    await answer
