"""Query: an immutable description of the rows of one model to read, update or delete."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Generic, Never, ParamSpec, Self, TypeVar, overload

from ..errors import UsageError
from ..loading.computed import ComputedStep
from ..loading.decoding import decode
from ..loading.eager import load_steps
from ..loading.joined import decode_joined
from ..loading.step import RelationshipStep
from ..models.computed import Computed
from ..models.protocols import Excluding, Filtering, Q_co
from ..persistence.update import changes_for, values_of
from ..postgres.interval import Span
from ..sql.expressions import AnyExpression, Condition, Expression
from ..sql.operands import Selectable
from ..sql.operators import check_summed, is_whole
from ..statements.executor import Executor
from ..statements.select import Select
from ..statements.statement import Statement
from .builder import L, N, S, X_contra
from .builder import Source as Source
from .change import Change
from .pagination import Cursor, cursor_at
from .reading import Counting, Reading
from .rows import ObjectRows, Rows, checked_columns
from .selection import Selection
from .shaped import Shaped
from .stream import CHUNK, Stream, record_chunks

if TYPE_CHECKING:
    from ..loading.options import Load
    from ..models.columns import Column
    from ..models.model import Model
    from ..models.relationships import Relationship

M = TypeVar("M", bound="Model")
K = TypeVar("K")
R = TypeVar("R")  # the objects that a query reads
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
T = TypeVar("T")
#: Types that have a sum and a mean.
Summed = TypeVar("Summed", int, float, Decimal, Span)
#: The parameters of a model's filter().
F = ParamSpec("F")

if TYPE_CHECKING:
    from typing_extensions import TypeVar as TypeVarWithDefault

    #: As N, S and L in `builder.py`. Code that is generic over models leaves them out.
    Names = TypeVarWithDefault("Names", default=Any)
    Sorts = TypeVarWithDefault("Sorts", default=Any)
    Links = TypeVarWithDefault("Links", bound=str, default=Any)
    #: The model's partial objects.
    Part = TypeVarWithDefault("Part", default=Any)
    More = TypeVarWithDefault("More", contravariant=True, default=Never)
    #: Names, and paths from them through to-one relationships.
    Paths = TypeVarWithDefault("Paths", default=Names)
else:
    Names, Sorts, Links, Part, Paths = map(TypeVar, ("Names", "Sorts", "Links", "Part", "Paths"))
    More = TypeVar("More", contravariant=True)


class ObjectQuery(
    Selection[M, N, S, L, X_contra],
    Reading[M, R, K, N, S, L, X_contra],
    Generic[M, R, K, N, S, L, X_contra],
):
    """A query over model M with a primary key of type K, whose objects are of type R."""

    async def all(self) -> list[R]:
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
            objects = executor.with_json(
                decode_joined, self._table, rows, self._joins(), executor.identity
            )
            if self._steps:
                await load_steps(executor, objects, self._steps)
            return objects
        self._check_whole("objects")
        statement, bound = self._statement(select)
        return await self._objects(executor, await executor.run(statement, bound), select)

    def into(self, cls: type[T]) -> Shaped[M, T, K]:
        """Read rows as objects of a class of your own: `await query.into(UserOut)`.

        cls: a dataclass, NamedTuple, TypedDict, msgspec Struct or pydantic model. Only the columns
            that its fields need are selected. A field for a relationship is declared as a class or
            a list of one, and comes in the same statement.

        Raises UnknownName for a field without a source, and InvalidValue for a field of a type that
        cannot hold its values.
        """
        return Shaped(self, cls)

    def __aiter__(self) -> AsyncIterator[R]:
        """Iterate over the objects as stream() does: `async for user in query:`."""
        return self.stream().__aiter__()

    def stream(self, chunk: int = CHUNK, *, batch_size: int | None = None) -> Stream[R]:
        """Iterate over the objects through a server-side cursor: `async for user in q.stream():`.

        chunk: how many rows are fetched at a time. Relationships are loaded once for each chunk.
        batch_size: another name for chunk.

        The stream holds a connection until it ends: outside a transaction, one of its own. Raises
        InvalidValue for a chunk that is no whole number from 1 on.
        """
        return Stream(self._chunks(self.as_select(), chunk if batch_size is None else batch_size))

    @overload
    async def sum(self, column: Expression[M, Summed, Any]) -> Summed | None: ...
    @overload
    async def sum(self, column: N | X_contra) -> Any: ...
    async def sum(self, column: Any) -> Any:
        """Return the sum of a column or expression; None where there are no rows.

        column: a str names a column or an annotation. Raises UnknownName for an unknown name.
        """
        operand: AnyExpression = self._expression(column) if isinstance(column, str) else column
        total = await self._aggregate("sum", operand)
        if total is not None and is_whole(operand.type):
            # PostgreSQL adds bigints up to a numeric, so that the sum cannot overflow.
            total = int(total)
        return total

    async def avg(self, column: Expression[M, Summed, Any] | N | X_contra) -> Any:
        """Return the mean: a Decimal, a float for floating-point columns, None without rows."""
        return await self._aggregate("avg", column)

    @overload
    async def min(self, column: Expression[M, A, Any]) -> A | None: ...
    @overload
    async def min(self, column: N | X_contra) -> Any: ...
    async def min(self, column: Any) -> Any:
        """Return the smallest value; None where there are no rows."""
        return await self._aggregate("min", column)

    @overload
    async def max(self, column: Expression[M, A, Any]) -> A | None: ...
    @overload
    async def max(self, column: N | X_contra) -> Any: ...
    async def max(self, column: Any) -> Any:
        """Return the largest value; None where there are no rows."""
        return await self._aggregate("max", column)

    async def _aggregate(self, function: str, column: Any) -> Any:
        operand: AnyExpression = self._expression(column) if isinstance(column, str) else column
        if not isinstance(operand, Expression):  # pyright: ignore[reportUnnecessaryIsInstance]
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

    @overload
    def with_values(self, a: Selectable[M, A], /) -> Rows[tuple[M, A]]: ...
    @overload
    def with_values(self, a: Selectable[M, A], b: Selectable[M, B], /) -> Rows[tuple[M, A, B]]: ...
    @overload
    def with_values(
        self, a: Selectable[M, A], b: Selectable[M, B], c: Selectable[M, C], /
    ) -> Rows[tuple[M, A, B, C]]: ...
    @overload
    def with_values(
        self,
        a: Selectable[M, Any],
        b: Selectable[M, Any],
        c: Selectable[M, Any],
        d: Selectable[M, Any],
        /,
        *columns: Selectable[M, Any],
    ) -> Rows[tuple[Any, ...]]: ...
    def with_values(self, *columns: Any) -> Rows[Any]:
        """Read objects with further expressions, as tuples (object, value, ...)."""
        checked_columns("with_values()", columns)
        self._check_whole("with_values()")
        return ObjectRows(self._source, self.as_select(), columns, self._steps)

    def delete(self) -> Change[M]:
        """Delete the rows by one statement; awaiting it returns the number of rows.

        Models with soft deletes lose their rows too. A limit() deletes that many rows at most.
        """
        select = self._changeable("delete()")
        return Change(self._source, self._table, select.delete, select.values())

    def _update(self, **values: object) -> Change[M]:
        """Update the rows by one statement; awaiting it returns the number of rows."""
        changes = self._source.executor().with_json(changes_for, self._table, values)
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

    def _explained_statement(self) -> tuple[Statement, list[object]]:
        return self._statement(self.as_select())

    async def _page_items(self, size: int) -> tuple[list[R], Cursor[R] | None]:
        found = await self.limit(size + 1).all()
        items = found[:size]
        has_more = len(found) > len(items) and bool(items)
        return items, cursor_at(self._table, self._order, items[-1]) if has_more else None

    def _statement(self, select: Select) -> tuple[Statement, list[object]]:
        if not self._only:
            return select.rows(), select.values()
        if any(not isinstance(step, ComputedStep) for step in self._joins()):
            raise UsageError("only() works with selectinload(), not with joinedload()")
        chosen = (*self._only, *self._computed)
        select.joins = ()
        return select.expressions(chosen), select.values(chosen)

    async def _objects(self, executor: Executor, records: list[Any], select: Select) -> list[R]:
        """Create objects from records, and load their relationships."""
        if self._only:
            objects = self._partial_objects(records)
        else:
            objects = executor.with_json(
                decode_joined, self._table, records, self._joins(), executor.identity
            )
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
        kind: Any = self._table.partial
        objects = [kind.__new__(kind) for _ in records]
        chosen: tuple[Any, ...] = (*self._only, *self._computed)
        for each, record in zip(objects, records, strict=True):
            for column, value in zip(chosen, record, strict=True):
                setattr(each, column.slot, column.decode(value))
        return objects

    async def _chunks(self, select: Select, chunk: int) -> AsyncIterator[list[R]]:
        self._check_whole("objects")
        statement, bound = self._statement(select)
        source = self._source.executor()
        async for executor, records in record_chunks(source, statement, bound, chunk):
            yield await self._objects(executor, records, select)


class Query(
    ObjectQuery[M, M, K, Paths, Sorts, Links, More],
    Generic[M, K, Names, Sorts, Links, Part, More, Paths],
):
    """A query over model M with a primary key of type K; it is immutable.

    Methods such as limit() return a new query. Generated subclasses tell type checkers which
    keywords and names the methods take.
    """

    if TYPE_CHECKING:

        def __links__(self, relationship: Links) -> None: ...
        def filter(self, *conditions: Condition[M]) -> Self: ...
        def __itself__(self) -> Self: ...

        # It takes what filter() takes: generated classes declare that one alone.
        def exclude(self: Excluding[F, Q_co], *conditions: F.args, **by: F.kwargs) -> Q_co: ...

        # Any: type checkers compare the same method of each generated class with this one.
        def annotate(
            self, **named: Expression[M, Any, Any]
        ) -> Query[M, K, Any, Any, Any, Any, str, Any]: ...
        def group_by(
            self: Filtering[F], *columns: Expression[M, Any, Any] | Paths | More
        ) -> GroupedQuery[M, K, Paths, Sorts, Links, More, F]: ...
        def __gets__(self, key: K, *, include_deleted: bool = False) -> M: ...
        def __looks__(
            self, key: K, *, include_deleted: bool = False, coalesce: bool = True
        ) -> M: ...
        def __loads__(
            self, *loaded: Links | Relationship[M, Any] | Computed[M, Any, Any] | Load[M, Any]
        ) -> None: ...
        def __copies__(self, *, columns: Sequence[Names | Column[M, Any, Any]]) -> None: ...
        def __updates__(
            self, fields: Sequence[Names | Column[M, Any, Any]] | None = None
        ) -> None: ...
        def __upserts__(
            self,
            *,
            conflict_target: (
                Sequence[Names | Column[M, Any, Any]] | Names | Column[M, Any, Any] | None
            ) = None,
            update_fields: (
                Sequence[Names | Column[M, Any, Any]] | Names | Column[M, Any, Any] | None
            ) = None,
            do_nothing: bool = False,
        ) -> None: ...

    else:

        def __class_getitem__(cls, parameters):
            # They are for type checkers alone, and generated code names some that do not exist.
            return cls

    def only(
        self: Filtering[F], *columns: Expression[M, Any, Any] | Names
    ) -> PartialQuery[M, Part, K, Names, Sorts, Links, More, F]:
        """Read partial objects: these columns of each row, its primary key and its version.

        Other attributes raise NotLoaded. selectinload() needs the columns that its relationship
        joins on.
        """
        query: Any = self
        partial: Any = object.__new__(PartialQuery)  # pyright: ignore[reportUnknownVariableType]
        kept = query._columns_only(columns)
        partial.__dict__ = {**query.__dict__, "_only": kept, "_shape": None}
        return partial  # type: ignore[no-any-return]


class PartialQuery(ObjectQuery[M, R, K, N, S, L, X_contra], Generic[M, R, K, N, S, L, X_contra, F]):
    """A query of only(): its objects hold some columns of model M, and are of type R."""

    if TYPE_CHECKING:

        def filter(self, *conditions: F.args, **by: F.kwargs) -> Self: ...
        def filter_by(self, *conditions: F.args, **by: F.kwargs) -> Self: ...
        def exclude(self, *conditions: F.args, **by: F.kwargs) -> Self: ...
        def annotate(
            self, **named: Expression[M, Any, Any]
        ) -> PartialQuery[M, R, K, N, S, L, str, F]: ...
        def with_computed(self, *computed: Computed[M, Any, Any] | N) -> Self: ...

    def only(self, *columns: Expression[M, Any, Any] | N) -> Self:
        """Read these columns in place of those that were named before."""
        return self._with("_only", self._columns_only(columns))


class GroupedQuery(
    Counting[M, N, S, L, X_contra],
    Selection[M, N, S, L, X_contra],
    Generic[M, K, N, S, L, X_contra, F],
):
    """A query of group_by() as type checkers see it: its rows are values, and no objects."""

    if TYPE_CHECKING:

        def filter(self, *conditions: F.args, **by: F.kwargs) -> Self: ...
        def filter_by(self, *conditions: F.args, **by: F.kwargs) -> Self: ...
        def exclude(self, *conditions: F.args, **by: F.kwargs) -> Self: ...
        def annotate(
            self, **named: Expression[M, Any, Any]
        ) -> GroupedQuery[M, K, N, S, L, str, F]: ...
        def group_by(self, *columns: Expression[M, Any, Any] | N | X_contra) -> Self: ...
        def into(self, cls: type[T]) -> Shaped[M, T, K]: ...
