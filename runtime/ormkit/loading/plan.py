"""Steps: what load options come to once their names are looked up, as a tree of relationships."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Any

from ..errors import UsageError
from ..models.q import expression_at
from ..models.relationships import Relationship, named
from ..models.table import Table, conditions_of
from ..sql.context import Scope
from ..sql.expressions import AnyExpression, Condition, Expression
from ..sql.ordering import Order, order_by
from ..statements.row_limits import EngineCounts, bound, cut_sql, shape_of
from .nested import witnesses, write_nested
from .options import Hop, Load, Named, Strategy

#: A limit and an offset.
Cut = tuple[int | None, int | None]


class Step:
    """A relationship to load, how, and what to load below it; alike where their keys are."""

    __slots__ = (
        *("below", "joins", "key", "limit", "offset", "order", "relationship", "strategy"),
        *("where",),
    )

    def __init__(
        self,
        relationship: Relationship[Any, Any],
        strategy: Strategy,
        below: tuple[Step, ...] = (),
        *,
        where: tuple[Condition[Any], ...] = (),
        order: tuple[Order[Any], ...] = (),
        limit: int | None = None,
        offset: int | None = None,
    ) -> None:
        self.relationship: Relationship[Any, Any] = relationship
        self.strategy = strategy
        self.below = below
        #: The steps below that ride in the same query.
        self.joins = riding(below)
        #: What the related rows must answer, all of it.
        self.where = (*relationship.related_alive(), *where)
        self.order = order
        if relationship.is_to_many and not order:
            self.order = tuple([key.asc() for key in relationship.target.primary_key])
        self.limit = limit
        self.offset = offset
        self.key: Hashable = (
            relationship.key,
            strategy,
            tuple([condition.key for condition in where]),
            tuple([each.key for each in order]),
            shape_of(limit),
            shape_of(offset),
            tuple([step.key for step in below]),
        )

    @property
    def is_cut(self) -> bool:
        """True where each parent gets a part of what belongs to it."""
        return self.limit is not None or self.offset is not None

    @property
    def values(self) -> list[object]:
        """What the conditions, the order and the limits bind, in the order of their text."""
        values = [value for condition in self.where for value in condition.values]
        values.extend(value for order in self.order for value in order.values)
        return [*values, *bound(self.limit, self.offset)]

    @property
    def joined_values(self) -> list[object]:
        """What a step that rides in its parent's query binds there, with the steps below it."""
        return [*values_riding(self.joins), *self.values]

    def write_tail(self, scope: Scope) -> str:
        """Return the ORDER BY, LIMIT and OFFSET."""
        parts: list[str] = []
        if self.order:
            parts.append(f" ORDER BY {', '.join([each.sql(scope) for each in self.order])}")
        parts.append(cut_sql(self.limit, self.offset, scope))
        return "".join(parts)

    def write_join(self, scope: Scope, outer: str, selected: list[str], joins: list[str]) -> None:
        """Add what a step that rides needs in its parent's query: columns, and LEFT JOINs.

        A step of jsonload() is one column, an array of records, and a NULL for each witness.
        """
        if self.strategy == "json":
            selected += [write_nested(self, scope, outer), *witnesses(self)]
            return
        target = self.relationship.target
        name = scope.take(self.relationship.name)
        # Deeper down a relationship to the same table comes by again: the first one is meant.
        is_required = scope.joined.setdefault(self.relationship, name) == ""
        if is_required:
            scope.joined[self.relationship] = name
        word = "JOIN" if is_required else "LEFT JOIN"
        pairs = zip(self.relationship.local, self.relationship.remote, strict=True)
        matches = [f"{name}.{there.quoted} = {outer}.{here.quoted}" for here, there in pairs]
        scope.enter_as(target, name)
        matches += [condition.sql(scope) for condition in self.where]
        scope.leave(target)
        selected.extend(column.selected(f"{name}.{column.quoted}") for column in target.columns)
        joins.append(f" {word} {named(target.sql, name)} ON {' AND '.join(matches)}")
        for step in self.joins:
            step.write_join(scope, name, selected, joins)

    def read_places(self) -> list[Any]:
        """Return what each place of a row holds that a step in its parent's query adds.

        It is a column, a tuple of the same for records that are nested there, or None for a
        witness.
        """
        below = read_places(self.relationship.target, self.joins)
        return (
            [tuple(below), *[None for _ in witnesses(self)]] if self.strategy == "json" else below
        )


def read_places(table: Table, joins: Iterable[Step]) -> list[Any]:
    """Return what each place of a row of the table holds that is read with these steps."""
    return [*table.columns, *chain.from_iterable(step.read_places() for step in joins)]


def riding(steps: Iterable[Step]) -> tuple[Step, ...]:
    """Return the steps that ride in the query of their parent."""
    return tuple(step for step in steps if step.strategy in ("joined", "json"))


def values_riding(steps: Iterable[Step]) -> list[object]:
    """Return what steps that ride bind, in the order of their text."""
    return [value for step in steps for value in step.joined_values]


