"""Upserts: INSERT ... ON CONFLICT DO UPDATE, of one object and of many."""

from __future__ import annotations

import copy
from collections.abc import Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from ..errors import (
    MissingValue,
    StaleObject,
    StatementError,
    UsageError,
)
from ..models.columns import AnyColumn
from ..models.given_columns import given_by_all, mark_known
from ..models.hashable_keys import hashable
from ..models.table import Table, table_of
from ..postgres.values import Record
from ..sql.context import Scope
from ..statements.executor import Executor, OneConnection
from ..statements.shape_name import ShapeName
from ..statements.statement import Statement, statement_for
from ..statements.table_facts import TableFacts, by_facts
from .batches import Batch, batches_of, changed_columns, check_once, not_given, parts_of
from .insert import insert_of_values, receive, returning
from .named_columns import Names, assignable_columns, named_columns
from .numbering import NumberedInsert, in_object_order, key_types

if TYPE_CHECKING:
    from ..driver.connection import Connection
    from ..models.model import Model
    from ..statements.executor import ObjectMap


#: The SQLSTATE of ON CONFLICT on columns without a unique constraint.
NO_CONSTRAINT = "42P10"


async def send_upserts(executor: Executor, upserts: Sequence[tuple[Upsert, Batch]]) -> None:
    """Insert the objects or update their rows, and set all columns of the rows on them.

    One statement writes up to 500 objects, or one where rows cannot be matched to objects. The
    statements of a batch are pipelined in one transaction. For several batches the caller opens a
    transaction around them.
    """
    # Dirty columns are flushed first, or the returned rows would overwrite them.
    await executor.flush_pending()
    for upsert, batch in upserts:
        await send_upsert(executor, upsert, batch)
    for upsert, batch in upserts:
        if upsert.table.hooks is not None:
            upsert.table.hooks.after_inserts(batch.instances)


async def send_upsert(executor: Executor, upsert: Upsert, batch: Batch) -> None:
    """Upsert one batch; each object gets the values of its own row."""
    table, instances = upsert.table, batch.instances
    try:
        if len(instances) == 1:
            rows = await executor.run(upsert.of_one(), batch.rows()[0])
        else:
            rows = await executor.use(partial(upsert_numbered, upsert, batch))
    except StatementError as error:
        if error.sqlstate != NO_CONSTRAINT:
            raise
        raise unmatched(table, upsert.target, error) from None
    if not rows:
        raise StaleObject(gone(table))
    receive(instances, rows, table.columns)
    given = set(keys_of(upsert.changed))
    mark_known(instances, tuple([each for each in table.columns if each.key not in given]))
    if executor.identity is not None:
        executor.identity.hold(instances)


def upserts_of(
    instances: Sequence[Model],
    conflict_target: Names | None,
    update_fields: Names | None,
    identity: ObjectMap | None,
) -> list[tuple[Upsert, Batch]]:
    """Return an upsert for each set of given columns, with its batch of objects."""
    table = table_of(type(instances[0]))
    if any(type(each) is not type(instances[0]) for each in instances):
        raise UsageError("upsert_all takes objects of one model at a time")
    check_once("upsert_all", instances)
    target = table.primary_key
    if conflict_target is not None:
        target = named_columns(table, conflict_target) or target
    if table.hooks is not None:
        table.hooks.before_inserts(instances)
    batches = batches_of(table, instances)
    for batch in batches:
        check_target(target, batch.given)
    check_distinct(table, target, batches)
    wanted = UpsertSpec(table, update_fields, fixed=(*target, *table.identity))
    upserts = [
        (Upsert(table, part.given, target, changed), part)
        for batch in batches
        for changed, part in wanted.parts_of(batch, identity)
    ]
    wanted.check_found()
    return upserts


