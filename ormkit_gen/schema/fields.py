"""Typed access to one table of a document; what does not fit is noted and left out."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, TypeVar

from ormkit_gen.diagnostics import Problems, did_you_mean
from ormkit_gen.ir import Position
from ormkit_gen.schema.document import Document, Path

S = TypeVar("S", bound=str)


class Fields:
    """The keys of one table, at a path of a document."""

    def __init__(
        self, document: Document, path: Path, value: Any, problems: Problems, what: str
    ) -> None:
        """Look at a value that should be a table; `what` is what messages call it."""
        self.document = document
        self.path = path
        self.problems = problems
        self.what = what
        self.data: dict[str, Any] = {}
        if isinstance(value, dict):
            self.data = value
        else:
            self.wrong("wrong-value", f"{what} must be a table, as in {{ key = value }}", value)

    @property
    def at(self) -> Position:
        """Where the table stands."""
        return self.document.key_at(self.path)

    def key_at(self, key: str) -> Position:
        """Return where a key stands."""
        return self.document.key_at((*self.path, key))

    def value_at(self, key: str) -> Position:
        """Return where a key's value stands."""
        return self.document.value_at((*self.path, key))

    def wrong(self, code: str, message: str, value: object) -> None:
        """Note that the table itself, or something in it, has the wrong form."""
        given = f"not {_kind(value)}"
        self.problems.error(code, message, given, self.document.value_at(self.path))

    def only(self, known: Collection[str]) -> None:
        """Note every key that is not known."""
        for key in self.data:
            if key not in known:
                self.problems.error(
                    "unknown-key",
                    f"{self.what} has no setting {key!r}",
                    did_you_mean(key, known),
                    self.key_at(key),
                )

    def text(self, key: str, default: str | None = None) -> str | None:
        """Return a text; an empty one is noted as a mistake."""
        value = self.data.get(key)
        if value is None:
            return default
        if isinstance(value, str) and value.strip() and "\0" not in value:
            return value
        self._mistake(key, "a text that is not empty", value)
        return default

    def flag(self, key: str, default: bool = False) -> bool:
        """Return true or false."""
        value = self.data.get(key)
        if value is None:
            return default
        if isinstance(value, bool):
            return value
        self._mistake(key, "true or false", value)
        return default

    def choice(self, key: str, choices: Sequence[S]) -> S | None:
        """Return one of some words, whatever their case; None where the key is missing."""
        value = self.data.get(key)
        if value is None:
            return None
        if isinstance(value, str):
            for choice in choices:
                if value.lower().replace("_", " ") == choice:
                    return choice
            self.problems.error(
                "unknown-word",
                f"{key} cannot be {value!r}",
                did_you_mean(value.lower(), choices),
                self.value_at(key),
            )
            return None
        self._mistake(key, f"one of {', '.join(choices)}", value)
        return None

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts; a single text counts as a list of one."""
        value = self.data.get(key, [])
        values = [value] if isinstance(value, str) else value
        if isinstance(values, list) and all(isinstance(each, str) and each for each in values):
            return tuple(values)
        self._mistake(key, "a list of texts", value)
        return ()

    def tables(self, key: str, what: str) -> Iterator[Fields]:
        """Yield the tables of an array of tables."""
        value = self.data.get(key, [])
        if not isinstance(value, list):
            self._mistake(key, "an array of tables", value)
            return
        for index, each in enumerate(value):
            yield Fields(self.document, (*self.path, key, index), each, self.problems, what)

    def named(self, key: str) -> Iterator[tuple[str, Any, Path]]:
        """Yield name, value and path of each entry of the table under a key."""
        value = self.data.get(key, {})
        if not isinstance(value, dict):
            self._mistake(key, "a table", value)
            return
        for name, each in value.items():
            yield name, each, (*self.path, key, name)

    def _mistake(self, key: str, wanted: str, value: object) -> None:
        self.problems.error(
            "wrong-value",
            f"{key} of {self.what} must be {wanted}",
            f"it is {_kind(value)} now",
            self.value_at(key),
        )


def _kind(value: object) -> str:
    names = {dict: "a table", list: "a list", str: "a text", bool: "true or false"}
    if value == "":
        return "an empty text"
    return names.get(type(value), f"a {type(value).__name__}")
