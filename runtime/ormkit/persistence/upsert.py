"""INSERT ... ON CONFLICT: insert rows, or update those that are there already."""

from __future__ import annotations

import copy
from collections.abc import Collection, Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ..errors import (
    MissingValue,
    StaleObject,
    StatementError,
    UnknownName,
    UsageError,
    did_you_mean,
)
from ..models.columns import AnyColumn
from ..models.given_columns import given_by_all, mark_known
from ..models.table import Table, table_of
from ..postgres.values import Record
from ..sql.context import Scope
from ..statements.executor import Executor, OneConnection
from ..statements.statement import Statement, statement_for
from ..statements.table_facts import TableFacts, by_facts
from .batches import Batch, batches_of, changed_columns, check_once, not_given, parts_of
from .insert import insert_of_values, receive, returning
from .numbering import NumberedInsert, in_places, key_types

if TYPE_CHECKING:
    from ..driver.connection import Connection
    from ..models.model import Model
    from ..statements.executor import ObjectMap


#: SQLSTATE of ON CONFLICT over columns that nothing makes unique.
NO_CONSTRAINT = "42P10"


async def send_upserts(executor: Executor, upserts: Sequence[tuple[Upsert, Batch]]) -> None:
    """Insert the objects or update their rows; each then holds its row as it is in the database.

    One statement takes some hundred objects, or one where rows of many could not be told apart; all
    of a batch are sent together, as one transaction. Several batches need one around them.
    """
    # What the code has changed on objects at hand is written first, or the rows would undo it.
    await executor.flush_pending()
    for upsert, batch in upserts:
        await send_upsert(executor, upsert, batch)


async def send_upsert(executor: Executor, upsert: Upsert, batch: Batch) -> None:
    """Upsert one batch. Every row comes back, to the object that it is of."""
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
    conflict_target: Sequence[str] | None,
    update_fields: Sequence[str] | None,
    identity: ObjectMap | None,
) -> list[tuple[Upsert, Batch]]:
    """Return what to send for objects of one model: an upsert for each set of given columns."""
    table = table_of(type(instances[0]))
    if any(type(each) is not type(instances[0]) for each in instances):
        raise UsageError("upsert_all takes objects of one model at a time")
    check_once("upsert_all", instances)
    target = named_columns(table, conflict_target) if conflict_target else table.primary_key
    batches = batches_of(table, instances)
    for batch in batches:
        check_target(target, batch.given)
    check_distinct(table, target, batches)
    wanted = Wanted(table, update_fields, fixed=(*target, *table.identity))
    upserts = [
        (Upsert(table, part.given, target, changed), part)
        for batch in batches
        for changed, part in wanted.parts_of(batch, identity)
    ]
    wanted.check_found()
    return upserts


class Wanted:
    """The columns that existing rows get: those that the objects give, or of them the named ones.

    fixed: the columns that tell rows apart, which are not written unless they are named.
    """

    def __init__(
        self, table: Table, names: Sequence[str] | None, *, fixed: Sequence[AnyColumn]
    ) -> None:
        self._table = table
        self._named = None if names is None else assignable_columns(table, names)
        self._fixed = frozenset(keys_of(fixed))
        self._found: set[object] = set()

    def parts_of(
        self, batch: Batch, identity: ObjectMap | None
    ) -> list[tuple[tuple[AnyColumn, ...], Batch]]:
        """Divide a batch by what the rows of its objects get."""
        given = given_by_all(self._table, batch.given, batch.held, batch.instances)
        if given is not None:
            return [(self._chosen(given), batch)]
        return parts_of(batch, lambda each: self._columns_of(each, identity))

    def _columns_of(self, instance: Model, identity: ObjectMap | None) -> tuple[AnyColumn, ...]:
        return self._chosen(changed_columns(self._table, instance, self._named, identity))

    def _chosen(self, given: Sequence[AnyColumn]) -> tuple[AnyColumn, ...]:
        """Return what is written of the columns that objects give."""
        if self._named is None:
            return tuple([each for each in given if each.key not in self._fixed])
        held = set(keys_of(given))
        self._found |= held
        return tuple([each for each in self._named if each.key in held])

    def check_found(self) -> None:
        """Raise MissingValue for a named column that no object gives: what it holds by default
        would overwrite the rows."""
        for column in self._named or ():
            if column.key not in self._found:
                raise not_given("update_fields", column)


