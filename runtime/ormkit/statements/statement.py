"""Statements: SQL text written once for each shape, and what runs it."""

from __future__ import annotations

from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Coroutine,
    Hashable,
    Iterable,
    Sequence,
)
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from ..errors import DataError, InvalidValue, UnreadableValue
from ..models.columns import AnyColumn
from ..postgres.values import Record
from ..sql.expressions import AnyExpression
from .retry_safe import Read
from .value_errors import named, unreadable_named

if TYPE_CHECKING:
    from ..driver.connection import Connection
    from ..models.model import Model
    from ..models.table import Table
    from ..sql.context import Scope

T = TypeVar("T")
M = TypeVar("M", bound="Model")

#: Errors that a statement can say more about than the connection that raised them.
NAMED = (InvalidValue, DataError, UnreadableValue)
#: What a statement binds, in the order of its parameters.
Values = Sequence[object]
#: How many shapes are kept; the oldest goes first.
CACHE_LIMIT = 4096


class ObjectMap(Protocol):
    """One object for each row: what a transaction holds by its keys."""

    def adopt(self, model: type[M], rows: Sequence[Any]) -> list[M]:
        """Return an object for each row: the one that is held already, refreshed, or a new one."""
        ...

    def hold(self, instances: Iterable[Model]) -> None:
        """Take objects as they are now for what their rows are."""
        ...

    def wrote(self, instance: Model, key: Sequence[object], columns: Iterable[AnyColumn]) -> None:
        """Note that these columns of an object, found by this key, are in its row now."""
        ...

    def forget(self, table: Table, key: Sequence[object]) -> None:
        """Let go of an object whose row is gone."""
        ...

    def changes_of(self, instance: Model) -> tuple[AnyColumn, ...] | None:
        """Return the columns that the code has changed on this object; None for one not held."""
        ...


