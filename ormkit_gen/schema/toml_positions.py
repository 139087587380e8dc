"""The positions of keys and values in a TOML text.

tomli returns values without positions. This scanner finds only positions, and only in text that
tomli has accepted. It follows keys, quotes and brackets and does not need to validate them.
"""

from __future__ import annotations

import bisect
import re
from array import array
from collections.abc import Iterator, Mapping

from ormkit_gen.ir import Position
from ormkit_gen.schema.document import Path

BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
SCALAR = re.compile(r"[^,\]}#\n]+")
BLANK = re.compile(r"[ \t]*")
#: Possessive, because backtracking would need memory for each of millions of blank lines.
SPACE = re.compile(r"(?:[ \t\r\n]++|#[^\n]*+)*+")
#: A key of one bare word with its equals sign, as nearly all are, and a value that is a string of
#: one line or a single word, as most are.
_KEY = r"[ \t]*+([A-Za-z0-9_-]++)[ \t]*+=[ \t]*+"
_VALUE = r"""("(?:[^"\\\n]++|\\.)*+"(?!")|[A-Za-z0-9_.+:-]++(?=[ \t]*+[,}\]#\r\n]))"""
PLAIN_KEY = re.compile(_KEY)
PLAIN_PAIR = re.compile(_KEY + _VALUE)
#: An inline table of such pairs, as most columns are. The expressions scan what they match at once,
#: in half the time that their parts would take one by one.
_UNNAMED = (_KEY + _VALUE).replace("([", "(?:[").replace('("', '(?:"')
PLAIN_TABLE = re.compile(_KEY + r"(\{(?:" + _UNNAMED + r"[ \t]*+(?:,|(?=\})))++[ \t]*+\})")
#: What may be behind a value in an array or an inline table.
COMMA = re.compile(SPACE.pattern + ",?" + SPACE.pattern)
#: The strings by what they begin with. Backslashes are escapes in double quotes only, and up to two
#: quotes may be directly before the closing three.
STRINGS = {
    '"""': re.compile(r'"""(?:[^"\\]++|\\.|"(?!""))*+"""(?:"{0,2})', re.DOTALL),
    "'''": re.compile(r"'''(?:[^']++|'(?!''))*+'''(?:'{0,2})"),
    '"': re.compile(r'"(?:[^"\\]++|\\.)*+"'),
    "'": re.compile(r"'[^']*+'"),
}
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


#: Where something starts and ends in a text.
Span = tuple[int, int]


class Lines:
    """The lines of one text."""

    def __init__(self, file: str, text: str) -> None:
        self._file = file
        self._text = text
        # Numbers of four bytes, because a file may consist of nothing but line ends.
        self._starts = array("I", (0,))
        self._starts.extend(found.end() for found in re.finditer("\n", text))

    def position(self, span: Span) -> Position:
        """Return the line and the column of a part of the text."""
        start, end = span
        line = bisect.bisect_right(self._starts, start)
        column = start - self._starts[line - 1] + 1
        shown_end = self._text.find("\n", start, end)
        width = (end if shown_end < 0 else shown_end) - start
        return Position(self._file, line, column, max(1, width))


class Positions(Mapping[Path, Position]):
    """The positions of keys or of values, by path.

    Most are never asked for, so each is computed from its span when it is.
    """

    def __init__(self, lines: Lines) -> None:
        self.spans: dict[Path, Span] = {}
        self._lines = lines
        self._found: dict[Path, Position] = {}

    def __getitem__(self, path: Path) -> Position:
        found = self._found.get(path)
        if found is None:
            found = self._found[path] = self._lines.position(self.spans[path])
        return found

    def __contains__(self, path: object) -> bool:
        return path in self.spans

    def __iter__(self) -> Iterator[Path]:
        return iter(self.spans)

    def __len__(self) -> int:
        return len(self.spans)


