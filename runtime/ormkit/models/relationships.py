"""Define typed relationships between models, and the SQL that joins their tables."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, Never, Self, TypeVar

from ..errors import UsageError
from ..hints import missing_attribute
from ..other_names.columns import TO_MANY, TO_ONE
from ..postgres.identifiers import quote
from ..sql.aggregates import Aggregate
from ..sql.expressions import AnyExpression, Condition, Expression
from ..sql.functions import NamedFunction
from ..sql.trees import AnyNode, Tree, repeated
from ..sql.wrapper import Wrapper, unwrapped
from .columns import AnyColumn, new_key
from .loaded_lists import LoadedList
from .table import Table, conditions_of, model_named, table_of

if TYPE_CHECKING:
    from ..sql.context import Scope
    from .model import Model

O = TypeVar("O")  # noqa: E741  the model that has the relationship
R = TypeVar("R", bound="Model")  # the model it leads to
T = TypeVar("T")
V = TypeVar("V")


class Relationship(Generic[O, R]):
    """A relationship from model O to model R; `User.posts` is one.

    Pairs of columns join the two: `local` on this side and `remote` on the other. A many-to-many
    goes through `secondary`, whose columns pair with either side.
    """

    table: Table
    is_to_many: bool
    #: The method that asks for related rows: "has" or "any".
    question: str
    #: What to write for the methods that other ORMs have.
    hints: Mapping[str, str] = {}
    name: str

    def __init__(
        self,
        target: str,
        *,
        local: Sequence[str],
        remote: Sequence[str],
        is_owner: bool = False,
        secondary: Secondary | None = None,
    ) -> None:
        """Describe a relationship.

        target: name of the model in the same generated package.
        local, remote: Python names of the columns on either side.
        is_owner: this side's columns are the foreign key.
        secondary: the table between the two, for a many-to-many.
        """
        self._target = target
        self._local = tuple(local)
        self._remote = tuple(remote)
        self.is_owner = is_owner
        self.key = new_key()
        self.secondary = secondary

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name
        #: The slot that holds what was loaded; unset until then.
        self.slot = f"_{name}"

    def __get__(self, model: object, owner: object = None) -> Self:
        return self

    def __set__(self, model: object, value: Never) -> None:
        raise AttributeError(f"{self.label} is a relationship; assign to an object's attribute")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.label} -> {self._target}>"

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            # One that no model holds yet has no label.
            hints = {} if name in ("table", "name") else self.hints
            raise missing_attribute(self, name, hints, **({"label": self.label} if hints else {}))

    @property
    def label(self) -> str:
        """ "User.posts", for messages."""
        return f"{self.table.label}.{self.name}"

    @property
    def advice(self) -> str:
        """How to load it, for the error that reading it before raises."""
        option = "selectinload" if self.is_to_many else "joinedload"
        return (
            f"{self.label} is not loaded: add .options({option}({self.name!r})) to the query, or "
            f"await session.load(objects, {self.label})"
        )

    @cached_property
    def target(self) -> Table:
        """The table the relationship leads to."""
        return table_of(model_named(self._target, beside=self.table.model))

    @cached_property
    def local(self) -> tuple[AnyColumn, ...]:
        """The columns on this side."""
        return tuple(self.table.column(name) for name in self._local)

    @cached_property
    def has_mutable_key(self) -> bool:
        """True where it joins on an array or JSON, which no dict takes for a key."""
        return any(column.is_mutable for column in self.local)

    @cached_property
    def remote(self) -> tuple[AnyColumn, ...]:
        """The columns on the other side."""
        return tuple(self.target.column(name) for name in self._remote)

    @cached_property
    def list_type(self) -> type[LoadedList]:
        """The class of the lists that hold loaded objects."""
        name = f"{self.table.label}_{self.name}"
        made: Any = type(name, (LoadedList,), {"__slots__": ()})
        # Not in the class body, where __set_name__ would rename the relationship.
        made.relationship = self
        return made  # type: ignore[no-any-return]

    def through(self, outer: str, through: str, inner: str) -> list[str]:
        """Return the equalities that join both sides of a many-to-many to its secondary."""
        if self.secondary is None:
            return []
        here = zip(self.secondary.local, self.local, strict=True)
        there = zip(self.secondary.remote, self.remote, strict=True)
        return [f"{through}.{key} = {outer}.{column.quoted}" for key, column in here] + [
            f"{through}.{key} = {inner}.{column.quoted}" for key, column in there
        ]

    def tables(self, scope: Scope, outer: str, inner: str) -> tuple[str, list[str]]:
        """Return the FROM list of a subquery over the related rows, and its join conditions.

        outer, inner: the aliases of the tables on both sides.
        """
        target = table_as(self.target.sql, inner)
        if self.secondary is None:
            pairs = zip(self.local, self.remote, strict=True)
            return target, [
                f"{inner}.{there.quoted} = {outer}.{here.quoted}" for here, there in pairs
            ]
        through = scope.take(self.secondary.name)
        scope.tables.add(self.secondary.sql)
        tables = f"{table_as(self.secondary.sql, through)}, {target}"
        return tables, self.through(outer, through, inner)

    def to_target(self, through: str, inner: str) -> list[str]:
        """Return the equalities that join the target of a many-to-many to its secondary."""
        if self.secondary is None:
            return []
        pairs = zip(self.secondary.remote, self.remote, strict=True)
        return [f"{inner}.{column.quoted} = {through}.{key}" for key, column in pairs]

    def related(self, conditions: Sequence[Condition[R]]) -> Condition[O]:
        """Return the condition that some related row answers all of these."""
        wanted = conditions_of(self.target, conditions, {})
        return Exists(self, (*wanted, *self.related_alive()))

    def related_alive(self) -> tuple[Condition[Any], ...]:
        """Return the conditions that exclude soft-deleted related rows.

        The owning side has none: a foreign key always leads to its row, and the attribute's type
        does not allow None where the key cannot be NULL.
        """
        return () if self.is_owner else self.target.alive()


class ToOne(Relationship[O, R]):
    """A relationship whose value is one object, or None."""

    is_to_many = False
    question = "has"
    hints = TO_ONE

    def has(self, *conditions: Condition[R]) -> Condition[O]:
        """Match where the related row exists and answers every condition."""
        return self.related(conditions)

    def value(self, expression: Expression[R, T, V]) -> Expression[O, T, V | None]:
        """Return a column or expression of the related row; NULL where there is none."""
        return RelatedValue(self, expression, self.related_alive())


class ToMany(Relationship[O, R]):
    """A relationship whose value is a list of objects."""

    is_to_many = True
    question = "any"
    hints = TO_MANY

    def any(self, *conditions: Condition[R]) -> Condition[O]:
        """Match where at least one related row answers every condition."""
        return self.related(conditions)

    def value(
        self, aggregate: Expression[R, T, V], *conditions: Condition[R]
    ) -> Expression[O, T, V]:
        """Return an aggregate over the related rows, or over those that answer the conditions."""
        if isinstance(aggregate, Expression) and not is_aggregate(aggregate):
            raise UsageError(
                f"{self.label}.value() takes an aggregate such as func.max(...): there can be "
                f"several objects of {self.target.label}"
            )
        wanted = conditions_of(self.target, conditions, {})
        return RelatedValue(self, aggregate, (*wanted, *self.related_alive()))

    def count(self, *conditions: Condition[R]) -> Expression[O, int, int]:
        """Return how many related rows there are, or how many answer the conditions."""
        every: Aggregate[R, int, int] = Aggregate("count", (), "bigint", prefix="*")
        return self.value(every, *conditions)


class Secondary:
    """The table between the two sides of a many-to-many.

    ``local`` pairs with the owner's columns, ``remote`` with the target's; both are names in
    PostgreSQL.
    """

    def __init__(
        self,
        name: str,
        *,
        schema: str | None = None,
        local: Sequence[str],
        remote: Sequence[str],
    ) -> None:
        self.name = name
        self.sql = f"{quote(schema)}.{quote(name)}" if schema else quote(name)
        self.local = tuple(map(quote, local))
        self.remote = tuple(map(quote, remote))


class Exists(Tree[O, bool, bool], Condition[O]):
    """EXISTS over a relationship, which never duplicates rows as a join would."""

    __slots__ = ("conditions", "relationship")

    def __init__(
        self, relationship: Relationship[O, Any], conditions: tuple[Condition[Any], ...]
    ) -> None:
        self.relationship = relationship
        self.conditions = conditions
        self.type = "boolean"
        self._grow()

    def operands(self) -> tuple[AnyNode, ...]:
        return self.conditions

    def mark(self) -> Hashable:
        return "exists", self.relationship.key

    def null_with(self) -> tuple[AnyNode, ...]:
        return ()

    def pieces(self, scope: Scope) -> Iterator[str | AnyNode]:
        inner = related_pieces(self.relationship, None, self.conditions, scope)
        yield "EXISTS ("
        yield from repeated(self, inner, scope)
        yield ")"


class RelatedValue(Tree[O, Any, Any], Wrapper[O, Any, Any]):
    """A value of the related row, or an aggregate over the related rows, as a subquery."""

    __slots__ = ("conditions", "relationship", "selected", "source")

    def __init__(
        self,
        relationship: Relationship[O, Any],
        selected: AnyExpression,
        conditions: tuple[Condition[Any], ...],
    ) -> None:
        if not isinstance(selected, Expression):
            raise UsageError(
                f"{relationship.label}.value() takes a column or expression of "
                f"{relationship.target.label}, not {selected!r}"
            )
        self.relationship = relationship
        self.selected = selected
        self.source = unwrapped(selected)
        self.conditions = conditions
        self.type = selected.type
        self._grow()

    def operands(self) -> tuple[AnyNode, ...]:
        return (self.selected, *self.conditions)

    def mark(self) -> Hashable:
        return "related", self.relationship.key

    def pieces(self, scope: Scope) -> Iterator[str | AnyNode]:
        inner = related_pieces(self.relationship, self.selected, self.conditions, scope)
        yield "("
        yield from repeated(self, inner, scope)
        yield ")"


def is_aggregate(expression: AnyNode) -> bool:
    """Return whether there is an aggregate in it; a function by its name may be one."""
    waiting = [expression]
    while waiting:
        node = waiting.pop()
        if isinstance(node, (Aggregate, NamedFunction)):
            return True
        # What subqueries aggregate are other rows.
        if isinstance(node, Tree) and not isinstance(node, (RelatedValue, Exists)):
            waiting.extend(node.operands())
    return False


def related_pieces(
    relationship: Relationship[Any, Any],
    selected: AnyExpression | None,
    conditions: tuple[Condition[Any], ...],
    scope: Scope,
) -> Iterator[str | AnyNode]:
    """Yield the text of a subquery over the rows related to one of the outer query."""
    outer = scope.name(relationship.table)
    inner = scope.enter(relationship.target)
    saved = scope.is_qualified, scope.bars_aggregates
    scope.is_qualified, scope.bars_aggregates = True, False
    yield "SELECT "
    if selected is not None:
        yield selected
        yield " "
    scope.bars_aggregates = True
    tables, matches = relationship.tables(scope, outer, inner)
    yield f"FROM {tables} WHERE {' AND '.join(matches)}"
    for condition in conditions:
        yield " AND "
        yield condition
    scope.leave(relationship.target)
    scope.is_qualified, scope.bars_aggregates = saved


def table_as(table: str, name: str) -> str:
    """Return a table for FROM, with AS where the alias differs."""
    return table if table == name else f"{table} AS {name}"
