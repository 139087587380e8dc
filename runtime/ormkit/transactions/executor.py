"""The executor of a transaction: it runs statements one at a time on the single connection."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from ..postgres.values import Record
from ..statements.executor import Executor, Values
from .savepoints import Block, BlockStack
from .unit_of_work import UnitOfWork

if TYPE_CHECKING:
    from ..driver.connection import Connection
    from ..statements.statement import Statement

T = TypeVar("T")


class TransactionExecutor(Executor):
    """Runs the statements of a block, and flushes added objects before each of them."""

    def __init__(self, unit: UnitOfWork, stack: BlockStack, block: Block) -> None:
        self.identity = unit.identity
        self.json = stack.json
        self._unit = unit
        self._stack = stack
        self._block = block

    async def flush_pending(self) -> None:
        """Flush added and changed objects before a statement that depends on them."""
        await self._unit.flush(self)

    async def run(self, statement: Statement, values: Values) -> list[Record]:
        """Run the statement in the transaction and return its rows."""
        # This inlines `use`, which would add five calls to each statement.
        unit, stack = self._unit, self._stack
        if unit.added:
            await unit.flush_added(self)
        try:
            async with stack.lock:
                connection = stack.ready
                if connection is None or self._block.is_over:
                    connection = await stack.start(self._block)
                rows, _ = await connection.run(statement, values)
                return rows
        except BaseException as error:
            stack.lock.note(error)
            raise

    async def use(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Call `work` with the transaction's connection while no other task uses it."""
        if self._unit.added:
            await self._unit.flush_added(self)
        lock = self._stack.lock
        try:
            async with lock:
                return await work(await self._stack.start(self._block))
        except BaseException as error:
            lock.note(error)
            raise

    async def stream(
        self, statement: Statement, values: Values, chunk: int
    ) -> AsyncGenerator[tuple[Executor, list[Record]], None]:
        """Yield the rows of the statement in the transaction, in chunks."""

        async def begun(connection: Connection) -> AsyncGenerator[list[Record], None]:
            return connection.stream(statement, values, chunk)

        records = await self.use(begun)
        try:
            while (found := await self._next(records)) is not None:
                yield self, found
        finally:
            await records.aclose()

    async def _next(self, records: AsyncGenerator[list[Record], None]) -> list[Record] | None:
        """Return the next chunk of a stream; None at its end."""
        lock = self._stack.lock
        try:
            async with lock:
                self._block.check_open()
                return await anext(records, None)
        except BaseException as error:
            lock.note(error)
            raise
