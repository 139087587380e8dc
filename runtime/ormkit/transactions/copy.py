"""COPY: bulk loading of rows into a table, and export of a query's rows to a file or function."""

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
from ..persistence.named_columns import named_column
from ..postgres.json_hooks import JsonFunctions, with_functions
from ..postgres.several import Listed
from ..postgres.type_mismatch import mismatch
from ..postgres.type_words import Type
from ..statements.executor import Executor
from ..statements.raw_sql import check_statement, check_text
from .atomic_file import replacing
from .copy_targets import Sink, pass_on

if TYPE_CHECKING:
    from ..models.model import Model
    from ..models.protocols import CopyTarget, P, Queryable, Typed
    from ..queries.query import Query

M = TypeVar("M", bound="Model")
K = TypeVar("K")
Row = tuple[object, ...] | list[object]
Format = Literal["csv", "text", "binary"]
FORMATS = ("csv", "text", "binary")

#: Takes the place of a cell's number while the source produces its next row.
READING = -1
#: Takes the place of a cell's number while there is no current row.
WAITING = -2

#: Marks the end of a source of rows.
NOTHING = object()


class Copying:
    """The COPY methods that an engine, a session and a transaction share."""

    def executor(self) -> Executor:
        """Return the executor that runs statements for the current task."""
        raise NotImplementedError

    @overload
    async def copy_in(
        self, into: type[Queryable[Query[M, K]]], rows: Iterable[M] | AsyncIterable[M]
    ) -> int: ...
    @overload
    async def copy_in(
        self, into: str, rows: Iterable[Row] | AsyncIterable[Row], *, columns: Listed[str]
    ) -> int: ...
    @overload
    async def copy_in(
        self,
        into: type[Typed[CopyTarget[P]]],
        rows: Iterable[Row] | AsyncIterable[Row],
        *args: P.args,
        **given: P.kwargs,
    ) -> int: ...

    # The implementation takes no more than the columns, whatever P may be.
    async def copy_in(  # type: ignore[misc]
        self, into: Any, rows: Any, *, columns: Sequence[AnyColumn | str] | None = None
    ) -> int:
        """Insert rows with COPY, all or none, and return the number of rows.

        into: a model, or the name of a table such as "users" or "audit.events".
        rows: a list, a generator or an async generator of objects of the model, all with values
            for the same columns; with `columns`, of tuples or lists of values.
        columns: the columns of the tuples, in order; required for the name of a table.

        The objects do not receive the values that PostgreSQL fills in. COPY has no ON CONFLICT;
        upsert_all() has.

        Raises UsageError for rows of another shape, MissingValue and InvalidValue for a row's
        values, and the DatabaseError that the server reports.
        """
        is_async = hasattr(rows, "__aiter__")
        if isinstance(rows, (str, bytes)) or not (is_async or hasattr(rows, "__iter__")):
            raise UsageError(
                f"copy_in() takes rows in a list or generator, not {type(rows).__name__}"
            )
        json = self.executor().json
        if columns is None:
            cells: Cells = ObjectCells(table_of(into), json)
        else:
            cells = tuple_cells(into, columns, json)
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
        """Export rows with COPY as they arrive from the server, and return the number of rows.

        source: a model, which exports all rows and columns of its table, or a SQL query without
            parameters.
        sink: the path of a file, a file opened for writing bytes, or an async function that takes
            bytes. The file at a path is replaced after a complete export; after an error it stays
            unchanged.
        format: "csv", "text" or "binary".
        header: whether the first line holds the names of the columns; not for "binary".
        delimiter, null: the text between columns, and the text for NULL; None means PostgreSQL's
            default for the format.

        Raises UsageError for an invalid argument, whatever the sink raises, and the DatabaseError
        that the server reports.
        """
        if format not in FORMATS:
            raise UsageError(
                f"format={format!r}: it must be one of {', '.join(map(repr, FORMATS))}"
            )
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
                "copy_out() writes to a path, to a file opened in binary mode, or to an async "
                "function that takes bytes"
            )
        return await into(lambda data: asyncio.to_thread(opened.write, data))


