"""Streams: results read in chunks through a cursor of the server, so that any number fits."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, cast

from ..errors import InvalidValue, shown
from ..postgres.values import Record
from ..statements.executor import Executor, Values
from ..statements.row_locks import check_within
from ..statements.statement import Statement

if TYPE_CHECKING:
    from ..driver.connection import Connection

T = TypeVar("T")
R = TypeVar("R")

#: A count of rows is an int4 in the protocol.
MOST_ROWS = 2**31 - 1


class Stream(Generic[T]):
    """Values that arrive one after the other: `async for value in stream:`.

    It holds a connection until it ends. Where a loop may stop early, `async with stream:` around
    it gives the connection back at once; without that, Python's collector does so later.
    """

    __slots__ = ("_chunks", "_values")

    def __init__(self, chunks: AsyncIterator[list[T]]) -> None:
        self._chunks = cast("AsyncGenerator[list[T], None]", chunks)
        # Not a method, or the two would hold each other until the collector of cycles comes by.
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
        """Return the values in lists, as they come from the server."""
        return self._chunks

    async def aclose(self) -> None:
        """Stop reading and give the connection back."""
        await self._values.aclose()
        await self._chunks.aclose()


class Aside(Executor):
    """Runs statements as another executor does and holds none of their objects, since a stream may
    have any number of them."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

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
    """Raise InvalidValue for what is no number of rows."""
    if not isinstance(chunk, int) or isinstance(chunk, bool) or chunk < 1:
        raise InvalidValue(f"chunk needs a whole number from 1 on, not {shown(chunk)}")
    if chunk > MOST_ROWS:
        raise InvalidValue(f"chunk is at most {MOST_ROWS}, what the protocol can ask for at once")


async def record_chunks(
    executor: Executor, statement: Statement, values: Sequence[object], chunk: int
) -> AsyncIterator[tuple[Executor, list[Record]]]:
    """Yield the rows of a statement, at most `chunk` at a time, and what runs on their connection.

    Raises InvalidValue for a chunk that is no whole number from 1 on.
    """
    check_chunk(chunk)
    if statement.has_locks:
        check_within(executor)
    # The rows become objects of their own, not those that the transaction holds.
    await executor.flush_pending()
    records: Any = executor.stream(statement, values, chunk)
    try:
        async for each, found in records:
            yield Aside(each), found
    finally:
        await records.aclose()
