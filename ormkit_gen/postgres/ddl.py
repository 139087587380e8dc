"""schema.sql: the DDL of a schema, readable, and harmless to run again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ormkit_gen.ir import Column, Enum, Exclude, ForeignKey, Index, IndexElement, Model, Schema
from ormkit_gen.postgres.identifiers import qualified, quote_identifier, quote_literal
from ormkit_gen.postgres.ordering import creation_order
from ormkit_gen.postgres.spelling import sql_constant, sql_type
from ormkit_gen.postgres.types import BASE_TYPES

#: Types that gist indexes for `=` only with the extension btree_gist.
RANGES = ("int4range", "int8range", "numrange", "tsrange", "tstzrange", "daterange")


def schema_sql(schema: Schema) -> str:
    """Return the statements that create the schema, parents before children.

    What exists already is left as it is, so the file may run again.
    """
    models = creation_order(schema)
    parts = [*_extensions(schema), *_namespaces(schema)]
    for enum in schema.enums:
        parts.extend(_enum(enum))
    created: set[str] = set()
    late: list[tuple[Model, ForeignKey]] = []
    for model in models:
        created.add(model.name)
        now = [key for key in model.foreign_keys if key.target in created]
        late += [(model, key) for key in model.foreign_keys if key.target not in created]
        parts.extend(_table(model, now, schema))
    parts.extend(_late_foreign_key(model, key, schema) for model, key in late)
    return "\n\n".join(parts) + "\n"


def _extensions(schema: Schema) -> Iterator[str]:
    columns = [column for model in schema.models for column in model.columns]
    names = {BASE_TYPES[c.type.name].extension for c in columns if not c.type.is_enum} - {None}
    if any(_needs_btree_gist(model, each) for model in schema.models for each in model.excludes):
        names.add("btree_gist")
    for name in sorted(filter(None, names)):
        yield f"CREATE EXTENSION IF NOT EXISTS {quote_identifier(name)};"


def _needs_btree_gist(model: Model, exclude: Exclude) -> bool:
    return exclude.method == "gist" and any(
        operator == "=" and element.column and model.column(element.column).type.name not in RANGES
        for element, operator in exclude.elements
    )


def _namespaces(schema: Schema) -> Iterator[str]:
    names = {each.schema for each in (*schema.models, *schema.enums)}
    for name in sorted(filter(None, names)):
        yield f"CREATE SCHEMA IF NOT EXISTS {quote_identifier(name)};"


def _enum(enum: Enum) -> Iterator[str]:
    name = qualified(enum.schema, enum.db_name)
    labels = ",\n    ".join(quote_literal(label) for _, label in enum.members)
    yield _unless_there(f"CREATE TYPE {name} AS ENUM (\n    {labels}\n);", "duplicate_object")
    if enum.comment is not None:
        yield f"COMMENT ON TYPE {name} IS {quote_literal(enum.comment)};"


def _unless_there(statement: str, condition: str) -> str:
    """Return a block that runs a statement without an IF NOT EXISTS of its own.

    The dollar quote takes a tag that the statement does not hold. Text constants may run over
    several lines, so that indenting them would change them.
    """
    tag = "ormkit"
    while f"${tag}$" in statement:
        tag += "_"
    inner = statement.replace("\n", "\n    ") if "'" not in statement else statement
    return (
        f"DO ${tag}$ BEGIN\n    {inner}\n"
        f"EXCEPTION WHEN {condition} THEN NULL; -- it is there already\nEND ${tag}$;"
    )


def _table(model: Model, keys: Iterable[ForeignKey], schema: Schema) -> Iterator[str]:
    name = qualified(model.schema, model.table)
    lines = [_column(column, schema) for column in model.columns]
    lines += _constraints(model, keys, schema)
    body = ",\n    ".join(lines)
    yield f"CREATE TABLE IF NOT EXISTS {name} (\n    {body}\n);"
    yield from (_index(model, index) for index in model.indexes)
    yield from _comments(model)


def _column(column: Column, schema: Schema) -> str:
    parts = [quote_identifier(column.db_name), sql_type(column.type, schema)]
    if column.generated is not None:
        parts.append(f"GENERATED ALWAYS AS ({column.generated}) STORED")
    elif column.identity is not None:
        parts.append(f"GENERATED {column.identity.upper()} AS IDENTITY")
    elif column.server_default is not None:
        parts.append(f"DEFAULT {column.server_default}")
    elif column.default is not None:
        parts.append(f"DEFAULT {sql_constant(column.default.value, column.type, schema)}")
    if not column.is_nullable:
        parts.append("NOT NULL")
    return " ".join(parts)


def _constraints(model: Model, keys: Iterable[ForeignKey], schema: Schema) -> Iterator[str]:
    yield f"PRIMARY KEY ({_columns(model, model.primary_key)})"
    for unique in model.uniques:
        nulls = " NULLS NOT DISTINCT" if unique.nulls_not_distinct else ""
        yield f"{_named(unique.name)}UNIQUE{nulls} ({_columns(model, unique.columns)})"
    for check in model.checks:
        yield f"{_named(check.name)}CHECK ({check.expression})"
    for exclude in model.excludes:
        yield _exclude(model, exclude)
    for key in keys:
        yield _foreign_key(model, key, schema)


def _named(name: str) -> str:
    return f"CONSTRAINT {quote_identifier(name)} "


def _columns(model: Model, names: Iterable[str]) -> str:
    return ", ".join(quote_identifier(model.column(name).db_name) for name in names)


def _foreign_key(model: Model, key: ForeignKey, schema: Schema) -> str:
    target = schema.model(key.target)
    parts = [
        f"{_named(key.name)}FOREIGN KEY ({_columns(model, key.columns)})",
        f"REFERENCES {qualified(target.schema, target.table)} "
        f"({_columns(target, key.target_columns)})",
    ]
    if key.on_delete != "no action":
        parts.append(f"ON DELETE {key.on_delete.upper()}")
    if key.on_update != "no action":
        parts.append(f"ON UPDATE {key.on_update.upper()}")
    if key.is_deferrable:
        parts.append("DEFERRABLE")
    if key.is_initially_deferred:
        parts.append("INITIALLY DEFERRED")
    return " ".join(parts)


def _late_foreign_key(model: Model, key: ForeignKey, schema: Schema) -> str:
    statement = (
        f"ALTER TABLE {qualified(model.schema, model.table)}\n"
        f"    ADD {_foreign_key(model, key, schema)};"
    )
    return _unless_there(statement, "duplicate_object")


def _exclude(model: Model, exclude: Exclude) -> str:
    elements = ", ".join(
        f"{_element(model, element)} WITH {operator}" for element, operator in exclude.elements
    )
    where = f" WHERE ({exclude.where})" if exclude.where else ""
    return f"{_named(exclude.name)}EXCLUDE USING {exclude.method} ({elements}){where}"


def _index(model: Model, index: Index) -> str:
    unique = "UNIQUE " if index.is_unique else ""
    method = "" if index.method == "btree" else f" USING {index.method}"
    elements = ", ".join(_element(model, element) for element in index.elements)
    text = (
        f"CREATE {unique}INDEX IF NOT EXISTS {quote_identifier(index.name)}\n"
        f"    ON {qualified(model.schema, model.table)}{method} ({elements})"
    )
    if index.include:
        text += f" INCLUDE ({_columns(model, index.include)})"
    if index.where:
        text += f"\n    WHERE {index.where}"
    return f"{text};"


def _element(model: Model, element: IndexElement) -> str:
    if element.column is not None:
        parts = [quote_identifier(model.column(element.column).db_name)]
    else:
        parts = [f"({element.expression})"]
    if element.opclass:
        parts.append(element.opclass)
    if element.is_descending:
        parts.append("DESC")
    if element.nulls:
        parts.append(f"NULLS {element.nulls.upper()}")
    return " ".join(parts)


def _comments(model: Model) -> Iterator[str]:
    table = qualified(model.schema, model.table)
    if model.comment is not None:
        yield f"COMMENT ON TABLE {table} IS {quote_literal(model.comment)};"
    for column in model.columns:
        if column.comment is not None:
            name = f"{table}.{quote_identifier(column.db_name)}"
            yield f"COMMENT ON COLUMN {name} IS {quote_literal(column.comment)};"
