"""Equality of keys: columns in which PostgreSQL finds values equal that Python does not.

A collation may be case-insensitive, and a text column may have a domain over citext. The catalog
tells. It is queried once for each table whose keys are texts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from ..postgres.identifiers import quote
from ..postgres.values import Record
from .table_facts import learned

if TYPE_CHECKING:
    from ..driver.connection import Connection
    from ..models.columns import AnyColumn
    from ..models.relationships import Relationship
    from ..models.table import Table
    from .executor import Executor

#: Reads the columns of a table, given its quoted name, that are no plain texts: the base type of
#: their domain, and the collation if it is nondeterministic.
QUERY = """
WITH RECURSIVE held (number, type) AS (
    SELECT attnum, atttypid FROM pg_attribute
    WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped
    UNION ALL
    SELECT number, typbasetype FROM held JOIN pg_type t ON t.oid = type AND typtype = 'd'
)
SELECT json_object_agg(attname, json_build_array(
    format_type(type, NULL),
    CASE WHEN NOT collisdeterministic THEN format('%I.%I', nspname, collname) END))::text
FROM held
JOIN pg_type t ON t.oid = type AND typtype <> 'd'
JOIN pg_attribute ON attrelid = to_regclass($1) AND attnum = number
LEFT JOIN pg_collation c ON c.oid = attcollation
LEFT JOIN pg_namespace n ON n.oid = collnamespace
WHERE NOT collisdeterministic OR type NOT IN ('text'::regtype, 'varchar'::regtype)
"""


class KeyType(NamedTuple):
    """How values of a key column are compared: the type, and the nondeterministic collation."""

    type: str
    collation: str | None


async def forms_of(connection: Connection, sql: str) -> Mapping[str, KeyType]:
    """Return the columns of a table that are no plain texts, by their quoted names.

    sql: the table's quoted name.
    """
    return await learned(connection, "loose keys", sql, QUERY, forms_from)


def forms_from(row: Record) -> Mapping[str, KeyType]:
    """Return the columns that a row of QUERY describes."""
    (text,) = row
    described: dict[str, Any] = json.loads(text or "{}")
    return {quote(name): KeyType(*form) for name, form in described.items()}


async def loose_forms(
    executor: Executor, relationship: Relationship[Any, Any]
) -> tuple[KeyType, ...] | None:
    """Return how each key of a parent is compared; None where Python's equality is the same."""
    local, remote = relationship.local, relationship.remote
    there, names = relationship.target.sql, [column.quoted for column in remote]
    if relationship.secondary is not None:
        there, names = relationship.secondary.sql, list(relationship.secondary.local)
    if not has_text(local) and not has_text(remote):
        return None
    here_forms = await executor.use(partial(forms_of, sql=relationship.table.sql))
    there_forms = await executor.use(partial(forms_of, sql=there))
    here = [here_forms.get(each.quoted) if is_text(each) else None for each in local]
    beyond = [
        there_forms.get(name) if is_text(each) else None
        for name, each in zip(
            names, remote if relationship.secondary is None else local, strict=True
        )
    ]
    if not any(here) and not any(beyond):
        return None
    return tuple([form or KeyType(each.cast, None) for form, each in zip(here, local, strict=True)])


def is_text(column: AnyColumn) -> bool:
    """Return whether the column is a text, whose collation may take more as equal."""
    return not column.is_array and column.known.base.equality == "collation"


def has_text(columns: tuple[AnyColumn, ...]) -> bool:
    """Return whether any of the columns is a text, whose equality depends on the catalog."""
    return any(is_text(column) for column in columns)


async def has_loose_key(executor: Executor, table: Table) -> bool:
    """Return whether PostgreSQL may find different values of the primary key equal."""
    if not has_text(table.primary_key):
        return False
    forms = await executor.use(partial(forms_of, sql=table.sql))
    return any(column.quoted in forms and is_text(column) for column in table.primary_key)


def is_strict(column: AnyColumn) -> bool:
    """Return whether the type has Python's equality, apart from collations and domains."""
    is_plain = not column.is_array and column.known.base.equality != "server"
    return column.labels is not None or is_plain
