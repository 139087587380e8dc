"""Queries that return chosen values, as tuples, dicts or single values, in place of objects."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Generator, Sequence
from dataclasses import replace
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ..errors import UsageError
from ..events.observed_rows import ObservedRows
from ..loading.eager import load_steps
from ..loading.joined import decode_joined
from ..loading.step import Step, joined_steps
from ..shapes.gc_pause import with_gc_paused
from ..sql.expressions import AnyExpression, Expression
from ..statements.executor import Executor
from ..statements.row_limits import ONE
from ..statements.select import Select
from .stream import CHUNK, Stream, record_chunks

if TYPE_CHECKING:
    from .builder import Source

T = TypeVar("T")


class Rows(Generic[T]):
    """The rows of a query as values of type T; awaiting it returns a list of all of them."""

    __slots__ = ("_columns", "_make", "_select", "_source")

    def __init__(
        self,
        source: Source,
        select: Select,
        columns: Sequence[AnyExpression],
        make: Callable[[Sequence[Any]], list[T]] = list,
    ) -> None:
        """Describe the query.

        make: converts rows, each a tuple or record of the columns' values, to values of type T.
        """
        self._source = source
        self._select = select
        self._columns = tuple(columns)
        self._make = make

    def __await__(self) -> Generator[Any, None, list[T]]:
        return self.all().__await__()

    async def all(self) -> list[T]:
        """Return a list of all rows."""
        return await self._fetch(self._select)

    async def first(self) -> T | None:
        """Return the first row, or None if there is none."""
        select = self._select
        rows = await self._fetch(replace(select, limit=ONE) if select.limit is None else select)
        return rows[0] if rows else None

    def __aiter__(self) -> AsyncIterator[T]:
        """Iterate over the rows as stream() does."""
        return self.stream().__aiter__()

    def stream(self, chunk: int = CHUNK, *, batch_size: int | None = None) -> Stream[T]:
        """Iterate over the rows through a server-side cursor; see Query.stream.

        chunk: how many rows are fetched at a time.
        batch_size: another name for chunk.
        """
        return Stream(self._chunks(chunk if batch_size is None else batch_size))

    async def _chunks(self, chunk: int) -> AsyncIterator[list[T]]:
        statement, bound = self._select.expressions(self._columns), self._select.values(
            self._columns
        )
        source = self._source.executor()
        async for _, records in record_chunks(source, statement, bound, chunk):
            yield with_gc_paused(self._made, records)

    async def _fetch(self, select: Select) -> list[T]:
        statement = select.expressions(self._columns)
        records = await self._source.executor().run(statement, select.values(self._columns))
        if isinstance(records, ObservedRows):
            return records.made(self._made)
        return with_gc_paused(self._made, records)

    def _made(self, records: Sequence[Any]) -> list[T]:
        return self._make(self._decoded(records))

    def _decoded(self, records: Sequence[Any]) -> Sequence[Any]:
        to_decode = columns_to_decode(self._columns)
        return [decoded_row(record, to_decode) for record in records] if to_decode else records


class ObjectRows(Rows[T]):
    """The rows of a query as tuples of an object and further values."""

    __slots__ = ("_steps",)

    def __init__(
        self,
        source: Source,
        select: Select,
        columns: Sequence[AnyExpression],
        steps: tuple[Step, ...],
    ) -> None:
        super().__init__(source, select, columns)
        self._steps = steps

    async def _chunks(self, chunk: int) -> AsyncIterator[list[T]]:
        statement, bound = self._statement(self._select)
        source = self._source.executor()
        async for executor, records in record_chunks(source, statement, bound, chunk):
            yield await self._paired(executor, records)

    async def _fetch(self, select: Select) -> list[T]:
        statement, bound = self._statement(select)
        executor = self._source.executor()
        return await self._paired(executor, await executor.run(statement, bound))

    def _statement(self, select: Select) -> tuple[Any, list[object]]:
        places = () if select.joins else (*select.table.columns, *self._columns)
        return select.rows(self._columns), select.values(places or self._columns)

    async def _paired(self, executor: Executor, records: list[Any]) -> list[Any]:
        count = len(self._columns)
        rows, joins = [row[:-count] for row in records], joined_steps(self._steps)
        objects = executor.with_json(
            decode_joined, self._select.table, rows, joins, executor.identity
        )
        await load_steps(executor, objects, self._steps)
        values = self._decoded([row[-count:] for row in records])
        return [(each, *row) for each, row in zip(objects, values, strict=True)]


def checked_columns(method: str, columns: Sequence[object]) -> None:
    """Raise UsageError for anything that is not a column or expression, and for no columns."""
    for column in columns:
        if not isinstance(column, Expression):
            raise UsageError(f"{method} takes columns such as User.name, not {column!r}")
    if not columns:
        raise UsageError(f"{method} needs at least one column")


def columns_to_decode(columns: Sequence[AnyExpression]) -> list[tuple[int, AnyExpression]]:
    """Return the columns whose values need decoding, with their positions."""
    return [(place, column) for place, column in enumerate(columns) if not column.is_plain]


def decoded_row(record: Any, columns: Sequence[tuple[int, AnyExpression]]) -> tuple[Any, ...]:
    """Return the row as a tuple, with these columns decoded."""
    row = list(record)
    for place, column in columns:
        row[place] = column.decode(row[place])
    return tuple(row)


def as_scalars(rows: Sequence[Any]) -> list[Any]:
    """Return the first value of each row."""
    return list(map(itemgetter(0), rows))