class UpsertSpec:
    """The columns that an upsert updates: those that the objects give, or the named ones of them.

    fixed: the columns that identify rows, which are not updated unless they are named.
    """

    def __init__(self, table: Table, names: Names | None, *, fixed: Sequence[AnyColumn]) -> None:
        self._table = table
        self._named = None if names is None else assignable_columns(table, names)
        self._fixed = frozenset(keys_of(fixed))
        self._found: set[object] = set()

    def parts_of(
        self, batch: Batch, identity: ObjectMap | None
    ) -> list[tuple[tuple[AnyColumn, ...], Batch]]:
        """Split a batch by the columns to update."""
        given = given_by_all(self._table, batch.given, batch.held, batch.instances)
        if given is not None:
            return [(self._chosen(given), batch)]
        return parts_of(batch, lambda each: self._columns_of(each, identity))

    def _columns_of(self, instance: Model, identity: ObjectMap | None) -> tuple[AnyColumn, ...]:
        return self._chosen(changed_columns(self._table, instance, self._named, identity))

    def _chosen(self, given: Sequence[AnyColumn]) -> tuple[AnyColumn, ...]:
        """Return the columns to update, out of those that objects give."""
        if self._named is None:
            return tuple([each for each in given if each.key not in self._fixed])
        held = set(keys_of(given))
        self._found |= held
        return tuple([each for each in self._named if each.key in held])

    def check_found(self) -> None:
        """Raise MissingValue for a named column that no object gives.

        Its default would overwrite the rows.
        """
        for column in self._named or ():
            if column.key not in self._found:
                raise not_given("update_fields", column)


async def upsert_numbered(upsert: Upsert, batch: Batch, connection: Connection) -> list[Record]:
    """Upsert a batch, and return its rows in the order of the objects."""
    return await by_facts(connection, upsert.table, partial(upsert.send, batch, connection))


def gone(table: Table) -> str:
    """Return the message for a row that was not returned."""
    return f"a {table.label} was deleted while it was being upserted; try again"


def unmatched(table: Table, target: Sequence[AnyColumn], error: StatementError) -> StatementError:
    """Return the error for a conflict target without a unique constraint."""
    names = ", ".join(column.slot for column in target)
    better = copy.copy(error)
    better.args = (
        f"upsert: nothing in the database makes ({names}) of {table.label} unique: name the "
        f"columns of a unique constraint in conflict_target, or add one to the schema",
    )
    return better


def check_target(target: Sequence[AnyColumn], given: Sequence[AnyColumn]) -> None:
    """Raise MissingValue where objects have no value for a column of the conflict target."""
    for column in target:
        if column.key not in keys_of(given):
            raise MissingValue(
                f"upsert: {column.label} identifies the row and has no value: give it one, or "
                "name other columns in conflict_target"
            )


def check_distinct(table: Table, target: Sequence[AnyColumn], batches: Sequence[Batch]) -> None:
    """Raise UsageError where two objects have the same conflict target."""
    if len(batches) == 1 and len(batches[0].instances) == 1:
        return
    keys: list[tuple[object, ...]] = []
    for batch in batches:
        by_column = dict(zip(keys_of(batch.given), batch.values, strict=True))
        columns = [comparable(each, by_column[each.key]) for each in target]
        keys += zip(*columns, strict=True)
    # For unhashable values the server raises the error: it does not update a row twice.
    with suppress(TypeError):
        if len({key for key in keys if None not in key}) < sum(None not in key for key in keys):
            names = ", ".join(column.slot for column in target)
            raise UsageError(
                f"upsert_all: two {table.label} objects have the same {names}, which "
                "identifies the row: leave one of them out"
            )


def comparable(column: AnyColumn, values: list[Any]) -> list[Any]:
    """Return values of a column in a form in which Python compares them."""
    return list(map(hashable, values)) if column.is_json else column.encode_each(values)


def keys_of(columns: Sequence[AnyColumn]) -> tuple[object, ...]:
    """Return the keys of columns, by which they can be compared."""
    return tuple([column.key for column in columns])


