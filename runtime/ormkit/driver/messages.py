"""Checks the framing and order of the server's protocol messages as they arrive.

asyncpg skips messages that it cannot parse. It then waits for the end of the answer, which may
never come. It also accepts a truncated answer as complete. The accelerator's Reader does the same
checks in C.
"""

from __future__ import annotations

import asyncio
import re
import struct
from collections.abc import Generator
from contextlib import contextmanager

#: The header of a message: its type and its length.
HEAD = struct.Struct("!BI")
#: The types of messages after the startup; see "Message Formats" in PostgreSQL's manual.
COPY_DATA, ROW, ERROR, READY = b"dDEZ"
DESCRIPTION, PARAMETERS, BIND_COMPLETE, NO_DATA = b"Tt2n"
KNOWN = frozenset(b"123ACDEGHINSTZcdnst")
#: Asynchronous messages, which may arrive at any time.
UNASKED = frozenset(b"ANS")
#: Messages that end an answer. Only after them may ReadyForQuery follow.
ENDS = frozenset(b"CEIs3n")
#: Messages with an empty body.
EMPTY = frozenset(b"123Icns")
#: Messages whose body is not checked.
UNREAD = frozenset((ROW, COPY_DATA))
#: Messages that report that a statement has run or is suspended.
COMPLETIONS = frozenset(b"CIs")

#: Messages that may be long, as in libpq. Any other is limited to MOST_SHORT bytes.
LONG = frozenset(b"ADENTd")
MOST_SHORT = 30_000
SHORTEST_ROW = 6
#: The greatest length of ParameterDescription: 65,535 parameters of four bytes each.
MOST_PARAMETERS = 4 + 2 + 4 * 0xFFFF
#: The greatest length of a row or of a piece of COPY data, in bytes: 1 GiB.
MOST = 1 << 30
#: The greatest length of any other long message, in bytes.
MOST_TOLD = 1 << 26

#: The greatest length, in bytes, of a message that is buffered when it arrives in parts.
MOST_KEPT = 1 << 16

FIELDS = re.compile(rb"(?:[^\0]+\0)+\0")
#: Severities of an error that ends the session. Only the field V holds them untranslated.
ENDING = frozenset({"FATAL", "PANIC"})


class BrokenProtocol(ConnectionError):
    """The server sent something that the protocol does not allow.

    It is an OSError, so that event loops close the transport without logging an error.
    """


class Messages:
    """Checks the messages of one connection, which arrive in chunks of any size."""

    __slots__ = ("_head", "_kind", "_last", "_left", "_part", "completed", "failure", "is_binding")

    def __init__(self) -> None:
        self._head = b""
        self._kind = self._left = self._last = 0
        self._part: bytearray | None = None
        #: The number of statements that have run or are suspended.
        self.completed = 0
        #: The error with which the server ended the session.
        self.failure: bytes | None = None
        #: True if the next answer may end after a portal was bound, which has not run yet.
        self.is_binding = False

    def check(self, data: bytes) -> None:
        """Check the next chunk; raises BrokenProtocol."""
        if self._head:
            data, self._head = self._head + data, b""
        place = self._rest(data) if self._left else 0
        end, is_ready = len(data), False
        while end - place >= HEAD.size:
            kind, size = HEAD.unpack_from(data, place)
            body, place = place + 5, place + 1 + size
            # This is the fast path for rows, whose bodies asyncpg checks.
            if kind == ROW and SHORTEST_ROW <= size <= MOST and not is_ready:
                self._last = ROW
            elif size == 4 and kind in EMPTY and not is_ready:
                self._last = kind
                self.completed += kind in COMPLETIONS
                continue
            else:
                check_size(kind, size)
                is_ready = self._follow(kind, is_ready)
            if place > end:
                self._left, self._kind = place - end, kind
                self._part = bytearray(data[body:]) if size <= MOST_KEPT else None
                return
            if kind not in UNREAD:
                self._look_into(kind, data[body:place])
        if place < end:
            self._head = data[place:]

    def _rest(self, data: bytes) -> int:
        """Consume the rest of a partial message; return the offset of the next message."""
        taken = min(self._left, len(data))
        self._left -= taken
        if self._part is not None:
            self._part += data[:taken]
            if not self._left and self._kind not in UNREAD:
                self._look_into(self._kind, bytes(self._part))
        return taken

    def _follow(self, kind: int, is_ready: bool) -> bool:
        """Check the order of messages; return whether ReadyForQuery has arrived in this chunk."""
        if kind in UNASKED:
            return is_ready
        if is_ready and kind != ERROR:
            # The client cannot have sent a query in the middle of a chunk.
            raise BrokenProtocol(f"it sent an unexpected message {chr(kind)!r}")
        if kind == READY:
            if self._last not in ENDS and not (self._last == BIND_COMPLETE and self.is_binding):
                raise BrokenProtocol("it sent ReadyForQuery before the end of the result")
            self._last = 0
            self.is_binding = False
            return True
        self.completed += kind in COMPLETIONS
        # RowDescription after ParameterDescription ends the answer to Describe, as NoData does.
        is_described = kind == DESCRIPTION and self._last == PARAMETERS
        self._last = NO_DATA if is_described else kind
        return is_ready

    def _look_into(self, kind: int, body: bytes) -> None:
        if not is_well_formed(kind, body):
            raise BrokenProtocol(f"it sent a message {chr(kind)!r} that cannot be read")
        if kind == ERROR and is_ending(body):
            self.failure = body


