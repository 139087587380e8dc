"""The positions of keys and values in a TOML text.

tomli returns values without positions. This scanner finds only positions, and only in text that
tomli has accepted. It follows keys, quotes and brackets and does not need to validate them.
"""

from __future__ import annotations

import bisect
import re
from array import array

from ormkit_gen.ir import Position
from ormkit_gen.schema.document import Path

BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
SCALAR = re.compile(r"[^,\]}#\n]+")
BLANK = re.compile(r"[ \t]*")
#: Possessive, because backtracking would need memory for each of millions of blank lines.
SPACE = re.compile(r"(?:[ \t\r\n]++|#[^\n]*+)*+")
QUOTES = ('"""', "'''", '"', "'")
#: Maximum number of keys and values. A schema of 1,000 tables has about 130,000.
MAX_ENTRIES = 300_000
#: Maximum nesting of tables and arrays. A schema needs five levels, and more for jsonb defaults.
MAX_DEPTH = 64


class TooDeep(Exception):
    """The text is nested more than MAX_DEPTH levels at this place."""

    def __init__(self, at: Position) -> None:
        super().__init__(at)
        self.at = at


class TooMany(Exception):
    """The text exceeds MAX_ENTRIES keys and values at this place."""

    def __init__(self, at: Position) -> None:
        super().__init__(at)
        self.at = at


class TomlPositions:
    """The positions in one text, by path."""

    def __init__(self, file: str, text: str) -> None:
        self.keys: dict[Path, Position] = {}
        self.values: dict[Path, Position] = {}
        self._file = file
        self._text = text
        self._at = 0
        # Numbers of four bytes, because a file may consist of nothing but line ends.
        self._starts = array("I", (0,))
        self._starts.extend(found.end() for found in re.finditer("\n", text))
        #: The number of tables in each array of tables so far.
        self._counts: dict[Path, int] = {}
        self._scan()

    def _scan(self) -> None:
        table: Path = ()
        while self._skip(SPACE) < len(self._text):
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)
            self._check_number()

    def _check_number(self) -> None:
        if len(self.keys) + len(self.values) > MAX_ENTRIES:
            raise TooMany(self._position(self._at - 1, self._at))

    def _header(self) -> Path:
        is_array = self._text.startswith("[[", self._at)
        self._at += 2 if is_array else 1
        path: Path = ()
        parts = self._key()
        for part, at in parts:
            path = self._latest(self._deeper(path, part, at))
            self.keys.setdefault(path, at)
        if is_array:
            count = self._counts.get(path, 0)
            self._counts[path] = count + 1
            self.keys[(*path, count)] = parts[-1][1]
            path = (*path, count)
        self._at = self._text.index("]", self._at) + (2 if is_array else 1)
        return path

    def _latest(self, path: Path) -> Path:
        """Return the path. After an array of tables, it contains the index of the latest table."""
        parent = path[:-1]
        if parent in self._counts:
            return (*parent, self._counts[parent] - 1, path[-1])
        return path

    def _deeper(self, path: Path, part: str | int, at: Position) -> Path:
        """Return the path of a part below a path. A limit bounds its quadratic cost."""
        if len(path) >= MAX_DEPTH:
            raise TooDeep(at)
        return (*path, part)

    def _key(self) -> list[tuple[str, Position]]:
        parts: list[tuple[str, Position]] = []
        while True:
            self._skip(BLANK)
            start = self._at
            quote = self._text[start]
            if quote in "\"'":
                self._string(quote)
                part = _unquoted(self._text[start : self._at])
            else:
                part = self._skip_match(BARE_KEY)
            parts.append((part, self._position(start, self._at)))
            self._skip(BLANK)
            if not self._text.startswith(".", self._at):
                return parts
            self._at += 1

    def _pair(self, table: Path) -> None:
        path = table
        for part, at in self._key():
            path = self._deeper(path, part, at)
            self.keys.setdefault(path, at)
        self._at += 1  # =
        self._skip(BLANK)
        self._value(path)

    def _value(self, path: Path) -> None:
        start = self._at
        opening = self._text[start]
        if opening == "[":
            self._array(path)
        elif opening == "{":
            self._inline_table(path)
        elif quote := next((q for q in QUOTES if self._text.startswith(q, start)), None):
            self._string(quote)
        else:
            self._skip_match(SCALAR)
        end = start + len(self._text[start : self._at].rstrip())
        self.values[path] = self._position(start, end)
        self._check_number()

    def _array(self, path: Path) -> None:
        self._at += 1
        index = 0
        while self._text[self._skip(SPACE)] != "]":
            self._value(self._deeper(path, index, self._position(self._at, self._at + 1)))
            index += 1
            if self._text[self._skip(SPACE)] == ",":
                self._at += 1
        self._at += 1

    def _inline_table(self, path: Path) -> None:
        self._at += 1
        while self._text[self._skip(SPACE)] != "}":
            self._pair(path)
            if self._text[self._skip(SPACE)] == ",":
                self._at += 1
        self._at += 1

    def _string(self, quote: str) -> None:
        """Skip a string. Backslashes are escapes in double quotes only."""
        self._at += len(quote)
        while not self._text.startswith(quote, self._at):
            self._at += 2 if self._text[self._at] == "\\" and quote[0] == '"' else 1
        self._at += len(quote)
        # Up to two quotes may be directly before the closing three.
        while len(quote) == 3 and self._text.startswith(quote[0], self._at):
            self._at += 1

    def _skip(self, pattern: re.Pattern[str]) -> int:
        found = pattern.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return self._at

    def _skip_match(self, pattern: re.Pattern[str]) -> str:
        start = self._at
        return self._text[start : self._skip(pattern)]

    def _position(self, start: int, end: int) -> Position:
        line = bisect.bisect_right(self._starts, start)
        column = start - self._starts[line - 1] + 1
        shown_end = self._text.find("\n", start, end)
        width = (end if shown_end < 0 else shown_end) - start
        return Position(self._file, line, column, max(1, width))


def _unquoted(key: str) -> str:
    """Return the name in a quoted key."""
    if key[0] == "'" or "\\" not in key:
        return key[1:-1]
    escapes = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", "e": "\x1b"}

    def plain(found: re.Match[str]) -> str:
        code = found[1]
        return chr(int(code[1:], 16)) if code[0] in "uUx" else escapes.get(code, code)

    return re.sub(r"\\(u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|x[0-9A-Fa-f]{2}|.)", plain, key[1:-1])
