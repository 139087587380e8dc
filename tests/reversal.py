"""A way to a server that returns the rows of statements that write in reverse.

PostgreSQL promises no order for RETURNING, and servers built on it, Citus among them, have another
one. This stands for all of them.
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from dataclasses import dataclass, field

from tests.proxy import Proxy, Way, Writer

WRITES = re.compile(rb"\b(INSERT INTO|MERGE INTO|UPDATE|DELETE FROM)\b")


@dataclass
class Talk:
    """What was said on one connection: bytes of unfinished messages, and what runs."""

    asked: bytes = b""
    answered: bytes = b""
    is_started: bool = False
    texts: dict[bytes, bytes] = field(default_factory=dict)
    bound: bytes = b""
    #: The texts of what was sent and has not been answered to the end.
    running: deque[bytes] = field(default_factory=deque)
    rows: list[bytes] = field(default_factory=list)


class Reversal(Proxy):
    """Reverses the rows of each statement that writes."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._talks: defaultdict[int, Talk] = defaultdict(Talk)
        #: How many answers were reversed.
        self.reversed = 0

    async def _forward(self, way: Way, data: bytes, writer: Writer) -> bool:
        talk = self._talks[self._writers.index(writer) // 2]
        if way == "asked":
            self._note(talk, data)
            return await super()._forward(way, data, writer)
        turned = self._turned(talk, data)
        return await super()._forward(way, turned, writer) if turned else True

    def _note(self, talk: Talk, data: bytes) -> None:
        """Note which statement each message runs."""
        talk.asked += data
        if not talk.is_started:
            length = int.from_bytes(talk.asked[:4], "big")
            talk.asked, talk.is_started = talk.asked[length:], True
        messages, talk.asked = split(talk.asked)
        for message in messages:
            kind, body = message[:1], message[5:]
            if kind == b"P":
                name, text, _ = body.split(b"\0", 2)
                talk.texts[name] = text
            elif kind == b"B":
                _, name, _ = body.split(b"\0", 2)
                talk.bound = talk.texts[name]
            elif kind == b"E":
                talk.running.append(talk.bound)
            elif kind == b"Q":
                talk.running.append(body)

    def _turned(self, talk: Talk, data: bytes) -> bytes:
        """Return what to pass on: rows wait for the end of their statement."""
        messages, talk.answered = split(talk.answered + data)
        out: list[bytes] = []
        for message in messages:
            kind = message[:1]
            if kind == b"D":
                talk.rows.append(message)
                continue
            if kind == b"C" and talk.running and WRITES.search(talk.running.popleft()):
                self.reversed += len(talk.rows) > 1
                talk.rows.reverse()
            elif kind == b"Z":
                talk.running.clear()
            if kind != b"N":
                out += talk.rows
                talk.rows.clear()
            out.append(message)
        return b"".join(out)


def split(data: bytes) -> tuple[list[bytes], bytes]:
    """Return the whole messages, and the bytes behind them."""
    found: list[bytes] = []
    while len(data) >= 5 and len(data) > (size := int.from_bytes(data[1:5], "big")):
        found.append(data[: size + 1])
        data = data[size + 1 :]
    return found, data
