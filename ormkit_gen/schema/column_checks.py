"""Checks of columns: what PostgreSQL refuses, and settings that exclude each other."""

from __future__ import annotations

from ormkit_gen.ir import Column
from ormkit_gen.schema.fields import Fields

#: Every table has these system columns.
SYSTEM_COLUMNS = frozenset({"cmax", "cmin", "ctid", "tableoid", "xmax", "xmin"})


def check_column(fields: Fields, column: Column) -> None:
    """Record the problems of a column that could be read."""
    check_sources(fields, column)
    check_key(fields, column)
    check_comparable(fields, column)
    if column.db_name in SYSTEM_COLUMNS:
        fields.problems.error(
            "system-column",
            f"{fields.what} cannot be named {column.db_name}: every table already has "
            f"such a column",
            "rename it",
            fields.value_at("column") if "column" in fields.data else fields.at,
        )


def check_sources(fields: Fields, column: Column) -> None:
    """Record more than one source of values, and an identity that is not an integer."""
    problems = fields.problems
    sources = [key for key in ("server_default", "identity", "generated") if fields.data.get(key)]
    sources[:0] = [key for key in ("default", "default_factory") if key in fields.data]
    if len(sources) > 1:
        problems.error(
            "conflicting-defaults",
            f"{fields.what} has both {sources[0]} and {sources[1]}",
            "keep one: a column has one source of values",
            fields.key_at(sources[1]),
        )
    if column.is_serial and sources:
        problems.error(
            "conflicting-defaults",
            f"{fields.what} is a serial, and has {sources[0]}",
            "keep one: the sequence of a serial is its source of values",
            fields.key_at(sources[0]),
        )
    if column.identity is not None and not column.type.is_integer:
        problems.error(
            "bad-identity",
            f"{fields.what} cannot be an identity: it is not an integer",
            "use bigint, or a server_default such as gen_random_uuid()",
            fields.key_at("identity"),
        )


def check_key(fields: Fields, column: Column) -> None:
    """Record a key or an identity that may be NULL."""
    if column.is_nullable and (column.is_primary_key or column.identity or column.is_serial):
        kind = "the key" if column.is_primary_key else "numbered"
        fields.problems.error(
            "nullable-key",
            f"{fields.what} cannot be nullable: it is {kind}",
            "leave out the ? or nullable = true",
            fields.at,
        )


def check_comparable(fields: Fields, column: Column) -> None:
    """Record a key or an index of a type whose values PostgreSQL cannot compare."""
    if is_comparable(column):
        return
    for key in ("primary_key", "unique", "index"):
        if fields.data.get(key) is True:
            fields.problems.error(
                "json-key",
                f"{fields.what} cannot be {WISHES[key]}: PostgreSQL does not compare json",
                "use jsonb",
                fields.key_at(key),
            )


def is_comparable(column: Column) -> bool:
    """Return whether the column's type supports keys and plain indexes."""
    return column.type.is_enum or column.type.base.is_comparable


WISHES = {"primary_key": "the key", "unique": "unique", "index": "indexed"}
