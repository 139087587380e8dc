"""Targets of COPY TO: a path, a binary file, or an async function that takes bytes."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import Protocol

from ..statements.async_callback import awaitable


class Writable(Protocol):
    """A file opened for writing bytes."""

    def write(self, data: bytes, /) -> object: ...


Sink = str | os.PathLike[str] | Writable | Callable[[bytes], Awaitable[object]]


async def pass_on(sink: Callable[[bytes], Awaitable[object]], data: bytes) -> None:
    """Call the function with the bytes and await it; raises UsageError if it is not async."""
    await awaitable(sink(data), "copy_out()", "bytes")
