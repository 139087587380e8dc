"""Writing objects: INSERT, UPDATE and DELETE statements, and what comes back onto the objects."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from .columns import Column
from .compiler import assignments
from .errors import MissingValue, StaleObject, UnknownName, UsageError, did_you_mean
from .expressions import Expression
from .relationships import copy_key, drop_outdated
from .scope import Scope
from .statement import Executor, Statement, statement_for
from .table import Table, table_of

if TYPE_CHECKING:
    from .model import Model

AnyColumn = Column[Any, Any, Any]

#: How many rows one INSERT carries; beyond this the arrays cost more memory than they save time.
CHUNK = 10_000


def given_columns(table: Table, instance: Model) -> tuple[AnyColumn, ...]:
    """Return the columns that the object has a value for; raises MissingValue.

    A column without a value is left to PostgreSQL, where it has a default there or may be NULL.
    """
    given: list[AnyColumn] = []
    for column in table.columns:
        if hasattr(instance, column.slot):
            if column.is_generated:
                continue
            given.append(column)
        elif not (column.has_default or column.is_nullable or column.is_generated):
            raise MissingValue(missing(table, column))
    return tuple(given)


def missing(table: Table, column: AnyColumn) -> str:
    """Return the message for a column that was not given, with the ways to give it."""
    ways = [f"{column.slot}=..."]
    ways += [
        f"{relationship.name}=..."
        for relationship in table.relationships.values()
        if relationship.is_owner and column.slot in [local.slot for local in relationship.local]
    ]
    return f"{column.label} has no value and no default: pass {' or '.join(ways)}"


def fill_keys(table: Table, instance: Model) -> None:
    """Copy the keys of objects referred to (`Post(author=user)`) that have been inserted since.

    Raises MissingValue for one that has none yet: NULL in its place would lose the reference.
    """
    for relationship in table.owned:
        target = getattr(instance, relationship.slot, None)
        if target is None:
            continue
        copy_key(relationship, instance, target)
        if not all(hasattr(instance, column.slot) for column in relationship.local):
            raise MissingValue(
                f"the object given as {relationship.label} has no key yet: insert it first, or "
                f"together with this one"
            )


async def insert_one(executor: Executor, instance: Model) -> None:
    """Insert the object; what PostgreSQL filled in comes back onto it."""
    table = table_of(type(instance))
    fill_keys(table, instance)
    given = given_columns(table, instance)
    rows = await insert_for(table, given).fetch(executor, values_given(given, instance))
    receive([instance], rows, returned_columns(table, given))
    if executor.identity is not None:
        executor.identity.hold([instance])


def insert_for(table: Table, given: Sequence[AnyColumn]) -> Statement:
    """Return the INSERT of one row with these columns."""
    key = ("insert", table, tuple([column.key for column in given]))
    return statement_for(key, lambda: write_insert(table, given))


def values_given(given: Sequence[AnyColumn], instance: Model) -> list[object]:
    """Return the object's values of these columns, as the driver takes them."""
    return [column.encode(getattr(instance, column.slot)) for column in given]


async def insert_many(executor: Executor, table: Table, instances: Sequence[Model]) -> None:
    """Insert objects of one model, all with the same columns given, by one statement a chunk.

    Every object gets the values of its own row: the rows go in, and so come back, in order.
    """
    given = given_columns(table, instances[0])
    if not given or not table.is_insertable_by_array:
        values = [values_given(given, instance) for instance in instances]
        rows = await insert_for(table, given).fetch_many(executor, values)
        receive(instances, rows, returned_columns(table, given))
        if executor.identity is not None:
            executor.identity.hold(instances)
        return
    statement = statement_for(
        ("insert all", table, tuple([column.key for column in given])),
        lambda: write_insert_all(table, given),
    )
    for start in range(0, len(instances), CHUNK):
        chunk = instances[start : start + CHUNK]
        rows = await statement.fetch(executor, [array_of(column, chunk) for column in given])
        receive(chunk, rows, returned_columns(table, given))
    if executor.identity is not None:
        executor.identity.hold(instances)


def array_of(column: AnyColumn, instances: Iterable[Model]) -> list[object]:
    """Return the column's values of all the objects, as one array parameter."""
    return column.encode_many(map(attrgetter(column.slot), instances))


