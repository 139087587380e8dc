"""The executor of an engine: a statement holds a connection of the pool while it runs."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, TypeVar

from ..errors import ConnectionLost
from ..postgres.values import Record
from .executor import Executor, OneConnection, Values
from .retry_safe import check_harmless
from .row_locks import check_within

if TYPE_CHECKING:
    from ..driver.connection import Connection
    from ..pool.pool import Pool
    from .statement import Statement

T = TypeVar("T")


class PoolExecutor(Executor):
    """Runs statements outside of transactions."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.json = pool.json

    async def use(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Do the work with a connection of the pool, and return what it returns."""
        async with self._pool.connection() as connection:
            return await work(connection)

    async def run(self, statement: Statement, values: Values) -> list[Record]:
        """Run the statement on a connection of the pool and return its rows.

        A read whose connection broke is sent once more, on another one, where it is known to run
        nothing of the user's.
        """
        if statement.has_locks:
            check_within(self)
        # What `use` does, written out: every statement outside of a transaction goes through here,
        # and `connection()` would be six calls more for each, beside 16 to 26.
        pool = self._pool
        connection = pool.take() or await pool.acquire()
        try:
            rows, _ = await connection.run(statement, values)
            return rows
        except ConnectionLost as error:
            if statement.read is None:
                raise
            lost = error
        finally:
            pool.give(connection)
        async with pool.connection() as connection:
            await check_harmless(connection, statement.read, lost)
            rows, _ = await connection.run(statement, values)
            return rows

    async def stream(
        self, statement: Statement, values: Values, chunk: int
    ) -> AsyncGenerator[tuple[Executor, list[Record]], None]:
        """Yield the rows of the statement in chunks, in a transaction of their own."""
        async with self._pool.connection() as connection:
            executor = OneConnection(connection)
            async with aclosing(connection.stream(statement, values, chunk)) as records:
                await connection.script("BEGIN")
                async for each in records:
                    yield executor, each
                await connection.script("COMMIT")