@dataclass(frozen=True, slots=True)
class Upsert:
    """An INSERT ... ON CONFLICT DO UPDATE that returns every row.

    DO NOTHING would return no existing row. Without columns to update, a column is assigned to
    itself.
    """

    table: Table
    given: Sequence[AnyColumn]
    target: Sequence[AnyColumn]
    #: The columns that are updated in an existing row.
    changed: Sequence[AnyColumn]

    def of_one(self, *, is_numbered: bool = False) -> Statement:
        """Return the statement for one row.

        is_numbered: the last parameter, a position, is returned after the columns.
        """
        key = self._key("one" if not is_numbered else "one, numbered")
        return statement_for(key, lambda: self._write_one(is_numbered=is_numbered))

    def of_many(self, facts: TableFacts) -> Statement:
        """Return the statement for arrays, which returns each row with its position."""
        types = key_types(self.target, facts)
        return statement_for(self._key(types), lambda: self._write_many(types))

    async def send(self, batch: Batch, connection: Connection, facts: TableFacts) -> list[Record]:
        """Upsert a batch, and return its rows in the order of the objects."""
        executor = OneConnection(connection)
        if self.is_numbered_by_target(batch, facts):
            rows = await batch.send_arrays(executor, self.of_many(facts))
        else:
            rows = await batch.send_rows(executor, self.of_one(is_numbered=True))
        if len(rows) != len(batch.instances):
            # ON CONFLICT waits for another transaction's row, which may then be deleted.
            raise StaleObject(gone(self.table))
        return in_object_order(self.table, rows, len(batch.instances))

    def is_numbered_by_target(self, batch: Batch, facts: TableFacts) -> bool:
        """Return whether rows can be matched to objects by the conflict target.

        A row with NULL in it conflicts with no row, and equals none.
        """
        if not self.table.is_insertable_by_array:
            return False
        if not facts.tells_apart([column.name for column in self.target]):
            return False
        by_column = dict(zip(keys_of(self.given), batch.values, strict=True))
        return not any(None in by_column[column.key] for column in self.target)

    def _key(self, what: Hashable) -> Hashable:
        parts = (keys_of(self.given), keys_of(self.target), keys_of(self.changed))
        return ("upsert", what, self.table, parts)

    def _write_one(self, *, is_numbered: bool) -> Statement:
        scope = Scope()
        sql = insert_of_values(self.table, self.given, scope) + self._on_conflict()
        sql += returning(self.table.columns)
        if is_numbered:
            sql += f", {scope.bind(None)}::integer"
        return Statement.of(scope, sql, ShapeName.of(self.table, "upsert"), self.table.columns)

    def _write_many(self, types: Sequence[str]) -> Statement:
        scope = Scope(self.table)
        numbered = NumberedInsert(self.table, self.given, self.table.columns, self.target, types)
        sql = numbered.sql(scope, self._on_conflict())
        return Statement.of(scope, sql, ShapeName.of(self.table, "upsert_all"), self.table.columns)

    def _on_conflict(self) -> str:
        assigned = [f"{column.quoted} = EXCLUDED.{column.quoted}" for column in self.changed]
        if self.changed:
            assigned += automatic(self.table, self.changed)
        else:
            same = self.target[0].quoted
            assigned = [f"{same} = {self.table.sql}.{same}"]
        target = ", ".join(column.quoted for column in self.target)
        return f" ON CONFLICT ({target}) DO UPDATE SET {', '.join(assigned)}"


def automatic(table: Table, changed: Sequence[AnyColumn]) -> list[str]:
    """Return the automatic assignments of updated_at and version."""
    keys = keys_of(changed)
    found: list[str] = []
    if table.updated_at is not None and table.updated_at.key not in keys:
        found.append(f"{table.updated_at.quoted} = now()")
    if table.version is not None and table.version.key not in keys:
        version = table.version.quoted
        found.append(f"{version} = {table.sql}.{version} + 1")
    return found