class TomlPositions:
    """The positions in one text, by path."""

    def __init__(self, file: str, text: str) -> None:
        self._lines = Lines(file, text)
        self.keys = Positions(self._lines)
        self.values = Positions(self._lines)
        self._keys, self._values = self.keys.spans, self.values.spans
        self._text = text
        self._at = 0
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
        if len(self._keys) + len(self._values) > MAX_ENTRIES:
            raise TooMany(self._lines.position((self._at - 1, self._at)))

    def _header(self) -> Path:
        is_array = self._text.startswith("[[", self._at)
        self._at += 2 if is_array else 1
        path: Path = ()
        parts = self._key()
        for part, span in parts:
            path = self._latest(self._deeper(path, part, span))
            self._keys.setdefault(path, span)
        if is_array:
            count = self._counts.get(path, 0)
            self._counts[path] = count + 1
            self._keys[(*path, count)] = parts[-1][1]
            path = (*path, count)
        self._at = self._text.index("]", self._at) + (2 if is_array else 1)
        return path

    def _latest(self, path: Path) -> Path:
        """Return the path. After an array of tables, it contains the index of the latest table."""
        parent = path[:-1]
        if parent in self._counts:
            return (*parent, self._counts[parent] - 1, path[-1])
        return path

    def _deeper(self, path: Path, part: str | int, span: Span) -> Path:
        """Return the path of a part below a path. A limit bounds its quadratic cost."""
        if len(path) >= MAX_DEPTH:
            raise TooDeep(self._lines.position(span))
        return (*path, part)

    def _key(self) -> list[tuple[str, Span]]:
        parts: list[tuple[str, Span]] = []
        while True:
            self._skip(BLANK)
            start = self._at
            quote = self._text[start]
            if quote in "\"'":
                self._skip(STRINGS[quote])
                part = _unquoted(self._text[start : self._at])
            else:
                part = self._skip_match(BARE_KEY)
            parts.append((part, (start, self._at)))
            self._skip(BLANK)
            if not self._text.startswith(".", self._at):
                return parts
            self._at += 1

    def _pair(self, table: Path) -> None:
        path = table
        whole = PLAIN_PAIR.match(self._text, self._at)
        if whole is not None:
            path = self._deeper(path, whole[1], whole.span(1))
            self._keys.setdefault(path, whole.span(1))
            self._values[path] = whole.span(2)
            self._at = whole.end()
            self._check_number()
            return
        whole = PLAIN_TABLE.match(self._text, self._at)
        if whole is not None:
            self._plain_table(path, whole)
            return
        plain = PLAIN_KEY.match(self._text, self._at)
        if plain is not None:
            path = self._deeper(path, plain[1], plain.span(1))
            self._keys.setdefault(path, plain.span(1))
            self._at = plain.end()
        else:
            for part, span in self._key():
                path = self._deeper(path, part, span)
                self._keys.setdefault(path, span)
            self._at += 1  # =
            self._skip(BLANK)
        self._value(path)

    def _plain_table(self, path: Path, whole: re.Match[str]) -> None:
        path = self._deeper(path, whole[1], whole.span(1))
        self._keys.setdefault(path, whole.span(1))
        start, self._at = whole.span(2)
        for pair in PLAIN_PAIR.finditer(self._text, start + 1, self._at):
            below = self._deeper(path, pair[1], pair.span(1))
            self._keys.setdefault(below, pair.span(1))
            self._values[below] = pair.span(2)
            self._check_number()
        self._values[path] = whole.span(2)
        self._check_number()

    def _value(self, path: Path) -> None:
        start = self._at
        opening = self._text[start]
        if opening == "[":
            self._array(path)
        elif opening == "{":
            self._inline_table(path)
        elif opening in "\"'":
            is_long = self._text.startswith(3 * opening, start)
            self._skip(STRINGS[3 * opening if is_long else opening])
        else:
            self._skip_match(SCALAR)
        end = start + len(self._text[start : self._at].rstrip())
        self._values[path] = (start, end)
        self._check_number()

    def _array(self, path: Path) -> None:
        self._at += 1
        index = 0
        self._skip(SPACE)
        while self._text[self._at] != "]":
            self._value(self._deeper(path, index, (self._at, self._at + 1)))
            index += 1
            self._skip(COMMA)
        self._at += 1

    def _inline_table(self, path: Path) -> None:
        self._at += 1
        self._skip(SPACE)
        while self._text[self._at] != "}":
            self._pair(path)
            self._skip(COMMA)
        self._at += 1

    def _skip(self, pattern: re.Pattern[str]) -> int:
        found = pattern.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return self._at

    def _skip_match(self, pattern: re.Pattern[str]) -> str:
        start = self._at
        return self._text[start : self._skip(pattern)]


def _unquoted(key: str) -> str:
    """Return the name in a quoted key."""
    if key[0] == "'" or "\\" not in key:
        return key[1:-1]
    escapes = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", "e": "\x1b"}

    def plain(found: re.Match[str]) -> str:
        code = found[1]
        return chr(int(code[1:], 16)) if code[0] in "uUx" else escapes.get(code, code)

    return re.sub(r"\\(u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|x[0-9A-Fa-f]{2}|.)", plain, key[1:-1])
