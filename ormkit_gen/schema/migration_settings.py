"""Reading the settings that say how a migration changes what is there."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace
from typing import Any

from ormkit_gen.diagnostics.diagnostic import did_you_mean
from ormkit_gen.ir import Column
from ormkit_gen.postgres.types import ColumnType
from ormkit_gen.schema.fields import Fields

#: The settings of a column.
COLUMN_KEYS = ("renamed_from", "retired", "backfill", "time_zone")
#: The settings of an enum.
ENUM_KEYS = ("renamed_from", "renamed_values", "removed")
#: What PostgreSQL takes as the name of a time zone, without quotes.
ZONE = re.compile(r"[A-Za-z0-9_+\-/:]+")
_TIMES = ("timestamp", "timestamptz")


def with_migration_settings(fields: Fields, column: Column) -> Column:
    """Return the column with what a migration is told about it."""
    if fields.data.keys().isdisjoint(COLUMN_KEYS):
        return column
    column = replace(
        column,
        is_retired=fields.flag("retired"),
        backfill=_read_backfill(fields, column),
        time_zone=_read_time_zone(fields, column.type),
        renamed_from=fields.text("renamed_from"),
    )
    return _retired(fields, column) if column.is_retired else column


def _retired(fields: Fields, column: Column) -> Column:
    """Return a retired column: programs no longer write it, so it may be NULL."""
    if column.is_primary_key:
        fields.problems.error(
            "retired-key",
            f"{fields.what} cannot be retired: it is the key",
            "make another column the key first",
            fields.key_at("retired"),
        )
        return replace(column, is_retired=False)
    has_value = column.has_server_value or column.default is not None
    return column if has_value else replace(column, is_nullable=True)


def _read_backfill(fields: Fields, column: Column) -> str | None:
    expression = fields.text("backfill")
    if expression is not None and column.is_generated:
        fields.problems.error(
            "backfilled-generated",
            f"{fields.what} is generated, and has backfill",
            "leave backfill out: PostgreSQL computes its values",
            fields.key_at("backfill"),
        )
        return None
    return expression


def _read_time_zone(fields: Fields, type_: ColumnType) -> str | None:
    zone = fields.text("time_zone")
    if zone is None:
        return None
    if type_.is_enum or type_.name not in _TIMES:
        fields.problems.error(
            "no-time-zone",
            f"{fields.what} has time_zone, and its type has no time",
            "keep it for timestamp and timestamptz",
            fields.key_at("time_zone"),
        )
    elif not ZONE.fullmatch(zone):
        fields.problems.error(
            "bad-time-zone",
            f"{zone!r} is not the name of a time zone",
            'as in "Europe/Berlin"',
            fields.value_at("time_zone"),
        )
    else:
        return zone
    return None


def read_renamed_values(fields: Fields, labels: Collection[str]) -> tuple[tuple[str, str], ...]:
    """Return pairs of a label of an enum and what it was called before."""
    pairs = _pairs(fields, "renamed_values")
    return tuple(_known(fields, "renamed_values", pairs, labels, is_new_first=True))


def read_removed(fields: Fields, labels: Collection[str]) -> tuple[tuple[str, str], ...]:
    """Return pairs of a label that is gone and the one that rows have in its place."""
    pairs = _pairs(fields, "removed")
    for old, _, path in pairs:
        if old in labels:
            fields.problems.error(
                "removed-label",
                f"{fields.what} still has the label {old!r}, which `removed` names",
                "remove it from values, or from removed",
                fields.document.key_at(path),
            )
    return tuple(_known(fields, "removed", pairs, labels, is_new_first=False))


def _known(
    fields: Fields,
    key: str,
    pairs: list[tuple[str, str, Any]],
    labels: Collection[str],
    *,
    is_new_first: bool,
) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for one, other, path in pairs:
        new = one if is_new_first else other
        if new in labels:
            found.append((one, other))
            continue
        fields.problems.error(
            "unknown-label",
            f"{fields.what} has no label {new!r}, which `{key}` names",
            did_you_mean(new, labels),
            fields.document.key_at(path),
        )
    return found


def _pairs(fields: Fields, key: str) -> list[tuple[str, str, Any]]:
    found: list[tuple[str, str, Any]] = []
    for name, value, path in fields.named(key):
        if isinstance(value, str):
            found.append((name, value, path))
        else:
            fields.problems.error(
                "wrong-value",
                f"{key} of {fields.what} pairs two labels",
                f'as in {key} = {{ one = "other" }}',
                fields.document.key_at(path),
            )
    return found
