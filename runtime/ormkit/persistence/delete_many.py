"""DELETE of many objects: one statement for each model, children before parents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..errors import StaleObject
from ..models.relationships import table_as
from ..models.table import Table, table_of
from ..postgres.array_parameter import FlatArray
from ..sql.context import Scope
from ..statements.executor import Executor
from ..statements.shape_name import ShapeName
from ..statements.statement import Statement, statement_for
from .insert_order import in_key_order
from .update import check_rows_once, identity_of, stale, write_delete

if TYPE_CHECKING:
    from ..models.model import Model

#: How many rows one DELETE removes.
MAX_ROWS_PER_STATEMENT = 10_000

#: Objects of one model, and the primary keys and versions of their rows.
Group = tuple[list["Model"], list[list[object]]]


async def delete_objects(executor: Executor, instances: Sequence[Model]) -> None:
    """Delete the rows of objects of any models; raises StaleObject where one is gone.

    It may send several statements: the caller opens a transaction around them.
    """
    groups = groups_to_delete(instances)
    for table, (objects, _) in groups.items():
        if table.hooks is not None:
            table.hooks.before_deletes(objects)
    for table in reversed(in_key_order(groups)):
        objects, identities = groups[table]
        await delete_rows(executor, table, identities)
        if executor.identity is not None:
            for identity in identities:
                executor.identity.forget(table, identity[: len(table.primary_key)])
    for table, (objects, _) in groups.items():
        if table.hooks is not None:
            table.hooks.after_deletes(objects)


def groups_to_delete(instances: Sequence[Model]) -> dict[Table, Group]:
    """Group objects by table; raises UsageError for a row that is given twice, or never saved."""
    groups: dict[Table, Group] = {}
    for instance in instances:
        table = table_of(type(instance))
        objects, identities = groups.setdefault(table, ([], []))
        objects.append(instance)
        identities.append(identity_of(table, instance))
    for table, (_, identities) in groups.items():
        check_rows_once("remove_all", table, identities)
    return groups


async def delete_rows(
    executor: Executor, table: Table, identities: Sequence[Sequence[object]]
) -> None:
    """Delete the rows with these primary keys and versions; raises StaleObject."""
    if any(column.is_array for column in table.identity):
        statement = statement_for(("delete one", table), lambda: write_delete(table))
        for identity in identities:
            _, count = await executor.run_counted(statement, identity)
            if not count:
                raise StaleObject(stale(table, "delete"))
        return
    statement = statement_for(("delete all", table), lambda: write_delete_all(table))
    for start in range(0, len(identities), MAX_ROWS_PER_STATEMENT):
        chunk = identities[start : start + MAX_ROWS_PER_STATEMENT]
        arrays = [FlatArray(list(parts)) for parts in zip(*chunk, strict=True)]
        _, count = await executor.run_counted(statement, arrays)
        if count != len(chunk):
            raise StaleObject(stale(table, "delete"))


def write_delete_all(table: Table) -> Statement:
    """Return the DELETE of any number of rows, with one array parameter for each key column."""
    scope = Scope(table, is_qualified=True)
    name = scope.name(table)
    given = scope.take("given")
    keys = [f"key_{place}" for place in range(len(table.identity))]
    arrays = [column.array(scope.bind(column)) for column in table.identity]
    matches = [
        f"{name}.{column.quoted} = {given}.{key}"
        for column, key in zip(table.identity, keys, strict=True)
    ]
    sql = (
        f"DELETE FROM {table_as(table.written, name)} USING unnest({', '.join(arrays)}) "
        f"AS {given} ({', '.join(keys)}) WHERE {' AND '.join(matches)}"
    )
    return Statement.of(scope, sql, ShapeName.of(table, "remove_all"))
