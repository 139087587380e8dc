"""Related rows for a shape: only the columns that it needs, in the query of their parents.

A to-one relationship is a LEFT JOIN, and a to-many one an array of records, as for jsonload(): a
tree of any depth takes one statement. The load options of the query filter, order and limit lists.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import chain
from typing import Any

from ..errors import UsageError
from ..models.columns import AnyColumn
from ..models.computed import Computed
from ..models.relationships import Relationship
from ..shapes.making import hints_below
from ..shapes.plan import Branch, Plan, Readable
from ..sql.context import Scope
from ..statements.select import Join
from .joined import JoinedStep, left_join
from .nested import NestedStep, array_of_records, field
from .step import EmptyStep, RelationshipStep, Step


class RelatedRow:
    """The values of one related row, joined to the row of its parent."""

    def __init__(self, branch: Branch, step: RelationshipStep | None) -> None:
        """Describe the join.

        step: what the query says about the relationship; None where it says nothing.
        """
        self.leaves = marked_leaves(branch.plan)
        self.step = JoinedStep(branch.relationship)
        self.joins = joins_of(branch.plan, step.below if step is not None else ())
        self.key: Hashable = ("one", self.step.key, shape_key(self.leaves, self.joins))

    @property
    def joined_values(self) -> list[object]:
        """What the joins below bind; the join itself compares columns."""
        return [value for each in self.joins for value in each.joined_values]

    def write_join(self, scope: Scope, outer: str, selected: list[str], joins: list[str]) -> None:
        """Add the columns, and the joins, to those of the query of `outer`."""
        name, text = left_join(self.step, scope, outer)
        selected += [read(each, scope, name) for each in self.leaves]
        joins.append(text)
        for each in self.joins:
            each.write_join(scope, name, selected, joins)

    def write_fields(self, scope: Scope, outer: str) -> tuple[list[str], str]:
        """Return the same as fields of a record, and the text of the joins."""
        name, text = left_join(self.step, scope, outer)
        fields, joins = record_fields(self.leaves, self.joins, scope, name)
        return fields, text + joins

    def row_layout(self) -> list[Any]:
        """Return what each place of a row holds that it adds."""
        return layout_of(self.leaves, self.joins)


class RelatedRows:
    """An array with a record for each related row."""

    def __init__(self, branch: Branch, step: RelationshipStep | None) -> None:
        """Describe the array.

        step: what the query says about the relationship; None where it says nothing.
        """
        if isinstance(step, EmptyStep):
            raise UsageError(
                f"{branch.relationship.label} is asked for by the class of into() and refused by "
                f"noload(): take one"
            )
        self.leaves = leaves_of(branch.plan)
        self.step = nested_step(branch.relationship, step)
        self.joins = joins_of(branch.plan, step.below if step is not None else ())
        self.hints = hints_below(branch.plan)
        self.key: Hashable = ("many", self.step.key, shape_key(self.leaves, self.joins))

    @property
    def joined_values(self) -> list[object]:
        """What it binds, in the order of its text."""
        return [*[value for each in self.joins for value in each.joined_values], *self.step.values]

    def write_join(self, scope: Scope, outer: str, selected: list[str], joins: list[str]) -> None:
        """Add the array, and a NULL of each type that the driver has to meet first."""
        selected.append(self.array(scope, outer))
        selected += [scope.cast("NULL", hint) for hint in self.hints]

    def write_fields(self, scope: Scope, outer: str) -> tuple[list[str], str]:
        """Return the array as the field of a record."""
        return [self.array(scope, outer)], ""

    def array(self, scope: Scope, outer: str) -> str:
        """Return the SQL of the array."""
        return array_of_records(
            self.step,
            scope,
            outer,
            lambda name: record_fields(self.leaves, self.joins, scope, name),
        )

    def row_layout(self) -> list[Any]:
        """Return what each place of a row holds that it adds."""
        return [tuple(layout_of(self.leaves, self.joins)), *[None for _ in self.hints]]


#: Related rows of either kind.
RelatedJoin = RelatedRow | RelatedRows


class OrderColumns:
    """Columns of the query's own table behind all others: what a cursor is made of."""

    def __init__(self, columns: Sequence[AnyColumn]) -> None:
        self.columns = tuple(columns)
        self.key: Hashable = ("order", *[each.key for each in columns])
        self.joined_values: list[object] = []

    def write_join(self, scope: Scope, outer: str, selected: list[str], joins: list[str]) -> None:
        """Add the columns to those of the query of `outer`."""
        selected += [each.read(f"{outer}.{each.quoted}", scope) for each in self.columns]

    def row_layout(self) -> list[Any]:
        """Return the columns."""
        return list(self.columns)


def joins_of(plan: Plan, steps: Sequence[Step]) -> tuple[RelatedJoin, ...]:
    """Return what reads the related rows of a plan; steps are the load options of the query."""
    known = {each.relationship: each for each in steps if isinstance(each, RelationshipStep)}
    ones = [RelatedRow(each, known.get(each.relationship)) for each in plan.ones]
    many = [RelatedRows(each, known.get(each.relationship)) for each in plan.many]
    return (*ones, *many)


def nested_step(
    relationship: Relationship[Any, Any], step: RelationshipStep | None
) -> RelationshipStep:
    """Return the step of a list, with the filter, order and limit of a load option."""
    if step is None:
        return NestedStep(relationship)
    own = len(relationship.related_alive())
    return NestedStep(
        relationship,
        where=step.where[own:],
        order=step.order,
        limit=step.limit,
        offset=step.offset,
    )


def shape_key(leaves: Sequence[Readable], joins: Sequence[Join]) -> Hashable:
    """Return what tells the text of these values from that of others."""
    return tuple([each.key for each in leaves]), tuple([each.key for each in joins])


def leaves_of(plan: Plan) -> list[Readable]:
    """Return the columns and computed attributes that the fields of a class are read from."""
    return [leaf.source for leaf in plan.leaves if leaf.source is not None]


def marked_leaves(plan: Plan) -> list[Readable]:
    """Return those of a row that may not be there: one of them tells whether it is."""
    leaves = leaves_of(plan)
    return leaves if plan.mark is None else [plan.mark, *leaves]


def text_of(leaf: Readable, scope: Scope, name: str) -> str:
    """Return the SQL of a column or computed attribute of the table `name`."""
    return leaf.sql_of(scope, name) if isinstance(leaf, Computed) else f"{name}.{leaf.quoted}"


def column_of(leaf: Readable) -> AnyColumn:
    """Return the column, or the one that has the type of the computed attribute."""
    return leaf.column if isinstance(leaf, Computed) else leaf


def read(leaf: Readable, scope: Scope, name: str) -> str:
    """Return the SQL that reads it in a row."""
    return column_of(leaf).read(text_of(leaf, scope, name), scope)


def record_fields(
    leaves: Sequence[Readable], joins: Sequence[RelatedJoin], scope: Scope, name: str
) -> tuple[list[str], str]:
    """Return the fields of a record for a row of the table `name`, and what is joined for them."""
    fields = [field(column_of(each), text_of(each, scope, name), scope) for each in leaves]
    texts: list[str] = []
    for each in joins:
        found, text = each.write_fields(scope, name)
        fields += found
        texts.append(text)
    return fields, "".join(texts)


def layout_of(leaves: Sequence[Readable], joins: Sequence[RelatedJoin]) -> list[Any]:
    """Return what each place of a related row holds."""
    return [*map(column_of, leaves), *chain.from_iterable(each.row_layout() for each in joins)]
