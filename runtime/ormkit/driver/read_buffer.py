"""Reads from the server into one reused buffer, and checks the protocol messages in it.

For a plain protocol, asyncio allocates `bytes` of 256 KiB for each read and then shrinks them. For
an answer of a few hundred bytes that costs more than decoding it. A buffered protocol reuses its
own buffer.
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

#: The size of the buffer in bytes. The server sends 8 KiB at a time, which can accumulate.
BUFFER_SIZE = 64 * 1024
#: From this many bytes on, the garbage collector is paused while rows are decoded. New rows are
#: not garbage yet, and full collections would scan all of them repeatedly.
PAUSE_SIZE = 4096


class PythonReader:
    """The Python implementation of the accelerator's Reader."""

    def __init__(self, receive: Callable[[bytes], object], end: Callable[[], object]) -> None:
        self._receive = receive
        self._end = end
        self.messages = Messages()
        # A memoryview, since asyncio slices the buffer for TLS, and a bytearray's slice is a copy.
        self._view = memoryview(bytearray(BUFFER_SIZE))

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._view

    def buffer_updated(self, nbytes: int) -> None:
        # A copy, since the driver keeps data that it has not decoded yet.
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
    """A protocol between a transport and the driver's protocol, which checks the messages."""

    def __init__(self, transport: Any, end: Callable[[], object]) -> None:
        self._transport = transport
        self._protocol = protocol = transport.get_protocol()
        receive = protocol.data_received
        #: The checker of the received messages.
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
            # A write failed before the server's last message was read.
            with suppress(OSError):
                self._reader.data_received(unread(self._transport))
        self._transport = None
        self._protocol.connection_lost(exc)

    def pause_writing(self) -> None:
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        self._protocol.resume_writing()


class Receiver(Receiving, asyncio.BufferedProtocol):
    """Receives data in its own buffer, for a transport of asyncio."""

    def __init__(self, transport: Any, end: Callable[[], object]) -> None:
        super().__init__(transport, end)
        self.get_buffer = self._reader.get_buffer  # type: ignore[method-assign]
        self.buffer_updated = self._reader.buffer_updated  # type: ignore[method-assign]


class Listener(Receiving, asyncio.Protocol):
    """Receives data that another event loop, such as uvloop, has read into its buffer."""

    def __init__(self, transport: Any, end: Callable[[], object]) -> None:
        super().__init__(transport, end)
        self.data_received = self._reader.data_received  # type: ignore[method-assign]


def receive_into_buffer(transport: Any, end: Callable[[], object]) -> None:
    """Install a receiver in front of the transport's protocol.

    end: closes the connection after a fatal error from the server. The socket closes later, and
        asyncpg would meanwhile send the next statement or wait for an answer.
    """
    if hasattr(transport, "set_protocol"):
        is_asyncios = type(transport).__module__.startswith("asyncio.")
        receiver = Receiver if is_asyncios else Listener
        transport.set_protocol(receiver(transport, end))


def unread(transport: Any) -> bytes:
    """Return the unread data of a connection that the server closed; empty with TLS."""
    if transport.get_extra_info("ssl_object") is not None:
        return b""
    return os.read(transport.get_extra_info("socket").fileno(), BUFFER_SIZE)


def messages_of(raw: Any) -> Messages | None:
    """Return the message checker of an asyncpg connection; None if it has none."""
    transport = transport_of(raw)
    protocol = None if transport is None else transport.get_protocol()
    return protocol.messages if isinstance(protocol, Receiving) else None
