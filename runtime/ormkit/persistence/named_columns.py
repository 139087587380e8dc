"""Find the columns that a caller names: by themselves, or by their names."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ..errors import UnknownName, UsageError, did_you_mean
from ..models.columns import AnyColumn, Column
from ..models.table import Table

#: One or several columns, each given by itself or by name.
Names = Sequence[AnyColumn | str] | AnyColumn | str


def named_columns(table: Table, columns: Names) -> tuple[AnyColumn, ...]:
    """Return the columns, each given by itself or by name; raises UnknownName, UsageError."""
    listed: Collection[AnyColumn | str]
    if isinstance(columns, (str, Column)):
        listed = (columns,)
    elif isinstance(columns, Collection):
        listed = columns
    else:
        raise UsageError(f"give a list of column names, not {type(columns).__name__}")
    names = dict.fromkeys(named_column(table, each).slot for each in listed)
    return tuple([table.by_name[name] for name in names])


def named_column(table: Table, given: AnyColumn | str) -> AnyColumn:
    """Return the column that is given by itself or by name; raises UnknownName."""
    if isinstance(given, str):
        return table.column(given)
    if isinstance(given, Column) and given.table is table:
        return given
    known = did_you_mean(given, table.by_name)
    raise UnknownName(f"{table.label} has no column {given!r}: {known}")


def assignable_columns(table: Table, names: Names) -> tuple[AnyColumn, ...]:
    """Return the columns of these names; raises UnknownName, UsageError."""
    found = named_columns(table, names)
    for column in found:
        if column.is_generated:
            raise UsageError(f"{column.label} is filled in by PostgreSQL and cannot be assigned")
    return found
