"""Compare the schema of generated packages with the database, by one query of its catalog.

It compares tables, columns, types, nullability, labels of enums and keys, as the server names them,
and no texts of expressions. `ormkit check` compares everything, on a server of its own.
"""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from ..driver.connection import Connection
from ..errors import (
    ConfigurationError,
    SchemaDifference,
    SchemaMismatch,
    SchemaMismatchWarning,
    UsageError,
)
from ..models.package import Schema, known_schemas
from ..postgres.type_words import type_of

#: What `check` of create_engine() may be.
Check = Literal["warn", "raise"]
#: How many differences a message names.
NAMED = 3

#: Of the enums $1, the types $2 and the tables $3, by their places: their labels, their numbers,
#: and their columns and keys. Names that are not qualified mean what they mean to the connection;
#: those of PostgreSQL are qualified, since a search_path may hide them behind others.
QUERY = """
SELECT 'enum', w.place, pg_catalog.json_build_array(t.oid, (
    SELECT pg_catalog.json_agg(e.enumlabel ORDER BY e.enumsortorder)
    FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid))::pg_catalog.text
FROM pg_catalog.unnest($1::pg_catalog.text[]) WITH ORDINALITY w (name, place)
JOIN pg_catalog.pg_type t ON t.oid = pg_catalog.to_regtype(w.name)
UNION ALL SELECT 'type', w.place, pg_catalog.json_build_array(
    pg_catalog.to_regtype(w.name)::pg_catalog.oid)::pg_catalog.text
FROM pg_catalog.unnest($2::pg_catalog.text[]) WITH ORDINALITY w (name, place)
UNION ALL SELECT 'table', w.place, pg_catalog.json_build_array(c.oid, c.relkind, (
    SELECT pg_catalog.json_agg(pg_catalog.json_build_array(a.attname, a.atttypid,
        pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull,
        a.atthasdef OR a.attidentity <> '') ORDER BY a.attnum)
    FROM pg_catalog.pg_attribute a
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), (
    SELECT pg_catalog.json_agg(pg_catalog.json_build_array(o.contype, (
            SELECT pg_catalog.json_agg(a.attname ORDER BY k.place)
            FROM pg_catalog.unnest(o.conkey) WITH ORDINALITY k (number, place)
            JOIN pg_catalog.pg_attribute a ON a.attrelid = o.conrelid AND a.attnum = k.number),
        o.confrelid, (
            SELECT pg_catalog.json_agg(a.attname ORDER BY k.place)
            FROM pg_catalog.unnest(o.confkey) WITH ORDINALITY k (number, place)
            JOIN pg_catalog.pg_attribute a ON a.attrelid = o.confrelid AND a.attnum = k.number)))
    FROM pg_catalog.pg_constraint o
    WHERE o.conrelid = c.oid AND o.contype IN ('p', 'u', 'f')))::pg_catalog.text
FROM pg_catalog.unnest($3::pg_catalog.text[]) WITH ORDINALITY w (name, place)
JOIN pg_catalog.pg_class c ON c.oid = pg_catalog.to_regclass(w.name)
"""
MODIFIERS = re.compile(r"\(([^)]*)\)")


def check_option(check: object) -> None:
    """Raise ConfigurationError unless it is what `check` of create_engine() may be."""
    if check not in (None, "warn", "raise"):
        raise ConfigurationError(f'check={check!r}: give "warn", "raise" or None')


def schemas_to_use(schemas: Sequence[object], whom: str) -> tuple[Schema, ...]:
    """Return these schemas, or those of all imported packages; raises UsageError for none."""
    wanted = schemas or known_schemas()
    if not wanted:
        raise UsageError("no generated package is imported: import one, or pass its SCHEMA")
    for each in wanted:
        if not isinstance(each, Schema):
            raise UsageError(
                f"{whom} takes the SCHEMA of generated packages, not {type(each).__name__}"
            )
    return tuple(each for each in wanted if isinstance(each, Schema))


def report(differences: Sequence[SchemaDifference], check: Check) -> None:
    """Warn of differences, or raise SchemaMismatch where one breaks statements."""
    if not differences:
        return
    first = sorted(differences, key=lambda each: not each.breaks)[:NAMED]
    more = len(differences) - len(first)
    text = (
        f"the database differs from the generated package: {'; '.join(map(str, first))}"
        f"{f'; and {more} more' if more else ''}; run `ormkit check` for the details, or connect "
        f"to the right database"
    )
    if check == "raise" and any(each.breaks for each in differences):
        raise SchemaMismatch(text, tuple(differences))
    warnings.warn(SchemaMismatchWarning(text, tuple(differences)), stacklevel=3)


