"""Receiving: reading what the server sends into one buffer, and decoding it without interruption.

asyncio gives a plain protocol a new `bytes` of 256 KiB for each read and then shrinks it, which for
an answer of some hundred bytes costs more than its decoding. A buffered protocol brings the buffer.
"""

from __future__ import annotations

import asyncio
import gc
from typing import Any

from .acceleration import accelerator

Reader: Any = getattr(accelerator, "Reader", None)

#: Bytes read at a time; the server sends 8 KiB, and more where it was ahead.
BUFFER_SIZE = 64 * 1024
#: From this many bytes on the collector of cycles is paused while rows are made of them: they come
#: faster than they could become garbage, and full collections would scan them all again and again.
PAUSE_SIZE = 4096


class Receiver(asyncio.BufferedProtocol):
    """Stands between a transport and the driver's protocol."""

    def __init__(self, protocol: Any) -> None:
        self._protocol = protocol
        self._receive = protocol.data_received
        if Reader is not None:
            # The same in C, with a buffer of its own.
            reader = Reader(self._receive, BUFFER_SIZE, PAUSE_SIZE)
            self.get_buffer = reader.get_buffer  # type: ignore[method-assign]
            self.buffer_updated = reader.buffer_updated  # type: ignore[method-assign]
            return
        # A view: over TLS asyncio reads each further record into a slice, which of bytes is a copy.
        self._view = memoryview(bytearray(BUFFER_SIZE))

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._view

    def buffer_updated(self, nbytes: int) -> None:
        # A copy: the driver keeps what it has not decoded yet.
        data = bytes(self._view[:nbytes])
        if nbytes < PAUSE_SIZE or not gc.isenabled():
            self._receive(data)
            return
        gc.disable()
        try:
            self._receive(data)
        finally:
            gc.enable()

    def eof_received(self) -> bool | None:
        return self._protocol.eof_received()  # type: ignore[no-any-return]

    def connection_lost(self, exc: Exception | None) -> None:
        self._protocol.connection_lost(exc)

    def pause_writing(self) -> None:
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        self._protocol.resume_writing()


def receive_into_buffer(transport: Any) -> None:
    """Put a receiver before the protocol of a transport of asyncio's own.

    Other loops, such as uvloop, read into a buffer by themselves.
    """
    is_asyncios = type(transport).__module__.startswith("asyncio.")
    if is_asyncios and isinstance(transport, asyncio.Transport):
        transport.set_protocol(Receiver(transport.get_protocol()))
