"""Query: an immutable description of the rows of one model to read, update or delete."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from ..errors import MultipleFound, NotFound, UsageError
from ..loading.computed import ComputedStep
from ..loading.decoding import decode
from ..loading.eager import load_steps
from ..loading.joined import decode_joined
from ..loading.step import RelationshipStep
from ..persistence.update import changes_for, values_of
from ..postgres.interval import Span
from ..sql.expressions import AnyExpression, Expression
from ..sql.operators import check_summed, is_whole
from ..statements.executor import Executor
from ..statements.primary_keys import same_key
from ..statements.row_limits import ONE, TWO
from ..statements.select import Select
from ..statements.statement import Statement
from .builder import Source as Source
from .change import Change
from .pagination import Cursor, Page, cursor_at
from .selection import Selection
from .stream import CHUNK, Stream, check_chunk, record_chunks

if TYPE_CHECKING:
    from ..models.model import Model

M = TypeVar("M", bound="Model")
K = TypeVar("K")
A = TypeVar("A")
#: Types that have a sum and a mean.
N = TypeVar("N", int, float, Decimal, Span)


class Query(Selection[M], Generic[M, K]):
    """A query over model M with a primary key of type K; it is immutable.

    Methods such as limit() return a new query. Generated subclasses tell type checkers which
    keywords and names filter, exclude, order_by and update take.
    """

    async def all(self) -> list[M]:
        """Return a list of all objects of the query."""
        executor = self._source.executor()
        if self._shape is not None:
            statement, bound = self._statement_for("rows")
            rows = await executor.run(statement, bound)
            found: list[Any] = decode(self._table.model, rows, executor.identity)
            return found
        select = self.as_select()
        if not self._only and self._grouping is None:
            rows = await executor.run(select.rows(), select.values())
            objects = decode_joined(self._table, rows, self._joins(), executor.identity)
            if self._steps:
                await load_steps(executor, objects, self._steps)
            return objects
        self._check_whole("objects")
        statement, bound = self._statement(select)
        return await self._objects(executor, await executor.run(statement, bound), select)

    async def first(self) -> M | None:
        """Return the first object, or None; without order_by(), the order is by primary key."""
        query = self
        if not self._order:
            order = tuple([each.asc() for each in self._first_by()])
            query = self._with("_order", order, self._shape and self._shape.then("first"))
        if query._limit is None:
            query = query.limit(ONE)
        found = await query.all()
        return found[0] if found else None

    async def get(self, key: K) -> M | None:
        """Return the object with this primary key; None where it is not among the query's rows.

        key: a value, or a tuple for a composite primary key.
        """
        found = await self._filter(*same_key(self._table, key)).all()
        return found[0] if found else None

    async def one(self) -> M:
        """Return the only object; raises NotFound or MultipleFound."""
        found = await self.one_or_none()
        if found is None:
            raise NotFound(f"no {self._table.label} matches the query")
        return found

    async def one_or_none(self) -> M | None:
        """Return the only object, or None; raises MultipleFound for more than one."""
        found = await (self.limit(TWO) if self._limit is None else self).all()
        if len(found) > 1:
            raise MultipleFound(f"more than one {self._table.label} matches the query")
        return found[0] if found else None

    async def page(self, after: Cursor[M] | str | None = None) -> Page[M]:
        """Return the page of at most limit() objects after a cursor, with the next cursor.

        after: the cursor, or its token; None returns the first page.

        Raises UsageError without a limit or with an offset, and InvalidValue for a malformed cursor
        or one of another query.
        """
        if self._limit is None or self._offset is not None:
            raise UsageError(
                "page() needs a limit() and takes no offset(): the cursor is the position"
            )
        query = self.after(after)
        found = await query.limit(self._limit + 1).all()
        items = found[: self._limit]
        has_more = len(found) > len(items) and bool(items)
        last = cursor_at(self._table, query._order, items[-1]) if has_more else None
        return Page(items, last)

    def __aiter__(self) -> AsyncIterator[M]:
        """Iterate over the objects as stream() does: `async for user in query:`."""
        return self.stream().__aiter__()

    def stream(self, chunk: int = CHUNK, *, batch_size: int | None = None) -> Stream[M]:
        """Iterate over the objects through a server-side cursor: `async for user in q.stream():`.

        chunk: how many rows are fetched at a time. Relationships are loaded once for each chunk.
        batch_size: another name for chunk.

        The stream holds a connection until it ends: outside a transaction, one of its own. Raises
        InvalidValue for a chunk that is no whole number from 1 on.
        """
        return Stream(self._chunks(self.as_select(), chunk if batch_size is None else batch_size))

    def iterate(self, chunk: int = CHUNK) -> Stream[M]:
        """Iterate over the objects by keyset pagination: one query for each chunk.

        chunk: how many rows one query reads.

        Rows come in the order of order_by(), then of the primary key. Between the queries it holds
        no connection and no transaction, so that each step may take long. A row that changes
        meanwhile is seen as it is when its chunk is read. Raises UsageError with limit() or
        offset().
        """
        if self._limit is not None or self._offset is not None:
            raise UsageError("iterate() reads all rows of a query: it takes no limit() or offset()")
        return Stream(self._paged_chunks(chunk))

    async def count(self) -> int:
        """Return the number of rows."""
        statement, bound = self._statement_for("count")
        rows = await self._source.executor().run(statement, bound)
        return rows[0][0]  # type: ignore[no-any-return]

    async def exists(self) -> bool:
        """Return whether the query has at least one row."""
        statement, bound = self._statement_for("exists")
        rows = await self._source.executor().run(statement, bound)
        return rows[0][0]  # type: ignore[no-any-return]

    async def explain(
        self, *, analyze: bool = False, buffers: bool = False, verbose: bool = False
    ) -> str:
        """Return PostgreSQL's query plan, as text.

        analyze: run the query, and show the actual rows and times.
        buffers: show how many pages were read.
        verbose: show output columns and full names.
        """
        flags = {"ANALYZE": analyze, "BUFFERS": buffers, "VERBOSE": verbose}
        options = ", ".join(word for word, is_wanted in flags.items() if is_wanted)
        statement, bound = self._statement(self.as_select())
        words = f"EXPLAIN ({options}) " if options else "EXPLAIN "
        explained = replace(
            statement, sql=words + statement.sql, selected=(), read=None, has_locks=False
        )
        rows = await self._source.executor().run(explained, bound)
        return "\n".join(row[0] for row in rows)

    @overload
    async def sum(self, column: Expression[M, N, Any]) -> N | None: ...
    @overload
    async def sum(self, column: str) -> Any: ...
    async def sum(self, column: Expression[M, Any, Any] | str) -> Any:
        """Return the sum of a column or expression; None where there are no rows.

        column: a str names a column or an annotation. Raises UnknownName for an unknown name.
        """
        operand: AnyExpression = self._expression(column) if isinstance(column, str) else column
        total = await self._aggregate("sum", operand)
        if total is not None and is_whole(operand.type):
            # PostgreSQL adds bigints up to a numeric, so that the sum cannot overflow.
            total = int(total)
        return total

    async def avg(self, column: Expression[M, N, Any] | str) -> Any:
        """Return the mean: a Decimal, a float for floating-point columns, None without rows."""
        return await self._aggregate("avg", column)

    @overload
    async def min(self, column: Expression[M, A, Any]) -> A | None: ...
    @overload
    async def min(self, column: str) -> Any: ...
    async def min(self, column: Expression[M, Any, Any] | str) -> Any:
        """Return the smallest value; None where there are no rows."""
        return await self._aggregate("min", column)

    @overload
    async def max(self, column: Expression[M, A, Any]) -> A | None: ...
    @overload
    async def max(self, column: str) -> Any: ...
    async def max(self, column: Expression[M, Any, Any] | str) -> Any:
        """Return the largest value; None where there are no rows."""
        return await self._aggregate("max", column)

    async def _aggregate(self, function: str, column: Expression[M, Any, Any] | str) -> Any:
        operand = self._expression(column) if isinstance(column, str) else column
        if not isinstance(operand, Expression):
            raise UsageError(f"{function}() takes a column such as User.age, not {operand!r}")
        if function in ("sum", "avg"):
            check_summed(function, operand)
        if self._grouping is not None and self._grouping.is_grouped:
            raise UsageError(
                f"{function}() does not work after group_by(): select "
                f"func.{function}(...) with values()"
            )
        select = self.as_select().as_set()
        statement = select.aggregate(function, operand)
        bound = select.values((operand,))
        value = (await self._source.executor().run(statement, bound))[0][0]
        return operand.decode(value) if function in ("min", "max") else value

    def delete(self) -> Change[M]:
        """Delete the rows by one statement; awaiting it returns the number of rows.

        Models with soft deletes lose their rows too. A limit() deletes that many rows at most.
        """
        select = self._changeable("delete()")
        return Change(self._source, self._table, select.delete, select.values())

    def _update(self, **values: object) -> Change[M]:
        """Update the rows by one statement; awaiting it returns the number of rows."""
        changes = changes_for(self._table, values)
        select = self._changeable("update()")
        bound = [*values_of(changes), *select.values()]
        return Change(
            self._source, self._table, lambda returned: select.update(changes, returned), bound
        )

    if TYPE_CHECKING:

        def update(self) -> Change[M]: ...

    else:
        update = _update

    def _changeable(self, method: str) -> Select:
        if self._grouping is not None:
            raise UsageError(
                f"{method} changes rows of the table, and distinct() and group_by() "
                "return other rows"
            )
        return self.as_select().as_set()

    def _first_by(self) -> tuple[Any, ...]:
        """Return the default order of first(): DISTINCT ON, then the primary key."""
        on = self._grouping.on if self._grouping is not None else ()
        held = {each.key for each in on}
        return (*on, *(each for each in self._table.primary_key if each.key not in held))

    def _statement(self, select: Select) -> tuple[Statement, list[object]]:
        if not self._only:
            return select.rows(), select.values()
        if any(not isinstance(step, ComputedStep) for step in self._joins()):
            raise UsageError("only() works with selectinload(), not with joinedload()")
        chosen = (*self._only, *self._computed)
        select.joins = ()
        return select.expressions(chosen), select.values(chosen)

    async def _objects(self, executor: Executor, records: list[Any], select: Select) -> list[M]:
        """Create objects from records, and load their relationships."""
        if self._only:
            objects = self._partial_objects(records)
        else:
            objects = decode_joined(self._table, records, self._joins(), executor.identity)
        await load_steps(executor, objects, self._steps)
        return objects

    def _partial_objects(self, records: list[Any]) -> list[Any]:
        """Create objects with some columns only; raises UsageError where a load needs another."""
        held = {column.key for column in self._only}
        for step in self._steps:
            if isinstance(step, RelationshipStep):
                for column in step.relationship.local:
                    if column.key not in held:
                        raise UsageError(f"only() leaves out {column.label}, which the load needs")
        model = self._table.model
        objects = [model.__new__(model) for _ in records]
        chosen: tuple[Any, ...] = (*self._only, *self._computed)
        for each, record in zip(objects, records, strict=True):
            for column, value in zip(chosen, record, strict=True):
                setattr(each, column.slot, column.decode(value))
        return objects

    async def _chunks(self, select: Select, chunk: int) -> AsyncIterator[list[M]]:
        self._check_whole("objects")
        statement, bound = self._statement(select)
        source = self._source.executor()
        async for executor, records in record_chunks(source, statement, bound, chunk):
            yield await self._objects(executor, records, select)

    async def _paged_chunks(self, chunk: int) -> AsyncIterator[list[M]]:
        check_chunk(chunk)
        await self._source.executor().flush_pending()
        query = self.limit(chunk)
        page = await query.page()
        while page.items:
            yield page.items
            if page.next is None:
                return
            page = await query.page(page.next)