def by_columns_given(
    table: Table, instances: Iterable[Model]
) -> dict[tuple[AnyColumn, ...], list[Model]]:
    """Group objects by the columns that they have values for, in order of appearance."""
    groups: dict[tuple[Hashable, ...], tuple[tuple[AnyColumn, ...], list[Model]]] = {}
    for instance in instances:
        fill_keys(table, instance)
        given = given_columns(table, instance)
        key = tuple([column.key for column in given])
        groups.setdefault(key, (given, []))[1].append(instance)
    return dict(groups.values())


def returned_columns(table: Table, given: Sequence[AnyColumn]) -> tuple[AnyColumn, ...]:
    """Return the columns that an INSERT without them gets from PostgreSQL."""
    keys = {column.key for column in given}
    return tuple(column for column in table.columns if column.key not in keys)


def write_insert(table: Table, given: Sequence[AnyColumn]) -> Statement:
    """Return the INSERT of one row with these columns."""
    scope = Scope()
    names = ", ".join(column.quoted for column in given)
    values = ", ".join(column.placeholder(scope.bind(column)) for column in given)
    row = f"({names}) VALUES ({values})" if given else "DEFAULT VALUES"
    sql = f"INSERT INTO {table.sql} {row}{returning(returned_columns(table, given))}"
    return Statement(sql, tuple(scope.parameters))


def write_insert_all(table: Table, given: Sequence[AnyColumn]) -> Statement:
    """Return the INSERT of any number of rows, one array parameter for each column."""
    scope = Scope()
    names = ", ".join(column.quoted for column in given)
    arrays = ", ".join(f"{scope.bind(column)}::{column.carrier}[]" for column in given)
    carried = ", ".join(
        column.quoted if column.carrier == column.cast else f"{column.quoted}::{column.cast}"
        for column in given
    )
    sql = (
        f"INSERT INTO {table.sql} ({names}) "
        f"SELECT {carried} FROM unnest({arrays}) WITH ORDINALITY AS given ({names}, ordinality) "
        f"ORDER BY ordinality{returning(returned_columns(table, given))}"
    )
    return Statement(sql, tuple(scope.parameters))


def returning(columns: Sequence[AnyColumn]) -> str:
    """Return the RETURNING clause for these columns; nothing for none."""
    texts = [column.selected(column.quoted) for column in columns]
    return f" RETURNING {', '.join(texts)}" if texts else ""


def receive(instances: Sequence[Model], rows: Sequence[Any], columns: Sequence[AnyColumn]) -> None:
    """Set the columns that came back, row by row."""
    slots = [(column.slot, column) for column in columns]
    for instance, row in zip(instances, rows, strict=False):
        for (slot, column), value in zip(slots, row, strict=True):
            setattr(instance, slot, column.decode(value))


def changes_for(table: Table, values: Mapping[str, object]) -> list[tuple[AnyColumn, object]]:
    """Return what an UPDATE with these keywords assigns, version and updated_at included."""
    if not values:
        raise UsageError(f"{table.label}: update needs at least one column=value")
    changes: list[tuple[AnyColumn, object]] = []
    for name, value in values.items():
        column = table.by_name.get(name)
        if column is None:
            raise UnknownName(
                f"{table.label} has no column {name!r}: {did_you_mean(name, table.by_name)}"
            )
        if column.is_generated:
            raise UsageError(f"{column.label} is filled in by PostgreSQL and cannot be assigned")
        changes.append((column, column.encode(value)))
    if table.updated_at is None and table.version is None:
        return changes
    assigned = {column.key for column, _ in changes}
    if table.updated_at is not None and table.updated_at.key not in assigned:
        changes.append((table.updated_at, NOW))
    if table.version is not None and table.version.key not in assigned:
        changes.append((table.version, table.version + 1))
    return changes


def values_of(changes: Iterable[tuple[AnyColumn, object]]) -> list[object]:
    """Return what the assignments bind, in the order of their text."""
    bound: list[object] = []
    for _, value in changes:
        bound.extend(value.values if isinstance(value, Expression) else (value,))
    return bound


class Now(Expression[Any, Any, Any]):
    """The time at which the transaction began, now()."""

    __slots__ = ()

    def __init__(self) -> None:
        self.key = "now()"
        self.values = ()
        self.type = "timestamptz"

    def sql(self, scope: Scope) -> str:
        return "now()"


