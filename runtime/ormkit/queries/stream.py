"""Streams: results read in chunks through a server-side cursor, in constant memory."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, cast

from ..errors import InvalidValue, shown
from ..postgres.json_hooks import JsonFunctions
from ..postgres.values import Record
from ..statements.executor import Executor, Values
from ..statements.row_locks import check_within
from ..statements.statement import Statement

if TYPE_CHECKING:
    from ..driver.connection import Connection

T = TypeVar("T")
R = TypeVar("R")

#: The protocol sends the number of rows to fetch as an int4.
MOST_ROWS = 2**31 - 1
#: How many rows are fetched at a time by default.
CHUNK = 1000


class Stream(Generic[T]):
    """An async iterator over a result that is read in chunks: `async for value in stream:`.

    A stream holds a connection until it ends. Where a loop may stop early, `async with stream:`
    returns the connection at once. Otherwise Python's garbage collector does it later.
    """

    __slots__ = ("_chunks", "_values")

    def __init__(self, chunks: AsyncIterator[list[T]]) -> None:
        self._chunks = cast("AsyncGenerator[list[T], None]", chunks)
        # A function and not a method: a method would create a reference cycle.
        self._values = each_of(self._chunks)

    def __aiter__(self) -> AsyncIterator[T]:
        return self._values

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    def chunks(self) -> AsyncIterator[list[T]]:
        """Iterate over lists of values, one list for each chunk that the server sends."""
        return self._chunks

    async def aclose(self) -> None:
        """Close the cursor and return the connection. It is safe to call this twice."""
        await self._values.aclose()
        await self._chunks.aclose()


class Aside(Executor):
    """An executor without an identity map, since a stream may yield any number of objects."""

    def __init__(self, executor: Executor, json: JsonFunctions | None) -> None:
        self._executor = executor
        self.json = json

    async def flush_pending(self) -> None:
        """Write what waits to be written."""
        await self._executor.flush_pending()

    async def use(self, work: Callable[[Connection], Awaitable[R]]) -> R:
        """Do the work with the connection of the other executor."""
        return await self._executor.use(work)

    def stream(
        self, statement: Statement, values: Values, chunk: int
    ) -> AsyncGenerator[tuple[Executor, list[Record]], None]:
        """Yield the rows of the statement in chunks, as the other executor does."""
        return self._executor.stream(statement, values, chunk)


async def each_of(chunks: AsyncGenerator[list[T], None]) -> AsyncGenerator[T, None]:
    """Yield the values of the chunks one by one."""
    try:
        async for chunk in chunks:
            for value in chunk:
                yield value
    finally:
        await chunks.aclose()


def check_chunk(chunk: object) -> None:
    """Raise InvalidValue for a chunk size that is no whole number from 1 to MOST_ROWS."""
    if not isinstance(chunk, int) or isinstance(chunk, bool) or chunk < 1:
        raise InvalidValue(f"chunk must be a whole number, at least 1, not {shown(chunk)}")
    if chunk > MOST_ROWS:
        raise InvalidValue(f"chunk must be at most {MOST_ROWS}, the limit of the protocol")


async def record_chunks(
    executor: Executor, statement: Statement, values: Sequence[object], chunk: int
) -> AsyncIterator[tuple[Executor, list[Record]]]:
    """Yield the executor of the stream's connection, and at most `chunk` rows at a time.

    Raises InvalidValue for a chunk size that is no whole number from 1 on.
    """
    check_chunk(chunk)
    if statement.has_locks:
        check_within(executor)
    # Pending changes are flushed first: the rows become new objects, outside the identity map.
    await executor.flush_pending()
    records: Any = executor.stream(statement, values, chunk)
    try:
        async for each, found in records:
            yield Aside(each, executor.json), found
    finally:
        await records.aclose()
