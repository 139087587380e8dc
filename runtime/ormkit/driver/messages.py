"""Messages: the framing and the order of what the server sends, checked as it comes.

asyncpg leaves out what it cannot read, waits for the end of the answer, which may never come, and
takes an answer that ends early for a short one. The accelerator's reader does the same in C.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Generator
from contextlib import contextmanager

#: Type and length.
HEAD = struct.Struct("!BI")
#: The types that come once a connection is made; see "Message Formats" in PostgreSQL's manual.
COPY_DATA, ROW, ERROR, READY = b"dDEZ"
DESCRIPTION, PARAMETERS, BIND_COMPLETE, NO_DATA = b"Tt2n"
KNOWN = frozenset(b"123ACDEGHINSTZcdnst")
#: Those that may come at any time, whatever was asked.
UNASKED = frozenset(b"ANS")
#: Those that end an answer, behind which ReadyForQuery may come.
ENDS = frozenset(b"CEIs3n")
#: Those of nothing but their type.
EMPTY = frozenset(b"123Icns")
#: Those that are not looked into.
UNREAD = frozenset((ROW, COPY_DATA))
#: Those that say that a statement was run.
COMPLETIONS = frozenset(b"CIs")

#: As in libpq, only these are longer than some text of a name or a command.
LONG = frozenset(b"ADENTd")
MOST_SHORT = 30_000
SHORTEST_ROW = 6
#: The types of parameters, of which a statement has at most 65,535: four bytes for each.
MOST_PARAMETERS = 4 + 2 + 4 * 0xFFFF
#: PostgreSQL makes no row, and no piece of COPY, above 1 GiB.
MOST = 1 << 30
#: What the server tells besides; nobody reads as much.
MOST_TOLD = 1 << 26

#: Bytes up to which a message that comes in parts is kept, to look into it.
MOST_KEPT = 1 << 16

FIELDS = re.compile(rb"(?:[^\0]+\0)+\0")
#: Severities of an error that ends the session, which are translated where the field V is missing.
ENDING = frozenset({"FATAL", "PANIC"})


class BrokenProtocol(ConnectionError):
    """The server sent what the protocol does not allow.

    It is an OSError, so that event loops close the transport for it without a word in the log.
    """


class Messages:
    """The messages of one connection, which come in pieces of any size."""

    __slots__ = ("_head", "_kind", "_last", "_left", "_part", "completed", "failure", "is_binding")

    def __init__(self) -> None:
        self._head = b""
        self._kind = self._left = self._last = 0
        self._part: bytearray | None = None
        #: How many statements were run, or suspended.
        self.completed = 0
        #: The error with which the server ended the session.
        self.failure: bytes | None = None
        #: True while a portal is made, of which nothing is run yet.
        self.is_binding = False

    def check(self, data: bytes) -> None:
        """Look at the next piece; raises BrokenProtocol."""
        if self._head:
            data, self._head = self._head + data, b""
        place = self._rest(data) if self._left else 0
        end, is_ready = len(data), False
        while end - place >= HEAD.size:
            kind, size = HEAD.unpack_from(data, place)
            body, place = place + 5, place + 1 + size
            # Rows are many, and asyncpg looks into them.
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
        """Take what is left of a message that came in part; return where the next one begins."""
        taken = min(self._left, len(data))
        self._left -= taken
        if self._part is not None:
            self._part += data[:taken]
            if not self._left and self._kind not in UNREAD:
                self._look_into(self._kind, bytes(self._part))
        return taken

    def _follow(self, kind: int, is_ready: bool) -> bool:
        """Check that the message may come here; return whether the server is ready since."""
        if kind in UNASKED:
            return is_ready
        if is_ready and kind != ERROR:
            # Nobody can have asked in the meantime.
            raise BrokenProtocol(f"it sent a message {chr(kind)!r} that nobody asked for")
        if kind == READY:
            if self._last not in ENDS and not (self._last == BIND_COMPLETE and self.is_binding):
                raise BrokenProtocol("it is ready for the next query before the answer has ended")
            self._last = 0
            return True
        self.completed += kind in COMPLETIONS
        # Behind the types of parameters it ends the answer to Describe.
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
    """Let a portal be made in the block, whose answer ends with BindComplete."""
    if messages is None:
        yield
        return
    messages.is_binding = True
    try:
        yield
    finally:
        messages.is_binding = False


@contextmanager
def whole_answer(messages: Messages | None, count: int) -> Generator[None]:
    """Raise BrokenProtocol where the block saw another number of statements run."""
    before = 0 if messages is None else messages.completed
    yield
    if messages is not None and messages.completed - before != count:
        raise BrokenProtocol("it is ready for the next query before the answer has ended")


def check_size(kind: int, size: int) -> None:
    """Raise BrokenProtocol for an unknown type, or a length that no message of it has."""
    if kind not in KNOWN:
        raise BrokenProtocol(f"it sent a message of the unknown type {kind}")
    if not 4 <= size <= most_of(kind):
        raise BrokenProtocol(f"it sent a message {chr(kind)!r} of {size} bytes")


def most_of(kind: int) -> int:
    """Return the greatest length of a message of the type."""
    if kind in UNREAD:
        return MOST
    if kind == PARAMETERS:
        return MOST_PARAMETERS
    return MOST_TOLD if kind in LONG else MOST_SHORT


def is_well_formed(kind: int, body: bytes) -> bool:
    """Return whether the body of a message, rows and COPY data aside, is one of its type."""
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
    """Return whether an error ends the session: the server sends nothing after it."""
    fields = fields_of(body)
    return fields.get("V", fields.get("S")) in ENDING


def fields_of(body: bytes) -> dict[str, str]:
    """Return the fields of an error, each under its code."""
    texts = body.decode(errors="replace").split("\0")
    return {text[0]: text[1:] for text in texts if text}


def is_description(body: bytes) -> bool:
    """Return whether these are names of columns, each with 18 bytes about it."""
    place = 2
    for _ in range(int.from_bytes(body[:2])):
        place = body.find(0, place) + 19
        if not 19 < place <= len(body):
            return False
    return place == len(body)
