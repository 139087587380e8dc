"""Selectin: reading one relationship of many objects by a query of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import UsageError
from ..gc_pause import uninterrupted
from ..models.relationships import Relationship, named
from ..postgres.values import Record
from ..sql.context import Scope
from ..statements.executor import Executor, ObjectMap
from ..statements.key_equality import Form, is_strict, loose_forms
from ..statements.key_membership import in_keys, key_condition
from ..statements.select import Select
from ..statements.statement import Statement, statement_for
from .attach import attach, distinct, keys_of_objects, keys_of_rows
from .joined import decode_joined
from .step import Step, row_layout, values_of_joins


class SelectInStep(Step):
    """selectinload(): one query reads the related rows of all parents (key = ANY(...))."""

    __slots__ = ()
    strategy = "selectin"

    async def load(self, executor: Executor, objects: Sequence[Any]) -> list[Any]:
        relationship = self.relationship
        try:
            keys = keys_of_objects(objects, [column.slot for column in relationship.local])
        except AttributeError:
            raise UsageError(lacking(relationship)) from None
        wanted = list(dict.fromkeys(keys))
        if None in wanted:
            wanted.remove(None)
        forms = await owner_forms(executor, self)
        is_by_pair = forms is not None or relationship.secondary is not None
        rows: list[Record] = []
        if wanted and is_by_pair:
            rows = await read_pairs(executor, self, wanted, forms)
        elif wanted:
            rows = await read_alone(executor, self, wanted)

        def matched(rows: Sequence[Any]) -> list[Any]:
            if forms is not None:
                owners, related = match_parts(self, rows, wanted, executor.identity)
            elif is_by_pair:
                owners, related = match_pairs(self, rows, executor.identity)
            else:
                owners, related = match_alone(self, rows, executor.identity)
            attach(objects, keys, relationship, owners, related)
            is_shared = relationship.secondary is not None
            return distinct(related) if self.below and is_shared else related

        return uninterrupted(matched, rows)


def lacking(relationship: Relationship[Any, Any]) -> str:
    """Return the message for objects without the columns that the relationship goes by."""
    names = ", ".join(column.label for column in relationship.local)
    return (
        f"{relationship.label} goes by {names}, which an object has no value for: insert it first, "
        f"or read it without only()"
    )


async def owner_forms(executor: Executor, step: Step) -> tuple[Form, ...] | None:
    """Return how owners' keys are compared where rows are read owner by owner, else None.

    So they are for a part of what belongs to each, and for keys that PostgreSQL takes as equal
    where Python does not: citext in either case, char with and without its padding, numbers that
    are none, texts of a collation that does not tell them apart.
    """
    relationship = step.relationship
    forms = await loose_forms(executor, relationship)
    keys = (*relationship.local, *relationship.remote)
    if forms is None and (step.is_limited or not all(map(is_strict, keys))):
        forms = tuple([Form(column.cast, None) for column in relationship.local])
    return forms


async def read_alone(executor: Executor, step: Step, wanted: list[Any]) -> list[Record]:
    """Read the rows of related objects that hold the key of their owner."""
    relationship = step.relationship
    select = Select(
        table=relationship.target,
        where=(key_condition(relationship.remote, wanted), *step.where),
        order=step.order,
        joins=step.joins,
    )
    return await executor.run(select.rows(), select.values())


def match_alone(
    step: Step, rows: Sequence[Any], identity: ObjectMap | None
) -> tuple[list[Any], list[Any]]:
    """Return the owner's key of each row, and the related object."""
    related = decode_joined(step.relationship.target, rows, step.joins, identity)
    return keys_of_objects(related, [each.slot for each in step.relationship.remote]), related


async def read_pairs(
    executor: Executor, step: Step, wanted: list[Any], forms: tuple[Form, ...] | None
) -> list[Record]:
    """Read rows of an owner and a related object, which several owners may share.

    The owner is its key, or with forms its place among those wanted.
    """
    statement = statement_for(("pairs", step.key, forms), lambda: write_pairs(step, forms))
    keys = key_condition(step.relationship.local, wanted).values
    return await executor.run(statement, [*values_of_joins(step.joins), *keys, *step.values])


