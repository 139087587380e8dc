"""One node of the load tree: what to load for objects beside their columns.

Each way to load is a subclass. `ComputedStep` selects computed attributes; `SelectInStep`,
`JoinedStep`, `NestedStep` and `EmptyStep` load a relationship, and have steps below it.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import UsageError
from ..models.relationships import Relationship
from ..models.table import Table
from ..sql.context import Scope
from ..sql.expressions import Condition
from ..sql.ordering import Order
from ..statements.executor import Executor
from ..statements.row_limits import bound, limit_sql, shape_of
from .options import Strategy

if TYPE_CHECKING:
    from ..statements.executor import ObjectMap


class Step:
    """What to load for objects; steps with equal keys need the same SQL."""

    __slots__ = ()

    #: True where it comes with the rows of the objects, in one query.
    is_joined: ClassVar[bool] = False
    key: Hashable
    #: The steps for the objects that this one loads.
    below: tuple[Step, ...]

    @property
    def joined_values(self) -> list[object]:
        """The values that the step binds in its parent's query, with the steps below it."""
        return []

    def write_join(self, scope: Scope, outer: str, selected: list[str], joins: list[str]) -> None:
        """Add the columns and the LEFT JOINs of a joined step to the query of `outer`."""
        raise NotImplementedError

    def row_layout(self) -> list[Any]:
        """Describe the values that a joined step adds to a row of its parent's query, in order.

        Each is a column, a tuple of the same for nested records, or None for a type hint.
        """
        raise NotImplementedError

    def attach_joined(
        self, objects: Sequence[Any], rows: Sequence[Any], start: int, identity: ObjectMap | None
    ) -> int:
        """Set the attributes of each object from its row, for a joined step.

        objects: one for each row; None where there is no object.
        start: the place in the rows where this step's values begin.

        Returns the place behind them.
        """
        raise NotImplementedError

    async def load(self, executor: Executor, objects: Sequence[Any]) -> list[Any]:
        """Load what the step is for, and return the related objects, each once.

        The list may be empty or hold duplicates where nothing is loaded below.
        """
        raise NotImplementedError


class RelationshipStep(Step):
    """One relationship to load, and what to load below it."""

    __slots__ = ("below", "joins", "key", "limit", "offset", "order", "relationship", "where")

    #: The load option that asks for it.
    strategy: ClassVar[Strategy]

    def __init__(
        self,
        relationship: Relationship[Any, Any],
        below: tuple[Step, ...] = (),
        *,
        where: tuple[Condition[Any], ...] = (),
        order: tuple[Order[Any], ...] = (),
        limit: int | None = None,
        offset: int | None = None,
    ) -> None:
        self.relationship: Relationship[Any, Any] = relationship
        self.below = below
        #: The steps below that are loaded by the same query.
        self.joins = joined_steps(below)
        #: The conditions that a related row must meet, all of them.
        self.where = (*relationship.related_alive(), *where)
        self.order = order
        if relationship.is_to_many and not order:
            self.order = tuple([key.asc() for key in relationship.target.primary_key])
        self.limit = limit
        self.offset = offset
        self.key: Hashable = (
            relationship.key,
            self.strategy,
            tuple([condition.key for condition in where]),
            tuple([each.key for each in order]),
            shape_of(limit),
            shape_of(offset),
            tuple([step.key for step in below]),
        )

    @property
    def is_limited(self) -> bool:
        """True where each parent gets only some of its related rows."""
        return self.limit is not None or self.offset is not None

    @property
    def values(self) -> list[object]:
        """The values that conditions, order and limits bind, in the order of the SQL."""
        values = [value for condition in self.where for value in condition.values]
        values.extend(value for order in self.order for value in order.values)
        return [*values, *bound(self.limit, self.offset)]

    @property
    def joined_values(self) -> list[object]:
        """The values that the step binds in its parent's query, with the steps below it."""
        return [*values_of_joins(self.joins), *self.values]

    def check(self, *, is_refined: bool) -> None:
        """Raise UsageError where the relationship cannot be loaded in this way.

        is_refined: the option filters, orders or limits the related rows.
        """

    def write_order_and_limit(self, scope: Scope) -> str:
        """Return the ORDER BY, LIMIT and OFFSET."""
        parts: list[str] = []
        if self.order:
            parts.append(f" ORDER BY {', '.join([each.sql(scope) for each in self.order])}")
        parts.append(limit_sql(self.limit, self.offset, scope))
        return "".join(parts)


class EmptyStep(RelationshipStep):
    """noload(): the relationship reads as empty, without a query."""

    __slots__ = ()
    strategy = "none"

    def check(self, *, is_refined: bool) -> None:
        if self.below or is_refined:
            raise UsageError(
                f"noload leaves {self.relationship.label} empty: there is nothing below it to "
                f"load, filter or order"
            )

    async def load(self, executor: Executor, objects: Sequence[Any]) -> list[Any]:
        relationship = self.relationship
        for each in objects:
            empty = relationship.list_type() if relationship.is_to_many else None
            setattr(each, relationship.slot, empty)
        return []


def joined_steps(steps: Iterable[Step]) -> tuple[Step, ...]:
    """Return the steps whose rows come with the query of their parent."""
    return tuple([step for step in steps if step.is_joined])


def values_of_joins(joins: Iterable[Step]) -> list[object]:
    """Return the values that joined steps bind, in the order of the SQL."""
    return [value for step in joins for value in step.joined_values]


def row_layout(table: Table, joins: Iterable[Step]) -> list[Any]:
    """Describe the values of a row that holds the table's columns and those of joined steps."""
    return [*table.columns, *chain.from_iterable(step.row_layout() for step in joins)]
