"""COPY: many rows into a table, and the rows of a query into a file, at the speed of the wire."""

from __future__ import annotations

import asyncio
import io
import os
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Generator,
    Iterable,
    Iterator,
    Sequence,
)
from contextlib import aclosing
from functools import partial
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from ..errors import InvalidValue, MissingValue, UsageError
from ..models.columns import AnyColumn
from ..models.table import Table, table_of
from ..persistence.batches import fill_keys, held_columns
from ..postgres.mismatch import misfit
from ..statements.executor import Executor
from ..statements.raw_sql import check_statement, check_text
from .atomic_file import replacing
from .copy_targets import Sink, pass_on

if TYPE_CHECKING:
    from ..models.model import Model
    from ..models.protocols import Queryable
    from ..queries.query import Query

M = TypeVar("M", bound="Model")
K = TypeVar("K")
Row = tuple[object, ...] | list[object]
Format = Literal["csv", "text", "binary"]
FORMATS = ("csv", "text", "binary")

#: In the place of a cell's number: the source is asked for its next row.
READING = -1
#: In the place of a cell's number: there is no row in hand.
WAITING = -2

#: What there is where a source has no row.
NOTHING = object()


class Copying:
    """What an engine, a session and a transaction offer of COPY."""

    def executor(self) -> Executor:
        """Return what runs statements in this moment and task."""
        raise NotImplementedError

    @overload
    async def copy_in(
        self, into: type[Queryable[Query[M, K]]], rows: Iterable[M] | AsyncIterable[M]
    ) -> int: ...
    @overload
    async def copy_in(
        self,
        into: type[Model] | str,
        rows: Iterable[Row] | AsyncIterable[Row],
        *,
        columns: Sequence[str],
    ) -> int: ...
    async def copy_in(self, into: Any, rows: Any, *, columns: Sequence[str] | None = None) -> int:
        """Store rows by COPY, all or none, and return how many they were.

        into: a model; or the name of a table, "users" or "audit.events".
        rows: objects of the model, all with values of the same columns, or with `columns` tuples of
            their values; a list, a generator, or an asynchronous one.

        The objects do not get what PostgreSQL fills in. COPY takes the values as they are: no ON
        CONFLICT, and no types that the driver knows only as text, for which there is insert_all().
        """
        is_async = hasattr(rows, "__aiter__")
        if isinstance(rows, (str, bytes)) or not (is_async or hasattr(rows, "__iter__")):
            raise UsageError(
                f"copy_in() takes rows in a list or generator, not {type(rows).__name__}"
            )
        cells = tuple_cells(into, columns) if columns is not None else ObjectCells(table_of(into))
        await self.executor().flush_pending()
        if is_async:
            return await copy_async(self.executor(), cells, aiter(rows))
        return await copy_sync(self.executor(), cells, iter(rows))

    async def copy_out(
        self,
        source: type[Model] | str,
        sink: Sink,
        *,
        format: Format = "csv",
        header: bool = False,
        delimiter: str | None = None,
        null: str | None = None,
    ) -> int:
        """Write rows by COPY, as they come from the server, and return how many they were.

        source: a model, for all the rows and columns of its table, or a query in SQL; COPY takes
            no parameters.
        sink: the path of a file, which is replaced once all is written and stays as it is where
            anything fails; a file opened for bytes; or an async function called with bytes.
        header: whether a line with the names of the columns goes first; not for binary.
        delimiter, null: what stands between columns and for NULL; PostgreSQL's choice where None.
        """
        if format not in FORMATS:
            raise UsageError(f"format={format!r}: it is one of {', '.join(map(repr, FORMATS))}")
        check_option("delimiter", delimiter)
        check_option("null", null)
        options = {"format": format, "delimiter": delimiter, "null": null, "header": header or None}
        is_raw = isinstance(source, str)
        query = query_of(source)

        async def into(write: Callable[[bytes], Awaitable[object]]) -> int:
            executor = self.executor()
            await executor.flush_pending()
            return await executor.use(
                lambda connection: connection.copy_out(query, write, is_raw=is_raw, options=options)
            )

        if isinstance(sink, (str, os.PathLike)):
            path: str = os.fspath(
                sink
            )  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
            async with replacing(path) as file:
                return await into(lambda data: asyncio.to_thread(file.write, data))
        if callable(sink):
            return await into(partial(pass_on, sink))
        opened: Any = sink
        if not hasattr(opened, "write") or isinstance(opened, io.TextIOBase):
            raise UsageError(
                "copy_out() writes to a path, to a file opened for bytes, or to an async function "
                "of bytes"
            )
        return await into(lambda data: asyncio.to_thread(opened.write, data))