@contextmanager
def binding(messages: Messages | None) -> Generator[None]:
    """Accept BindComplete as the end of the next answer, while the block binds a portal."""
    if messages is None:
        yield
        return
    messages.is_binding = True
    try:
        yield
    except (asyncio.CancelledError, TimeoutError):
        # The answer may not have arrived yet. ReadyForQuery resets the flag.
        raise
    except BaseException:
        messages.is_binding = False
        raise


@contextmanager
def whole_answer(messages: Messages | None, count: int) -> Generator[None]:
    """Raise BrokenProtocol unless exactly `count` statements completed in the block."""
    before = 0 if messages is None else messages.completed
    yield
    if messages is not None and messages.completed - before != count:
        raise BrokenProtocol("it sent ReadyForQuery before the end of the result")


def check_size(kind: int, size: int) -> None:
    """Raise BrokenProtocol for an unknown message type, or an invalid length in bytes."""
    if kind not in KNOWN:
        raise BrokenProtocol(f"it sent a message of the unknown type {kind}")
    if not 4 <= size <= most_of(kind):
        raise BrokenProtocol(f"it sent a message {chr(kind)!r} of {size} bytes")


def most_of(kind: int) -> int:
    """Return the greatest valid length of a message of this type, in bytes."""
    if kind in UNREAD:
        return MOST
    if kind == PARAMETERS:
        return MOST_PARAMETERS
    return MOST_TOLD if kind in LONG else MOST_SHORT


def is_well_formed(kind: int, body: bytes) -> bool:
    """Return whether the body is valid for the message type; rows and COPY data are excluded."""
    if kind == READY:
        return body in (b"I", b"T", b"E")
    match chr(kind):
        case "C":
            return body.find(0) == len(body) - 1 >= 0
        case "S":
            return body.count(0) == 2 and body[-1] == 0
        case "A":
            return body[4:].count(0) == 2 and body[-1] == 0
        case "E" | "N":
            return FIELDS.fullmatch(body) is not None
        case "t":
            return len(body) >= 2 and len(body) == 2 + 4 * int.from_bytes(body[:2])
        case "G" | "H":
            return len(body) >= 3 and len(body) == 3 + 2 * int.from_bytes(body[1:3])
        case "T":
            return is_description(body)
        case _:
            return not body


def is_ending(body: bytes) -> bool:
    """Return whether an ErrorResponse is fatal, so that the server ends the session."""
    fields = fields_of(body)
    return fields.get("V", fields.get("S")) in ENDING


def fields_of(body: bytes) -> dict[str, str]:
    """Return the fields of an ErrorResponse by their one-letter codes."""
    texts = body.decode(errors="replace").split("\0")
    return {text[0]: text[1:] for text in texts if text}


def is_description(body: bytes) -> bool:
    """Return whether this is a valid RowDescription: names, each with 18 bytes of metadata."""
    place = 2
    for _ in range(int.from_bytes(body[:2])):
        place = body.find(0, place) + 19
        if not 19 < place <= len(body):
            return False
    return place == len(body)
