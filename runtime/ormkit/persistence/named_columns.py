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
    names: list[str] = []
    for each in listed:
        name = each.slot if isinstance(each, Column) and each.table is table else each
        if not isinstance(name, str) or name not in table.by_name:
            raise UnknownName(
                f"{table.label} has no column {name!r}: {did_you_mean(name, table.by_name)}"
            )
        names.append(name)
    return tuple([table.by_name[name] for name in dict.fromkeys(names)])


def assignable_columns(table: Table, names: Names) -> tuple[AnyColumn, ...]:
    """Return the columns of these names; raises UnknownName, UsageError."""
    found = named_columns(table, names)
    for column in found:
        if column.is_generated:
            raise UsageError(f"{column.label} is filled in by PostgreSQL and cannot be assigned")
    return found
