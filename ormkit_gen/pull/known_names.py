"""The names that schema files already give to the objects of a database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ormkit_gen.ir import Model, Relationship, Schema

#: The schema and the name of a table or type in the database.
Key = tuple[str, str]
#: The schema of what is written without one.
PUBLIC = "public"


@dataclass(frozen=True, slots=True)
class KnownNames:
    """Names by the objects in the database. Empty for a database that has no schema files."""

    models: Mapping[Key, Model] = field(default_factory=dict[Key, Model])
    enums: Mapping[Key, str] = field(default_factory=dict[Key, str])

    @classmethod
    def of(cls, schemas: Sequence[Schema]) -> KnownNames:
        """Return the names that these schemas give."""
        return cls(
            {
                (model.schema or PUBLIC, model.table): model
                for schema in schemas
                for model in schema.models
                if not model.is_association
            },
            {
                (enum.schema or PUBLIC, enum.db_name): enum.name
                for schema in schemas
                for enum in schema.enums
            },
        )

    @property
    def classes(self) -> list[str]:
        """The names of all classes."""
        return [*(model.name for model in self.models.values()), *self.enums.values()]

    def attribute(self, table: Key, column: str) -> str | None:
        """Return the attribute of a column."""
        model = self.models.get(table)
        columns = model.columns if model else ()
        return next((each.name for each in columns if each.db_name == column), None)

    def relationship(
        self, table: Key, target: str, columns: tuple[str, ...], *, is_owner: bool
    ) -> Relationship | None:
        """Return the relationship of a model over a foreign key with these attributes.

        is_owner: whether the foreign key is in this model.
        """
        model = self.models.get(table)
        for each in model.relationships if model else ():
            own = each.local if is_owner else each.remote
            if (each.target, each.is_owner, own) == (target, is_owner, columns):
                return each
        return None
