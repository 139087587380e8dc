"""The models that a page shows: all of them, or those around one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ormkit_gen.ir import ForeignKey, Model, Schema


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key between two models that are shown."""

    source: Model
    key: ForeignKey
    target: Model

    @property
    def is_unique(self) -> bool:
        """True where a row is referenced once at most."""
        columns = set(self.key.columns)
        uniques = [set(each.columns) for each in self.source.uniques]
        uniques += [
            {element.column for element in index.elements if element.column}
            for index in self.source.indexes
            if index.is_unique and index.where is None
        ]
        return columns in (set(self.source.primary_key), *uniques)

    @property
    def is_optional(self) -> bool:
        """True where a row may reference none."""
        return any(self.source.column(name).is_nullable for name in self.key.columns)


def around(schema: Schema, name: str, depth: int) -> Schema:
    """Return the schema with the models that are so many foreign keys from one; KeyError."""
    neighbors: dict[str, set[str]] = {model.name: set() for model in schema.models}
    for reference in references(schema.models):
        neighbors[reference.source.name].add(reference.target.name)
        neighbors[reference.target.name].add(reference.source.name)
    found = {name}
    edge = {name}
    if name not in neighbors:
        raise KeyError(name)
    for _ in range(depth):
        edge = {near for each in edge for near in neighbors[each]} - found
        found |= edge
    return replace(schema, models=tuple(each for each in schema.models if each.name in found))


def references(models: Sequence[Model]) -> Iterator[Reference]:
    """Yield the foreign keys between these models, in the order of their models and names."""
    by_name = {model.name: model for model in models}
    for model in models:
        for key in sorted(model.foreign_keys, key=lambda key: key.name):
            if key.target in by_name:
                yield Reference(model, key, by_name[key.target])
