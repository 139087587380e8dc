"""Typed access to one table of a document. Values of a wrong type are recorded and left out."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Any, TypeVar

from ormkit_gen.diagnostics.diagnostic import Problems, did_you_mean
from ormkit_gen.ir import Position
from ormkit_gen.postgres.identifiers import quote_identifier, quote_literal
from ormkit_gen.schema.document import Document, Path, is_list, is_table
from ormkit_gen.schema.names import is_storable
from ormkit_gen.spellings import ALIASES, setting_remedy

S = TypeVar("S", bound=str)
#: A name in SQL, with its schema or without.
IDENTIFIERS = re.compile(r'(?:(?:"(?:[^"]|"")+"|[^\W\d][\w$]*+)\s*+\.\s*+)?"(?:[^"]|"")+"')

#: The name of a storage parameter.
PARAMETER = re.compile(r"[a-z_]\w*(?:\.[a-z_]\w*)?")


class Fields:
    """The keys of one table, at a path of a document."""

    def __init__(
        self, document: Document, path: Path, value: Any, problems: Problems, what: str
    ) -> None:
        """Read a value that should be a table. Messages call it `what`."""
        self.document = document
        self.path = path
        self.problems = problems
        self.what = what
        self.data: dict[str, Any] = {}
        #: What the file calls settings that it names as other ORMs do.
        self.written: dict[str, str] = {}
        #: False if the value is not a table. One diagnostic is enough for that.
        self.is_table = is_table(value)
        if is_table(value):
            self.data = value
        else:
            self.problems.error(
                "wrong-value",
                f"{what} must be a table, as in {{ key = value }}",
                f"it is {kind_of(value)} now",
                document.value_at(path),
            )

    @property
    def at(self) -> Position:
        """The place of the table: its key, or the table itself in an array."""
        if self.path and isinstance(self.path[-1], int):
            return self.document.value_at(self.path)
        return self.document.key_at(self.path)

    def key_at(self, key: str) -> Position:
        """Return the place of a key."""
        return self.document.key_at((*self.path, self.written.get(key, key)))

    def value_at(self, key: str) -> Position:
        """Return the place of a key's value."""
        return self.document.value_at((*self.path, self.written.get(key, key)))

    def item_at(self, key: str, index: int) -> Position:
        """Return the place of an item in a key's list, or in the list that replaces the table."""
        values = self.document.values
        written = self.written.get(key, key)
        for path in ((*self.path, written, index), (*self.path, index)):
            if path in values:
                return values[path]
        return self.value_at(key)

    def only(self, known: Collection[str]) -> None:
        """Take settings by the names that other ORMs give them, and record all unknown keys."""
        for key in [*self.data]:
            if key in known:
                continue
            if ALIASES.get(key) in known:
                self._take_alias(key, ALIASES[key])
                continue
            self.problems.error(
                "unknown-key",
                f"{self.what} has no setting {key!r}",
                setting_remedy(key, known) or did_you_mean(key, known),
                self.key_at(key),
            )

    def _take_alias(self, alias: str, name: str) -> None:
        """Rename a setting, or record that it is given by both names."""
        if name in self.data:
            self.problems.error(
                "repeated-setting",
                f"{self.what} has both {name} and {alias}, which mean the same",
                f"keep {name}",
                self.key_at(alias),
            )
            return
        self.data = {name if key == alias else key: each for key, each in self.data.items()}
        self.written[name] = alias

    def text(self, key: str, default: str | None = None) -> str | None:
        """Return a text. Record an empty one as a mistake."""
        value = self.data.get(key)
        if value is None:
            return default
        if isinstance(value, str) and value.strip() and is_storable(value):
            return value
        wanted = "a string that is not empty"
        if isinstance(value, str) and value.strip():
            wanted = "a string that PostgreSQL can hold, without NUL or half a surrogate pair"
        self._mistake(key, wanted, value)
        return default

    def collation(self, key: str) -> str | None:
        """Return a collation as SQL: a name, or SQL already where it has a double quote."""
        name = self.text(key)
        if name is None or '"' not in name:
            return None if name is None else quote_identifier(name)
        if IDENTIFIERS.fullmatch(name):
            return name
        self._mistake(key, 'a name such as C, or pg_catalog."C"', name)
        return None

    def flag(self, key: str, default: bool = False) -> bool:
        """Return true or false."""
        value = self.data.get(key)
        if value is None:
            return default
        if isinstance(value, bool):
            return value
        self._mistake(key, "true or false", value)
        return default

    def whole(self, key: str) -> int | None:
        """Return a whole number from 1 on, or None if the key is missing."""
        value = self.data.get(key)
        if value is None or (type(value) is int and value > 0):
            return value
        self._mistake(key, "a whole number from 1 on", value)
        return None

    def number(self, key: str) -> int | None:
        """Return a whole number, or None if the key is missing."""
        value = self.data.get(key)
        if value is None or type(value) is int:
            return value
        self._mistake(key, "a whole number", value)
        return None

    def storage(self, key: str = "storage") -> tuple[tuple[str, str], ...]:
        """Return storage parameters: names, and values as SQL."""
        found: list[tuple[str, str]] = []
        for name, value, _ in self.named(key):
            if not PARAMETER.fullmatch(name) or not isinstance(value, (str, int, float)):
                self._mistake(key, "a table of parameters, as in { fillfactor = 70 }", value)
            elif isinstance(value, bool):
                found.append((name, "true" if value else "false"))
            else:
                found.append((name, quote_literal(str(value))))
        return tuple(found)

    def choice(self, key: str, choices: Sequence[S]) -> S | None:
        """Return one of the choices, ignoring case, or None if the key is missing."""
        value = self.data.get(key)
        if value is None:
            return None
        if isinstance(value, str):
            for choice in choices:
                if value.lower().replace("_", " ") == choice:
                    return choice
            self.problems.error(
                "unknown-word",
                f"{self.written.get(key, key)} cannot be {value!r}",
                did_you_mean(value.lower(), choices),
                self.value_at(key),
            )
            return None
        self._mistake(key, f"one of {', '.join(choices)}", value)
        return None

    def texts(self, key: str, *, may_be_empty: bool = False) -> tuple[str, ...]:
        """Return a list of texts; a single text counts as a list of one.

        may_be_empty: whether an item may be the empty text.
        """
        value = self.data.get(key, [])
        values: object = [value] if isinstance(value, str) else value
        if is_list(values) and all(
            isinstance(each, str) and (each or may_be_empty) for each in values
        ):
            return tuple(values)
        self._mistake(key, "a list of strings", value)
        return ()

    def tables(self, key: str, what: str) -> Iterator[Fields]:
        """Yield the tables of an array of tables."""
        value = self.data.get(key, [])
        if not is_list(value):
            self._mistake(key, "an array of tables", value)
            return
        for index, each in enumerate(value):
            yield Fields(self.document, (*self.path, key, index), each, self.problems, what)

    def named(self, key: str) -> Iterator[tuple[str, Any, Path]]:
        """Yield name, value and path of each entry of the table under a key."""
        value = self.data.get(key, {})
        if not is_table(value):
            self._mistake(key, "a table", value)
            return
        for name, each in value.items():
            yield name, each, (*self.path, key, name)

    def _mistake(self, key: str, wanted: str, value: object) -> None:
        self.problems.error(
            "wrong-value",
            f"{self.written.get(key, key)} of {self.what} must be {wanted}",
            f"it is {kind_of(value)} now",
            self.value_at(key),
        )


def kind_of(value: object) -> str:
    """Return the name of the value's type for messages."""
    if value == "":
        return "an empty string"
    return KINDS.get(type(value), "a date or time")


KINDS: dict[type, str] = {
    dict: "a table",
    list: "a list",
    str: "a string",
    bool: "true or false",
    int: "a number",
    float: "a number",
}
