"""Rows of chosen columns, for when whole objects are more than is needed."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .columns import Column
from .compiler import Select
from .errors import UsageError
from .expressions import Expression
from .values import Record

if TYPE_CHECKING:
    from .query import Source

T = TypeVar("T")

AnyColumn = Column[Any, Any, Any]


class Rows(Generic[T]):
    """The rows of a query as tuples of type T: await it for all of them."""

    __slots__ = ("_columns", "_select", "_source")

    def __init__(
        self, source: Source, select: Select, columns: Sequence[Expression[Any, Any, Any]]
    ) -> None:
        for column in columns:
            if not isinstance(column, Expression):
                raise UsageError(f"values_list takes columns such as User.name, not {column!r}")
        if not columns:
            raise UsageError("values_list needs at least one column")
        self._source = source
        self._select = select
        self._columns = tuple(columns)

    def __await__(self) -> Generator[Any, None, list[T]]:
        return self.all().__await__()

    async def all(self) -> list[T]:
        """Return every row."""
        return await self._fetch(self._select)

    async def first(self) -> T | None:
        """Return the first row; None where there is none."""
        rows = await self._fetch(replace(self._select, limit=1))
        return rows[0] if rows else None

    async def _fetch(self, select: Select) -> list[Any]:
        statement = select.expressions(self._columns)
        bound = [value for column in self._columns for value in column.values]
        records = await statement.fetch(self._source.executor(), [*bound, *select.values])
        coded = [
            (place, column)
            for place, column in enumerate(self._columns)
            if isinstance(column, Column) and not column.is_plain
        ]
        if not coded:
            return list(map(tuple, records))
        return [decoded_row(record, coded) for record in records]


def decoded_row(record: Record, columns: Sequence[tuple[int, AnyColumn]]) -> Any:
    """Return the row as a tuple in which these columns hold what attributes would."""
    row = list(record)
    for place, column in columns:
        row[place] = column.decode(row[place])
    return tuple(row)
