"""Shaped: a query whose rows become objects of a class of the application."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Mapping, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from ..errors import UsageError
from ..loading.shaped import OrderColumns, joins_of
from ..models.table import Table
from ..shapes.gc_pause import with_gc_paused
from ..shapes.making import Make, make_of_plan
from ..shapes.plan import Plan, plan_of, sources_of
from ..sql.expressions import AnyExpression, Condition, Expression
from ..sql.ordering import Order
from ..statements.statement import Statement
from .pagination import Cursor, column_of, cursor_at
from .reading import Counting, Reading
from .rows import Rows
from .stream import CHUNK, Stream

if TYPE_CHECKING:
    from ..models.model import Model

M = TypeVar("M", bound="Model")
T = TypeVar("T")
K = TypeVar("K")

#: How many plans are kept; the oldest goes first.
CACHE_LIMIT = 1024
_plans: dict[object, tuple[Plan, Make]] = {}


class Shaped(Reading[M, T, K, Any, Any, Any, Any], Generic[M, T, K]):
    """The rows of a query over model M as objects of class T; K is the type of the primary key.

    Awaiting it returns a list of all of them. It has the methods that read, and those that choose
    rows: filter(), order_by(), limit(), options(), for_update() and others.
    """

    _cls: type[T]

    def __init__(self, query: Counting[M, Any, Any, Any, Any], cls: type[T]) -> None:
        """Give the query a class; raises what is wrong with the class."""
        self.__dict__.update(query.__dict__)
        self._cls = cls
        self._plan_of_class()

    def __repr__(self) -> str:
        return f"<Shaped {self._cls.__name__} {self._rows().statement()[0].sql}>"

    def __await__(self) -> Generator[Any, None, list[T]]:
        return self.all().__await__()

    if TYPE_CHECKING:

        # The names of the model: its query class alone knows them, and is lost here.
        def filter(self, *conditions: Condition[M]) -> Self: ...
        def filter_by(self) -> Self: ...
        def exclude(self, *conditions: Condition[M]) -> Self: ...
        def order_by(
            self, *by: Order[M] | Expression[M, Any, Any] | str, desc: bool = False
        ) -> Self: ...
        def group_by(self, *columns: Expression[M, Any, Any] | str) -> Self: ...
        def annotate(self, **named: Expression[M, Any, Any]) -> Self: ...

    async def all(self) -> list[T]:
        """Return a list of all objects."""
        return await self._rows().all()

    def __aiter__(self) -> AsyncIterator[T]:
        """Iterate over the objects as stream() does."""
        return self.stream().__aiter__()

    def stream(self, chunk: int = CHUNK, *, batch_size: int | None = None) -> Stream[T]:
        """Iterate over the objects through a server-side cursor; see Query.stream.

        chunk: how many rows are fetched at a time.
        batch_size: another name for chunk.
        """
        return self._rows().stream(chunk if batch_size is None else batch_size)

    async def _page_items(self, size: int) -> tuple[list[T], Cursor[T] | None]:
        columns = [column_of(each) for each in self._order]
        rows = self.limit(size + 1)._rows(OrderColumns(columns))
        records = await rows.records()
        # What the cursor is made of stands behind all other values.
        width = len(records[0]) - len(columns) if records else 0
        items = with_gc_paused(rows.objects, [each[:width] for each in records[:size]])
        if len(records) <= size or not items:
            return items, None
        last = zip(columns, records[size - 1][width:], strict=True)
        held = SimpleNamespace(**{each.slot: each.decode(value) for each, value in last})
        return items, cursor_at(self._table, self._order, held)

    def _explained_statement(self) -> tuple[Statement, list[object]]:
        return self._rows().statement()

    def _rows(self, *extra: OrderColumns) -> ShapedRows[T]:
        plan, make, named = self._plan_of_class()
        select = self.as_select()
        select.joins = (*joins_of(plan, self._steps), *extra)
        return ShapedRows(self._source, select, [named[leaf.name] for leaf in plan.leaves], make)

    def _plan_of_class(self) -> tuple[Plan, Make, Mapping[str, AnyExpression]]:
        """Return the plan, what makes the objects, and what the query selects by name."""
        grouping = self._grouping
        is_grouped = grouping is not None and grouping.is_grouped
        if self._only:
            raise UsageError("into() selects what its class needs: leave out only()")
        if not is_grouped and not self._named:
            plan, make = known_plan((self._cls, self._table), self._cls, self._table, {}, False)
            return plan, make, sources_of(self._table)
        named = self._selectable(is_grouped)
        marks = tuple([(name, each.type, each.key) for name, each in named.items()])
        key = (self._cls, self._table, is_grouped, marks)
        return *known_plan(key, self._cls, self._table, named, is_grouped), named

    def _selectable(self, is_grouped: bool) -> Mapping[str, AnyExpression]:
        """Return what the query selects by name: annotations, and columns or groups."""
        if self._grouping is None or not is_grouped:
            return {**sources_of(self._table), **self._named}
        groups = {
            getattr(each, "slot", f"value_{place}"): each
            for place, each in enumerate(self._grouping.by, 1)
        }
        return {**groups, **self._named}


class ShapedRows(Rows[T]):
    """The rows of a query with what it joins, which a generated function makes objects of."""

    __slots__ = ()

    def statement(self) -> tuple[Statement, list[object]]:
        """Return the statement, and the values that it binds."""
        return self._select.expressions(self._columns), self._select.values(self._columns)

    async def records(self) -> list[Any]:
        """Return the rows as the driver reads them."""
        return await self._source.executor().run(*self.statement())

    def objects(self, records: Sequence[Any]) -> list[T]:
        """Return the objects that are made of records."""
        return self._made(records)

    def _made(self, records: Sequence[Any]) -> list[T]:
        return self._source.executor().with_json(self._make, records)


def known_plan(
    key: object, cls: Any, table: Table, named: Mapping[str, AnyExpression], is_grouped: bool
) -> tuple[Plan, Make]:
    """Return the plan of a class and what makes its objects, made now if no one asked before."""
    found = _plans.get(key)
    if found is None:
        plan = plan_of(cls, table, named or sources_of(table), is_grouped=is_grouped)
        found = (plan, make_of_plan(plan))
        if len(_plans) >= CACHE_LIMIT:
            del _plans[next(iter(_plans))]
        _plans[key] = found
    return found
