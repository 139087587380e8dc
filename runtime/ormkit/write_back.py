"""Writing back: what the code has changed on objects that a transaction holds."""

from __future__ import annotations

from collections.abc import Hashable
from operator import itemgetter
from typing import Any

from .batches import fill_keys
from .bulk import check_values, update_many
from .columns import Column
from .compiler import KEY
from .errors import UsageError
from .identity import Held, IdentityMap, watch_of
from .statement import Executor
from .table import Table
from .unit import in_key_order

AnyColumn = Column[Any, Any, Any]
Group = tuple[tuple[AnyColumn, ...], list[Held]]


async def write_changes(executor: Executor, identity: IdentityMap) -> None:
    """Write the changed columns of every object, one statement for each model and set of columns.

    Raises StaleObject where a row is gone or, with a version, was changed meanwhile.
    """
    groups = changed_groups(identity)
    for table in in_key_order(groups) if len(groups) > 1 else groups:
        for columns, entries in groups[table].values():
            for column in columns:
                if column.is_generated:
                    raise UsageError(
                        f"{column.label} is filled in by PostgreSQL, and the code assigned to it"
                    )
            instances = list(map(itemgetter(0), entries))
            check_values(table, columns, instances)
            # By the rows that they were read from.
            identities: list[Any] = list(
                map(watch_of(table).identity_of_row, map(itemgetter(1), entries))
            )
            await update_many(executor, table, columns, instances, identities)


def changed_groups(identity: IdentityMap) -> dict[Table, dict[Hashable, Group]]:
    """Return what has changed, by table and by the columns that did."""
    groups: dict[Table, dict[Hashable, Group]] = {}
    for entry, columns in list(identity.changed()):
        instance = entry[0]
        table: Table = instance.__table__
        for column in columns:
            if not hasattr(instance, column.slot):
                # It refers to an object that had no key yet when it was set.
                fill_keys(table, instance)
                columns = watch_of(table).changes(entry)
                break
        key = tuple(map(KEY, columns))
        groups.setdefault(table, {}).setdefault(key, (columns, []))[1].append(entry)
    return groups
