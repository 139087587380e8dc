"""UPDATE and DELETE of one object, found by its primary key and version."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from ..errors import MissingValue, StaleObject, UsageError
from ..models.columns import AnyColumn
from ..models.foreign_keys import drop_outdated
from ..models.given_columns import mark_known
from ..models.partial import Partial, table_holding
from ..models.table import Table, table_of
from ..sql.context import Scope
from ..sql.expressions import AnyExpression, Expression
from ..statements.executor import Executor
from ..statements.select import assignments
from ..statements.shape_name import ShapeName
from ..statements.statement import Statement, statement_for
from .hooked_updates import hooked_object, values_after_hooks
from .insert import receive, returning

if TYPE_CHECKING:
    from ..models.model import Model


def changes_for(table: Table, values: Mapping[str, object]) -> list[tuple[AnyColumn, object]]:
    """Return the assignments of an UPDATE with these keywords, and of version and updated_at.

    Values are returned in their stored form. Raises MissingValue without keywords, UnknownName, and
    InvalidValue for a value that the column cannot store without loss.
    """
    if not values:
        raise MissingValue(f"{table.label}: update needs at least one column=value")
    changes: list[tuple[AnyColumn, object]] = []
    for name, value in values.items():
        column = table.by_name.get(name)
        if column is None:
            column = table.column(name)  # raises the error
        if column.is_generated:
            raise UsageError(f"{column.label} is filled in by PostgreSQL and cannot be assigned")
        computed: Any = value
        is_computed = isinstance(value, Expression)
        changes.append((column, computed if is_computed else column.stored(value)))
    if table.updated_at is None and table.version is None:
        return changes
    assigned = {column.key for column, _ in changes}
    if table.updated_at is not None and table.updated_at.key not in assigned:
        changes.append((table.updated_at, NOW))
    if table.version is not None and table.version.key not in assigned:
        changes.append((table.version, table.version + 1))
    return changes


def values_of(changes: Iterable[tuple[AnyColumn, object]]) -> list[object]:
    """Return the values that the assignments bind, in the order of the SQL."""
    bound: list[object] = []
    for column, value in changes:
        bound.extend(value.values if isinstance(value, Expression) else (column.encode(value),))
    return bound


class Now(AnyExpression):
    """now(): the time at which the transaction began."""

    __slots__ = ()

    def __init__(self) -> None:
        self.key = "now()"
        self.values = ()
        self.type = "timestamptz"

    def sql(self, scope: Scope) -> str:
        return "now()"


NOW = Now()


async def update_one(executor: Executor, instance: Model, values: Mapping[str, object]) -> None:
    """Write the named columns of one object, and set them on it after success."""
    table = table_holding(type(instance))
    for value in values.values():
        if isinstance(value, Expression):
            await executor.flush_pending()
            break
    identity = identity_of(table, instance)
    if table.hooks is not None:
        executor.with_json(changes_for, table, values)
        hooked = hooked_object(table, instance)
        values = values_after_hooks(table, table.hooks, hooked, values)
    await update_row(executor, table, instance, values, identity)
    drop_outdated(table, instance, values)
    if table.hooks is not None:
        table.hooks.after_updates((hooked_object(table, instance),))


async def update_row(
    executor: Executor,
    table: Table,
    instance: Model,
    values: Mapping[str, object],
    identity: Sequence[object],
) -> None:
    """Write the named columns of an object to the row with this primary key and version."""
    if executor.json is None:
        changes = changes_for(table, values)
    else:
        changes = executor.with_json(changes_for, table, values)
    key: list[object] = ["update one", table]
    bound: list[object] = []
    for column, value in changes:
        if isinstance(value, Expression):
            key += column.key, value.key
            bound += value.values
        else:
            key += column.key, None
            bound.append(column.encode(value) if column.is_coded else value)
    statement = statement_for(tuple(key), lambda: write_update(table, changes))
    rows = await executor.run(statement, [*bound, *identity])
    if not rows:
        raise StaleObject(stale(table, "update"))
    computed = statement.returned
    for column, value in changes:
        if not isinstance(value, Expression):
            setattr(instance, column.slot, value)
    receive([instance], rows, computed)
    if isinstance(instance, Partial):  # nothing tracks it
        return
    # Without computed columns, the primary key was returned to show that the row exists.
    if computed[0] is not table.primary_key[0]:
        mark_known([instance], computed)
    if executor.identity is not None:
        written = [*map(itemgetter(0), changes), *computed]
        executor.identity.wrote(instance, identity[: len(table.primary_key)], written)


def computed_columns(
    table: Table, changes: Sequence[tuple[AnyColumn, object]]
) -> tuple[AnyColumn, ...]:
    """Return the columns whose new values only PostgreSQL knows; at least one column."""
    computed = [
        column for column, value in changes if isinstance(value, Expression) or column.is_rewritten
    ]
    computed += table.computed
    return tuple(computed) or table.primary_key[:1]


def write_update(table: Table, changes: Sequence[tuple[AnyColumn, object]]) -> Statement:
    """Return the UPDATE of one row, found by its primary key and version column, if any."""
    scope = Scope(table)
    computed = computed_columns(table, changes)
    sql = (
        f"UPDATE {table.written} SET {assignments(changes, scope)} WHERE {same_row(table, scope)}"
        f"{returning(computed)}"
    )
    return Statement.of(scope, sql, ShapeName.of(table, "update"), computed)


async def mark_deleted(executor: Executor, instance: Model, *, is_deleted: bool) -> None:
    """Set or clear the column for soft deletes; UsageError where the model has none."""
    table = table_of(type(instance))
    column = table.soft_delete
    if column is None:
        raise UsageError(
            f"{table.label} has no column for soft deletes: add the mixin soft_delete to its "
            "schema, or use remove()"
        )
    await update_one(executor, instance, {column.slot: NOW if is_deleted else None})


async def delete_one(executor: Executor, instance: Model) -> None:
    """Delete the object's row; raises StaleObject where it is gone or has changed."""
    table = table_of(type(instance))
    statement = statement_for(("delete one", table), lambda: write_delete(table))
    identity = identity_of(table, instance)
    if table.hooks is not None:
        table.hooks.before_deletes((instance,))
    _, count = await executor.run_counted(statement, identity)
    if not count:
        raise StaleObject(stale(table, "delete"))
    if executor.identity is not None:
        executor.identity.forget(table, identity[: len(table.primary_key)])
    if table.hooks is not None:
        table.hooks.after_deletes((instance,))


