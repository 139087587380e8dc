"""Receiving: reading what the server sends into one buffer, and decoding it without interruption.

asyncio gives a plain protocol a new `bytes` of 256 KiB for each read and then shrinks it, which for
an answer of some hundred bytes costs more than its decoding. A buffered protocol brings the buffer.
"""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ..accelerator import accelerator
from .asyncpg_internals import transport_of
from .messages import BrokenProtocol, Messages

Reader: Any = getattr(accelerator, "Reader", None)

#: Bytes read at a time; the server sends 8 KiB, and more where it was ahead.
BUFFER_SIZE = 64 * 1024
#: From this many bytes on the collector of cycles is paused while rows are made of them: they come
#: faster than they could become garbage, and full collections would scan them all again and again.
PAUSE_SIZE = 4096


class PythonReader:
    """What the accelerator's Reader does."""

    def __init__(self, receive: Callable[[bytes], object], end: Callable[[], object]) -> None:
        self._receive = receive
        self._end = end
        self.messages = Messages()
        # A view: over TLS asyncio reads each further record into a slice, which of bytes is a copy.
        self._view = memoryview(bytearray(BUFFER_SIZE))

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._view

    def buffer_updated(self, nbytes: int) -> None:
        # A copy: the driver keeps what it has not decoded yet.
        data = bytes(self._view[:nbytes])
        if nbytes < PAUSE_SIZE or not gc.isenabled():
            self.data_received(data)
            return
        gc.disable()
        try:
            self.data_received(data)
        finally:
            gc.enable()

    def data_received(self, data: bytes) -> None:
        self.messages.check(data)
        self._receive(data)
        if self.messages.failure is not None:
            self._end()


class Receiving(asyncio.BaseProtocol):
    """Stands between a transport and the driver's protocol."""

    def __init__(self, transport: Any, end: Callable[[], object]) -> None:
        self._transport = transport
        self._protocol = protocol = transport.get_protocol()
        receive = protocol.data_received
        #: What is known of the messages that came.
        self.messages: Messages
        if Reader is not None:
            self._reader = self.messages = Reader(
                receive, BUFFER_SIZE, PAUSE_SIZE, BrokenProtocol, end
            )
        else:
            self._reader = PythonReader(receive, end)
            self.messages = self._reader.messages

    def eof_received(self) -> bool | None:
        return self._protocol.eof_received()  # type: ignore[no-any-return]

    def connection_lost(self, exc: Exception | None) -> None:
        if isinstance(exc, BrokenPipeError):
            # It was written before it was read.
            with suppress(OSError):
                self._reader.data_received(unread(self._transport))
        self._transport = None
        self._protocol.connection_lost(exc)

    def pause_writing(self) -> None:
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        self._protocol.resume_writing()


class Receiver(Receiving, asyncio.BufferedProtocol):
    """Receives what is read into its buffer, for a transport of asyncio's own."""

    def __init__(self, transport: Any, end: Callable[[], object]) -> None:
        super().__init__(transport, end)
        self.get_buffer = self._reader.get_buffer  # type: ignore[method-assign]
        self.buffer_updated = self._reader.buffer_updated  # type: ignore[method-assign]


class Listener(Receiving, asyncio.Protocol):
    """Receives what another loop, such as uvloop, has read into a buffer of its own."""

    def __init__(self, transport: Any, end: Callable[[], object]) -> None:
        super().__init__(transport, end)
        self.data_received = self._reader.data_received  # type: ignore[method-assign]


def receive_into_buffer(transport: Any, end: Callable[[], object]) -> None:
    """Put a receiver before the protocol of a transport.

    end: closes the connection once the server has ended the session by an error. Its end comes
        later; asyncpg would meanwhile send the next statement, or wait for an answer.
    """
    if hasattr(transport, "set_protocol"):
        is_asyncios = type(transport).__module__.startswith("asyncio.")
        receiver = Receiver if is_asyncios else Listener
        transport.set_protocol(receiver(transport, end))


def unread(transport: Any) -> bytes:
    """Return what a closed server has said and nobody has read; of TLS nothing can be told."""
    if transport.get_extra_info("ssl_object") is not None:
        return b""
    return os.read(transport.get_extra_info("socket").fileno(), BUFFER_SIZE)


def messages_of(raw: Any) -> Messages | None:
    """Return what is known of the messages of a connection of asyncpg."""
    transport = transport_of(raw)
    protocol = None if transport is None else transport.get_protocol()
    return protocol.messages if isinstance(protocol, Receiving) else None
