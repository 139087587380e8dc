"""Queries: immutable descriptions of what to read, update or delete of one model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, Protocol, Self, TypeVar, overload

from .columns import Column
from .compiler import Executor, Select
from .errors import InvalidValue, MultipleFound, NotFound, UsageError
from .expressions import Condition, Expression, Junction, Negation, Order
from .load_options import Load
from .loading import Step, fetch_objects, joined, plan
from .rows import Rows
from .scope import quote
from .table import Table, conditions_of
from .writing import changes_for, values_of

if TYPE_CHECKING:
    from .model import Model

M = TypeVar("M", bound="Model")
K = TypeVar("K")
#: Types whose sum is a whole number.
INTEGERS = ("smallint", "integer", "bigint")

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")
F = TypeVar("F")


class Source(Protocol):
    """What a query runs on: a session or a transaction."""

    def executor(self) -> Executor:
        """Return what runs statements in this moment and task."""
        ...


class Query(Generic[M, K]):
    """A query over model M, whose primary key is a K; each method returns a new one.

    Generated subclasses add the methods whose arguments depend on the model: filter, exclude,
    order_by and update.
    """

    _where: tuple[Condition[Any], ...] = ()
    _order: tuple[Order[Any], ...] = ()
    _limit: int | None = None
    _offset: int | None = None
    _steps: tuple[Step, ...] = ()
    _loads: tuple[Load[Any, Any], ...] = ()
    _alive: bool | None = True
    _lock = ""

    def __init__(self, model: type[M], source: Source) -> None:
        self._table: Table = model.__table__
        self._source = source

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._select().rows().sql}>"

    def _with(self, name: str, value: object) -> Self:
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__)
        copy.__dict__[name] = value
        return copy

    def _filter(self, conditions: Sequence[Condition[M]], by: Mapping[str, object]) -> Self:
        found = conditions_of(self._table, conditions, by)
        return self._with("_where", self._where + found)

    def _exclude(self, conditions: Sequence[Condition[M]], by: Mapping[str, object]) -> Self:
        found = conditions_of(self._table, conditions, by)
        if not found:
            return self
        both = found[0] if len(found) == 1 else Junction[M]("AND", found)
        return self._with("_where", (*self._where, Negation(both)))

    def _order_by(self, by: Sequence[Order[M] | Expression[M, Any, Any] | str]) -> Self:
        return self._with("_order", self._order + tuple(order_of(self._table, each) for each in by))

    async def _update(self, values: Mapping[str, object]) -> int:
        changes = changes_for(self._table, values)
        select = self._select().as_set()
        bound = [*values_of(changes), *select.values]
        _, count = await select.update(changes).run(self._source.executor(), bound)
        return count

    def limit(self, count: int) -> Self:
        """Return at most this many rows."""
        return self._with("_limit", whole_number("limit", count))

    def offset(self, count: int) -> Self:
        """Skip this many rows; without an order, which rows these are is undefined."""
        return self._with("_offset", whole_number("offset", count))

    def options(self, *loads: Load[M, Any]) -> Self:
        """Load relationships along with the objects: selectinload(...), joinedload(...)."""
        loads = self._loads + loads
        copy = self._with("_loads", loads)
        copy.__dict__["_steps"] = plan(self._table, loads)
        return copy

    def with_deleted(self) -> Self:
        """Include softly deleted rows."""
        return self._with("_alive", None)

    def only_deleted(self) -> Self:
        """Keep only softly deleted rows."""
        return self._with("_alive", False)

    def for_update(self, *, nowait: bool = False, skip_locked: bool = False) -> Self:
        """Lock the rows until the transaction ends (FOR UPDATE).

        nowait: raise LockNotAvailable where another transaction holds one of them.
        skip_locked: leave such rows out.
        """
        if nowait and skip_locked:
            raise UsageError("for_update: nowait and skip_locked exclude each other")
        suffix = " NOWAIT" if nowait else " SKIP LOCKED" if skip_locked else ""
        return self._with("_lock", f" FOR UPDATE OF {quote(self._table.name)}{suffix}")

    async def all(self) -> list[M]:
        """Return every object."""
        return await fetch_objects(self._source.executor(), self._select(), self._steps)

    async def first(self) -> M | None:
        """Return the first object, None where there is none; ordered by key if by nothing else."""
        query = self if self._order else self._order_by(self._table.primary_key)
        if query._limit is None:
            query = query.limit(1)
        found = await query.all()
        return found[0] if found else None

    async def one(self) -> M:
        """Return the only object; raises NotFound or MultipleFound."""
        found = await self.one_or_none()
        if found is None:
            raise NotFound(f"no {self._table.label} answers the query")
        return found

    async def one_or_none(self) -> M | None:
        """Return the only object, None where there is none; raises MultipleFound."""
        found = await (self.limit(2) if self._limit is None else self).all()
        if len(found) > 1:
            raise MultipleFound(f"more than one {self._table.label} answers the query")
        return found[0] if found else None

    @overload
    def values_list(self, a: Expression[M, Any, A], /) -> Rows[tuple[A]]: ...
    @overload
    def values_list(
        self, a: Expression[M, Any, A], b: Expression[M, Any, B], /
    ) -> Rows[tuple[A, B]]: ...
    @overload
    def values_list(
        self, a: Expression[M, Any, A], b: Expression[M, Any, B], c: Expression[M, Any, C], /
    ) -> Rows[tuple[A, B, C]]: ...
    @overload
    def values_list(
        self,
        a: Expression[M, Any, A],
        b: Expression[M, Any, B],
        c: Expression[M, Any, C],
        d: Expression[M, Any, D],
        /,
    ) -> Rows[tuple[A, B, C, D]]: ...
    @overload
    def values_list(
        self,
        a: Expression[M, Any, A],
        b: Expression[M, Any, B],
        c: Expression[M, Any, C],
        d: Expression[M, Any, D],
        e: Expression[M, Any, E],
        /,
    ) -> Rows[tuple[A, B, C, D, E]]: ...
    @overload
    def values_list(
        self,
        a: Expression[M, Any, A],
        b: Expression[M, Any, B],
        c: Expression[M, Any, C],
        d: Expression[M, Any, D],
        e: Expression[M, Any, E],
        f: Expression[M, Any, F],
        /,
    ) -> Rows[tuple[A, B, C, D, E, F]]: ...
    @overload
    def values_list(self, *columns: Expression[M, Any, Any]) -> Rows[tuple[Any, ...]]: ...
    def values_list(self, *columns: Expression[M, Any, Any]) -> Rows[Any]:
        """Read these columns only, as tuples; up to six of them are typed one by one."""
        return Rows(self._source, self._select(), columns)

    async def count(self) -> int:
        """Return how many rows there are."""
        select = self._select().as_set()
        rows = await select.count().fetch(self._source.executor(), select.values)
        return rows[0][0]  # type: ignore[no-any-return]

    async def exists(self) -> bool:
        """Return whether there is any row."""
        select = self._select().as_set()
        rows = await select.exists().fetch(self._source.executor(), select.values)
        return rows[0][0]  # type: ignore[no-any-return]

    async def sum(self, column: Expression[M, A, Any]) -> A | None:
        """Return the sum of a column or expression; None over no rows."""
        total = await self._aggregate("sum", column)
        if total is not None and column.type in INTEGERS:
            # PostgreSQL adds bigints up to a numeric, so that the sum cannot overflow.
            total = int(total)
        return total  # type: ignore[no-any-return]

    async def avg(self, column: Expression[M, Any, Any]) -> Any:
        """Return the mean: a Decimal, a float for floating-point columns, None over no rows."""
        return await self._aggregate("avg", column)

    async def min(self, column: Expression[M, A, Any]) -> A | None:
        """Return the smallest value; None over no rows."""
        return await self._aggregate("min", column)  # type: ignore[no-any-return]

    async def max(self, column: Expression[M, A, Any]) -> A | None:
        """Return the largest value; None over no rows."""
        return await self._aggregate("max", column)  # type: ignore[no-any-return]

    async def _aggregate(self, function: str, operand: Expression[M, Any, Any]) -> Any:
        if not isinstance(operand, Expression):
            raise UsageError(f"{function}() takes a column such as User.age, not {operand!r}")
        select = self._select().as_set()
        values = [*operand.values, *select.values]
        statement = select.aggregate(function, operand)
        value = (await statement.fetch(self._source.executor(), values))[0][0]
        if function in ("min", "max") and isinstance(operand, Column):
            column: Column[Any, Any, Any] = operand
            return column.decode(value)
        return value

    async def delete(self) -> int:
        """Delete the rows for good, by one statement, and return how many they were."""
        select = self._select().as_set()
        _, count = await select.delete().run(self._source.executor(), select.values)
        return count

    def _select(self) -> Select:
        where = self._where
        if self._alive is not None:
            where = (*where, *self._table.alive(is_deleted=not self._alive))
        return Select(
            table=self._table,
            where=where,
            order=self._order,
            limit=self._limit,
            offset=self._offset,
            joins=joined(self._steps),
            lock=self._lock,
        )


def order_of(table: Table, by: Order[Any] | Expression[Any, Any, Any] | str) -> Order[Any]:
    """Return the key of an ordering; "-age" is descending."""
    if isinstance(by, Order):
        return by
    if isinstance(by, Expression):
        return by.asc()
    return table.column(by[1:]).desc() if by.startswith("-") else table.column(by).asc()


def whole_number(name: str, value: object) -> int:
    """Return the count that limit() or offset() was given; raises InvalidValue."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise InvalidValue(f"{name} needs a whole number from 0 on, not {value!r}")
    return value