async def check_schemas(
    connection: Connection, schemas: Sequence[Schema]
) -> tuple[SchemaDifference, ...]:
    """Return how the database differs from the schemas, by one query."""
    prints = [each.fingerprint() for each in schemas]
    enums: dict[str, Any] = {k: v for each in prints for k, v in each["enums"].items()}
    tables: dict[str, Any] = {k: v for each in prints for k, v in each["tables"].items()}
    types = {
        text.removesuffix("?"): None
        for each in tables.values()
        for text in each["columns"].values()
    }
    rows = await connection.fetch(QUERY, [list(enums), list(types), list(tables)])
    names = {"enum": list(enums), "type": list(types), "table": list(tables)}
    found: dict[str, dict[str, Any]] = {"enum": {}, "type": {}, "table": {}}
    for kind, place, text in rows:
        found[kind][names[kind][place - 1]] = json.loads(text)
    differences = [*of_enums(enums, found["enum"])]
    numbers = {name: value[0] for name, value in found["type"].items()}
    relations = {name: value[0] for name, value in found["table"].items()}
    for name, wanted in tables.items():
        there = found["table"].get(name)
        if there is None:
            differences.append(SchemaDifference(name, "table", "", name, None))
            continue
        _, relkind, columns, constraints = there
        is_view = relkind in ("v", "m")
        differences += of_columns(name, wanted, columns or (), numbers, is_view=is_view)
        if not is_view:
            differences += of_keys(name, wanted, constraints or (), relations)
    return tuple(differences)


def of_enums(enums: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[SchemaDifference]:
    """Yield the differences of enum types."""
    for name, wanted in enums.items():
        labels: list[str] = wanted["labels"]
        if name not in found:
            yield SchemaDifference(name, "labels", "", ", ".join(labels), None)
            continue
        there: list[str] = found[name][1] or []
        if labels != there:
            is_readable = wanted.get("open", False) or set(there) <= set(labels)
            breaks = not (is_readable and set(labels) <= set(there))
            yield SchemaDifference(name, "labels", "", ", ".join(labels), ", ".join(there), breaks)


def of_columns(
    table: str,
    wanted: Mapping[str, Any],
    columns: Sequence[Any],
    numbers: Mapping[str, int | None],
    *,
    is_view: bool,
) -> Iterator[SchemaDifference]:
    """Yield the differences of a table's columns. A view says nothing about NULL."""
    there = {name: rest for name, *rest in columns}
    for name, text in wanted["columns"].items():
        type_ = text.removesuffix("?")
        if name not in there:
            yield SchemaDifference(table, "column", name, type_, None)
            continue
        number, found, is_not_null, _ = there[name]
        if number != numbers[type_] or modifiers(type_) != modifiers(found):
            yield SchemaDifference(table, "type", name, type_, found)
        if not is_view and is_not_null == text.endswith("?"):
            words = ("NOT NULL", "nullable")
            expected, has = words if is_not_null is False else reversed(words)
            yield SchemaDifference(table, "nullability", name, expected, has)
    for name, (_, found, is_not_null, is_filled) in there.items():
        if name not in wanted["columns"]:
            breaks = is_not_null and not is_filled
            yield SchemaDifference(table, "column", name, None, found, breaks)


def modifiers(type_: str) -> str:
    """Return the modifiers of a type, such as 10,2, whatever the type is called."""
    base = type_of(type_).base
    found = MODIFIERS.search(type_)
    if found is None:
        return "1" if base.unlimited else ""
    text = found[1].replace(" ", "")
    # A number of digits alone means that none of them is behind the point.
    return f"{text},0" if base.arithmetic == "exact" and "," not in text else text


def of_keys(
    table: str, wanted: Mapping[str, Any], constraints: Sequence[Any], relations: Mapping[str, int]
) -> Iterator[SchemaDifference]:
    """Yield the differences of primary keys, UNIQUE constraints and foreign keys."""
    key = wanted.get("key")
    (primary,) = [each[1] for each in constraints if each[0] == "p"] or [None]
    if key and primary != key:
        has = listed(primary) if primary else None
        yield SchemaDifference(table, "primary key", "", listed(key), has)
    uniques = [each[1] for each in constraints if each[0] == "u"]
    references = [each[1:] for each in constraints if each[0] == "f"]
    for columns in wanted.get("unique", ()):
        if columns not in uniques:
            yield SchemaDifference(table, "unique", listed(columns), listed(columns), None)
    for columns in uniques:
        if columns not in wanted.get("unique", ()):
            yield SchemaDifference(
                table, "unique", listed(columns), None, listed(columns), breaks=False
            )
    expected = [
        [columns, relations.get(target), there]
        for columns, target, there in wanted.get("references", ())
    ]
    for (columns, target, there), resolved in zip(
        wanted.get("references", ()), expected, strict=True
    ):
        if resolved not in references:
            text = f"{target} ({', '.join(there)})"
            yield SchemaDifference(table, "foreign key", listed(columns), text, None)
    for columns, *rest in references:
        if [columns, *rest] not in expected:
            yield SchemaDifference(
                table, "foreign key", listed(columns), None, "another table", breaks=False
            )


def listed(columns: Sequence[str]) -> str:
    """Return columns as they are in a message."""
    return f"({', '.join(columns)})"
