"""Connections that move from one event loop to another.

Most plugins give each test an event loop of its own, and asyncpg binds a connection to a loop: to
open one for each test takes longer than most tests. So asyncpg gets a PortableLoop in place of the
loop, and a PortableTransport in place of the transport. Both pass all calls on to the loop that
runs, and to a transport of that loop. Between two loops, only the socket is there.

All of this uses public methods of asyncio alone.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from ..driver.open_connection import EVENT_LOOP

T = TypeVar("T")

#: The first byte of a message with which the server ends an idle session.
ERROR = b"E"


class PortableLoop:
    """Stands for the event loop that runs at the moment."""

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio.get_running_loop(), name)

    def create_future(self) -> asyncio.Future[Any]:
        """Return a future of the loop that runs. asyncpg keeps this method."""
        return asyncio.get_running_loop().create_future()

    def is_closed(self) -> bool:
        """Return whether nothing can be sent at the moment."""
        return asyncio._get_running_loop() is None

    async def create_unix_connection(
        self, factory: Callable[[], Any], *args: Any, **options: Any
    ) -> tuple[Any, Any]:
        """Connect to a socket in the file system."""
        connect = asyncio.get_running_loop().create_unix_connection
        return await portable(connect, factory, *args, **options)

    async def create_connection(
        self, factory: Callable[[], Any], *args: Any, **options: Any
    ) -> tuple[Any, Any]:
        """Connect over TCP. A connection with TLS stays in its loop, which holds the keys."""
        connect = asyncio.get_running_loop().create_connection
        if options.get("ssl"):
            return await connect(factory, *args, **options)
        return await portable(connect, factory, *args, **options)

    async def start_tls(self, transport: Any, *args: Any, **options: Any) -> Any:
        """Continue a connection with TLS, in this loop alone."""
        inner = transport.inner if isinstance(transport, PortableTransport) else transport
        return await asyncio.get_running_loop().start_tls(inner, *args, **options)


class Relay(asyncio.Protocol):
    """The protocol of one loop's transport, which passes everything on to that of the driver."""

    def __init__(self, portable: PortableTransport) -> None:
        self._portable: PortableTransport | None = portable
        if (protocol := portable.protocol) is not None:
            self.follow(protocol)

    def follow(self, protocol: Any) -> None:
        """Pass on what comes to this protocol."""
        self.protocol = protocol
        self.data_received = protocol.data_received  # type: ignore[method-assign]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self._portable is not None:
            self._portable.inner = transport

    def eof_received(self) -> bool | None:
        return self.protocol.eof_received() if self._portable is not None else None

    def connection_lost(self, exc: Exception | None) -> None:
        if self._portable is not None:
            self.protocol.connection_lost(exc)

    def pause_writing(self) -> None:
        if self._portable is not None:
            self._portable.has_paused = True
            self.protocol.pause_writing()

    def resume_writing(self) -> None:
        if self._portable is not None:
            self.protocol.resume_writing()

    def let_go(self) -> None:
        """Pass on nothing any more."""
        self._portable = None


class PortableTransport(asyncio.Transport):
    """A transport for the driver, in front of one of the loop that runs."""

    def __init__(self) -> None:
        super().__init__()
        self.inner: Any = None
        self.protocol: Any = None
        self.relay = Relay(self)
        #: The socket, while no loop reads from it.
        self.parked: socket.socket | None = None
        #: Whether the driver may be bound to a loop, because it had to wait before it could write.
        self.has_paused = False

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol
        self.relay.follow(protocol)

    def get_protocol(self) -> asyncio.BaseProtocol:
        protocol: asyncio.BaseProtocol = self.protocol
        return protocol

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        if self.parked is not None:
            return self.parked if name == "socket" else default
        return self.inner.get_extra_info(name, default)

    def write(self, data: Any) -> None:
        if self.parked is None:
            self.inner.write(data)
            return
        # A farewell, as nobody waits for an answer.
        with suppress(OSError):
            self.parked.send(data)

    def writelines(self, list_of_data: Any) -> None:
        self.inner.writelines(list_of_data)

    def pause_reading(self) -> None:
        self.inner.pause_reading()

    def resume_reading(self) -> None:
        self.inner.resume_reading()

    def is_closing(self) -> bool:
        return self.inner is None or self.inner.is_closing()

    def can_write_eof(self) -> bool:
        return bool(self.inner.can_write_eof())

    def close(self) -> None:
        self._end("close")

    def abort(self) -> None:
        self._end("abort")

    def _end(self, how: str) -> None:
        if self.parked is not None:
            self.parked.close()
        elif self.inner is not None:
            getattr(self.inner, how)()

    async def park(self) -> None:
        """Leave the loop that runs, and keep the socket. Nothing may be on its way."""
        self.parked = self.inner.get_extra_info("socket").dup()
        self.relay.let_go()
        inner, self.inner = self.inner, None
        inner.abort()
        # The loop closes its own copy of the socket in its next turn.
        await asyncio.sleep(0)

    @property
    def is_alive(self) -> bool:
        """True if the server has not ended the connection, of which no loop knows."""
        if self.parked is None:
            return False
        self.parked.setblocking(False)
        try:
            return self.parked.recv(1, socket.MSG_PEEK) not in (b"", ERROR)
        except BlockingIOError:
            return True
        except OSError:
            return False

    async def resume(self) -> None:
        """Enter the loop that runs."""
        parked, self.parked = self.parked, None
        self.relay = Relay(self)
        loop = asyncio.get_running_loop()
        is_local = parked is not None and parked.family == getattr(socket, "AF_UNIX", None)
        connect: Any = loop.create_unix_connection if is_local else loop.create_connection
        await connect(lambda: self.relay, sock=parked)


async def portable(
    connect: Callable[..., Coroutine[Any, Any, tuple[Any, Any]]],
    factory: Callable[[], Any],
    *args: Any,
    **options: Any,
) -> tuple[PortableTransport, Any]:
    """Connect, and return a transport that can move to another loop, and its protocol."""
    transport, protocol = PortableTransport(), factory()
    transport.set_protocol(protocol)
    await connect(lambda: transport.relay, *args, **options)
    protocol.connection_made(transport)
    return transport, protocol


async def opened_portably(opening: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Open a connection that can move to another loop, where the platform has such sockets."""
    if sys.platform == "win32":
        # A socket belongs to the completion port of its loop.
        return await opening()
    before = EVENT_LOOP.set(PortableLoop())
    try:
        return await opening()
    finally:
        EVENT_LOOP.reset(before)