class Executor(Protocol):
    """What runs statements: an engine, or a transaction."""

    @property
    def identity(self) -> ObjectMap | None:
        """The objects that are held by their keys; None outside a transaction."""
        ...

    async def settle(self) -> None:
        """Write what is still to be written, before a statement that computes from it."""
        ...

    def fetch(
        self, statement: Statement, values: Sequence[object]
    ) -> Coroutine[Any, Any, list[Record]]:
        """Run the statement and return its rows; its errors name what a value was meant for."""
        ...

    async def fetch_tagged(
        self, statement: Statement, values: Sequence[object]
    ) -> tuple[list[Record], str]:
        """Run the statement and return its rows and command tag."""
        ...

    async def fetch_many(
        self, statement: Statement, rows: Sequence[Sequence[object]]
    ) -> list[Record]:
        """Run the statement for each row of values and return all their rows."""
        ...

    def stream(
        self, statement: Statement, values: Sequence[object], chunk: int
    ) -> AsyncGenerator[tuple[Executor, list[Record]], None]:
        """Yield the rows of the statement in chunks, and what runs on their connection."""
        ...

    async def use(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Do the work with the connection that statements run on, and return what it returns."""
        ...


@dataclass(frozen=True, slots=True)
class Statement:
    """The text of a statement, and what each of its parameters is compared with or assigned to."""

    sql: str
    parameters: tuple[AnyExpression | None, ...]
    #: The columns that come back, of a change that returns some.
    returned: tuple[AnyColumn, ...] = ()
    #: What each place of a row is read from, for errors: an expression, None, or a tuple of the
    #: same for the records that are nested there.
    selected: tuple[Any, ...] = ()
    #: What a SELECT without locks names; None for whatever may not be sent again.
    read: Read | None = None
    #: True for a SELECT that locks rows, which has a meaning in a transaction only.
    has_locks: bool = False
    #: True where it calls a function by name, which may change the session as raw SQL may.
    is_foreign: bool = False

    @classmethod
    def reading(cls, sql: str, scope: Scope, selected: tuple[Any, ...] = ()) -> Statement:
        """Return the statement of a SELECT, which may be sent again unless it locks rows."""
        names = scope.read_from, scope.called, scope.cast_to
        read = None if scope.has_locks else Read.of(*names)
        return cls(
            sql,
            tuple(scope.parameters),
            selected=selected,
            read=read,
            has_locks=scope.has_locks,
            is_foreign=scope.is_foreign,
        )

    @classmethod
    def of(
        cls,
        scope: Scope,
        sql: str,
        returned: tuple[AnyColumn, ...] = (),
        selected: tuple[Any, ...] = (),
    ) -> Statement:
        """Return the statement whose text was written in this scope."""
        parameters = tuple(scope.parameters)
        return cls(sql, parameters, returned, selected, is_foreign=scope.is_foreign)

    def ready(self, connection: Connection) -> Connection:
        """Return the connection, marked where the statement may change its session."""
        if self.is_foreign:
            connection.mark_dirty()
        return connection

    def fetch(
        self, executor: Executor, values: Sequence[object]
    ) -> Coroutine[Any, Any, list[Record]]:
        """Run the statement and return its rows."""
        return executor.fetch(self, values)

    async def run(self, executor: Executor, values: Sequence[object]) -> tuple[list[Record], int]:
        """Run the statement and return its rows, and how many rows it changed."""
        try:
            rows, status = await executor.fetch_tagged(self, values)
        except NAMED as error:
            raise self.named(error, values) from None
        return rows, int(status.rpartition(" ")[2])

    async def fetch_many(
        self, executor: Executor, rows: Sequence[Sequence[object]]
    ) -> list[Record]:
        """Run the statement for each row of values, all or none, and return all their rows."""
        try:
            return await executor.fetch_many(self, rows)
        except NAMED as error:
            raise self.named(error, *rows) from None

    def named(
        self, error: InvalidValue | DataError | UnreadableValue, *rows: Sequence[object]
    ) -> InvalidValue | DataError | UnreadableValue:
        """Return the error about a value as one about the column that it is meant for, or from."""
        if isinstance(error, UnreadableValue):
            return unreadable_named(self.selected or self.returned, error)
        return named(self.parameters, error, rows)


_statements: dict[Hashable, Statement] = {}


def statement_for(key: Hashable, write: Callable[[], Statement]) -> Statement:
    """Return the statement of this shape, written now if no one asked for it before."""
    statement = _statements.get(key)
    if statement is None:
        if len(_statements) >= CACHE_LIMIT:
            del _statements[next(iter(_statements))]
        statement = _statements[key] = write()
    return statement


class OneConnection:
    """Runs statements on a connection that is held for them, outside a transaction's own object."""

    identity = None

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def settle(self) -> None:
        """Do nothing: nothing waits here to be written."""

    async def fetch(self, statement: Statement, values: Sequence[object]) -> list[Record]:
        """Run the statement and return its rows."""
        try:
            return await statement.ready(self._connection).fetch(statement.sql, values)
        except NAMED as error:
            raise statement.named(error, values) from None

    async def fetch_tagged(
        self, statement: Statement, values: Sequence[object]
    ) -> tuple[list[Record], str]:
        """Run the statement and return its rows and command tag."""
        return await statement.ready(self._connection).fetch_tagged(statement.sql, values)

    async def fetch_many(
        self, statement: Statement, rows: Sequence[Sequence[object]]
    ) -> list[Record]:
        """Run the statement for each row of values and return all their rows."""
        return await statement.ready(self._connection).fetch_many(statement.sql, rows)

    async def stream(
        self, statement: Statement, values: Sequence[object], chunk: int
    ) -> AsyncGenerator[tuple[Executor, list[Record]], None]:
        """Yield the rows of the statement in chunks."""
        connection = statement.ready(self._connection)
        async for records in connection.stream(statement.sql, values, chunk):
            yield self, records

    async def use(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Do the work with the connection, and return what it returns."""
        return await work(self._connection)
