"""QueryBuilder: the methods of a query that choose, order, limit, group and lock its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, Self, TypeVar

from ..errors import UnknownName, UsageError, did_you_mean
from ..hints import Hinted
from ..loading.computed import computed_step
from ..loading.joined import JoinedStep
from ..loading.options import AnyLoad, Load, NamedLoad
from ..loading.plan import plan
from ..loading.step import Step, joined_steps
from ..models.columns import AnyColumn, Column
from ..models.computed import AnyComputed, Computed, computed_named
from ..models.q import expression_at
from ..models.relationships import Relationship
from ..models.table import Table, conditions_of, resolved
from ..other_names.queries import QUERIES
from ..sql.comparison_types import are_unzoned
from ..sql.expressions import AnyExpression, Condition, Expression, Junction, Test
from ..sql.order_keys import OrderKey
from ..sql.ordering import Order, descending, order_by
from ..sql.templates import IS_NOT_TRUE, NOT
from ..sql.trees import MAX_EAGER_HEIGHT, may_be_null
from ..statements.executor import Executor
from ..statements.grouping import Grouping
from ..statements.row_limits import EngineCounts, Written
from ..statements.row_locks import Lock, lockable
from ..statements.select import KEY, VALUES, Select
from ..statements.shape_cache import ROOTS, Shape
from ..statements.statement import Statement
from .pagination import Cursor, after_cursor, cursor_at, keyset_order

if TYPE_CHECKING:
    from ..models.model import Model

M = TypeVar("M", bound="Model")
#: The names of the model's columns and computed attributes; what order_by() takes in place of them.
N = TypeVar("N")
S = TypeVar("S")
#: The names of the model's relationships.
L = TypeVar("L", bound=str)
#: The names that annotate() gave: Never before it, and any text afterwards.
X_contra = TypeVar("X_contra", contravariant=True)


#: The attribute name "key", for map(getattr, ...).
KEYS = repeat("key")


class Source(Protocol):
    """A session or a transaction, which runs the query."""

    #: The limits and offsets that are written into statements as constants.
    counts: EngineCounts

    def executor(self) -> Executor:
        """Return the executor for the current task."""
        ...


class QueryBuilder(Hinted, Generic[M, N, S, L, X_contra]):
    """The rows of model M that a query selects; each method returns a new query."""

    __hints__: ClassVar[Mapping[str, str]] = QUERIES

    #: Conditions; with a shape, also keywords of filter(), whose conditions the shape knows.
    _where: tuple[Condition[Any] | Mapping[str, object], ...] = ()
    #: The values that all of them bind, in order; only with a shape.
    _bound: tuple[object, ...] = ()
    _order: tuple[Order[Any], ...] = ()
    _limit: int | None = None
    _offset: int | None = None
    _steps: tuple[Step, ...] = ()
    _loads: tuple[AnyLoad, ...] = ()
    _computed: tuple[AnyComputed, ...] = ()
    _alive: bool | None = True
    _lock: Lock | None = None
    _grouping: Grouping | None = None
    _named: Mapping[str, AnyExpression] = {}
    _only: tuple[AnyColumn, ...] = ()

    def __init__(self, model: type[M], source: Source) -> None:
        self._table: Table = model.__table__
        self._source = source
        #: The node of the shape cache for the calls that built this query; None where a call cannot
        #: be cached.
        self._shape: Shape | None = ROOTS[self._table]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.as_select().rows().sql}>"

    def _with(self, name: str, value: object, shape: Shape | None = None) -> Self:
        copy = object.__new__(type(self))
        # Copying the dict takes half the time of setting the attributes.
        copy.__dict__ = held = self.__dict__.copy()
        held[name] = value
        held["_shape"] = shape
        return copy

    def _filter(self, *conditions: Condition[M], **by: object) -> Self:
        """Keep the rows for which all conditions hold; `age__gte=18` is one, as in Q."""
        if conditions:
            kept = self._add_conditions(resolved(self._table, conditions))
            return kept._filter(**by) if by else kept
        if not by:
            return self
        shape = self._shape
        if shape is None:
            return self._add_conditions(conditions_of(self._table, (), by))
        call = (*by, *map(type, by.values()))
        beyond = shape.beyond.get(call)
        if beyond is None:
            found = conditions_of(self._table, (), by)
            if not self._table.binds_as_given(by):
                return self._add_conditions(found)
            beyond = shape.then(call)
            beyond.moments = self._table.moments_in(by)
        elif beyond.moments and are_unzoned(by, beyond.moments):
            # A cached query had values of these types; these have no time zone.
            return self._add_conditions(conditions_of(self._table, (), by))
        # Like `_with`, inlined because most queries call this.
        copy = object.__new__(type(self))
        copy.__dict__ = held = self.__dict__.copy()
        held["_where"], held["_bound"] = (*self._where, by), (*self._bound, *by.values())
        held["_shape"] = beyond
        return copy

    def _filter_by(self, **by: object) -> Self:
        """Keep the rows for which all keywords hold, as filter() does."""
        return self._filter(**by)

    def _add_conditions(self, conditions: tuple[Condition[Any], ...]) -> Self:
        """Add conditions, which contain no Q."""
        where, shape = self._where + conditions, self._shape
        for each in conditions:
            if each.height > MAX_EAGER_HEIGHT:
                # The key of a tall tree takes time, and its statement is not likely to come again.
                shape = None
        if shape is None:
            return self._with("_where", where)
        query = self._with("_where", where, shape.then(("where", *map(KEY, conditions))))
        values = chain.from_iterable(map(VALUES, conditions))
        query.__dict__["_bound"] = (*self._bound, *values)
        return query

    def _exclude(self, *conditions: Condition[M], **by: object) -> Self:
        """Remove the rows for which all conditions hold; the others stay."""
        found = conditions_of(self._table, conditions, by)
        if not found:
            return self
        both: Condition[M] = found[0] if len(found) == 1 else Junction("AND", found)
        # IS NOT TRUE keeps rows for which the condition is NULL. Where it cannot be, the planner
        # can negate a plain NOT and use an index.
        return self._add_conditions((Test(IS_NOT_TRUE if may_be_null(both) else NOT, both),))

    def order_by(self, *by: OrderKey[M] | S | X_contra, desc: bool = False) -> Self:
        """Order the rows, after the orders that the query has; "-age" is descending.

        desc: order by all of these in descending order.
        """
        if desc is not False:
            by = descending(by, desc)
        shape = self._shape
        if shape is None:
            return self._with("_order", self._order + self._order_keys(by))
        # The key of each expression, or the name itself.
        call = ("order", *map(getattr, by, KEYS, by))
        try:
            beyond = shape.beyond.get(call)
        except TypeError:  # an unhashable argument: `_order_keys` raises the error
            beyond = None
        if beyond is None:
            order = self._order + self._order_keys(by)
            if any(each.values for each in order):
                return self._with("_order", order)
            beyond = shape.then(call)
            beyond.order = order
        return self._with("_order", beyond.order, beyond)

    def _order_keys(self, by: tuple[Any, ...]) -> tuple[Order[Any], ...]:
        return tuple(map(self._order_key, by))

    # Each kind of query declares for type checkers what these take.
    if not TYPE_CHECKING:
        filter, filter_by, exclude = _filter, _filter_by, _exclude

    def limit(self, count: int) -> Self:
        """Return at most this many rows; raises InvalidValue for a negative or no whole number."""
        limits = self._source.counts[self._table].limits
        written = limits.get(count) if type(count) is int else None
        taken = written or limits.take(count)
        call = "limit" if type(taken) is not Written else ("limit", taken)
        shape = self._shape
        return self._with("_limit", taken, shape and shape.then(call))

    def offset(self, count: int) -> Self:
        """Skip this many rows; without order_by(), it is undefined which rows these are."""
        taken = self._source.counts[self._table].offsets.take(count)
        call = "offset" if type(taken) is not Written else ("offset", taken)
        shape = self._shape
        return self._with("_offset", taken, shape and shape.then(call))

    def after(self, cursor: Cursor[M] | str | None) -> Self:
        """Keep the rows after a cursor in the query's order; None keeps all rows.

        Call it after order_by(). It appends the primary key to the order, to make it unique. Raises
        InvalidValue for a malformed cursor, or a cursor of another model or order.
        """
        order = keyset_order(self._table, self._order)
        query = self._with("_order", order, self._shape and self._shape.then("keyset"))
        if cursor is None:
            return query
        return query._add_conditions((after_cursor(self._table, order, cursor),))

    def cursor(self, instance: M) -> Cursor[M]:
        """Return the cursor of an object in the query's order, for after()."""
        if not isinstance(instance, self._table.model):
            kind = type(instance).__name__
            raise UsageError(f"cursor() takes an object of {self._table.label}, not {kind}")
        return cursor_at(self._table, keyset_order(self._table, self._order), instance)

    def distinct(self) -> Self:
        """Remove duplicates among the selected rows (SELECT DISTINCT)."""
        return self._with_grouping(is_distinct=True)

    def distinct_on(self, *columns: Expression[M, Any, Any] | N | X_contra) -> Self:
        """Keep the first row for each combination of these values (SELECT DISTINCT ON).

        order_by() decides which row is first, and has to begin with the same columns.
        """
        return self._with_grouping(on=self._expressions("distinct_on()", columns))

    def _group_by(self, *columns: object) -> Self:
        """Group rows by these columns; read the groups with values() or values_list()."""
        held = self._grouping.by if self._grouping else ()
        return self._with_grouping(by=(*held, *self._expressions("group_by()", columns)))

    def having(self, *conditions: Condition[M]) -> Self:
        """Keep the groups that match every condition, such as `func.count() > 3`."""
        held = self._grouping.having if self._grouping else ()
        found = conditions_of(self._table, conditions, {})
        return self._with_grouping(having=(*held, *found))

    def _annotate(self, **named: Expression[M, Any, Any]) -> Self:
        """Name computed values, for values(), order_by() and group_by()."""
        for name, expression in named.items():
            if not isinstance(expression, Expression):
                raise UsageError(f"annotate({name}=...) takes an expression, not {expression!r}")
            if self._table.find(name) is not None or name in self._table.relationships:
                raise UsageError(f"annotate({name}=...): {self._table.label} has that name already")
        return self._with("_named", {**self._named, **named})

    # Each kind of query declares for type checkers what these return.
    if not TYPE_CHECKING:
        group_by, annotate = _group_by, _annotate

    def options(self, *loads: Load[M, Any] | NamedLoad[L]) -> Self:
        """Load relationships eagerly, by selectinload(), joinedload(), jsonload() or noload()."""
        return self._planned(self._computed, self._loads + loads)

    def _with_computed(self, wanted: tuple[object, ...]) -> Self:
        held = (*self._computed, *[computed_named(self._table, each) for each in wanted])
        return self._planned(tuple({each.key: each for each in held}.values()), self._loads)

    def _planned(self, computed: tuple[AnyComputed, ...], loads: tuple[AnyLoad, ...]) -> Self:
        """Return the query that loads these computed attributes and relationships."""
        copy = self._with("_loads", loads)
        held = copy.__dict__
        held["_computed"] = computed
        planned = plan(self._table, loads, self._source.counts)
        held["_steps"] = (*computed_step(self._table, computed), *planned)
        return copy

    def with_computed(self, *computed: Computed[M, Any, Any]) -> Self:
        """Select these computed attributes with the rows of the query.

        Objects have their values; values() without arguments has them too.
        """
        return self._with_computed(computed)

    def _columns_only(self, columns: Sequence[object]) -> tuple[AnyColumn, ...]:
        """Return the columns that only() reads: these, the primary key and the version."""
        chosen = self._expressions("only()", columns)
        for each in chosen:
            if not isinstance(each, Column) or each.table is not self._table:
                raise UsageError(f"only() takes columns of {self._table.label}")
        held = {each.key for each in chosen} | {each.key for each in self._table.identity}
        return tuple(each for each in self._table.columns if each.key in held)

    def with_deleted(self) -> Self:
        """Include soft-deleted rows."""
        return self._with("_alive", None)

    def only_deleted(self) -> Self:
        """Keep only soft-deleted rows."""
        return self._with("_alive", False)

    def for_update(
        self,
        *,
        nowait: bool = False,
        skip_locked: bool = False,
        of: Sequence[Relationship[M, Any] | L] = (),
    ) -> Self:
        """Lock the rows against changes and other locks until the transaction ends (FOR UPDATE).

        nowait: raise LockNotAvailable where another transaction has locked one of the rows.
        skip_locked: leave out rows that another transaction has locked.
        of: relationships of joinedload() whose rows are locked as well. Their foreign keys cannot
            be nullable.
        """
        along = self._lockable(of)
        lock = Lock("UPDATE", nowait=nowait, skip_locked=skip_locked, joined=along)
        return self._with("_lock", lock)

    def for_share(
        self,
        *,
        nowait: bool = False,
        skip_locked: bool = False,
        of: Sequence[Relationship[M, Any] | L] = (),
    ) -> Self:
        """Lock the rows against changes until the transaction ends (FOR SHARE).

        Several transactions can hold this lock on the same rows.

        nowait, skip_locked, of: as in for_update().
        """
        along = self._lockable(of)
        lock = Lock("SHARE", nowait=nowait, skip_locked=skip_locked, joined=along)
        return self._with("_lock", lock)

    def _lockable(self, of: Sequence[Any]) -> Sequence[Relationship[Any, Any]]:
        joined = [step.relationship for step in self._steps if isinstance(step, JoinedStep)]
        return lockable(self._table, of, joined)

    def as_select(self) -> Select:
        """Return the SELECT of the query."""
        where: tuple[Any, ...] = self._where
        if self._bound:
            where = ()
            for each in self._where:
                if isinstance(each, Expression):
                    where += (each,)
                else:
                    where += conditions_of(self._table, (), each)
        if self._alive is not None and self._table.soft_delete is not None:
            where = (*where, *self._table.alive(is_deleted=not self._alive))
        if self._grouping is not None:
            self._check_grouping(self._grouping)
        return Select(
            table=self._table,
            where=where,
            order=self._order,
            limit=self._limit,
            offset=self._offset,
            joins=self._joins() if self._steps else (),
            lock=self._lock,
            grouping=self._grouping,
        )

    def _joins(self) -> tuple[Step, ...]:
        """Return the load steps whose rows come with those of the query."""
        return joined_steps(self._steps)

    def _statement_for(self, what: str) -> tuple[Statement, list[object]]:
        """Return the statement for "rows", "count" or "exists", and its values."""
        shape = self._shape
        if shape is not None and (statement := shape.statements.get(what)) is not None:
            values = [*self._bound]
            if self._limit is not None and type(self._limit) is not Written:
                values.append(self._limit)
            if self._offset is not None and type(self._offset) is not Written:
                values.append(self._offset)
            return statement, values
        select = self.as_select()
        if what != "rows":
            select = select.as_set()
        statement = getattr(select, what)()
        if shape is not None:
            shape.statements[what] = statement
        return statement, select.values()

    def _check_grouping(self, grouping: Grouping) -> None:
        if self._lock is not None:
            raise UsageError("rows that distinct() or group_by() merged cannot be locked")
        first = [each.expression.key for each in self._order[: len(grouping.on)]]
        if self._order and {each.key for each in grouping.on} != set(first):
            raise UsageError("distinct_on(): order_by() must begin with the same columns")

    def _with_grouping(self, **changes: Any) -> Self:
        return self._with("_grouping", replace(self._grouping or Grouping(), **changes))

    def _expression(self, by: Any) -> AnyExpression:
        """Return the column or annotation of that name; an expression is returned unchanged."""
        if isinstance(by, Expression):
            return by  # pyright: ignore[reportUnknownVariableType]
        if not isinstance(by, str):
            raise UsageError(f"{by!r} is not a column of {self._table.label}")
        if by in self._named:
            return self._named[by]
        if self._named and "__" not in by and self._table.find(by) is None:
            known = (*self._table.by_name, *self._table.computed_attributes, *self._named)
            raise UnknownName(f"{self._table.label} has no {by!r}: {did_you_mean(by, known)}")
        return expression_at(self._table, by) if "__" in by else self._table.expression(by)

    def _expressions(self, method: str, columns: Sequence[object]) -> tuple[AnyExpression, ...]:
        if not columns:
            raise UsageError(f"{method} needs at least one column")
        return tuple(self._expression(each) for each in columns)

    def _order_key(self, by: Any) -> Order[Any]:
        """Return the key of an ordering; "-age" is descending."""
        if not self._named and isinstance(by, str):
            # A name means the same in every query of the model, so that its order is cached.
            known = self._table.orders.get(by)
            if known is None:
                known = self._table.orders[by] = order_by(by, self._expression)
            return known
        return order_by(by, self._expression)
