"""Reading SQL expressions of a schema, as far as the names in them go.

The reader finds the names and the calls of an expression, and takes the rest as it is: whether it
is right is for PostgreSQL to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ormkit_gen.postgres.identifiers import KEYWORDS

#: How deeply parentheses may be nested.
MAX_DEPTH = 100

TOKEN = re.compile(
    r"""
    (?P<space>\s++|--[^\n]*+|/\*.*?\*/)
    |(?P<text>[eE]'(?:[^'\\]|\\.|'')*+'|(?:[uU]&|[bBnNxX])?'(?:[^']|'')*+'|(\$\w*+\$).*?\3)
    |(?P<quoted>"(?:[^"]|"")++")
    |(?P<number>\d[\w.]*+)
    |(?P<name>[^\W\d][\w$]*+)
    |(?P<other>::|=>|.)
    """,
    re.VERBOSE | re.DOTALL,
)
OPENING, CLOSING = ("(", "["), {")": "(", "]": "["}

RESERVED = frozenset(KEYWORDS.split())
#: Words before a parenthesis that call nothing.
_NO_FUNCTIONS = """
    all and any array as between by case distinct else exists from ilike in is like not on or row
    similar some then to using values when where
    """
NO_FUNCTIONS = frozenset(_NO_FUNCTIONS.split())
#: Words of the grammar that may be names elsewhere.
_GRAMMAR = """
    at by day escape first hour last local minute month nfc nfd nfkc nfkd normalized nulls second
    unknown year zone
    """
GRAMMAR = frozenset(_GRAMMAR.split())
#: Such words behind one of these are never names.
BEHIND = {
    "at": ("local",),
    "time": ("zone",),
    "nulls": ("first", "last"),
    "order": ("by",),
}
#: Types of several words, by their first one.
LONG_TYPES = {
    "double": ("precision",),
    "character": ("varying",),
    "bit": ("varying",),
    "time": ("with", "without", "time", "zone"),
    "timestamp": ("with", "without", "time", "zone"),
}


class BadExpression(Exception):
    """The text is no expression that a schema can have. The args are the message and the remedy."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token, and whether there is space before it."""

    kind: str
    text: str
    has_space: bool

    @property
    def word(self) -> str:
        """The token in lower case if it is a name without quotes, else empty."""
        return self.text.lower() if self.kind == "name" else ""

    @property
    def spaced(self) -> str:
        """The text with the space before it."""
        return f" {self.text}" if self.has_space else self.text


@dataclass(frozen=True, slots=True)
class Name:
    """Names joined by dots, without their quotes."""

    space: str
    parts: tuple[str, ...]
    is_quoted: bool


@dataclass(slots=True)
class Call:
    """A call of a function."""

    space: str
    name: str
    arguments: list[Item] = field(default_factory=list["Item"])
    #: What belongs to an aggregate behind its arguments: FILTER and WITHIN GROUP.
    tail: list[Item] = field(default_factory=list["Item"])

    def items(self) -> Iterator[Item]:
        """Yield what is in the call."""
        yield from self.arguments
        yield from self.tail


#: A part of an expression; a text is one without names.
Item = str | Name | Call


@dataclass(slots=True)
class SqlExpression:
    """An expression that was read."""

    items: list[Item]
    #: The keywords and operators in it.
    words: set[str]
    #: The types that it casts to.
    casts: list[str]


def read_expression(text: str) -> SqlExpression:
    """Return the expression. Raises BadExpression."""
    return _Reader(text).expression()


def tokens_of(text: str) -> Iterator[Token]:
    """Yield the tokens; comments count as space. Raises BadExpression for an open quote."""
    has_space = False
    for found in TOKEN.finditer(text):
        kind = found.lastgroup or "text"
        if kind == "space":
            has_space = True
            continue
        if found[0] in ("'", '"'):
            raise BadExpression(f"a quote is not closed: {found[0]}", f"close it with {found[0]}")
        yield Token(kind, found[0], has_space)
        has_space = False


