"""Steps: what load options come to once their names are looked up, as a tree of relationships."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from ..errors import UsageError
from ..models.q import expression_at
from ..models.relationships import Relationship
from ..models.table import Table, conditions_of
from ..sql.context import Scope
from ..sql.expressions import AnyExpression, Expression
from ..sql.ordering import order_by
from ..statements.row_limits import EngineCounts
from .joined import JoinedStep
from .nested import NestedStep
from .options import Hop, Load, Named, Strategy
from .selectin import SelectInStep
from .step import EmptyStep, Step

#: A limit and an offset.
Cut = tuple[int | None, int | None]


#: The step of each strategy.
STEPS: dict[Strategy, type[Step]] = {
    kind.strategy: kind for kind in (SelectInStep, JoinedStep, NestedStep, EmptyStep)
}


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
    step = refined[0] if refined else STEPS[hops[0].strategy](relationship, below)
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
    step.check(is_refined=bool(refined))
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
    return STEPS[hop.strategy](
        relationship, below, where=where, order=order, limit=limit, offset=offset
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


def expression_of(table: Table, by: AnyExpression | str) -> AnyExpression:
    """Return the column that a name or path leads to; an expression as it is."""
    return by if isinstance(by, Expression) else expression_at(table, by)
