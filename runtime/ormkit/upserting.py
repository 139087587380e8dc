"""INSERT ... ON CONFLICT: insert rows, or update those that are there already."""

from __future__ import annotations

import copy
from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from .batches import Batch, batches_of
from .columns import Column
from .errors import (
    MissingValue,
    StaleObject,
    StatementError,
    UnknownName,
    UsageError,
    did_you_mean,
)
from .inserting import (
    insert_of_arrays,
    insert_of_values,
    receive,
    returning,
)
from .scope import Scope
from .statement import Executor, Statement, statement_for
from .table import Table, table_of

if TYPE_CHECKING:
    from .model import Model

AnyColumn = Column[Any, Any, Any]

#: SQLSTATE of ON CONFLICT over columns that nothing makes unique.
NO_CONSTRAINT = "42P10"


async def upsert_many(
    executor: Executor,
    instances: Sequence[Model],
    conflict_target: Sequence[str] | None,
    update_fields: Sequence[str] | None,
) -> None:
    """Upsert objects of one model; each then holds its row as it is in the database.

    One statement takes some hundred objects, or with array columns one; all are sent together, as
    one transaction. Every row comes back, in the order of the objects.
    """
    table = table_of(type(instances[0]))
    if any(type(each) is not type(instances[0]) for each in instances):
        raise UsageError("upsert_all takes objects of one model at a time")
    batches = batches_of(table, instances)
    if len(batches) > 1:
        raise UsageError(
            f"upsert_all: the {table.label} objects are not all given the same columns; call it "
            f"once for each set of columns"
        )
    (batch,) = batches
    given = batch.given
    target = named_columns(table, conflict_target) if conflict_target else table.primary_key
    check_target(target, given)
    check_distinct(table, target, batch)
    changed = changed_columns(table, given, target, update_fields)
    is_by_array = table.is_insertable_by_array and len(instances) > 1
    key = ("upsert", table, keys_of(given), keys_of(target), keys_of(changed), is_by_array)

    def write() -> Statement:
        return write_upsert(table, given, target, changed, is_by_array=is_by_array)

    statement = statement_for(key, write)
    try:
        if is_by_array:
            rows = await batch.send_arrays(executor, statement)
        else:
            rows = await statement.fetch_many(executor, batch.rows())
    except StatementError as error:
        if error.sqlstate != NO_CONSTRAINT:
            raise
        raise unmatched(table, target, error) from None
    if len(rows) != len(instances):
        # ON CONFLICT waits for another transaction's row, and may then not see it.
        raise StaleObject(f"a {table.label} was deleted while it was being upserted; try again")
    receive(instances, rows, table.columns)
    if executor.identity is not None:
        executor.identity.hold(instances)


def unmatched(table: Table, target: Sequence[AnyColumn], error: StatementError) -> StatementError:
    """Return the error for columns that no constraint makes unique."""
    names = ", ".join(column.slot for column in target)
    better = copy.copy(error)
    better.args = (
        f"upsert: nothing in the database makes ({names}) of {table.label} unique: name the "
        f"columns of a unique constraint in conflict_target, or add one to the schema",
    )
    return better


def named_columns(table: Table, names: Sequence[str]) -> tuple[AnyColumn, ...]:
    """Return the columns of these names; raises UnknownName, UsageError."""
    if isinstance(names, str):
        raise UsageError(f"give a list of column names, [{names!r}], not one text")
    if not isinstance(names, Collection):
        raise UsageError(f"give a list of column names, not {type(names).__name__}")
    for name in names:
        if not isinstance(name, str) or name not in table.by_name:
            raise UnknownName(
                f"{table.label} has no column {name!r}: {did_you_mean(name, table.by_name)}"
            )
    return tuple([table.by_name[name] for name in dict.fromkeys(names)])


def check_target(target: Sequence[AnyColumn], given: Sequence[AnyColumn]) -> None:
    """Raise MissingValue where an object has no value to be told apart by."""
    for column in target:
        if column.key not in keys_of(given):
            raise MissingValue(
                f"upsert: {column.label} tells rows apart, and has no value: give it one, or name "
                f"other columns in conflict_target"
            )


def check_distinct(table: Table, target: Sequence[AnyColumn], batch: Batch) -> None:
    """Raise UsageError where two objects have the same conflict target."""
    if len(batch.instances) == 1:
        return
    by_column = dict(zip(keys_of(batch.given), batch.values, strict=True))
    columns = [each.encode_many(by_column[each.key]) for each in target]
    keys = list(zip(*columns, strict=True))
    # What cannot be hashed is left to the server, which refuses to change a row twice.
    with suppress(TypeError):
        if len({key for key in keys if None not in key}) < sum(None not in key for key in keys):
            names = ", ".join(column.slot for column in target)
            raise UsageError(
                f"upsert_all: two {table.label} objects have the same {names}, by which rows are "
                f"told apart: leave one of them out"
            )


def changed_columns(
    table: Table,
    given: Sequence[AnyColumn],
    target: Sequence[AnyColumn],
    update_fields: Sequence[str] | None,
) -> tuple[AnyColumn, ...]:
    """Return the columns that an existing row gets from the object."""
    if update_fields is not None:
        found = named_columns(table, update_fields)
        for column in found:
            if column.is_generated:
                raise UsageError(
                    f"{column.label} is filled in by PostgreSQL and cannot be assigned"
                )
        return found
    fixed = keys_of([*target, *table.identity])
    return tuple(column for column in given if column.key not in fixed)


def keys_of(columns: Sequence[AnyColumn]) -> tuple[object, ...]:
    """Return the keys of columns, by which they can be compared."""
    return tuple([column.key for column in columns])


def write_upsert(
    table: Table,
    given: Sequence[AnyColumn],
    target: Sequence[AnyColumn],
    changed: Sequence[AnyColumn],
    *,
    is_by_array: bool,
) -> Statement:
    """Return the INSERT ... ON CONFLICT of one row, or of many, which returns them in any case.

    DO NOTHING returns no row where there is one; assigning a column to itself does.
    """
    scope = Scope()
    insert = insert_of_arrays if is_by_array else insert_of_values
    text = insert(table, given, scope)
    assigned = [f"{column.quoted} = EXCLUDED.{column.quoted}" for column in changed]
    if changed:
        assigned += automatic(table, changed)
    else:
        same = target[0].quoted
        assigned = [f"{same} = {table.sql}.{same}"]
    sql = (
        f"{text} ON CONFLICT ({', '.join(column.quoted for column in target)}) "
        f"DO UPDATE SET {', '.join(assigned)}{returning(table.columns)}"
    )
    return Statement(sql, tuple(scope.parameters))


def automatic(table: Table, changed: Sequence[AnyColumn]) -> list[str]:
    """Return the assignments that every update of a row makes by itself."""
    keys = keys_of(changed)
    found: list[str] = []
    if table.updated_at is not None and table.updated_at.key not in keys:
        found.append(f"{table.updated_at.quoted} = now()")
    if table.version is not None and table.version.key not in keys:
        version = table.version.quoted
        found.append(f"{version} = {table.sql}.{version} + 1")
    return found
