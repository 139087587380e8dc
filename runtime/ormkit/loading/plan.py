"""The load plan: load options, resolved to a tree of steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from ..errors import UsageError
from ..models.computed import AnyComputed, Computed, computed_named
from ..models.q import expression_at
from ..models.relationships import Relationship
from ..models.table import Table, conditions_of
from ..sql.context import Scope
from ..sql.expressions import AnyExpression, Expression
from ..sql.ordering import order_by
from ..statements.row_limits import EngineCounts
from .computed import LaterStep, computed_step
from .joined import JoinedStep
from .nested import NestedStep
from .options import AnyLoad, Load, LoadPath, Named, PathPart, Strategy
from .selectin import SelectInStep
from .step import EmptyStep, RelationshipStep, Step

#: A limit and an offset.
Limits = tuple[int | None, int | None]


#: The step of each strategy.
STEPS: dict[Strategy, type[RelationshipStep]] = {
    kind.strategy: kind for kind in (SelectInStep, JoinedStep, NestedStep, EmptyStep)
}


def plan(table: Table, loads: Sequence[AnyLoad], counts: EngineCounts) -> tuple[Step, ...]:
    """Resolve load options of a table to steps; paths with a common beginning share its steps.

    Raises UnknownName, or UsageError where a relationship cannot be loaded in this way.
    """
    branches: dict[Relationship[Any, Any], list[AnyLoad]] = {}
    for load in loads:
        if not isinstance(load, LoadPath):
            raise UsageError(
                f"options() takes selectinload(...), joinedload(...) and the like, not {load!r}"
            )
        branches.setdefault(resolve(table, load.path[0].relationship), []).append(load)
    return tuple([step_of(relationship, found, counts) for relationship, found in branches.items()])


def plan_for_loaded(
    table: Table,
    wanted: Sequence[Named | AnyComputed | AnyLoad],
    counts: EngineCounts,
) -> tuple[Step, ...]:
    """Return the steps that load what existing objects lack.

    There is one query for each relationship, and one for all computed attributes.
    """
    computed: list[AnyComputed] = []
    loads: list[AnyLoad] = []
    for each in wanted:
        if isinstance(each, Computed) or each in table.computed_attributes:
            computed.append(computed_named(table, each))
        else:
            load = as_load(each)
            loads.append(Load((as_selectin(load.path[0]), *load.path[1:])))
    later = (LaterStep(table, computed),) if computed else ()
    return (*later, *plan(table, loads, counts))


def as_load(wanted: Named | AnyLoad) -> AnyLoad:
    """Return the load option, or selectinload() of the relationship."""
    return wanted if isinstance(wanted, LoadPath) else Load((PathPart("selectin", wanted),))


def as_selectin(part: PathPart) -> PathPart:
    """Return the part as selectinload(): there is no query of a parent to join."""
    return part if part.strategy == "none" else replace(part, strategy="selectin")


def resolve(table: Table, wanted: Named) -> Relationship[Any, Any]:
    """Return the relationship of this table; raises UnknownName or UsageError."""
    if isinstance(wanted, str):
        return table.relationship(wanted)
    if not isinstance(wanted, Relationship):
        raise UsageError(f"{wanted!r} is not a relationship of {table.label}")
    if wanted.table is not table:
        raise UsageError(f"{wanted.label} is not a relationship of {table.label}")
    return wanted


def step_of(
    relationship: Relationship[Any, Any], loads: Sequence[AnyLoad], counts: EngineCounts
) -> RelationshipStep:
    """Return the step of a relationship that paths begin with.

    Raises UsageError where the paths load it in different ways.
    """
    parts = [load.path[0] for load in loads]
    deeper: list[AnyLoad] = [Load(each.path[1:]) for each in loads if each.path[1:]]
    target = relationship.target
    computed = computed_step(target, [each for part in parts for each in part.computed])
    below = (*computed, *plan(target, deeper, counts))
    written = written_limits(parts, relationship, counts)
    refined = [
        refined_step(relationship, part, below, written[part.limit, part.offset])
        for part in parts
        if part.is_refined
    ]
    step = refined[0] if refined else STEPS[parts[0].strategy](relationship, below)
    for part in parts:
        if part.strategy != step.strategy:
            raise UsageError(
                f"{relationship.label} is loaded by {parts[0].name} and by {part.name}: "
                "use one of them"
            )
    if any((each.key, each.values) != (step.key, step.values) for each in refined):
        raise UsageError(
            f"{relationship.label} is loaded with different filters, orders or limits: one "
            "attribute cannot hold two lists"
        )
    step.check(is_refined=bool(refined))
    return step


def refined_step(
    relationship: Relationship[Any, Any],
    part: PathPart,
    below: tuple[Step, ...],
    limits: Limits,
) -> RelationshipStep:
    """Return the step of an option that filters, orders or limits.

    Raises UsageError or UnknownName.
    """
    target = relationship.target
    if not relationship.is_to_many:
        raise UsageError(
            f"{relationship.label} is a to-one relationship, and filter, order_by, limit and "
            "offset are for lists: the attribute would be None although its row exists; filter "
            f"the query by {relationship.label}.has(...) instead"
        )
    where = conditions_of(target, part.conditions, dict(part.by))
    order = tuple([order_by(each, partial(expression_of, target)) for each in part.order])
    # Writing the SQL raises an error about another table before the first query is sent.
    for condition in where:
        condition.sql(Scope(target))
    for key in order:
        key.sql(Scope(target))
    limit, offset = limits
    return STEPS[part.strategy](
        relationship, below, where=where, order=order, limit=limit, offset=offset
    )


def written_limits(
    parts: Sequence[PathPart], relationship: Relationship[Any, Any], counts: EngineCounts
) -> dict[Limits, Limits]:
    """Return how each limit and offset is written: as a constant or as a parameter."""
    written: dict[Limits, Limits] = {}
    for limit, offset in dict.fromkeys([(part.limit, part.offset) for part in parts]):
        known = counts[relationship.target]
        written[limit, offset] = (
            None if limit is None else known.limits.take(limit),
            None if offset is None else known.offsets.take(offset),
        )
    return written


def expression_of(table: Table, by: AnyExpression | str) -> AnyExpression:
    """Return the column of a name or path; an expression is returned unchanged."""
    return by if isinstance(by, Expression) else expression_at(table, by)
