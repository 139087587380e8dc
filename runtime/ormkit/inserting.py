"""Inserting: INSERT statements of one row and of many, and what comes back onto the objects."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable, Sequence
from itertools import repeat
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any

from .columns import Column
from .errors import MissingValue
from .matching import set_all
from .relationships import copy_key
from .scope import Scope
from .statement import Executor, Statement, statement_for
from .table import Table, table_of
from .values import Record

if TYPE_CHECKING:
    from .model import Model

AnyColumn = Column[Any, Any, Any]

#: How many rows one INSERT carries. Several go out together: while the server stores one chunk, the
#: next is made ready, and all of them are one transaction.
CHUNK = 500


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
    key = ("insert", table, tuple([column.key for column in given]))
    return statement_for(key, lambda: write_insert(table, given))


def values_given(given: Sequence[AnyColumn], instance: Model) -> list[object]:
    """Return the object's values of these columns, as the driver takes them."""
    return [column.encode(getattr(instance, column.slot)) for column in given]


async def insert_many(
    executor: Executor, table: Table, given: Sequence[AnyColumn], instances: Sequence[Model]
) -> None:
    """Insert objects of one model that have values for these columns, all or none.

    Every object gets the values of its own row: the rows go in, and so come back, in order.
    """
    if not given or not table.is_insertable_by_array:
        statement = insert_for(table, given)
        values = [values_given(given, instance) for instance in instances]
        rows = await statement.fetch_many(executor, values)
        receive(instances, rows, statement.returned)
    else:
        key = ("insert all", table, tuple([column.key for column in given]))
        statement = statement_for(key, lambda: write_insert_all(table, given))
        rows = await send_arrays(executor, statement, given, instances)
        receive(instances, rows, statement.returned)
    if executor.identity is not None:
        executor.identity.hold(instances)


async def send_arrays(
    executor: Executor,
    statement: Statement,
    columns: Sequence[AnyColumn],
    instances: Sequence[Model],
) -> list[Record]:
    """Run a statement that takes an array of each column's values; return all its rows."""
    if len(instances) <= CHUNK:
        return await executor.fetch(statement, arrays_of(columns, instances))
    return await statement.fetch_many(executor, Chunks(columns, instances))


class Chunks(Sequence[list[object]]):
    """The parameters for each chunk of objects, made when they are about to be sent."""

    def __init__(self, columns: Sequence[AnyColumn], instances: Sequence[Model]) -> None:
        self._columns = columns
        self._instances = instances

    def __len__(self) -> int:
        return -(-len(self._instances) // CHUNK)

    def __getitem__(self, place: Any) -> Any:
        if not 0 <= place < len(self):
            raise IndexError(place)
        start = place * CHUNK
        return arrays_of(self._columns, self._instances[start : start + CHUNK])


def arrays_of(columns: Iterable[AnyColumn], instances: Sequence[Model]) -> list[object]:
    """Return the objects' values of each column as one array parameter."""
    return [each.encode_many(map(attrgetter(each.slot), instances)) for each in columns]


def by_columns_given(
    table: Table, instances: Sequence[Model]
) -> dict[tuple[AnyColumn, ...], list[Model]]:
    """Group objects by the columns that they have values for, in order of appearance."""
    if any(any(map(hasattr, instances, repeat(each.slot))) for each in table.owned):
        for instance in instances:
            fill_keys(table, instance)
    if (given := given_to_all(table, instances)) is not None:
        return {given: list(instances)}
    groups: dict[tuple[Hashable, ...], tuple[tuple[AnyColumn, ...], list[Model]]] = {}
    for instance in instances:
        given = given_columns(table, instance)
        key = tuple([column.key for column in given])
        groups.setdefault(key, (given, []))[1].append(instance)
    return dict(groups.values())


def given_to_all(table: Table, instances: Sequence[Model]) -> tuple[AnyColumn, ...] | None:
    """Return the columns that each of the objects has a value for; None where they differ.

    Objects by the thousand are looked at by iterators of C, column by column.
    """
    given = given_columns(table, instances[0])
    if given:
        try:
            deque(map(attrgetter(*[column.slot for column in given]), instances), maxlen=0)
        except AttributeError:
            return None
    keys = {column.key for column in given}
    for column in table.columns:
        is_left_out = column.key not in keys and not column.is_generated
        if is_left_out and any(map(hasattr, instances, repeat(column.slot))):
            return None
    return given


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
    """Return the text of an INSERT whose rows come from arrays, in their order."""
    names = ", ".join(column.quoted for column in given)
    arrays = [f"{scope.bind(column)}::{column.carrier}[]" for column in given]
    carried = ", ".join(
        column.quoted if column.carrier == column.cast else f"{column.quoted}::{column.cast}"
        for column in given
    )
    return (
        f"INSERT INTO {table.sql} ({names}) "
        f"SELECT {carried} "
        f"FROM unnest({', '.join(arrays)}) WITH ORDINALITY AS given ({names}, ordinality) "
        f"{guarded('WHERE', given, arrays)}ORDER BY ordinality"
    )


def guarded(word: str, columns: Sequence[AnyColumn], arrays: Sequence[str]) -> str:
    """Return the condition that no array has a list among its values, behind this word.

    To the driver such a list is one more dimension, and unnest makes a row of each of its elements.
    It is looked at once a statement, which it fails, and not once a row.
    """
    pairs = zip(columns, arrays, strict=False)
    flat = [f"array_ndims({array}) = 1" for column, array in pairs if column.may_nest]
    return f"{word} 1 / ({' AND '.join(flat)})::integer = 1 " if flat else ""


def returning(columns: Sequence[AnyColumn]) -> str:
    """Return the RETURNING clause for these columns; nothing for none."""
    texts = [column.selected(column.quoted) for column in columns]
    return f" RETURNING {', '.join(texts)}" if texts else ""


def receive(instances: Sequence[Model], rows: Sequence[Any], columns: Sequence[AnyColumn]) -> None:
    """Set the columns that came back, a row for each object."""
    if len(rows) == 1:
        for column, value in zip(columns, rows[0], strict=True):
            setattr(instances[0], column.slot, column.decode(value))
        return
    for place, column in enumerate(columns):
        values: Iterable[Any] = map(itemgetter(place), rows)
        if not column.is_plain:
            values = map(column.decode, values)
        set_all(instances, column.slot, values)
