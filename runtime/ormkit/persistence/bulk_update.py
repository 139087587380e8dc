"""Bulk updates: one UPDATE writes the same columns of many objects, each with its own values."""

from __future__ import annotations

from collections.abc import Coroutine, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import MissingValue, StaleObject, UsageError
from ..models.bulk_attributes import any_has_attribute
from ..models.columns import AnyColumn
from ..models.given_columns import mark_known
from ..models.relationships import table_as
from ..models.table import Table, table_of
from ..postgres.array_parameter import FlatArray
from ..sql.context import Scope
from ..sql.expressions import Expression
from ..statements.executor import Executor
from ..statements.select import KEY, assignments
from ..statements.shape_name import ShapeName
from ..statements.statement import Statement, statement_for
from .batches import Batch, changed_columns, grouped, not_given
from .hooked_updates import changed_by_hooks
from .insert import receive
from .named_columns import assignable_columns
from .numbering import cast_values
from .update import (
    changes_for,
    check_rows_once,
    computed_columns,
    identity_of,
    stale,
    update_row,
    values_of,
)

if TYPE_CHECKING:
    from ..models.model import Model
    from ..statements.executor import ObjectMap


#: How many rows one UPDATE writes. Larger arrays cost much memory and save little time.
MAX_ROWS_PER_STATEMENT = 10_000


async def update_objects(
    executor: Executor, instances: Sequence[Model], fields: Sequence[Any] | None
) -> None:
    """Write columns of objects of one model, with the values on the objects.

    fields: the columns or their names; None writes every column that the object was given.

    It may send several statements: the caller opens a transaction around them.
    """
    table = table_of(type(instances[0]))
    if any(table_of(type(each)) is not table for each in instances):
        raise UsageError("bulk_update takes objects of one model at a time")
    named = None if fields is None else columns_to_write(table, fields)
    identities = [identity_of(table, each) for each in instances]
    check_rows_once("bulk_update", table, identities)
    extra: list[tuple[AnyColumn, ...]] = []
    if table.hooks is not None:
        extra = changed_by_hooks(table, table.hooks, instances)
    if named is not None:
        check_values(table, named, instances)
    groups = groups_to_write(table, instances, named, executor.identity)
    check_written(table, named, [columns for columns, _ in groups])
    if table.hooks is not None:
        groups = widened(groups, extra)
        for columns, places in groups:
            for place in places:
                table.hooks.check(instances[place], [column.slot for column in columns])
    for columns, places in groups:
        if columns:
            chosen, keyed = instances, identities
            if len(groups) > 1:
                chosen = [instances[place] for place in places]
                keyed = [identities[place] for place in places]
            if named is None:
                check_values(table, columns, chosen)
            await update_many(executor, table, columns, chosen, keyed)
    if table.hooks is not None:
        table.hooks.after_updates(instances)


def widened(
    groups: Sequence[tuple[tuple[AnyColumn, ...], Sequence[int]]],
    extra: Sequence[tuple[AnyColumn, ...]],
) -> Sequence[tuple[tuple[AnyColumn, ...], Sequence[int]]]:
    """Return the sets of columns with those that hooks changed on each object."""
    if not any(extra):
        return groups
    columns_of: list[tuple[AnyColumn, ...]] = list(extra)
    for columns, places in groups:
        there = set(map(KEY, columns))
        for place in places:
            more = [each for each in extra[place] if each.key not in there]
            columns_of[place] = (*columns, *more)
    return grouped(columns_of)


def groups_to_write(
    table: Table,
    instances: Sequence[Model],
    named: tuple[AnyColumn, ...] | None,
    identity: ObjectMap | None,
) -> Sequence[tuple[tuple[AnyColumn, ...], Sequence[int]]]:
    """Return sets of columns, each with the positions of the objects that write it."""
    wanted = writable_columns(table) if named is None else named
    is_plain = named is not None or table.soft_delete is None
    if is_plain and not any_has_attribute("__given__", instances):
        # Objects that were read give every named column, or all columns.
        return [(wanted, range(len(instances)))]
    given = [changed_columns(table, each, named, identity) for each in instances]
    return grouped([among(wanted, columns) for columns in given])


def among(wanted: Sequence[AnyColumn], given: Sequence[AnyColumn]) -> tuple[AnyColumn, ...]:
    """Return the wanted columns that are given."""
    keys = set(map(KEY, given))
    return tuple([each for each in wanted if each.key in keys])


def check_written(
    table: Table, named: Sequence[AnyColumn] | None, groups: Sequence[Sequence[AnyColumn]]
) -> None:
    """Raise UsageError for an object that writes nothing, MissingValue for an unused name."""
    if named is None:
        if not all(groups):
            raise UsageError(
                f"bulk_update: a {table.label} object has values only for the columns that "
                "identify its row: set the columns to write"
            )
        return
    found = {each.key for columns in groups for each in columns}
    for column in named:
        if column.key not in found:
            raise not_given("fields", column)


def update_many(
    executor: Executor,
    table: Table,
    columns: Sequence[AnyColumn],
    instances: Sequence[Model],
    identities: Sequence[Sequence[object]],
) -> Coroutine[Any, Any, None]:
    """Write these columns of each object to the row with its primary key and version.

    Raises StaleObject where a row is gone or was changed. Other rows may then have been written.
    """
    if len(instances) == 1:
        values = values_held(instances[0], columns)
        return update_row(executor, table, instances[0], values, identities[0])
    return update_several(executor, table, columns, instances, identities)


