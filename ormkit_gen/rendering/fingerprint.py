"""What a program compares with its database when it starts; it is in the manifest."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ormkit_gen.ddl.schema import is_enforced
from ormkit_gen.ddl.spelling import sql_type
from ormkit_gen.ir import Model, Schema
from ormkit_gen.postgres.identifiers import qualified
from ormkit_gen.rendering.retired import without_retired

#: `ormkit.statements.schema_check` reads this form.
Fingerprint = dict[str, dict[str, Any]]


def fingerprint(schema: Schema) -> Fingerprint:
    """Return tables, columns, types, nullability, labels and keys.

    Expressions are left out: PostgreSQL prints them in another way than the schema has them.
    """
    schema = without_retired(schema)
    enums = {
        qualified(enum.schema, enum.db_name): {
            "labels": [label for _, label in enum.members],
            **({"open": True} if enum.is_open else {}),
        }
        for enum in schema.enums
    }
    tables = {
        qualified(each.schema, each.table): _table(each, schema)
        for each in schema.models
        if each.is_managed
    }
    return {"enums": enums, "tables": tables}


def _table(model: Model, schema: Schema) -> dict[str, Any]:
    names = {column.name: column.db_name for column in model.columns}

    def columns(python_names: Iterable[str]) -> list[str]:
        return [names[each] for each in python_names]

    found: dict[str, Any] = {
        "columns": {
            column.db_name: sql_type(column.type, schema) + ("?" if column.is_nullable else "")
            for column in model.columns
        },
        "key": columns(model.primary_key) if model.key_constraint is not None else [],
        "unique": [columns(each.columns) for each in model.uniques],
        "references": [],
    }
    for key in (each for each in model.foreign_keys if is_enforced(model, each, schema)):
        target = schema.model(key.target)
        there = [target.column(name).db_name for name in key.target_columns]
        found["references"].append(
            [columns(key.columns), qualified(target.schema, target.table), there]
        )
    return {name: value for name, value in found.items() if value}