def check_option(name: str, value: object) -> None:
    """Raise UsageError if an option of COPY is not text that PostgreSQL can store."""
    if value is not None and (reason := mismatch("text", value)):
        raise UsageError(f"copy_out({name}=...): {reason}")


def query_of(source: type[Model] | str) -> str:
    """Return the SQL query whose rows are exported."""
    if isinstance(source, str):
        check_statement(source)
        # The line break ends a comment at the end of the query.
        return f"{source.strip().removesuffix(';')}\n"
    table = table_of(source)
    return f"SELECT {', '.join(column.quoted for column in table.columns)} FROM {table.sql}"


class Cells:
    """The current row of a COPY; it tracks which cell the driver reads, for error messages.

    One object serves every row in turn, since the driver encodes a row before it takes the next.
    """

    schema: str | None = None
    table: str
    names: Sequence[str]
    labels: Sequence[str]
    #: True if the caller named the table. Its triggers may then change the session's state.
    is_raw = False
    types: Sequence[Type] = ()
    is_text = False

    def __init__(self, json: JsonFunctions | None = None) -> None:
        #: The application's function that writes JSON; None for Python's.
        self.encoder = json.encode if json is not None else None
        #: The number of the current cell, from 0; or READING, or WAITING.
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
        """Determine the columns from the first row."""

    def check(self, row: Any) -> None:
        """Raise UsageError or MissingValue for a row without the shape of the first row."""

    def take(self, row: object) -> Cells:
        self.number += 1
        self.check(row)
        self._row = row
        return self

    def each(self, first: object, rows: Iterator[object]) -> Generator[Cells]:
        """Yield this object once for each row."""
        self.at = READING
        yield self.take(first)
        self.at = READING
        for row in rows:
            yield self.take(row)
            self.at = READING
        self.at = WAITING

    async def each_async(self, first: object, rows: AsyncIterator[object]) -> AsyncGenerator[Cells]:
        """Yield this object once for each row."""
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
        """True while an error can only come from the source of rows, or from a row's shape."""
        return self.at == READING

    def described(self) -> str:
        """Return a description of the current cell for error messages, without its value."""
        kind = type(self[self.at]).__name__
        return f"{self.labels[self.at]} (row {self.number}) cannot take this {kind}"


class TupleCells(Cells):
    """Rows that are tuples or lists, in the order of the named columns."""

    def __init__(
        self,
        table: str,
        schema: str | None,
        names: Sequence[str],
        columns: Sequence[AnyColumn] = (),
        json: JsonFunctions | None = None,
        *,
        is_raw: bool,
    ) -> None:
        """Describe the cells.

        columns: the columns of a model, in the order of the names; their values are checked.
        json: the engine's functions that write and read JSON.
        is_raw: whether the caller named the table instead of a model.
        """
        super().__init__(json)
        self.table, self.schema, self.names, self.is_raw = table, schema, names, is_raw
        self.types = [column.known for column in columns]
        self.is_text = any(map(is_copied_as_text, columns))
        self.labels = names
        self._getters = [stored_item(*each, json) for each in enumerate(columns)] or [
            itemgetter(place) for place in range(len(names))
        ]

    def check(self, row: Any) -> None:
        if not isinstance(row, (tuple, list)):
            raise UsageError(f"row {self.number} must be a tuple, not {type(row).__name__}")
        if len(row) != len(self.names):  # pyright: ignore[reportUnknownArgumentType]
            raise UsageError(
                f"row {self.number} must have {len(self.names)} values, one for each column"
            )


