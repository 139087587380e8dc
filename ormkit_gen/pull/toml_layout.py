"""Where the tables and values of a TOML text are, so that one of them can be replaced alone.

The text is valid: tomli has read it. Only the places are found here, by following keys, quotes and
brackets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import tomli

#: The keys from the root to a table or value; an item of an array of tables has its number.
Path = tuple[str | int, ...]

_SPACE = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BLANK = re.compile(r"[ \t]*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^,\]}#\n]*[^,\]}#\n \t\r]")
_QUOTES = ('"""', "'''", '"', "'")


@dataclass(frozen=True, slots=True)
class Entry:
    """A line `key = value`; the value may have several lines."""

    path: Path
    #: Where its first line begins, where the value is, and where its last line ends.
    start: int
    value_start: int
    value_end: int
    end: int


@dataclass(slots=True)
class Block:
    """A table with its header, or the entries before the first one."""

    path: Path
    is_item: bool
    start: int
    #: Where the header's line ends.
    body: int
    #: Where the next header's line begins, or the text ends.
    end: int = 0
    entries: list[Entry] = field(default_factory=list[Entry])

    @property
    def last(self) -> int:
        """Where its last entry ends: a new one goes there, before what is said of the next."""
        return self.entries[-1].end if self.entries else self.body


class Layout:
    """The blocks and entries of a text, in their order."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.blocks: list[Block] = [Block((), False, 0, 0)]
        self._counts: dict[Path, int] = {}
        self._scan()

    def block(self, path: Path) -> Block | None:
        """Return the table with this path, if it has a header."""
        return next((each for each in self.blocks if each.path == path), None)

    def below(self, path: Path) -> list[Block]:
        """Return the blocks of a table and of all that is in it."""
        return [each for each in self.blocks if each.path[: len(path)] == path]

    def entries(self) -> Iterator[Entry]:
        """Iterate over all entries."""
        for block in self.blocks:
            yield from block.entries

    def value(self, entry: Entry) -> Any:
        """Return the value of an entry."""
        return tomli.loads(f"value = {self.text[entry.value_start : entry.value_end]}")["value"]

    def _scan(self) -> None:
        at = 0
        while (at := _end(_SPACE, self.text, at)) < len(self.text):
            start = self.text.rfind("\n", 0, at) + 1
            if self.text[at] == "[":
                at = self._header(start, at)
            else:
                at = self._entry(start, at)
        self.blocks[-1].end = len(self.text)

    def _header(self, start: int, at: int) -> int:
        is_item = self.text.startswith("[[", at)
        keys, at = self._keys(at + 1 + is_item)
        path = self._numbered(keys, is_item)
        end = _line_end(self.text, at)
        self.blocks[-1].end = start
        self.blocks.append(Block(path, is_item, start, end))
        return end

    def _numbered(self, keys: Path, is_item: bool) -> Path:
        """Return the path of a header, with the numbers of the items that it is in."""
        path: Path = ()
        for place, name in enumerate(keys, 1):
            path = (*path, name)
            if place == len(keys) and is_item:
                self._counts[path] = self._counts.get(path, 0) + 1
            if path in self._counts:
                path = (*path, self._counts[path] - 1)
        return path

    def _entry(self, start: int, at: int) -> int:
        keys, at = self._keys(at)
        value_start = _end(_BLANK, self.text, at + 1)
        value_end = skip_value(self.text, value_start)
        end = _line_end(self.text, value_end)
        block = self.blocks[-1]
        block.entries.append(Entry((*block.path, *keys), start, value_start, value_end, end))
        return end

    def _keys(self, at: int) -> tuple[Path, int]:
        """Return a dotted key, and where it ends."""
        found: list[str] = []
        while True:
            at = _end(_BLANK, self.text, at)
            end = (
                skip_value(self.text, at) if self.text[at] in "\"'" else _end(_BARE, self.text, at)
            )
            word = self.text[at:end]
            found.append(str(tomli.loads(f"value = {word}")["value"]) if word[0] in "\"'" else word)
            at = _end(_BLANK, self.text, end)
            if self.text[at] != ".":
                return tuple(found), at
            at += 1


def skip_value(text: str, at: int) -> int:
    """Return where the value that begins here ends."""
    for quote in _QUOTES:
        if text.startswith(quote, at):
            return _string_end(text, at, quote)
    if text[at] not in "[{":
        return _end(_SCALAR, text, at)
    depth = 0
    while True:
        at = _end(_SPACE, text, at)
        if text[at] in "[{":
            depth += 1
            at += 1
        elif text[at] in "]}":
            depth -= 1
            at += 1
            if not depth:
                return at
        elif text[at] in ",=.":
            at += 1
        elif text[at] in "\"'":
            at = skip_value(text, at)
        else:
            at = _end(re.compile(r"[^,\]}#\n=\"' \t]+"), text, at)


def _string_end(text: str, at: int, quote: str) -> int:
    at += len(quote)
    while not text.startswith(quote, at):
        at += 2 if text[at] == "\\" and quote[0] == '"' else 1
    at += len(quote)
    # Up to two quotes may stand before the closing ones of a text of several lines.
    while len(quote) == 3 and text.startswith(quote[0], at):
        at += 1
    return at


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end + 1
