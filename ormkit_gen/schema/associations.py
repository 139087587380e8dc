"""The association tables of many-to-many relationships."""

from __future__ import annotations

from dataclasses import dataclass

from ormkit_gen.ir import Column, ForeignKey, Index, IndexElement
from ormkit_gen.schema.draft import ModelDraft, SchemaDraft
from ormkit_gen.schema.fields import Fields
from ormkit_gen.schema.names import constraint_name, is_database_name
from ormkit_gen.schema.naming import snake_case


@dataclass(frozen=True, slots=True)
class Association:
    """An association table, and its foreign keys to both sides of one relationship."""

    model: ModelDraft
    to_local: ForeignKey
    to_remote: ForeignKey


def find_association(
    draft: SchemaDraft, local: ModelDraft, remote: ModelDraft, fields: Fields
) -> Association | None:
    """Return the association table that a relationship names. Create it if no model has it."""
    name = fields.text("secondary")
    if name is None or not is_database_name(name):
        return None
    model = draft.tables.get(name) or draft.models.get(name)
    if model is None:
        model = make_association(draft, name, local, remote, fields)
    keys = model.foreign_keys
    to_local = [key for key in keys if key.target == local.name]
    to_remote = [key for key in keys if key.target == remote.name]
    if local is remote and len(to_local) == 2:
        return Association(model, to_local[0], to_local[1])
    if local is not remote and len(to_local) == len(to_remote) == 1:
        return Association(model, to_local[0], to_remote[0])
    draft.problems.error(
        "bad-secondary",
        f"the foreign keys of {name} are {len(to_local)} to {local.name} and {len(to_remote)} "
        f"to {remote.name}",
        "it needs one to each side",
        fields.value_at("secondary"),
    )
    return None


def make_association(
    draft: SchemaDraft, name: str, local: ModelDraft, remote: ModelDraft, fields: Fields
) -> ModelDraft:
    """Add a table with only the keys of both sides. The sides are ordered by name, so that both
    relationships create the same table."""
    first, second = sorted((local, remote), key=lambda model: model.name)
    schema, _, table = name.rpartition(".")
    model = ModelDraft(
        name="".join(part.title() for part in table.split("_")) or table,
        table=table,
        schema=schema or first.schema,
        comment=None,
        fields=fields,
        at=fields.at,
        is_association=True,
    )
    while model.name in draft.models:
        model.name += "Link"
    prefixes = (snake_case(first.name), snake_case(second.name))
    if first is second:
        prefixes = (prefixes[0], f"related_{prefixes[0]}")
    for side, prefix in zip((first, second), prefixes, strict=True):
        add_side(model, side, prefix)
    reverse = model.foreign_keys[1].columns + model.foreign_keys[0].columns
    model.indexes.append(
        Index(
            name=constraint_name(table, reverse, "idx"),
            elements=tuple(IndexElement(column=column) for column in reverse),
        )
    )
    draft.add(model)
    return model


def add_side(model: ModelDraft, side: ModelDraft, prefix: str) -> None:
    """Add the columns for the key of one side, and their foreign key."""
    names: list[str] = []
    for name in side.primary_key:
        column = side.column(name)
        if column is not None:
            own = f"{prefix}_{column.name}"
            names.append(own)
            model.columns.append(
                Column(name=own, db_name=own, type=column.type, is_primary_key=True)
            )
    model.foreign_keys.append(
        ForeignKey(
            name=constraint_name(model.table, tuple(names), "fkey"),
            columns=tuple(names),
            target=side.name,
            target_columns=side.primary_key,
            on_delete="cascade",
        )
    )