class ObjectCells(Cells):
    """Rows that are objects of a model; the first object determines the columns."""

    def __init__(self, table: Table, json: JsonFunctions | None) -> None:
        super().__init__(json)
        self._table = table
        self._json = json
        assert table.written  # raises UsageError for a read-only model
        self.table, self.schema = table.name, table.schema

    def begin(self, row: Any) -> None:
        self._check_model(row)
        given = held_columns(self._table, row)
        self.types = [column.known for column in given]
        self.is_text = any(map(is_copied_as_text, given))
        self.names = [column.name for column in given]
        self.labels = [column.label for column in given]
        self._getters = [getter_of(column, self._json) for column in given]
        self._given = given
        self._left_out = [
            column
            for column in self._table.columns
            if not column.is_generated and column.slot not in {each.slot for each in given}
        ]

    def _check_model(self, row: Any) -> None:
        if not isinstance(row, self._table.model):
            raise UsageError(
                f"copy_in({self._table.label}, ...) takes objects of that model, not "
                f"{type(row).__name__}; tuples need columns=[...]"
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


def is_copied_as_text(column: AnyColumn) -> bool:
    """Return whether the driver has no binary format for values of the column."""
    base = column.known.base
    return base.is_sent_as_text and (column.is_array or not base.has_codec)


def getter_of(column: AnyColumn, json: JsonFunctions | None) -> Callable[[Any], object]:
    """Return a function that reads the column's value from an object as the row will store it.

    The function also sets that value on the object at once, since the object may no longer exist
    when the server answers.
    """
    get: Callable[[Any], object] = attrgetter(column.slot)
    keep = storing_cell(column, json)

    def stored(row: Any) -> object:
        value = get(row)
        found = keep(column, value)
        if found is not value:
            setattr(row, column.slot, found)
        return sent(column, found)

    return stored


def stored_item(
    place: int, column: AnyColumn, json: JsonFunctions | None
) -> Callable[[Any], object]:
    """Return a function that reads the column's value from a tuple as the row will store it."""
    keep = storing_cell(column, json)
    return lambda row: sent(column, keep(column, row[place]))


def storing_cell(column: AnyColumn, json: JsonFunctions | None) -> Callable[[AnyColumn, Any], Any]:
    """Return the function that brings a column's values into their stored form."""
    if json is None or not column.is_json:
        return stored_cell

    def keep(column: AnyColumn, value: Any) -> Any:
        return with_functions(json, stored_cell, column, value)

    return keep


def stored_cell(column: AnyColumn, value: Any) -> Any:
    """Return the value as the row will store it; raises InvalidValue, which names no cell yet."""
    if value is None or type(value) is column.kept:
        return value
    try:
        return column.form.of(value)
    except InvalidValue as error:
        raise InvalidValue(f"cannot take this {type(value).__name__}: {error}") from None


def sent(column: AnyColumn, value: Any) -> object:
    """Return a stored value as the driver takes it: an object or an array of documents encoded."""
    is_encoded = column.is_object or column.is_coded
    return column.encode(value) if is_encoded else value


def tuple_cells(
    into: type[Model] | str, columns: Sequence[AnyColumn | str], json: JsonFunctions | None
) -> TupleCells:
    """Return the cells for rows of tuples; raises UsageError for invalid columns."""
    if isinstance(columns, str) or not isinstance(columns, Collection) or not columns:
        raise UsageError("columns must be a list of names, one for each value of a row")
    if isinstance(into, str):
        for given in (into, *columns):
            check_text(given)
        schema, _, name = into.rpartition(".")
        names = list(map(str, columns))
        return TupleCells(name, schema or None, names, json=json, is_raw=True)
    table = table_of(into)
    found = [named_column(table, each) for each in columns]
    names = [column.name for column in found]
    return TupleCells(table.name, table.schema, names, found, json, is_raw=False)


async def copy_sync(executor: Executor, cells: Cells, rows: Iterator[object]) -> int:
    """Copy the rows of an iterator; send nothing if it is empty."""
    first = next(rows, NOTHING)
    if first is NOTHING:
        return 0
    cells.begin(first)
    return await executor.use(lambda connection: connection.copy_in(cells, cells.each(first, rows)))


async def copy_async(executor: Executor, cells: Cells, rows: AsyncIterator[object]) -> int:
    """Copy the rows of an asynchronous iterator; send nothing if it is empty."""
    first = await anext(rows, NOTHING)
    if first is NOTHING:
        return 0
    cells.begin(first)
    async with aclosing(cells.each_async(first, rows)) as records:
        return await executor.use(lambda connection: connection.copy_in(cells, records))