def values_held(instance: Model, columns: Iterable[AnyColumn]) -> dict[str, object]:
    """Return the values of these columns on the object, by name."""
    values: dict[str, object] = {}
    for column in columns:
        values[column.slot] = getattr(instance, column.slot)
    return values


async def update_several(
    executor: Executor,
    table: Table,
    columns: Sequence[AnyColumn],
    instances: Sequence[Model],
    identities: Sequence[Sequence[object]],
) -> None:
    """Write these columns by one statement for each chunk; with array columns, for each object."""
    if any(column.is_array for column in (*columns, *table.identity)):
        for instance, identity in zip(instances, identities, strict=True):
            values = values_held(instance, columns)
            await update_row(executor, table, instance, values, identity)
        return
    for start in range(0, len(instances), MAX_ROWS_PER_STATEMENT):
        chunk = slice(start, start + MAX_ROWS_PER_STATEMENT)
        await update_chunk(executor, table, columns, instances[chunk], identities[chunk])


async def update_chunk(
    executor: Executor,
    table: Table,
    columns: Sequence[AnyColumn],
    instances: Sequence[Model],
    identities: Sequence[Sequence[object]],
) -> None:
    """Write these columns of the objects by one statement."""
    # Automatic assignments, of updated_at and version, do not depend on the objects.
    assigned = changes_for(table, {column.slot: None for column in columns})
    automatic: list[tuple[AnyColumn, object]] = [
        (column, value) for column, value in assigned if isinstance(value, Expression)
    ]
    rewritten = [(column, None) for column in columns if column.is_rewritten]
    returned = computed_columns(table, [*automatic, *rewritten])
    key = ("update all", table, tuple([column.key for column in columns]))
    statement = statement_for(key, lambda: write_update_all(table, columns, automatic, returned))
    batch = executor.with_json(Batch.of, tuple(columns), instances)
    arrays = batch.arrays()
    arrays += [FlatArray(list(parts)) for parts in zip(*identities, strict=True)]
    rows = await executor.run(statement, [*arrays, *values_of(automatic)])
    if len(rows) != len(instances):
        raise StaleObject(stale(table, "update"))
    rows = sorted(rows, key=lambda row: row[-1])
    batch.keep_stored()
    receive(instances, [row[: len(returned)] for row in rows], returned)
    # Without computed columns, the primary key was returned to show that the row exists.
    if returned[0] is not table.primary_key[0]:
        mark_known(instances, returned)
    if executor.identity is not None:
        width = len(table.primary_key)
        for instance, identity in zip(instances, identities, strict=True):
            executor.identity.wrote(instance, identity[:width], [*columns, *returned])


def write_update_all(
    table: Table,
    columns: Sequence[AnyColumn],
    automatic: Sequence[tuple[AnyColumn, object]],
    returned: Sequence[AnyColumn],
) -> Statement:
    """Return the UPDATE of any number of rows, one array parameter for each column."""
    scope = Scope(table, is_qualified=True)
    name = scope.name(table)
    given = scope.take("given")
    values = [f"value_{place}" for place in range(len(columns))]
    keys = [f"key_{place}" for place in range(len(table.identity))]
    arrays = [f"{scope.bind(column)}::{column.carrier}[]" for column in columns]
    arrays += [column.array(scope.bind(column)) for column in table.identity]
    pairs = zip(columns, cast_values(columns, given), strict=True)
    assigned = [f"{column.quoted} = {value}" for column, value in pairs]
    if automatic:
        assigned.append(assignments(automatic, scope))
    matches = [
        f"{name}.{column.quoted} = {given}.{key}"
        for column, key in zip(table.identity, keys, strict=True)
    ]
    answers = [column.selected(f"{name}.{column.quoted}") for column in returned]
    sql = (
        f"UPDATE {table_as(table.written, name)} SET {', '.join(assigned)} "
        f"FROM unnest({', '.join(arrays)}) WITH ORDINALITY "
        f"AS {given} ({', '.join([*values, *keys])}, place) "
        f"WHERE {' AND '.join(matches)} "
        f"RETURNING {', '.join(answers)}, {given}.place"
    )
    return Statement.of(scope, sql, ShapeName.of(table, "bulk_update"), tuple(returned))


def writable_columns(table: Table) -> tuple[AnyColumn, ...]:
    """Return the columns that an update of whole objects writes."""
    special = (*table.primary_key, table.version, table.updated_at)
    held = {column.key for column in special if column is not None}
    return tuple(each for each in table.columns if each.key not in held and not each.is_generated)


def columns_to_write(table: Table, fields: Sequence[Any]) -> tuple[AnyColumn, ...]:
    """Return the columns of a list that names at least one; raises UnknownName, UsageError."""
    if isinstance(fields, str) or not isinstance(fields, Iterable) or not fields:
        raise UsageError("fields must be a list of at least one column or name of a column")
    return assignable_columns(table, tuple(fields))


def check_values(table: Table, columns: Sequence[AnyColumn], instances: Sequence[Model]) -> None:
    """Raise MissingValue for an object without a value, UsageError for one with an expression."""
    for instance in instances:
        for column in columns:
            value = getattr(instance, column.slot, check_values)
            if value is check_values:
                raise MissingValue(f"an object has no value for {column.label}: load or set it")
            if isinstance(value, Expression):
                raise UsageError(
                    f"{column.label} holds an expression, and bulk_update writes values: write "
                    f"it with session.update({table.label.lower()}, {column.slot}=...)"
                )