class _Reader:
    """Reads the tokens of one expression, left to right."""

    def __init__(self, text: str) -> None:
        self.tokens = list(tokens_of(text))
        self.place = 0
        self.words: set[str] = set()
        self.casts: list[str] = []
        self.depth = 0

    def expression(self) -> SqlExpression:
        items = self._items("")
        return SqlExpression(items, self.words, self.casts)

    def _next(self, ahead: int = 0) -> Token:
        place = self.place + ahead
        return self.tokens[place] if place < len(self.tokens) else Token("end", "", False)

    def _before(self) -> str:
        return self.tokens[self.place - 1].word if self.place else ""

    def _items(self, opening: str, enclosing: str = "") -> list[Item]:
        """Return the items up to the parenthesis that closes `opening`, or up to the end.

        enclosing: the function whose arguments they are.
        """
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise BadExpression("parentheses are nested too deeply", "make the expression simpler")
        found: list[Item] = []
        while (token := self._next()).kind != "end":
            if token.text in CLOSING:
                break
            self.place += 1
            if token.kind in ("name", "quoted"):
                found += self._named(token, enclosing)
            elif token.text in OPENING:
                self.words.add(token.text)
                found += [token.spaced, *self._items(token.text), self._close(token.text)]
            elif token.text == "::":
                found.append(token.spaced + self._type())
            else:
                self._check(token, is_outermost=not opening)
                found.append(token.spaced)
        if token.kind != "end" and not opening:
            raise BadExpression(f"{token.text} closes nothing", "remove it, or open it before")
        self.depth -= 1
        return found

    def _close(self, opening: str) -> str:
        token = self._next()
        if CLOSING.get(token.text) != opening:
            raise BadExpression(f"{opening} is not closed", "close it")
        self.place += 1
        return token.spaced

    def _check(self, token: Token, *, is_outermost: bool) -> None:
        if token.text in (";", "$") or (token.text == "," and is_outermost):
            raise BadExpression(f"{token.text} is not allowed here", "write one expression")
        if token.kind == "other":
            self.words.add(token.text)

    def _named(self, token: Token, enclosing: str) -> list[Item]:
        """Return what a name begins: a call, a word of the grammar, or a name."""
        space, word = " " if token.has_space else "", token.word
        before = self.tokens[self.place - 2].word if self.place > 1 else ""
        parts = [token]
        while self._next().text == "." and self._next(1).kind in ("name", "quoted"):
            parts.append(self._next(1))
            self.place += 2
        written = ".".join(each.text for each in parts)
        follows = self._next()
        if len(parts) == 1:
            self._refuse(word)
            if word == "as" and enclosing == "cast":
                return [token.spaced + self._type()]
            if self._is_grammar(word, before, follows):
                self.words.add(word)
                return [token.spaced]
        if follows.text == "(" and word not in NO_FUNCTIONS:
            return [self._call(space, written)]
        if (len(parts) == 1 and word in RESERVED) or before == "collate":
            self.words.add(word)
            return [f"{space}{written}"]
        is_quoted = any(each.kind == "quoted" for each in parts)
        return [Name(space, tuple(map(unquoted, parts)), is_quoted)]

    def _refuse(self, word: str) -> None:
        if word in ("select", "over"):
            what = "query" if word == "select" else "window"
            raise BadExpression(
                f"a computed attribute cannot contain a {what}",
                "write an aggregate along a relationship, as in count(posts)",
            )

    def _is_grammar(self, word: str, before: str, follows: Token) -> bool:
        """Return whether the neighbors of a word show that it names nothing."""
        if follows.text == "=>" or (follows.kind == "text" and word):
            return True  # a named argument; a constant with its type, such as date '2000-01-01'
        if word in BEHIND.get(before, ()):
            return True
        pairs = {"at": ("time", "local"), "nulls": ("first", "last")}
        return follows.word in pairs.get(word, ())

    def _call(self, space: str, name: str) -> Call:
        self.place += 1
        call, word = Call(space, name), name.lower()
        if word == "extract" and self._next(1).word == "from":
            call.arguments.append(self._next().spaced)
            self.place += 1
        call.arguments += self._items("(", word)
        self._close("(")
        while opening := self._tail():
            self.place += opening
            words = [each.spaced for each in self.tokens[self.place - opening : self.place]]
            call.tail += [*words, *self._items("("), self._close("(")]
        return call

    def _tail(self) -> int:
        """Return how many tokens open what belongs to an aggregate; 0 if nothing does."""
        if self._next().word == "filter" and self._next(1).text == "(":
            return 2
        is_group = self._next().word == "within" and self._next(1).word == "group"
        return 3 if is_group and self._next(2).text == "(" else 0

    def _type(self) -> str:
        """Return the type that follows, noted as one that is cast to."""
        written = ""
        allowed: tuple[str, ...] | None = None
        while (token := self._next()).kind in ("name", "quoted"):
            if allowed is not None and token.word not in allowed:
                break
            written += token.spaced
            self.place += 1
            allowed = LONG_TYPES.get(token.word, ()) if allowed is None else allowed
            if self._next().text == "." and allowed == ():
                written += "."
                self.place += 1
                allowed = None
            elif self._next().text == "(":
                written += self._modifiers("(")
        if not written:
            raise BadExpression("a cast has no type", "name it, as in ::integer")
        while self._next().text == "[":
            written += self._modifiers("[")
        self.casts.append(written.strip())
        return written

    def _modifiers(self, opening: str) -> str:
        text = ""
        while self._next().kind != "end" and CLOSING.get(self._next().text) != opening:
            text += self._next().spaced
            self.place += 1
        return text + self._close(opening)


def unquoted(token: Token) -> str:
    """Return the name that a token stands for, as it is written if it has no quotes."""
    return token.text[1:-1].replace('""', '"') if token.kind == "quoted" else token.text
