"""Inserting: INSERT statements of one row and of many, and what comes back onto the objects."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from .batches import Batch, fill_keys, given_columns
from .columns import Column
from .compiler import KEY
from .matching import set_all
from .scope import Scope
from .statement import Executor, Statement, statement_for
from .table import Table, table_of

if TYPE_CHECKING:
    from .model import Model

AnyColumn = Column[Any, Any, Any]


async def insert_one(executor: Executor, instance: Model) -> None:
    """Insert the object; what PostgreSQL filled in comes back onto it."""
    table = table_of(type(instance))
    if table.owned:
        fill_keys(table, instance)
    given = given_columns(table, instance)
    statement = insert_for(table, given)
    rows = await executor.fetch(statement, values_given(given, instance))
    receive([instance], rows, statement.returned)
    if executor.identity is not None:
        executor.identity.hold([instance])


def insert_for(table: Table, given: Sequence[AnyColumn]) -> Statement:
    """Return the INSERT of one row with these columns."""
    key = ("insert", table, tuple(map(KEY, given)))
    return statement_for(key, lambda: write_insert(table, given))


def values_given(given: Sequence[AnyColumn], instance: Model) -> list[object]:
    """Return the object's values of these columns, as the driver takes them."""
    return [column.encode(getattr(instance, column.slot)) for column in given]


async def insert_many(executor: Executor, table: Table, batch: Batch) -> None:
    """Insert a batch of objects, all or none.

    Every object gets the values of its own row: the rows go in, and so come back, in order.
    """
    if not batch.given or not table.is_insertable_by_array:
        statement = insert_for(table, batch.given)
        rows = await statement.fetch_many(executor, batch.rows())
    else:
        key = ("insert all", table, tuple(map(KEY, batch.given)))
        statement = statement_for(key, lambda: write_insert_all(table, batch.given))
        rows = await batch.send_arrays(executor, statement)
    receive(batch.instances, rows, statement.returned)
    if executor.identity is not None:
        executor.identity.hold(batch.instances)


def returned_columns(table: Table, given: Sequence[AnyColumn]) -> tuple[AnyColumn, ...]:
    """Return the columns that an INSERT without them gets from PostgreSQL."""
    keys = {column.key for column in given}
    return tuple(column for column in table.columns if column.key not in keys)


def write_insert(table: Table, given: Sequence[AnyColumn]) -> Statement:
    """Return the INSERT of one row with these columns."""
    scope = Scope()
    returned = returned_columns(table, given)
    sql = insert_of_values(table, given, scope) + returning(returned)
    return Statement(sql, tuple(scope.parameters), returned)


def insert_of_values(table: Table, given: Sequence[AnyColumn], scope: Scope) -> str:
    """Return the text of an INSERT of one row."""
    names = ", ".join(column.quoted for column in given)
    values = ", ".join(column.placeholder(scope.bind(column)) for column in given)
    row = f"({names}) VALUES ({values})" if given else "DEFAULT VALUES"
    return f"INSERT INTO {table.sql} {row}"


def write_insert_all(table: Table, given: Sequence[AnyColumn]) -> Statement:
    """Return the INSERT of any number of rows, one array parameter for each column."""
    scope = Scope()
    returned = returned_columns(table, given)
    sql = insert_of_arrays(table, given, scope) + returning(returned)
    return Statement(sql, tuple(scope.parameters), returned)


def insert_of_arrays(table: Table, given: Sequence[AnyColumn], scope: Scope) -> str:
    """Return the text of an INSERT whose rows come from arrays, in their order.

    Functions in the list of what is selected go on in step, row by row; in FROM, each would be
    stored whole before the first row is made.
    """
    parameters = [f"{scope.bind(column)}::{column.carrier}[]" for column in given]
    arrays = ", ".join(
        f"unnest({parameter}) AS {column.quoted}"
        for column, parameter in zip(given, parameters, strict=True)
    )
    carried = ", ".join(
        column.quoted if column.carrier == column.cast else f"{column.quoted}::{column.cast}"
        for column in given
    )
    place = "place"
    while any(column.name == place for column in given):
        place += "_"
    return (
        f"INSERT INTO {table.sql} ({', '.join(column.quoted for column in given)}) "
        f"SELECT {carried} "
        f"FROM (SELECT {arrays}, generate_subscripts({parameters[0]}, 1) AS {place}) AS given "
        f"ORDER BY {place}"
    )


def returning(columns: Sequence[AnyColumn]) -> str:
    """Return the RETURNING clause for these columns; nothing for none."""
    texts = [column.selected(column.quoted) for column in columns]
    return f" RETURNING {', '.join(texts)}" if texts else ""


def receive(instances: Sequence[Model], rows: Sequence[Any], columns: Sequence[AnyColumn]) -> None:
    """Set the columns that came back, a row for each object."""
    if len(rows) == 1:
        for column, value in zip(columns, rows[0], strict=True):
            setattr(instances[0], column.slot, value if column.is_plain else column.decode(value))
        return
    for place, column in enumerate(columns):
        values: Iterable[Any] = map(itemgetter(place), rows)
        if not column.is_plain:
            values = map(column.decode, values)
        set_all(instances, column.slot, values)
