"""A schema file after reading: plain values, and the place of each key and value in the file.

TOML and Python become documents with the same structure, that of TOML: enums and models by name,
columns by name, and so on. All code after the readers uses documents, whatever the language.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from ormkit_gen.ir import Position

#: The path of keys and indexes from the root of a document to a value.
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """One schema file."""

    file: str  #: Relative to the settings file.
    data: Mapping[str, Any]
    keys: Mapping[Path, Position] = field(default_factory=dict[Path, Position])
    values: Mapping[Path, Position] = field(default_factory=dict[Path, Position])
    #: The language of the file, for remedies that depend on it.
    is_python: bool = False

    def key_at(self, path: Path) -> Position:
        """Return the place of a key, or of the table that encloses it."""
        while path:
            if path in self.keys:
                return self.keys[path]
            path = path[:-1]
        return Position(self.file, 1, 1)

    def value_at(self, path: Path) -> Position:
        """Return the place of a value, or of its key."""
        return self.values[path] if path in self.values else self.key_at(path)


def is_table(value: object) -> TypeGuard[dict[str, Any]]:
    """Return whether a document's value is a table."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[Any]]:
    """Return whether a document's value is a list."""
    return isinstance(value, list)
