"""Reading: the methods that read the rows of a query, whatever they become."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ..errors import MultipleFound, NotFound, UsageError
from ..statements.primary_keys import same_key
from ..statements.row_limits import ONE, TWO
from ..statements.statement import Statement
from .builder import L, N, QueryBuilder, S, X_contra
from .pagination import Cursor, Page
from .stream import CHUNK, Stream, check_chunk

if TYPE_CHECKING:
    from ..models.model import Model

M = TypeVar("M", bound="Model")
T = TypeVar("T")
K = TypeVar("K")


class Counting(QueryBuilder[M, N, S, L, X_contra]):
    """A query whose rows can be counted, and whose plan can be read."""

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
        statement, bound = self._explained_statement()
        words = f"EXPLAIN ({options}) " if options else "EXPLAIN "
        explained = replace(
            statement, sql=words + statement.sql, selected=(), read=None, has_locks=False
        )
        rows = await self._source.executor().run(explained, bound)
        return "\n".join(row[0] for row in rows)

    def _explained_statement(self) -> tuple[Statement, list[object]]:
        """Return the statement that reads the rows, and its values."""
        raise NotImplementedError


class Reading(Counting[M, N, S, L, X_contra], Generic[M, T, K, N, S, L, X_contra]):
    """A query over model M with a primary key of type K, whose rows become values of type T."""

    async def all(self) -> list[T]:
        """Return a list of all objects of the query."""
        raise NotImplementedError

    async def first(self) -> T | None:
        """Return the first object, or None; without order_by(), the order is by primary key."""
        query = self
        if not self._order:
            order = tuple([each.asc() for each in self._first_by()])
            query = self._with("_order", order, self._shape and self._shape.then("first"))
        if query._limit is None:
            query = query.limit(ONE)
        found = await query.all()
        return found[0] if found else None

    async def get(self, key: K) -> T | None:
        """Return the object with this primary key; None where it is not among the query's rows.

        key: a value, or a tuple for a composite primary key.
        """
        found = await self._filter(*same_key(self._table, key)).all()
        return found[0] if found else None

    async def one(self) -> T:
        """Return the only object; raises NotFound or MultipleFound."""
        found = await self.one_or_none()
        if found is None:
            raise NotFound(f"no {self._table.label} matches the query")
        return found

    async def one_or_none(self) -> T | None:
        """Return the only object, or None; raises MultipleFound for more than one."""
        found = await (self.limit(TWO) if self._limit is None else self).all()
        if len(found) > 1:
            raise MultipleFound(f"more than one {self._table.label} matches the query")
        return found[0] if found else None

    async def page(self, after: Cursor[T] | str | None = None) -> Page[T]:
        """Return the page of at most limit() objects after a cursor, with the next cursor.

        after: the cursor, or its token; None returns the first page.

        Raises UsageError without a limit or with an offset, and InvalidValue for a malformed cursor
        or one of another query.
        """
        if self._limit is None or self._offset is not None:
            raise UsageError(
                "page() needs a limit() and takes no offset(): the cursor is the position"
            )
        wanted: Any = after
        items, last = await self.after(wanted)._page_items(self._limit)
        return Page(items, last)

    def iterate(self, chunk: int = CHUNK) -> Stream[T]:
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

    async def _page_items(self, size: int) -> tuple[list[T], Cursor[T] | None]:
        """Return the objects of a page, and the cursor of the last one where there are more."""
        raise NotImplementedError

    def _first_by(self) -> tuple[Any, ...]:
        """Return the default order of first(): DISTINCT ON, then the primary key."""
        on = self._grouping.on if self._grouping is not None else ()
        held = {each.key for each in on}
        return (*on, *(each for each in self._table.primary_key if each.key not in held))

    async def _paged_chunks(self, chunk: int) -> AsyncIterator[list[T]]:
        check_chunk(chunk)
        await self._source.executor().flush_pending()
        query = self.limit(chunk)
        page = await query.page()
        while page.items:
            yield page.items
            if page.next is None:
                return
            page = await query.page(page.next)
