"""INSERT ... ON CONFLICT: insert rows, or update those that are there already."""

from __future__ import annotations

import copy
from collections.abc import Collection, Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from .batches import Batch, batches_of
from .columns import Column
from .errors import (
    DatabaseError,
    MissingValue,
    StaleObject,
    StatementError,
    UnknownName,
    UsageError,
    did_you_mean,
)
from .inserting import insert_of_values, receive, returning
from .numbering import NumberedInsert, in_places, key_types
from .scope import Scope
from .statement import Executor, OneConnection, Statement, statement_for
from .table import Table, table_of
from .table_facts import TableFacts, facts_of, known_facts, reconsidered
from .values import Record

if TYPE_CHECKING:
    from .driver import Connection
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

    One statement takes some hundred objects, or one where rows of many could not be told apart; all
    are sent together, as one transaction. Every row comes back, to the object that it is of.
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
    upsert = Upsert(table, given, target, changed)
    try:
        if len(instances) == 1:
            rows = await upsert.of_one().fetch(executor, batch.rows()[0])
        else:
            rows = await executor.use(partial(upsert_numbered, upsert, batch))
    except StatementError as error:
        if error.sqlstate != NO_CONSTRAINT:
            raise
        raise unmatched(table, target, error) from None
    if not rows:
        raise StaleObject(gone(table))
    receive(instances, rows, table.columns)
    if executor.identity is not None:
        executor.identity.hold(instances)


async def upsert_numbered(upsert: Upsert, batch: Batch, connection: Connection) -> list[Record]:
    """Upsert a batch; return its rows in the order of the objects."""
    table = upsert.table
    facts = known_facts(connection, table) or await facts_of(connection, table)
    try:
        return await upsert.send(batch, connection, facts)
    except DatabaseError as error:
        facts = await reconsidered(connection, table, facts, error)
    return await upsert.send(batch, connection, facts)


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
        return Statement(sql, tuple(scope.parameters))

    def _write_many(self, types: Sequence[str]) -> Statement:
        scope = Scope(self.table)
        numbered = NumberedInsert(self.table, self.given, self.table.columns, self.target, types)
        return Statement(numbered.sql(scope, self._on_conflict()), tuple(scope.parameters))

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
