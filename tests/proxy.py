"""A way to a server that can be blocked or cut at a chosen moment."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit


class Proxy:
    """Passes on what a client and a server on a unix socket say, as long as the block lasts."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        words = parse_qs(parts.query)
        self._socket = f"{words['host'][0]}/.s.PGSQL.{words.get('port', ['5432'])[0]}"
        self._user, self._database = parts.username, parts.path
        self._held = b""
        self._cut = b""
        self.reached = asyncio.Event()
        self._released = asyncio.Event()
        self._writers: list[asyncio.StreamWriter] = []
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
        for writer in self._writers:
            writer.close()
        if self._tasks:
            await asyncio.wait(self._tasks)

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

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_unix_connection(self._socket)
        self._writers += [writer, server_writer]
        for work in (self._ask(reader, server_writer), self._pass(server_reader, writer)):
            task = asyncio.create_task(work)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(1 << 16):
                if self._held and self._held in data:
                    self._held = b""
                    self.reached.set()
                    await self._released.wait()
                writer.write(data)
                if self._cut and self._cut in data:
                    self._cut = b""
                    self.reached.set()
                await writer.drain()
        writer.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(1 << 16):
                if self.reached.is_set() and not self._released.is_set():
                    break
                writer.write(data)
                await writer.drain()
        writer.close()