def check_option(name: str, value: object) -> None:
    """Raise UsageError for an option of COPY that is no text."""
    if value is not None and (reason := misfit("text", value)):
        raise UsageError(f"copy_out({name}=...): {reason}")


def query_of(source: type[Model] | str) -> str:
    """Return the query whose rows are to be copied."""
    if isinstance(source, str):
        check_statement(source)
        # On a line of its own, since a comment may end the query.
        return f"{source.strip().removesuffix(';')}\n"
    table = table_of(source)
    return f"SELECT {', '.join(column.quoted for column in table.columns)} FROM {table.sql}"


class Cells:
    """The row in hand, whose cells the driver takes one by one, so that one it refuses has a name.

    One of these stands for every row in turn: the driver is done with a row before the next.
    """

    schema: str | None = None
    table: str
    names: Sequence[str]
    labels: Sequence[str]
    #: True where a caller named the table, of which no model tells what it does.
    is_raw = False

    def __init__(self) -> None:
        #: Which cell is in hand, from 0; or READING, or WAITING.
        self.at = WAITING
        self.number = 0
        self._row: Any = None
        self._getters: Sequence[Callable[[Any], object]] = ()

    def __getitem__(self, place: int) -> object:
        self.at = place
        try:
            return self._getters[place](self._row)
        except InvalidValue as error:
            raise InvalidValue(f"{self.labels[place]} (row {self.number}) {error}") from None

    def begin(self, row: object) -> None:
        """Take the columns from the first row."""

    def check(self, row: Any) -> None:
        """Raise UsageError for a row that has not the shape of the first."""

    def take(self, row: object) -> Cells:
        self.number += 1
        self.check(row)
        self._row = row
        return self

    def each(self, first: object, rows: Iterator[object]) -> Generator[Cells]:
        """Yield itself for each row."""
        self.at = READING
        yield self.take(first)
        self.at = READING
        for row in rows:
            yield self.take(row)
            self.at = READING
        self.at = WAITING

    async def each_async(self, first: object, rows: AsyncIterator[object]) -> AsyncGenerator[Cells]:
        """Yield itself for each row."""
        self.at = READING
        yield self.take(first)
        self.at = READING
        async for row in rows:
            yield self.take(row)
            self.at = READING
        self.at = WAITING

    @property
    def has_rows(self) -> bool:
        """True once the driver has taken a row."""
        return self.number > 0

    @property
    def is_reading(self) -> bool:
        """True while an error can only be that of the source, or of a row's shape."""
        return self.at == READING

    def described(self) -> str:
        """Return which value is in hand, for messages, without it."""
        kind = type(self[self.at]).__name__
        return f"{self.labels[self.at]} (row {self.number}) cannot take this {kind}"


class TupleCells(Cells):
    """Tuples, in the order of the columns that were named."""

    def __init__(
        self,
        table: str,
        schema: str | None,
        names: Sequence[str],
        columns: Sequence[AnyColumn] = (),
        *,
        is_raw: bool,
    ) -> None:
        """Describe the cells.

        columns: those of a model, in the order of the names; their values are checked.
        is_raw: whether a caller named the table, of which no model tells what it does.
        """
        super().__init__()
        self.table, self.schema, self.names, self.is_raw = table, schema, names, is_raw
        self.labels = names
        self._getters = [stored_item(*each) for each in enumerate(columns)] or [
            itemgetter(place) for place in range(len(names))
        ]

    def check(self, row: Any) -> None:
        if not isinstance(row, (tuple, list)):
            raise UsageError(f"row {self.number} is no tuple but {type(row).__name__}")
        if len(row) != len(self.names):  # pyright: ignore[reportUnknownArgumentType]
            raise UsageError(
                f"row {self.number} must have {len(self.names)} values, one for each column"
            )