def write_delete(table: Table) -> Statement:
    """Return the DELETE of one row, found by its primary key and version column, if any."""
    scope = Scope(table)
    sql = f"DELETE FROM {table.written} WHERE {same_row(table, scope)}"
    return Statement.of(scope, sql, ShapeName.of(table, "remove"))


def same_row(table: Table, scope: Scope) -> str:
    """Return the condition that finds one row by its primary key and version."""
    return " AND ".join(
        f"{column.quoted} = {column.placeholder(scope.bind(column))}" for column in table.identity
    )


def identity_of(table: Table, instance: Model) -> list[object]:
    """Return the values that `same_row` binds; UsageError for an object that was never saved."""
    try:
        values: list[object] = []
        for column in table.identity:
            values.append(getattr(instance, column.slot))  # noqa: PERF401  one call less
    except AttributeError:
        raise UsageError(
            f"this {table.label} has no {table.identity[0].slot} yet: insert it first"
        ) from None
    return values


def check_rows_once(method: str, table: Table, identities: Sequence[Sequence[object]]) -> None:
    """Raise UsageError where two objects have the same row."""
    width = len(table.primary_key)
    # For unhashable keys the number of rows that the server writes tells.
    with suppress(TypeError):
        if len({tuple(each[:width]) for each in identities}) < len(identities):
            raise UsageError(f"{method}: the same {table.label} is given twice")


def stale(table: Table, what: str) -> str:
    """Return the message for a row that an UPDATE or DELETE did not find."""
    if table.version is None:
        return f"no row to {what}: this {table.label} is no longer in the database"
    return (
        f"no row to {what}: this {table.label} was changed or deleted since it was read; "
        f"read it again and repeat the change"
    )
