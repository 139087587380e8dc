"""CREATE TABLE, with columns and constraints."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ormkit_gen.ddl.indexes import column_list, index_element, using, with_storage
from ormkit_gen.ddl.sequences import identity_options
from ormkit_gen.ddl.spelling import (
    default_expression,
    parenthesised,
    sql_constant,
    sql_type,
)
from ormkit_gen.ir import (
    Check,
    Column,
    Exclude,
    ForeignKey,
    Model,
    Partition,
    PrimaryKey,
    Schema,
    Unique,
)
from ormkit_gen.postgres.identifiers import qualified, quote_identifier, quote_literal

#: The type that stands for an integer with a sequence of its own.
SERIALS = {"smallint": "smallserial", "integer": "serial", "bigint": "bigserial"}


def create_table(model: Model, foreign_keys: Iterable[ForeignKey], schema: Schema) -> str:
    """Return the statement that creates a table.

    foreign_keys: those of the model's foreign keys whose targets exist at that time.
    """
    lines = [_column(model, column, schema) for column in model.columns]
    lines += _constraints(model)
    lines += (foreign_key(model, key, schema) for key in foreign_keys)
    body = ",\n    ".join(lines)
    name = qualified(model.schema, model.table)
    kind = "UNLOGGED TABLE" if model.is_unlogged else "TABLE"
    tail = "".join(f"\n{each}" for each in _clauses(model))
    return f"CREATE {kind} IF NOT EXISTS {name} (\n    {body}\n){tail};"


def _clauses(model: Model) -> Iterator[str]:
    """Yield what stands behind the columns of a table."""
    if model.inherits:
        yield f"INHERITS ({', '.join(model.inherits)})"
    if model.partition_by is not None:
        yield f"PARTITION BY {model.partition_by.strip()}"
    if model.storage:
        yield with_storage(model.storage)


def create_partitions(parent: str, partitions: Iterable[Partition]) -> Iterator[str]:
    """Yield the statements that create the partitions of a table, and those below them."""
    for each in partitions:
        name = qualified(each.schema, each.name)
        parts = [f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF {parent} {each.bound}"]
        if each.partition_by is not None:
            parts.append(f"PARTITION BY {each.partition_by.strip()}")
        if each.storage:
            parts.append(with_storage(each.storage))
        yield f"{' '.join(parts)};"
        if each.comment is not None:
            yield f"COMMENT ON TABLE {name} IS {quote_literal(each.comment)};"
        yield from create_partitions(name, each.partitions)


def all_partitions(partitions: Iterable[Partition]) -> Iterator[Partition]:
    """Yield partitions and those below them."""
    for each in partitions:
        yield each
        yield from all_partitions(each.partitions)


def column_options(model: Model, column: Column) -> Iterator[str]:
    """Yield the statements that set how a column is stored."""
    alter = f"ALTER TABLE {qualified(model.schema, model.table)} ALTER COLUMN"
    name = quote_identifier(column.db_name)
    if column.storage is not None:
        yield f"{alter} {name} SET STORAGE {column.storage.upper()};"
    if column.compression is not None:
        yield f"{alter} {name} SET COMPRESSION {column.compression};"
    if column.statistics is not None:
        yield f"{alter} {name} SET STATISTICS {column.statistics};"


def not_valid(model: Model) -> Iterator[str]:
    """Yield the checks that existing rows may break; CREATE TABLE would make them valid."""
    yield from (f"{_check(each)} NOT VALID" for each in model.checks if not each.is_valid)


def _column(model: Model, column: Column, schema: Schema) -> str:
    type_ = SERIALS[column.type.name] if column.is_serial else sql_type(column.type, schema)
    parts = [quote_identifier(column.db_name), type_]
    if column.collation is not None:
        parts.append(f"COLLATE {column.collation}")
    if column.generated is not None:
        kind = "VIRTUAL" if column.is_virtual else "STORED"
        parts.append(f"GENERATED ALWAYS AS {parenthesised(column.generated)} {kind}")
    elif column.identity is not None:
        parts.append(f"GENERATED {column.identity.upper()} AS IDENTITY")
        if column.identity_options is not None:
            parts.append(f"({identity_options(model, column.identity_options)})")
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
        if check.is_valid:
            yield _check(check)
    for exclude in model.excludes:
        yield _exclude(model, exclude)


def _is_inline(key: PrimaryKey | None) -> bool:
    return key is not None and key.is_plain


def _check(check: Check) -> str:
    inherited = "" if check.is_inherited else " NO INHERIT"
    return f"{_named(check.name)} CHECK {parenthesised(check.expression)}{inherited}"


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


def deferred(constraint: PrimaryKey | ForeignKey | Unique | Exclude) -> Iterator[str]:
    """Yield when a constraint is checked, if not at once."""
    if constraint.is_initially_deferred:
        yield "DEFERRABLE INITIALLY DEFERRED"
    elif constraint.is_deferrable:
        yield "DEFERRABLE"


def _unique(model: Model, unique: Unique) -> str:
    nulls = " NULLS NOT DISTINCT" if unique.nulls_not_distinct else ""
    parts = [f"{_named(unique.name)} UNIQUE{nulls} ({column_list(model, unique.columns)})"]
    if unique.include:
        parts.append(f"INCLUDE ({column_list(model, unique.include)})")
    if unique.storage:
        parts.append(with_storage(unique.storage))
    return " ".join([*parts, *deferred(unique)])


def _exclude(model: Model, exclude: Exclude) -> str:
    elements = ", ".join(
        f"{index_element(model, element)} WITH {operator}" for element, operator in exclude.elements
    )
    where = f" WHERE {parenthesised(exclude.where)}" if exclude.where is not None else ""
    text = f"{_named(exclude.name)} EXCLUDE{using(exclude.method)} ({elements}){where}"
    return " ".join([text, *deferred(exclude)])


def foreign_key(model: Model, key: ForeignKey, schema: Schema) -> str:
    """Return a FOREIGN KEY constraint with its name."""
    target = schema.model(key.target)
    referenced = qualified(target.schema, target.table)
    parts = [
        f"{_named(key.name)} FOREIGN KEY ({column_list(model, key.columns)})",
        f"REFERENCES {referenced} ({column_list(target, key.target_columns)})",
    ]
    if key.is_full:
        parts.append("MATCH FULL")
    if key.on_delete != "no action":
        columns = f" ({column_list(model, key.set_columns)})" if key.set_columns else ""
        parts.append(f"ON DELETE {key.on_delete.upper()}{columns}")
    if key.on_update != "no action":
        parts.append(f"ON UPDATE {key.on_update.upper()}")
    parts += deferred(key)
    if not key.is_valid:
        parts.append("NOT VALID")
    return " ".join(parts)


def _named(name: str) -> str:
    return f"CONSTRAINT {quote_identifier(name)}"