def match_pairs(
    step: Step, rows: Sequence[Any], identity: ObjectMap | None
) -> tuple[list[Any], list[Any]]:
    """Return the owner's key of each row, and the related object, one for all rows that have it."""
    width = len(step.relationship.local)
    related = objects_behind(step, rows, width, identity)
    return keys_of_rows(rows, range(width)), related


def match_parts(
    step: Step, rows: Sequence[Any], wanted: Sequence[Any], identity: ObjectMap | None
) -> tuple[list[Any], list[Any]]:
    """Return the same for rows that begin with the place of their owner among those wanted."""
    owners = [wanted[row[0] - 1] for row in rows]
    return owners, objects_behind(step, rows, 1, identity)


def objects_behind(
    step: Step, rows: Sequence[Any], width: int, identity: ObjectMap | None
) -> list[Any]:
    """Return the related object of each row, which begins behind so many values."""
    target = step.relationship.target
    keys = keys_of_rows(rows, [width + place for place in target.key_places])
    firsts = dict(zip(keys, rows, strict=True))
    related = decode_joined(target, [row[width:] for row in firsts.values()], step.joins, identity)
    by_key = dict(zip(firsts, related, strict=True))
    return list(map(by_key.__getitem__, keys))


def write_pairs(step: Step, forms: tuple[Form, ...] | None) -> Statement:
    """Return the statement that reads pairs for a list of owners' keys."""
    local = step.relationship.local
    scope = Scope(step.relationship.target, is_qualified=True)
    source = Source(step, scope)
    parameters = [scope.bind(column) for column in local]
    scope.called.add("unnest")
    if forms is not None:
        sql = write_parts(source, parameters, forms, scope)
    else:
        wanted = in_keys(source.owner, local, parameters)
        sql = source.select(scope, source.owner, [wanted])
    # With forms, a place stands for the owner.
    owner = local if forms is None else local[:1]
    read = (*owner, *row_layout(step.relationship.target, step.joins))
    return Statement.reading(sql, scope, read)


def write_parts(
    source: Source, parameters: Sequence[str], forms: Sequence[Form], scope: Scope
) -> str:
    """Return the text that reads for each key the part that its owner gets.

    LATERAL reads those parts one after the other, in their order: an index finds each of them,
    where row_number() would have to number all there is. The server says by its place which key
    each row answers.
    """
    given, found = scope.take("given"), scope.take("found")
    names = [f"key_{place}" for place in range(len(source.owner))]
    matches = [
        f"{owner} = {given}.{name}" + (f" COLLATE {form.collation}" if form.collation else "")
        for owner, name, form in zip(source.owner, names, forms, strict=True)
    ]
    part = source.select(scope, [], matches)
    keys = [f"{each}::{form.type}[]" for each, form in zip(parameters, forms, strict=True)]
    return (
        f"SELECT {given}.place, {found}.* "
        f"FROM unnest({', '.join(keys)}) WITH ORDINALITY AS {given} ({', '.join(names)}, place) "
        f"CROSS JOIN LATERAL ({part}) AS {found}"
    )


class Source:
    """Where a step's rows come from: the target, what rides along, and the secondary table."""

    def __init__(self, step: Step, scope: Scope) -> None:
        self.step = step
        relationship = step.relationship
        target = scope.name(relationship.target)
        table = named(relationship.target.sql, target)
        columns = relationship.target.columns
        self.selected = [column.selected(column.sql(scope)) for column in columns]
        #: The columns that hold the owner's key.
        self.owner = [f"{target}.{column.quoted}" for column in relationship.remote]
        if secondary := relationship.secondary:
            through = scope.take(secondary.name)
            scope.read_from.add(secondary.sql)
            matches = relationship.to_target(through, target)
            table = f"{named(secondary.sql, through)} JOIN {table} ON {' AND '.join(matches)}"
            self.owner = [f"{through}.{key}" for key in secondary.local]
        joins: list[str] = []
        for each in step.joins:
            each.write_join(scope, target, self.selected, joins)
        self.tables = f"{table}{''.join(joins)}"

    def select(self, scope: Scope, first: Sequence[str], matches: Sequence[str]) -> str:
        """Return the SELECT of these columns and the target's, where the matches hold."""
        conditions = [*matches, *[condition.sql(scope) for condition in self.step.where]]
        return (
            f"SELECT {', '.join([*first, *self.selected])} FROM {self.tables} "
            f"WHERE {' AND '.join(conditions)}{self.step.write_order_and_limit(scope)}"
        )
