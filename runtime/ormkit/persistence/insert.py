"""INSERT of one object and of many, with RETURNING for the values that PostgreSQL fills in."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from ..driver.commit import send_commit
from ..models.bulk_attributes import set_attributes
from ..models.columns import AnyColumn
from ..models.given_columns import mark_inserted, mark_known
from ..models.table import Table, table_of
from ..postgres.values import Record
from ..sql.context import Scope
from ..statements.executor import Executor, OneConnection
from ..statements.select import KEY
from ..statements.shape_name import ShapeName
from ..statements.statement import Statement, statement_for
from ..statements.table_facts import TableFacts, by_facts
from .batches import Batch, fill_keys, held_columns
from .numbering import (
    NumberedInsert,
    cast_values,
    check_stored,
    in_object_order,
    key_types,
    rows_given,
    write_merge,
)

if TYPE_CHECKING:
    from ..driver.connection import Connection
    from ..models.model import Model


async def insert_one(executor: Executor, instance: Model) -> None:
    """Insert the object, and set the values on it that PostgreSQL filled in."""
    table = table_of(type(instance))
    if table.hooks is not None:
        table.hooks.before_inserts((instance,))
    if table.owned:
        fill_keys(table, instance)
    given = held_columns(table, instance)
    statement = insert_for(table, given)
    if executor.json is None:
        bound, changed = values_given(given, instance)
    else:
        bound, changed = executor.with_json(values_given, given, instance)
    rows = await executor.run(statement, bound)
    if not rows and statement.returned:
        check_stored(table, 0, 1)
    for slot, value in changed.items():
        setattr(instance, slot, value)
    receive([instance], rows, statement.returned)
    # An object that was read has no record of given columns.
    if statement.returned and getattr(instance, "__given__", None) is not None:
        mark_inserted([instance], statement.returned, rows)
    if changed:
        mark_known([instance], [table.by_name[slot] for slot in changed])
    if executor.identity is not None:
        executor.identity.hold([instance])
    if table.hooks is not None:
        table.hooks.after_inserts((instance,))


def insert_for(table: Table, given: Sequence[AnyColumn]) -> Statement:
    """Return the INSERT of one row with these columns."""
    key = ("insert", table, tuple(map(KEY, given)))
    return statement_for(key, lambda: write_insert(table, given))


def values_given(
    given: Sequence[AnyColumn], instance: Model
) -> tuple[list[object], dict[str, object]]:
    """Return the object's encoded values of these columns.

    The second part holds the stored values of attributes that differ from them, by slot.
    """
    bound: list[object] = []
    changed: dict[str, object] = {}
    for column in given:
        value: Any = getattr(instance, column.slot)
        if value is not None and type(value) is not column.kept:
            stored = column.stored(value)
            if stored is not value:
                changed[column.slot] = stored
            value = column.encode(stored) if column.is_coded else stored
        bound.append(value)
    return bound, changed


async def insert_many(executor: Executor, table: Table, batch: Batch) -> None:
    """Insert a batch of objects, all or none.

    Each object gets the values of its own row, whatever the order of RETURNING.
    """
    returned = returned_columns(table, batch.given)
    if len(batch.instances) == 1:
        statement = insert_for(table, batch.given)
        rows = await executor.run(statement, batch.rows()[0])
        if returned:
            check_stored(table, len(rows), 1)
    elif returned:
        rows = await executor.use(partial(insert_numbered, table, batch))
    else:
        rows = await insert_unnumbered(executor, table, batch)
    changed = batch.keep_stored()
    receive(batch.instances, rows, returned)
    mark_inserted(batch.instances, returned, rows)
    mark_known(batch.instances, changed)
    if executor.identity is not None:
        executor.identity.hold(batch.instances)


async def insert_unnumbered(executor: Executor, table: Table, batch: Batch) -> list[Record]:
    """Insert a batch without RETURNING."""
    if table.is_insertable_by_array:
        key = ("insert all", table, tuple(map(KEY, batch.given)))
        statement = statement_for(key, lambda: write_insert_all(table, batch.given))
        return await batch.send_arrays(executor, statement)
    return await executor.run_many(insert_for(table, batch.given), batch.rows())


async def insert_numbered(table: Table, batch: Batch, connection: Connection) -> list[Record]:
    """Insert a batch, and return its rows in the order of the objects."""
    return await by_facts(connection, table, partial(send_numbered, table, batch, connection))


async def send_numbered(
    table: Table, batch: Batch, connection: Connection, facts: TableFacts
) -> list[Record]:
    """Insert a batch; in a transaction of its own where a trigger may drop rows."""
    statement, is_by_array = numbered_insert(table, batch.given, facts)
    is_alone = facts.may_keep_rows_out and not connection.in_transaction
    if is_alone:
        await connection.script("BEGIN")
    send = batch.send_arrays if is_by_array else batch.send_rows
    rows = await send(OneConnection(connection), statement)
    rows = in_object_order(table, rows, len(batch.instances))
    if is_alone:
        await send_commit(connection)
    return rows


def numbered_insert(
    table: Table, given: Sequence[AnyColumn], facts: TableFacts
) -> tuple[Statement, bool]:
    """Return an INSERT that returns the position of each row's object, and whether it takes arrays.

    MERGE is the first choice, then matching by primary key, then one INSERT for each object.
    """
    keys = tuple(map(KEY, given))
    if table.is_insertable_by_array and given:
        if facts.is_numbered_by_merge:
            key: Hashable = ("insert by merge", table, keys)
            return statement_for(key, lambda: write_by_merge(table, given)), True
        if (made := key_defaults(table, given, facts)) is not None:
            types = key_types(table.primary_key, facts)
            key = ("insert by key", table, keys, tuple(made.items()), types)
            return statement_for(key, lambda: write_by_key(table, given, made, types)), True
    key = ("insert by row", table, keys)
    return statement_for(key, lambda: write_insert(table, given, is_numbered=True)), False


def key_defaults(
    table: Table, given: Sequence[AnyColumn], facts: TableFacts
) -> dict[str, str] | None:
    """Return the SQL of the default for each primary key column without a value.

    None where a default is not known, or where a trigger may change the key.
    """
    names = [column.name for column in table.primary_key]
    if not facts.tells_apart(names):
        return None
    there = {column.name for column in given}
    lacking = [name for name in names if name not in there]
    defaults = facts.defaults
    if not all(name in defaults for name in lacking):
        return None
    return {name: f"({defaults[name]})::{facts.types[name]}" for name in lacking}


def returned_columns(table: Table, given: Sequence[AnyColumn]) -> tuple[AnyColumn, ...]:
    """Return the columns whose stored values only PostgreSQL knows, for RETURNING."""
    keys = {column.key for column in given if not column.is_rewritten}
    return tuple(column for column in table.columns if column.key not in keys)


def write_insert(
    table: Table, given: Sequence[AnyColumn], *, is_numbered: bool = False
) -> Statement:
    """Return the INSERT of one row with these columns.

    is_numbered: the last parameter, a position, is returned after the other values.
    """
    scope = Scope()
    returned = returned_columns(table, given)
    sql = insert_of_values(table, given, scope) + returning(returned)
    if is_numbered:
        sql += f", {scope.bind(None)}::integer"
    return Statement.of(scope, sql, ShapeName.of(table, "insert"), returned)


def insert_of_values(table: Table, given: Sequence[AnyColumn], scope: Scope) -> str:
    """Return the text of an INSERT of one row."""
    scope.tables.add(table.sql)
    names = ", ".join(column.quoted for column in given)
    values = ", ".join(column.placeholder(scope.bind(column)) for column in given)
    row = f"({names}) VALUES ({values})" if given else "DEFAULT VALUES"
    return f"INSERT INTO {table.written} {row}"


def write_insert_all(table: Table, given: Sequence[AnyColumn]) -> Statement:
    """Return the INSERT of any number of rows, one array parameter for each column."""
    scope = Scope()
    scope.tables.add(table.sql)
    name = scope.take("given")
    source = rows_given(given, scope)
    sql = (
        f"INSERT INTO {table.written} ({', '.join(column.quoted for column in given)}) "
        f"SELECT {', '.join(cast_values(given, name))} FROM ({source}) AS {name} ORDER BY place"
    )
    return Statement.of(scope, sql, ShapeName.of(table, "insert_all"))


def write_by_merge(table: Table, given: Sequence[AnyColumn]) -> Statement:
    """Return the MERGE that inserts rows, and returns the columns that PostgreSQL fills in."""
    return write_merge(table, given, returned_columns(table, given))


def write_by_key(
    table: Table, given: Sequence[AnyColumn], made: Mapping[str, str], types: Sequence[str]
) -> Statement:
    """Return the INSERT of rows whose primary keys are given or computed beforehand."""
    scope = Scope(table)
    returned = returned_columns(table, given)
    numbered = NumberedInsert(table, given, returned, table.primary_key, types, made)
    shape = ShapeName.of(table, "insert_all")
    return Statement.of(scope, numbered.sql(scope), shape, returned)


def returning(columns: Sequence[AnyColumn]) -> str:
    """Return the RETURNING clause for these columns; empty without columns."""
    texts = [column.selected(column.quoted) for column in columns]
    return f" RETURNING {', '.join(texts)}" if texts else ""


def receive(instances: Sequence[Model], rows: Sequence[Any], columns: Sequence[AnyColumn]) -> None:
    """Set the returned columns on the objects, from one row for each."""
    if len(rows) == 1:
        for column, value in zip(columns, rows[0], strict=True):
            setattr(instances[0], column.slot, value if column.is_plain else column.decode(value))
        return
    for place, column in enumerate(columns):
        values: Iterable[Any] = map(itemgetter(place), rows)
        if not column.is_plain:
            values = map(column.decode, values)
        set_attributes(instances, column.slot, values)
