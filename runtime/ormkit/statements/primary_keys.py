"""Primary keys: conditions, values and the statement that find one row."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..errors import UsageError
from ..models.table import Table
from .select import Select
from .shape_name import ShapeName
from .statement import Statement, statement_for


def key_parts(table: Table, key: object) -> tuple[object, ...]:
    """Return the parts of a key, one for each column; raises UsageError for a malformed key."""
    count = len(table.primary_key)
    if not count:
        raise UsageError(
            f"{table.label} has no key to find a row by: query it, or name unique columns in the "
            f'schema, as in key = ["column"]'
        )
    parts: tuple[object, ...] = (key,)
    if count == 1 and key is not None:
        return parts
    if count > 1:
        parts = tuple(key) if isinstance(key, (tuple, list)) else (key,)  # pyright: ignore
    # Compared by identity: an expression has no truth value.
    if len(parts) != count or any(part is None for part in parts):
        names = ", ".join(column.slot for column in table.primary_key)
        shape = f"the tuple ({names})" if count > 1 else f"a value of {names}"
        raise UsageError(f"{table.label} is found by {shape}, and none of it can be None")
    return parts


def same_key(table: Table, key: object) -> tuple[Any, ...]:
    """Return the conditions that find a row by its primary key; raises UsageError."""
    pairs = zip(table.primary_key, key_parts(table, key), strict=True)
    return tuple([column == part for column, part in pairs])


def key_values(table: Table, key: object) -> list[object]:
    """Return the encoded values that `by_key` binds; raises UsageError."""
    parts = key_parts(table, key)
    if len(parts) == 1:
        return [table.primary_key[0].encode(key)]
    return [column.encode(part) for column, part in zip(table.primary_key, parts, strict=True)]


def by_key(table: Table, key: object) -> Statement:
    """Return the statement that reads the row with this primary key, unless it is soft-deleted.

    Raises UsageError for a malformed key.
    """
    return statement_for(
        ("by key", table),
        lambda: named_get(Select(table=table, where=(*same_key(table, key), *table.alive()))),
    )


def named_get(select: Select) -> Statement:
    """Return the statement of a query for one key as the one of get()."""
    return replace(select.rows(), shape=ShapeName.of(select.table, "get"))


def by_key_or_deleted(table: Table, key: object) -> Statement:
    """Return the statement that reads the row with this primary key, also if it is soft-deleted.

    Raises UsageError for a malformed key.
    """
    return statement_for(
        ("by key, deleted too", table),
        lambda: named_get(Select(table=table, where=same_key(table, key))),
    )
