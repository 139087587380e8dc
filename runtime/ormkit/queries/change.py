"""UPDATE and DELETE of all rows of a query, by one statement, with RETURNING."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from ..loading.decoding import decode
from ..models.table import Table
from ..sql.operands import Selectable
from ..statements.grouping import Selected
from ..statements.result import as_tuples
from ..statements.statement import Statement
from .rows import checked_columns, columns_to_decode, decoded_row

if TYPE_CHECKING:
    from .builder import Source

M = TypeVar("M")
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")


class Change(Generic[M]):
    """An UPDATE or DELETE; awaiting it sends it, and returns the number of rows that it changed.

    `returning` returns the rows instead: `await query.delete().returning(User.id)`.
    """

    __slots__ = ("_bound", "_is_sent", "_source", "_table", "_write")

    def __init__(
        self,
        source: Source,
        table: Table,
        write: Callable[[Selected], Statement],
        bound: list[object],
    ) -> None:
        self._source = source
        self._table = table
        self._write = write
        self._bound = bound
        self._is_sent = False

    def __del__(self) -> None:
        # Like Python's warning for a coroutine: a change that is not awaited is a mistake.
        if not getattr(self, "_is_sent", True):
            warnings.warn(
                f"a change of {self._table.label} rows was never awaited", RuntimeWarning, 2
            )

    def __await__(self) -> Generator[Any, None, int]:
        return self._count().__await__()

    async def _count(self) -> int:
        self._is_sent = True
        _, count = await self._source.executor().run_counted(self._write(()), self._bound)
        return count

    @overload
    async def returning(self) -> list[M]: ...
    @overload
    async def returning(self, a: Selectable[M, A], /) -> list[tuple[A]]: ...
    @overload
    async def returning(self, a: Selectable[M, A], b: Selectable[M, B], /) -> list[tuple[A, B]]: ...
    @overload
    async def returning(
        self, a: Selectable[M, A], b: Selectable[M, B], c: Selectable[M, C], /
    ) -> list[tuple[A, B, C]]: ...
    @overload
    async def returning(
        self,
        a: Selectable[M, Any],
        b: Selectable[M, Any],
        c: Selectable[M, Any],
        d: Selectable[M, Any],
        /,
        *columns: Selectable[M, Any],
    ) -> list[tuple[Any, ...]]: ...
    async def returning(self, *columns: Any) -> list[Any]:
        """Send it and return the changed or deleted rows.

        The result is a list of objects, or with columns a list of tuples of their values. Type
        checkers know the types of up to three columns.
        """
        self._is_sent = True
        if columns:
            checked_columns("returning()", columns)
        selected = columns or self._table.columns
        bound = [*self._bound, *(value for each in selected for value in each.values)]
        executor = self._source.executor()
        rows, _ = await executor.run_counted(self._write(selected), bound)
        if not columns:
            return decode(self._table.model, rows, executor.identity)
        to_decode = columns_to_decode(columns)
        return [decoded_row(row, to_decode) for row in rows] if to_decode else as_tuples(rows)
