"""Compiled statements: SQL text written once for each shape, and the writers of that text."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from .columns import Column
from .errors import InvalidValue
from .expressions import Condition, Expression, Order
from .relationships import named
from .scope import Scope
from .table import Table
from .values import Record

if TYPE_CHECKING:
    from .loading import Step

#: How many shapes are kept; the oldest goes first.
CACHE_LIMIT = 4096


class Executor(Protocol):
    """What runs statements: an engine, or a transaction."""

    async def fetch(
        self, sql: str, args: Sequence[object] = (), timeout: float | None = None
    ) -> list[Record]:
        """Run one statement and return its rows."""
        ...

    async def run(
        self, sql: str, args: Sequence[object] = (), timeout: float | None = None
    ) -> tuple[list[Record], str]:
        """Run one statement and return its rows and command tag."""
        ...

    async def fetch_many(self, sql: str, rows: Sequence[Sequence[object]]) -> list[Record]:
        """Run one statement for each row of arguments and return all their rows."""
        ...


@dataclass(frozen=True, slots=True)
class Statement:
    """The text of a statement, and what each of its parameters is compared with or assigned to."""

    sql: str
    parameters: tuple[Expression[Any, Any, Any] | None, ...]

    async def fetch(self, executor: Executor, values: Sequence[object]) -> list[Record]:
        """Run the statement and return its rows."""
        try:
            return await executor.fetch(self.sql, values)
        except InvalidValue as error:
            raise self.named(error, values) from None

    async def run(self, executor: Executor, values: Sequence[object]) -> tuple[list[Record], int]:
        """Run the statement and return its rows, and how many rows it changed."""
        try:
            rows, status = await executor.run(self.sql, values)
        except InvalidValue as error:
            raise self.named(error, values) from None
        return rows, int(status.rpartition(" ")[2])

    async def fetch_many(
        self, executor: Executor, rows: Sequence[Sequence[object]]
    ) -> list[Record]:
        """Run the statement for each row of values, all or none, and return all their rows."""
        return await executor.fetch_many(self.sql, rows)

    def named(self, error: InvalidValue, values: Sequence[object]) -> InvalidValue:
        """Return the error about a parameter as one about the column it was meant for."""
        number = error.parameter
        target = self.parameters[number - 1] if number else None
        if number is None or target is None:
            return error
        given = type(values[number - 1]).__name__
        label = target.label if isinstance(target, Column) else "the expression"
        better = InvalidValue(f"{label} is of type {target.type} and cannot take this {given}")
        better.parameter = number
        return better


_statements: dict[Hashable, Statement] = {}


def statement_for(key: Hashable, write: Callable[[], Statement]) -> Statement:
    """Return the statement of this shape, written now if no one asked for it before."""
    statement = _statements.get(key)
    if statement is None:
        if len(_statements) >= CACHE_LIMIT:
            del _statements[next(iter(_statements))]
        statement = _statements[key] = write()
    return statement


# Not frozen: setting the fields of a frozen dataclass takes four times as long, and a query makes
# one of these each time it runs.
@dataclass(slots=True, kw_only=True)
class Select:
    """A SELECT over one table, with the rows of to-one relationships joined on."""

    table: Table
    where: tuple[Condition[Any], ...] = ()
    order: tuple[Order[Any], ...] = ()
    limit: int | None = None
    offset: int | None = None
    joins: tuple[Step, ...] = ()
    lock: str = ""

    @property
    def values(self) -> list[object]:
        """What the statement binds, in the order of its parameters."""
        values = [value for condition in self.where for value in condition.values]
        for order in self.order:
            values.extend(order.values)
        values.extend(value for value in (self.limit, self.offset) if value is not None)
        return values

    def shape(self, what: Hashable) -> Hashable:
        """Return the key under which the statement is kept; `what` tells what it selects."""
        return (
            what,
            self.table,
            tuple([condition.key for condition in self.where]),
            tuple([order.key for order in self.order]),
            self.limit is None,
            self.offset is None,
            tuple([step.key for step in self.joins]),
            self.lock,
        )

    def rows(self) -> Statement:
        """Return the statement that reads every column, then those of each join."""
        return statement_for(self.shape("rows"), self._write_rows)

    def expressions(self, selected: Sequence[Expression[Any, Any, Any]]) -> Statement:
        """Return the statement that reads these expressions only."""
        key = ("expressions", *(expression.key for expression in selected))
        return statement_for(self.shape(key), lambda: self._write_expressions(selected))

    def count(self) -> Statement:
        """Return the statement that counts the rows."""
        return statement_for(self.shape("count"), lambda: self._write_around("count(*)"))

    def exists(self) -> Statement:
        """Return the statement that tells whether there is any row."""
        return statement_for(self.shape("exists"), self._write_exists)

    def aggregate(self, function: str, operand: Expression[Any, Any, Any]) -> Statement:
        """Return the statement that applies an aggregate function to one expression."""
        return statement_for(
            self.shape((function, operand.key)), lambda: self._write_aggregate(function, operand)
        )

    def delete(self) -> Statement:
        """Return the statement that deletes the rows."""
        return statement_for(self.shape("delete"), self._write_delete)

    def update(self, changes: Sequence[tuple[Column[Any, Any, Any], object]]) -> Statement:
        """Return the statement that assigns to columns; its first parameters are the new values."""
        key = tuple(
            (column.key, value.key if isinstance(value, Expression) else None)
            for column, value in changes
        )
        return statement_for(self.shape(("update", key)), lambda: self._write_update(changes))

    @property
    def is_cut(self) -> bool:
        """True where it is more than a filter that decides which rows these are."""
        return self.limit is not None or self.offset is not None

    def as_set(self) -> Select:
        """Return the same rows in any order, for what does not look at it."""
        return replace(self, order=()) if self.order and not self.is_cut else self

    def _write_rows(self) -> Statement:
        scope = Scope(self.table, is_qualified=bool(self.joins))
        selected = [column.selected(column.sql(scope)) for column in self.table.columns]
        joined: list[str] = []
        for step in self.joins:
            step.write_join(scope, scope.name(self.table), selected, joined)
        return self._statement(scope, ", ".join(selected), "".join(joined))

    def _write_expressions(self, selected: Sequence[Expression[Any, Any, Any]]) -> Statement:
        scope = Scope(self.table)
        texts = [
            each.selected(each.sql(scope)) if isinstance(each, Column) else each.sql(scope)
            for each in selected
        ]
        return self._statement(scope, ", ".join(texts), "")

    def _write_around(self, result: str) -> Statement:
        scope = Scope(self.table)
        if not self.is_cut:
            return self._statement(scope, result, "")
        inner = self._statement(scope, "", "")
        return Statement(f"SELECT {result} FROM ({inner.sql}) AS cut", inner.parameters)

    def _write_exists(self) -> Statement:
        inner = self._statement(Scope(self.table), "", "")
        return Statement(f"SELECT EXISTS ({inner.sql})", inner.parameters)

    def _write_aggregate(self, function: str, operand: Expression[Any, Any, Any]) -> Statement:
        scope = Scope(self.table)
        text = operand.sql(scope)
        if not self.is_cut:
            return self._statement(scope, f"{function}({text})", "")
        inner = self._statement(scope, text, "")
        # Named outside: ORDER BY inside would take an output column's name before a table's.
        sql = f"SELECT {function}(value) FROM ({inner.sql}) AS cut (value)"
        return Statement(sql, inner.parameters)

    def _write_delete(self) -> Statement:
        scope = Scope(self.table)
        return Statement(
            f"DELETE FROM {self.table.sql}{self._changed_rows(scope)}", tuple(scope.parameters)
        )

    def _write_update(self, changes: Sequence[tuple[Column[Any, Any, Any], object]]) -> Statement:
        scope = Scope(self.table)
        text = f"UPDATE {self.table.sql} SET {assignments(changes, scope)}"
        return Statement(f"{text}{self._changed_rows(scope)}", tuple(scope.parameters))

    def _changed_rows(self, scope: Scope) -> str:
        """Return the WHERE of a DELETE or UPDATE; with a limit it goes by primary key."""
        if not self.is_cut:
            return self._where(scope)
        key = ", ".join(column.quoted for column in self.table.primary_key)
        inner = self._statement(scope, key, "")
        return f" WHERE ({key}) IN ({inner.sql})"

    def _statement(self, scope: Scope, selected: str, joined: str) -> Statement:
        source = named(self.table.sql, scope.name(self.table))
        parts = ["SELECT ", selected, " FROM " if selected else "FROM ", source, joined]
        parts.append(self._where(scope))
        if self.order:
            parts.append(f" ORDER BY {', '.join(order.sql(scope) for order in self.order)}")
        if self.limit is not None:
            parts.append(f" LIMIT {scope.bind(None)}")
        if self.offset is not None:
            parts.append(f" OFFSET {scope.bind(None)}")
        parts.append(self.lock)
        return Statement("".join(parts), tuple(scope.parameters))

    def _where(self, scope: Scope) -> str:
        conditions = [condition.sql(scope) for condition in self.where]
        return f" WHERE {' AND '.join(conditions)}" if conditions else ""


def assignments(changes: Sequence[tuple[Column[Any, Any, Any], object]], scope: Scope) -> str:
    """Return what stands after SET for these pairs of a column and its new value."""
    return ", ".join(
        (
            f"{column.quoted} = {value.sql(scope)}"
            if isinstance(value, Expression)
            else f"{column.quoted} = {column.placeholder(scope.bind(column))}"
        )
        for column, value in changes
    )
