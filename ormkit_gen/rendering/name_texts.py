"""The names that queries take as texts, as the types of a module."""

from __future__ import annotations

from ormkit_gen.ir import Column, Model, Schema
from ormkit_gen.rendering.annotations import Imports
from ormkit_gen.rendering.literals import literal_type, literal_types, union


class NameTexts:
    """The texts that stand for columns, paths and relationships of one model."""

    def __init__(self, model: Model, schema: Schema, imports: Imports) -> None:
        self._model, self._imports = model, imports
        #: The paths of one step: through a to-one relationship to a column of its target.
        self.steps = [
            f"{relationship.name}__{each.name}"
            for relationship in model.relationships
            if not relationship.is_to_many
            for each in ordered(schema.model(relationship.target))
        ]

    def columns(self) -> str:
        """Return the type of the names of columns."""
        return literal_type(each.name for each in ordered(self._model))

    def computed(self) -> str:
        """Return the type of the names of computed attributes, which is part of a signature."""
        names = [*literal_types(each.name for each in self._model.computed)]
        return union(names, self._imports)

    def paths(self, columns: str) -> str:
        """Return the type of columns and paths of one step; empty if there are no paths.

        columns: what the type of the names of columns is called.
        """
        return f"{columns} | {literal_type(self.steps)}" if self.steps else ""

    def orders(self, names: str) -> str:
        """Return the type of what order_by() takes: columns and paths, also with a minus.

        names: what the type of these without a minus is called.
        """
        every = [*[each.name for each in ordered(self._model)], *self.steps]
        return f"{names} | {literal_type(f'-{name}' for name in every)}"

    def relationships(self) -> str:
        """Return the type of the names of relationships; empty without any."""
        return literal_type(each.name for each in self._model.relationships)


def ordered(model: Model) -> tuple[Column, ...]:
    """Return what a query can filter and order by: columns, and computed attributes as columns."""
    return (*model.columns, *[each.column for each in model.computed])