def plan(table: Table, loads: Sequence[Load[Any, Any]], counts: EngineCounts) -> tuple[Step, ...]:
    """Resolve the paths from the table on; paths that begin alike share their steps.

    Raises UnknownName or UsageError for what cannot be loaded so.
    """
    branches: dict[Relationship[Any, Any], list[Load[Any, Any]]] = {}
    for load in loads:
        if not isinstance(load, Load):
            raise UsageError(
                f"options() takes selectinload(...), joinedload(...) and their like, not {load!r}"
            )
        branches.setdefault(resolve(table, load.path[0].relationship), []).append(load)
    return tuple([step_of(relationship, found, counts) for relationship, found in branches.items()])


def plan_at_hand(
    table: Table, wanted: Sequence[Named | Load[Any, Any]], counts: EngineCounts
) -> tuple[Step, ...]:
    """Return the steps that load relationships of objects at hand, each by a query of its own."""
    loads = [path_of(each) for each in wanted]
    return plan(table, [Load((on_its_own(load.path[0]), *load.path[1:])) for load in loads], counts)


def path_of(wanted: Named | Load[Any, Any]) -> Load[Any, Any]:
    """Return the load option, or the one that reads this relationship by a query of its own."""
    return wanted if isinstance(wanted, Load) else Load((Hop("selectin", wanted),))


def on_its_own(hop: Hop) -> Hop:
    """Return the hop as a query of its own, where there is no query of a parent to ride in."""
    return hop if hop.strategy == "none" else replace(hop, strategy="selectin")


def resolve(table: Table, wanted: Named) -> Relationship[Any, Any]:
    """Return the relationship of this table; raises UnknownName or UsageError."""
    if isinstance(wanted, str):
        return table.relationship(wanted)
    if not isinstance(wanted, Relationship):
        raise UsageError(f"{wanted!r} is not a relationship of {table.label}")
    if wanted.table is not table:
        raise UsageError(f"{wanted.label} does not start from {table.label}")
    return wanted


def step_of(
    relationship: Relationship[Any, Any], loads: Sequence[Load[Any, Any]], counts: EngineCounts
) -> Step:
    """Return the one step that these paths begin with; raises UsageError where they disagree."""
    hops = [load.path[0] for load in loads]
    deeper: list[Load[Any, Any]] = [Load(each.path[1:]) for each in loads if each.path[1:]]
    below = plan(relationship.target, deeper, counts)
    cuts = cuts_of(hops, relationship, counts)
    refined = [
        refined_step(relationship, hop, below, cuts[hop.limit, hop.offset])
        for hop in hops
        if hop.is_refined
    ]
    step = refined[0] if refined else Step(relationship, hops[0].strategy, below)
    for hop in hops:
        if hop.strategy != step.strategy:
            raise UsageError(
                f"{relationship.label} is asked for by {hops[0].name} and by {hop.name}: take one"
            )
    if any((each.key, each.values) != (step.key, step.values) for each in refined):
        raise UsageError(
            f"{relationship.label} is asked for with different filters, orders or limits: one "
            f"attribute cannot hold two lists"
        )
    check(step, is_refined=bool(refined))
    return step


def refined_step(
    relationship: Relationship[Any, Any],
    hop: Hop,
    below: tuple[Step, ...],
    cut: Cut,
) -> Step:
    """Return the step of a hop that filters, orders or cuts; raises UsageError, UnknownName."""
    target = relationship.target
    if not relationship.is_to_many:
        raise UsageError(
            f"{relationship.label} leads to one row, and filter, order_by, limit and offset are "
            f"for lists: it would read as None where there is one; filter the query by "
            f"{relationship.label}.has(...) instead"
        )
    where = conditions_of(target, hop.conditions, dict(hop.by))
    order = tuple([order_by(each, partial(expression_of, target)) for each in hop.order])
    # What names another table is refused here and not after the first query was sent.
    for condition in where:
        condition.sql(Scope(target))
    for key in order:
        key.sql(Scope(target))
    limit, offset = cut
    return Step(
        relationship, hop.strategy, below, where=where, order=order, limit=limit, offset=offset
    )


def cuts_of(
    hops: Sequence[Hop], relationship: Relationship[Any, Any], counts: EngineCounts
) -> dict[Cut, Cut]:
    """Return how limits and offsets are written; alike for hops that have the same."""
    cuts: dict[Cut, Cut] = {}
    for limit, offset in dict.fromkeys([(hop.limit, hop.offset) for hop in hops]):
        known = counts[relationship.target]
        cuts[limit, offset] = (
            None if limit is None else known.limits.take(limit),
            None if offset is None else known.offsets.take(offset),
        )
    return cuts


def check(step: Step, *, is_refined: bool) -> None:
    """Raise UsageError where the relationship cannot be loaded in this way."""
    relationship = step.relationship
    if step.strategy == "joined" and relationship.is_to_many:
        raise UsageError(
            f"{relationship.label} leads to many rows, and a join would repeat the row for "
            f"each: use selectinload({relationship.name!r})"
        )
    if step.strategy == "none" and (step.below or is_refined):
        raise UsageError(
            f"noload leaves {relationship.label} empty: there is nothing below it to load, filter "
            f"or order"
        )


def expression_of(table: Table, by: AnyExpression | str) -> AnyExpression:
    """Return the column that a name or path leads to; an expression as it is."""
    return by if isinstance(by, Expression) else expression_at(table, by)
