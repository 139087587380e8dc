"""Executors: what statements run on, and how each of them runs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar

from ..models.columns import AnyColumn
from ..postgres.json_hooks import JsonFunctions, with_functions
from ..postgres.values import Record

if TYPE_CHECKING:
    from ..driver.connection import Connection
    from ..models.model import Model
    from ..models.table import Table
    from .statement import Statement

T = TypeVar("T")
P = ParamSpec("P")
M = TypeVar("M", bound="Model")

#: What a statement binds, in the order of its parameters.
Values = Sequence[object]


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


class Executor(ABC):
    """Runs statements; each kind of executor says on which connection.

    `run`, `run_counted`, `run_many` and `stream` are the only ways to run a statement. All of them
    end in the connection, which asks the statement to explain errors about values.
    """

    #: The objects that are held by their keys; None outside a transaction.
    identity: ObjectMap | None = None
    #: The engine's functions that write and read JSON; None for Python's.
    json: JsonFunctions | None = None

    @abstractmethod
    async def use(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Do the work with the connection that statements run on, and return what it returns."""

    @abstractmethod
    def stream(
        self, statement: Statement, values: Values, chunk: int
    ) -> AsyncGenerator[tuple[Executor, list[Record]], None]:
        """Yield the rows of the statement in chunks, and what runs on their connection."""

    def with_json(self, make: Callable[P, T], *args: P.args, **given: P.kwargs) -> T:
        """Call a function that stores values or reads related rows, with the engine's JSON."""
        if self.json is None:
            return make(*args, **given)
        return with_functions(self.json, make, *args, **given)

    async def flush_pending(self) -> None:
        """Write what waits to be written, before a statement that computes from it."""
        # Outside a transaction nothing waits.
        return

    async def run(self, statement: Statement, values: Values) -> list[Record]:
        """Run the statement and return its rows."""
        rows, _ = await self.use(lambda connection: connection.run(statement, values))
        return rows

    async def run_counted(self, statement: Statement, values: Values) -> tuple[list[Record], int]:
        """Run a statement that changes rows; return those it returns, and how many it changed.

        They may be rows of objects that are held: what the code changed before goes first.
        """
        await self.flush_pending()
        rows, tag = await self.use(lambda connection: connection.run(statement, values))
        return rows, int((tag or b"0").rpartition(b" ")[2])

    async def run_many(self, statement: Statement, rows: Sequence[Values]) -> list[Record]:
        """Run the statement for each row of values, all or none, and return all their rows."""
        returned, _ = await self.use(
            lambda connection: connection.run(statement, rows, is_many=True)
        )
        return returned


class OneConnection(Executor):
    """Runs statements on a connection that the caller holds."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def use(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Do the work with the connection, and return what it returns."""
        return await work(self._connection)

    async def stream(
        self, statement: Statement, values: Values, chunk: int
    ) -> AsyncGenerator[tuple[Executor, list[Record]], None]:
        """Yield the rows of the statement in chunks."""
        async for records in self._connection.stream(statement, values, chunk):
            yield self, records
