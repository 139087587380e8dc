"""CREATE TABLE, with columns and constraints."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ormkit_gen.ddl.indexes import column_list, index_element, using
from ormkit_gen.ddl.spelling import (
    default_expression,
    parenthesised,
    sql_constant,
    sql_type,
)
from ormkit_gen.ir import Column, Exclude, ForeignKey, Model, PrimaryKey, Schema, Unique
from ormkit_gen.postgres.identifiers import qualified, quote_identifier


def create_table(model: Model, foreign_keys: Iterable[ForeignKey], schema: Schema) -> str:
    """Return the statement that creates a table.

    foreign_keys: those of the model's foreign keys whose targets exist at that time.
    """
    lines = [_column(model, column, schema) for column in model.columns]
    lines += _constraints(model)
    lines += (foreign_key(model, key, schema) for key in foreign_keys)
    body = ",\n    ".join(lines)
    name = qualified(model.schema, model.table)
    return f"CREATE TABLE IF NOT EXISTS {name} (\n    {body}\n);"


def _column(model: Model, column: Column, schema: Schema) -> str:
    parts = [quote_identifier(column.db_name), sql_type(column.type, schema)]
    if column.generated is not None:
        parts.append(f"GENERATED ALWAYS AS {parenthesised(column.generated)} STORED")
    elif column.identity is not None:
        parts.append(f"GENERATED {column.identity.upper()} AS IDENTITY")
    if model.primary_key == (column.name,) and _is_inline(model.key_constraint):
        parts.append("PRIMARY KEY")
    elif not column.is_nullable:
        parts.append("NOT NULL")
    if column.server_default is not None:
        parts.append(f"DEFAULT {default_expression(column.server_default)}")
    elif column.default is not None:
        parts.append(f"DEFAULT {sql_constant(column.default.value, column.type, schema)}")
    return " ".join(parts)


def _constraints(model: Model) -> Iterator[str]:
    if model.key_constraint is not None and _has_own_line(model, model.key_constraint):
        yield _primary_key(model, model.key_constraint)
    for unique in model.uniques:
        yield _unique(model, unique)
    for check in model.checks:
        yield f"{_named(check.name)} CHECK {parenthesised(check.expression)}"
    for exclude in model.excludes:
        yield _exclude(model, exclude)


def _is_inline(key: PrimaryKey | None) -> bool:
    return key is not None and key.is_plain


def _has_own_line(model: Model, key: PrimaryKey) -> bool:
    return len(model.primary_key) > 1 or not key.is_plain


def _primary_key(model: Model, key: PrimaryKey) -> str:
    parts = [f"PRIMARY KEY ({column_list(model, model.primary_key)})"]
    if key.name is not None:
        parts.insert(0, _named(key.name))
    if key.include:
        parts.append(f"INCLUDE ({column_list(model, key.include)})")
    parts += deferred(key)
    return " ".join(parts)


def deferred(constraint: PrimaryKey | ForeignKey) -> Iterator[str]:
    """Yield when a constraint is checked, if not at once."""
    if constraint.is_initially_deferred:
        yield "DEFERRABLE INITIALLY DEFERRED"
    elif constraint.is_deferrable:
        yield "DEFERRABLE"


def _unique(model: Model, unique: Unique) -> str:
    nulls = " NULLS NOT DISTINCT" if unique.nulls_not_distinct else ""
    return f"{_named(unique.name)} UNIQUE{nulls} ({column_list(model, unique.columns)})"


def _exclude(model: Model, exclude: Exclude) -> str:
    elements = ", ".join(
        f"{index_element(model, element)} WITH {operator}" for element, operator in exclude.elements
    )
    where = f" WHERE {parenthesised(exclude.where)}" if exclude.where is not None else ""
    return f"{_named(exclude.name)} EXCLUDE{using(exclude.method)} ({elements}){where}"


def foreign_key(model: Model, key: ForeignKey, schema: Schema) -> str:
    """Return a FOREIGN KEY constraint with its name."""
    target = schema.model(key.target)
    referenced = qualified(target.schema, target.table)
    parts = [
        f"{_named(key.name)} FOREIGN KEY ({column_list(model, key.columns)})",
        f"REFERENCES {referenced} ({column_list(target, key.target_columns)})",
    ]
    if key.on_delete != "no action":
        parts.append(f"ON DELETE {key.on_delete.upper()}")
    if key.on_update != "no action":
        parts.append(f"ON UPDATE {key.on_update.upper()}")
    parts += deferred(key)
    return " ".join(parts)


def _named(name: str) -> str:
    return f"CONSTRAINT {quote_identifier(name)}"