NOW = Now()


async def update_one(executor: Executor, instance: Model, values: Mapping[str, object]) -> None:
    """Write the named columns of one object, and set them on it once that has succeeded."""
    table = table_of(type(instance))
    if any(isinstance(value, Expression) for value in values.values()):
        await executor.settle()
    await update_row(executor, table, instance, values, identity_of(table, instance))
    drop_outdated(table, instance, values)


async def update_row(
    executor: Executor,
    table: Table,
    instance: Model,
    values: Mapping[str, object],
    identity: Sequence[object],
) -> None:
    """Write the named columns of an object to the row with this key and version."""
    changes = changes_for(table, values)
    key = tuple([(c.key, v.key if isinstance(v, Expression) else None) for c, v in changes])
    statement = statement_for(("update one", table, key), lambda: write_update(table, changes))
    rows = await executor.fetch(statement, [*values_of(changes), *identity])
    if not rows:
        raise StaleObject(stale(table, "update"))
    computed = computed_columns(table, changes)
    receive([instance], rows, computed)
    for column, value in changes:
        if not isinstance(value, Expression):
            setattr(instance, column.slot, values[column.slot])
    if executor.identity is not None:
        written = [*(column for column, _ in changes), *computed]
        executor.identity.wrote(instance, identity[: len(table.primary_key)], written)


def computed_columns(
    table: Table, changes: Sequence[tuple[AnyColumn, object]]
) -> tuple[AnyColumn, ...]:
    """Return the columns whose new value only PostgreSQL knows, and at least one."""
    computed = [column for column, value in changes if isinstance(value, Expression)]
    computed += table.computed
    return tuple(computed) or (table.primary_key[0],)


def write_update(table: Table, changes: Sequence[tuple[AnyColumn, object]]) -> Statement:
    """Return the UPDATE of one row, found by its key and, where there is one, its version."""
    scope = Scope(table)
    sql = (
        f"UPDATE {table.sql} SET {assignments(changes, scope)} WHERE {same_row(table, scope)}"
        f"{returning(computed_columns(table, changes))}"
    )
    return Statement(sql, tuple(scope.parameters))


async def mark_deleted(executor: Executor, instance: Model, *, is_deleted: bool) -> None:
    """Set or clear the time at which the object was deleted; UsageError without such a column."""
    table = table_of(type(instance))
    column = table.soft_delete
    if column is None:
        raise UsageError(
            f"{table.label} has no column for soft deletes: add the mixin soft_delete to its "
            f"schema, or take remove()"
        )
    await update_one(executor, instance, {column.slot: NOW if is_deleted else None})


async def delete_one(executor: Executor, instance: Model) -> None:
    """Delete the object's row for good; raises StaleObject where it is gone or has changed."""
    table = table_of(type(instance))
    statement = statement_for(("delete one", table), lambda: write_delete(table))
    identity = identity_of(table, instance)
    _, count = await statement.run(executor, identity)
    if not count:
        raise StaleObject(stale(table, "delete"))
    if executor.identity is not None:
        executor.identity.forget(table, identity[: len(table.primary_key)])


def write_delete(table: Table) -> Statement:
    """Return the DELETE of one row, found by its key and, where there is one, its version."""
    scope = Scope(table)
    return Statement(
        f"DELETE FROM {table.sql} WHERE {same_row(table, scope)}", tuple(scope.parameters)
    )


def same_row(table: Table, scope: Scope) -> str:
    """Return the condition that finds one row as it was read."""
    return " AND ".join(f"{column.quoted} = {scope.bind(column)}" for column in table.identity)


def identity_of(table: Table, instance: Model) -> list[object]:
    """Return the values that `same_row` binds; UsageError for an object that was never saved."""
    try:
        return [getattr(instance, column.slot) for column in table.identity]
    except AttributeError:
        raise UsageError(
            f"this {table.label} has no {table.identity[0].slot} yet: insert it first"
        ) from None


def stale(table: Table, what: str) -> str:
    """Return the message for a row that was not there to be written."""
    if table.version is None:
        return f"no row to {what}: this {table.label} is no longer in the database"
    return (
        f"no row to {what}: this {table.label} was changed or deleted since it was read; "
        f"read it again and repeat the change"
    )
