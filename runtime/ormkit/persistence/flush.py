"""Flush: dirty columns of the objects in the identity map are written by UPDATE."""

from __future__ import annotations

from collections.abc import Hashable
from operator import itemgetter
from typing import Any

from ..errors import UsageError
from ..models.columns import AnyColumn
from ..models.table import Table
from ..statements.executor import Executor
from ..statements.select import KEY
from .batches import fill_keys
from .bulk_update import check_values, update_many
from .change_tracking import Held, tracker_of
from .hooked_updates import prepare_dirty
from .identity_map import IdentityMap
from .insert_order import in_key_order

Group = tuple[tuple[AnyColumn, ...], list[Held]]


async def write_changes(executor: Executor, identity: IdentityMap) -> None:
    """Write the dirty columns of every object, one statement for each model and set of columns.

    Raises StaleObject where a row is gone or, with a version column, was changed meanwhile.
    """
    if identity.has_hooks:
        prepare_dirty(identity)
    groups = list(changed_groups(identity).items())
    if len(groups) > 1:
        places = {table: n for n, table in enumerate(in_key_order([of for (of, _), _ in groups]))}
        groups.sort(key=lambda group: places[group[0][0]])
    for (table, _), (columns, entries) in groups:
        for column in columns:
            if column.is_generated:
                raise UsageError(
                    f"{column.label} is filled in by PostgreSQL, and the code assigned to it"
                )
        instances = list(map(itemgetter(0), entries))
        check_values(table, columns, instances)
        # The primary key and version of the rows as they were read.
        rows = map(itemgetter(1), entries)
        identities: list[Any] = list(map(tracker_of(table).identity_of_row, rows))
        await update_many(executor, table, columns, instances, identities)
    if identity.has_hooks:
        for (table, _), (_, entries) in groups:
            if table.hooks is not None:
                table.hooks.after_updates(list(map(itemgetter(0), entries)))


def changed_groups(identity: IdentityMap) -> dict[tuple[Table, Hashable], Group]:
    """Group the dirty objects by table and dirty columns."""
    groups: dict[tuple[Table, Hashable], Group] = {}
    for entry, columns in identity.changed():
        instance = entry[0]
        table: Table = instance.__table__
        for column in columns:
            if not hasattr(instance, column.slot):
                # The referenced object had no key yet when it was set.
                fill_keys(table, instance)
                columns = tracker_of(table).dirty_columns(entry)
                break
        key = table, tuple(map(KEY, columns))
        if key in groups:
            groups[key][1].append(entry)
        else:
            groups[key] = columns, [entry]
    return groups
