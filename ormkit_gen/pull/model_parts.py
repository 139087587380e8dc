"""A model as it stands in a schema file, in parts that can be written and edited one by one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

#: What a fact is about: its kind and its name, as in ("constraint", "users_email_key").
FactName = tuple[str, str]
#: The arrays of tables in a model, in the order in which they are written.
ARRAYS = ("uniques", "foreign_keys", "checks", "excludes", "indexes")


@dataclass(frozen=True, slots=True)
class Part:
    """A constraint or an index: keys of a column, or a table of one of the model's arrays."""

    #: The facts that it stands for: the constraint, that it is NOT VALID, its comment.
    facts: tuple[FactName, ...]
    entry: dict[str, Any]
    #: The attribute whose column has the keys, or else the array.
    column: str | None = None
    array: str | None = None


@dataclass(slots=True)
class ModelParts:
    """Everything that a schema file says about one table."""

    name: str
    settings: dict[str, Any]
    #: The columns by attribute, without what `parts` adds to them.
    columns: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    #: The attributes by the names of the columns.
    attributes: dict[str, str] = field(default_factory=dict[str, str])
    parts: list[Part] = field(default_factory=list[Part])
    relationships: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    #: The relationships whose values are lists.
    lists: set[str] = field(default_factory=set[str])
    partitions: dict[str, Any] = field(default_factory=dict[str, Any])

    def entry(self, attribute: str) -> dict[str, Any]:
        """Return a column with the keys of the constraints on it alone."""
        found = dict(self.columns[attribute])
        for part in self.parts:
            if part.column == attribute:
                found.update(part.entry)
        return found

    def document(self) -> dict[str, Any]:
        """Return the model as the value of its key under `models`."""
        found: dict[str, Any] = dict(self.settings)
        found["columns"] = {name: self.entry(name) for name in self.columns}
        if self.relationships:
            found["relationships"] = self.relationships
        if self.partitions:
            found["partitions"] = self.partitions
        for array in ARRAYS:
            if tables := [part.entry for part in self.parts if part.array == array]:
                found[array] = tables
        return found