async def upsert_numbered(upsert: Upsert, batch: Batch, connection: Connection) -> list[Record]:
    """Upsert a batch; return its rows in the order of the objects."""
    return await by_facts(connection, upsert.table, partial(upsert.send, batch, connection))


def gone(table: Table) -> str:
    """Return the message for a row that did not come back."""
    return f"a {table.label} was deleted while it was being upserted; try again"


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


def check_distinct(table: Table, target: Sequence[AnyColumn], batches: Sequence[Batch]) -> None:
    """Raise UsageError where two objects have the same conflict target."""
    if len(batches) == 1 and len(batches[0].instances) == 1:
        return
    keys: list[tuple[object, ...]] = []
    for batch in batches:
        by_column = dict(zip(keys_of(batch.given), batch.values, strict=True))
        columns = [each.encode_many(by_column[each.key]) for each in target]
        keys += zip(*columns, strict=True)
    # What cannot be hashed is left to the server, which refuses to change a row twice.
    with suppress(TypeError):
        if len({key for key in keys if None not in key}) < sum(None not in key for key in keys):
            names = ", ".join(column.slot for column in target)
            raise UsageError(
                f"upsert_all: two {table.label} objects have the same {names}, by which rows are "
                f"told apart: leave one of them out"
            )


def assignable_columns(table: Table, names: Sequence[str]) -> tuple[AnyColumn, ...]:
    """Return the columns of these names; raises UnknownName, UsageError."""
    found = named_columns(table, names)
    for column in found:
        if column.is_generated:
            raise UsageError(f"{column.label} is filled in by PostgreSQL and cannot be assigned")
    return found


def keys_of(columns: Sequence[AnyColumn]) -> tuple[object, ...]:
    """Return the keys of columns, by which they can be compared."""
    return tuple([column.key for column in columns])


@dataclass(frozen=True, slots=True)
class Upsert:
    """INSERT ... ON CONFLICT of these columns, which returns every row in any case.

    DO NOTHING returns no row where there is one; assigning a column to itself does.
    """

    table: Table
    given: Sequence[AnyColumn]
    target: Sequence[AnyColumn]
    #: The columns that an existing row gets from the object.
    changed: Sequence[AnyColumn]

    def of_one(self, *, is_numbered: bool = False) -> Statement:
        """Return the statement for one row.

        is_numbered: its last parameter comes back behind the columns.
        """
        key = self._key("one" if not is_numbered else "one, numbered")
        return statement_for(key, lambda: self._write_one(is_numbered=is_numbered))

    def of_many(self, facts: TableFacts) -> Statement:
        """Return the statement for arrays, whose rows come back with their places."""
        types = key_types(self.target, facts)
        return statement_for(self._key(types), lambda: self._write_many(types))

    async def send(self, batch: Batch, connection: Connection, facts: TableFacts) -> list[Record]:
        """Upsert a batch by what is known of the table; return its rows in the objects' order."""
        executor = OneConnection(connection)
        if self.is_numbered_by_target(batch, facts):
            rows = await batch.send_arrays(executor, self.of_many(facts))
        else:
            rows = await batch.send_rows(executor, self.of_one(is_numbered=True))
        if len(rows) != len(batch.instances):
            # ON CONFLICT waits for another transaction's row, and may then not see it.
            raise StaleObject(gone(self.table))
        return in_places(self.table, rows, len(batch.instances))

    def is_numbered_by_target(self, batch: Batch, facts: TableFacts) -> bool:
        """Return whether rows can be told apart by the columns that conflict.

        A row with NULL in one of them conflicts with none, and is equal to none.
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
        return Statement.of(scope, sql, self.table.columns)

    def _write_many(self, types: Sequence[str]) -> Statement:
        scope = Scope(self.table)
        numbered = NumberedInsert(self.table, self.given, self.table.columns, self.target, types)
        sql = numbered.sql(scope, self._on_conflict())
        return Statement.of(scope, sql, self.table.columns)

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
    """Return the assignments that every update of a row makes by itself."""
    keys = keys_of(changed)
    found: list[str] = []
    if table.updated_at is not None and table.updated_at.key not in keys:
        found.append(f"{table.updated_at.quoted} = now()")
    if table.version is not None and table.version.key not in keys:
        version = table.version.quoted
        found.append(f"{version} = {table.sql}.{version} + 1")
    return found