class ObjectCells(Cells):
    """Objects of a model, with the columns that the first of them has values for."""

    def __init__(self, table: Table) -> None:
        super().__init__()
        self._table = table
        self.table, self.schema = table.name, table.schema

    def begin(self, row: Any) -> None:
        self._check_model(row)
        given = held_columns(self._table, row)
        for column in given:
            known = column.known.base
            if known.is_sent_as_text and (column.is_array or not known.has_codec):
                raise UsageError(f"{column.label}: COPY has no {column.type}; use insert_all()")
        self.names = [column.name for column in given]
        self.labels = [column.label for column in given]
        self._getters = [getter_of(column) for column in given]
        self._given = given
        self._left_out = [
            column
            for column in self._table.columns
            if not column.is_generated and column.slot not in {each.slot for each in given}
        ]

    def _check_model(self, row: Any) -> None:
        if not isinstance(row, self._table.model):
            raise UsageError(
                f"copy_in({self._table.label}, ...) takes objects of it, not {type(row).__name__}; "
                f"tuples need columns=[...]"
            )
        fill_keys(self._table, row)

    def check(self, row: Any) -> None:
        self._check_model(row)
        for column in self._given:
            if not hasattr(row, column.slot):
                raise MissingValue(
                    f"{column.label} has no value in row {self.number}, and has one in the first: "
                    f"copy_in() takes objects that hold values of the same columns"
                )
        for column in self._left_out:
            if hasattr(row, column.slot):
                raise UsageError(
                    f"{column.label} has a value in row {self.number}, and none in the first: "
                    f"copy_in() takes objects that hold values of the same columns"
                )


def getter_of(column: AnyColumn) -> Callable[[Any], object]:
    """Return what reads the column's value of an object as its row will hold it.

    The object then holds it too: it may be gone before the server answers.
    """
    get: Callable[[Any], object] = attrgetter(column.slot)

    def stored(row: Any) -> object:
        value = get(row)
        found = stored_cell(column, value)
        if found is not value:
            setattr(row, column.slot, found)
        return found

    return stored


def stored_item(place: int, column: AnyColumn) -> Callable[[Any], object]:
    """Return what reads the column's value of a tuple, as its row will hold it."""
    return lambda row: stored_cell(column, row[place])


def stored_cell(column: AnyColumn, value: Any) -> Any:
    """Return the value as its row will hold it; InvalidValue that goes on behind a cell's name."""
    if value is None or type(value) is column.kept:
        return value
    try:
        return column.form.of(value)
    except InvalidValue as error:
        raise InvalidValue(f"cannot take this {type(value).__name__}: {error}") from None


def tuple_cells(into: type[Model] | str, columns: Sequence[str]) -> TupleCells:
    """Return the cells of tuples; raises UsageError for columns that cannot be."""
    if isinstance(columns, str) or not isinstance(columns, Collection) or not columns:
        raise UsageError("columns is a list of names, one for each value of a row")
    if isinstance(into, str):
        for given in (into, *columns):
            check_text(given)
        schema, _, name = into.rpartition(".")
        return TupleCells(name, schema or None, list(columns), is_raw=True)
    table = table_of(into)
    found = [table.column(name) for name in columns]
    names = [column.name for column in found]
    return TupleCells(table.name, table.schema, names, found, is_raw=False)


async def copy_sync(executor: Executor, cells: Cells, rows: Iterator[object]) -> int:
    """Copy the rows of an iterator; nothing is sent where there are none."""
    first = next(rows, NOTHING)
    if first is NOTHING:
        return 0
    cells.begin(first)
    return await executor.use(lambda connection: connection.copy_in(cells, cells.each(first, rows)))


async def copy_async(executor: Executor, cells: Cells, rows: AsyncIterator[object]) -> int:
    """Copy the rows of an asynchronous iterator; nothing is sent where there are none."""
    first = await anext(rows, NOTHING)
    if first is NOTHING:
        return 0
    cells.begin(first)
    async with aclosing(cells.each_async(first, rows)) as records:
        return await executor.use(lambda connection: connection.copy_in(cells, records))
