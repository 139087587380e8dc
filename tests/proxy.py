"""A way to a server that can be blocked, slowed or cut at a chosen moment or byte."""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import suppress
from types import TracebackType
from typing import Literal, Self
from urllib.parse import parse_qs, urlsplit

#: How a connection ends: both ways at once behind what was passed on, as a broken one whose last
#: bytes may be lost, only the way on which its bytes were used up, or not at all, while nothing
#: comes through any more.
Ending = Literal["abort", "reset", "half-close", "stall"]
Way = Literal["asked", "answered"]
Writer = asyncio.StreamWriter


class Proxy:
    """Passes on what a client and a server on a unix socket say, as long as the block lasts."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        words = parse_qs(parts.query)
        self._socket = f"{words['host'][0]}/.s.PGSQL.{words.get('port', ['5432'])[0]}"
        self._user, self._database = parts.username, parts.path
        self._held = b""
        self._cut = b""
        self._forged: tuple[bytes, bytes] | None = None
        self.reached = asyncio.Event()
        self._released = asyncio.Event()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._allowed: dict[Way, int] = {}
        self._ending: Ending = "abort"
        #: Seconds by which each piece is late.
        self.delay = 0.0
        #: How many connections were made, and how many bytes went each way.
        self.connections = 0
        self.passed: dict[Way, int] = {"asked": 0, "answered": 0}
        self._writers: list[asyncio.StreamWriter] = []
        self._stalled: list[asyncio.StreamWriter] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.close()
        self._released.set()
        self._flowing.set()
        for writer in self._writers:
            writer.close()
        if self._tasks:
            await asyncio.wait(self._tasks)

    @property
    def clients(self) -> list[asyncio.StreamWriter]:
        """The ways to the clients, in the order in which they came."""
        return self._writers[::2]

    @property
    def url(self) -> str:
        """The URL of the same database through here."""
        port = self._server.sockets[0].getsockname()[1]
        return f"postgresql://{self._user}@127.0.0.1:{port}{self._database}?sslmode=disable"

    def hold(self, text: bytes) -> None:
        """Keep back the first message with this text, and set `reached`, until `release`."""
        self._held = text

    def release(self) -> None:
        """Pass on what was held."""
        self._released.set()

    def cut(self, text: bytes) -> None:
        """Pass on the first message with this text, and break the connection with its answer."""
        self._cut = text

    def forge(self, text: bytes, answer: bytes) -> None:
        """Answer the first message with this text in the server's place, which never sees it."""
        self._forged = text, answer

    def tell(self, words: bytes) -> None:
        """Send this to every client, as if the server had, and let the connections be."""
        for client in self.clients:
            client.write(words)

    def freeze(self) -> None:
        """Let nothing through any more, as a network that is gone, until `thaw`."""
        self._flowing.clear()

    def thaw(self) -> None:
        """Let everything through again."""
        self._flowing.set()

    def break_all(self) -> None:
        """Break every connection there is."""
        for writer in self._writers:
            writer.transport.abort()

    def break_stalled(self) -> None:
        """Break the connections that stalled, so that the server knows of their end."""
        for writer in self._stalled:
            writer.transport.abort()

    def end_after(self, count: int, way: Way, ending: Ending = "abort") -> None:
        """Pass on so many more bytes of what is asked or answered; then end the connection."""
        self._allowed = {way: count}
        self._ending = ending

    def end_nothing(self) -> None:
        """Take back what `end_after` was told."""
        self._allowed.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_unix_connection(self._socket)
        self.connections += 1
        self._writers += [writer, server_writer]
        asking = self._ask(reader, server_writer, writer)
        for work in (asking, self._pass(server_reader, writer)):
            task = asyncio.create_task(work)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _ask(self, reader: asyncio.StreamReader, writer: Writer, client: Writer) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(1 << 16):
                if self._forged is not None and self._forged[0] in data:
                    client.write(self._forged[1])
                    self._forged = None
                    continue
                if self._held and self._held in data:
                    self._held = b""
                    self.reached.set()
                    await self._released.wait()
                is_open = await self._forward("asked", data, writer)
                if self._cut and self._cut in data:
                    self._cut = b""
                    self.reached.set()
                if not is_open:
                    return
        writer.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(1 << 16):
                if self.reached.is_set() and not self._released.is_set():
                    break
                if not await self._forward("answered", data, writer):
                    return
        writer.close()

    async def _forward(self, way: Way, data: bytes, writer: Writer) -> bool:
        """Send the bytes on, as many as may pass; return whether more of them may."""
        if self.delay:
            await asyncio.sleep(self.delay)
        await self._flowing.wait()
        allowed = self._allowed.get(way)
        is_open = allowed is None or len(data) < allowed
        part = data if is_open else data[:allowed]
        self.passed[way] += len(part)
        if allowed is not None:
            self._allowed[way] = allowed - len(part)
        writer.write(part)
        await writer.drain()
        if not is_open:
            self._allowed.pop(way, None)
            self._end(writer)
        return is_open

    def _end(self, writer: Writer) -> None:
        number = self._writers.index(writer)
        both = (writer, self._writers[number ^ 1])
        if self._ending == "half-close":
            writer.write_eof()
        elif self._ending == "stall":
            self._stalled += both
        elif self._ending == "abort":
            # What was written is on its way: the socket's buffer is not thrown away by a close.
            for each in both:
                each.close()
        elif self._ending == "reset":
            for each in both:
                if each.get_extra_info("socket").family == socket.AF_INET:
                    # Closing it sends a reset, and throws away what was not read yet.
                    option = struct.pack("ii", 1, 0)
                    each.get_extra_info("socket").setsockopt(
                        socket.SOL_SOCKET, socket.SO_LINGER, option
                    )
                each.transport.abort()
