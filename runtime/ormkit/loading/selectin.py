"""Selectin loads: one query reads a relationship of many objects, by key = ANY(...)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..errors import UsageError
from ..models.relationships import Relationship, table_as
from ..postgres.values import Record
from ..shapes.gc_pause import with_gc_paused
from ..sql.context import Scope
from ..statements.executor import Executor, ObjectMap
from ..statements.key_equality import KeyType, is_strict, loose_forms
from ..statements.key_membership import in_keys, key_condition
from ..statements.select import Select
from ..statements.shape_name import ShapeName
from ..statements.statement import Statement, statement_for
from .attach import attach, distinct, keys_of_objects, keys_of_rows
from .joined import decode_joined
from .step import RelationshipStep, row_layout, values_of_joins


class SelectInStep(RelationshipStep):
    """selectinload(): one query reads the related rows of all parents (key = ANY(...))."""

    __slots__ = ()
    strategy = "selectin"

    async def load(self, executor: Executor, objects: Sequence[Any]) -> list[Any]:
        relationship = self.relationship
        if relationship.has_mutable_key:
            raise UsageError(
                f"{relationship.label} joins on an array or JSON, which selectinload() and load() "
                f"do not compare: use jsonload({relationship.name!r})"
            )
        try:
            keys = keys_of_objects(objects, [column.slot for column in relationship.local])
        except AttributeError:
            raise UsageError(missing_key(relationship)) from None
        wanted = list(dict.fromkeys(keys))
        if None in wanted:
            wanted.remove(None)
        forms = await lateral_forms(executor, self)
        is_by_pair = forms is not None or relationship.secondary is not None
        rows: list[Record] = []
        if wanted and is_by_pair:
            rows = await read_pairs(executor, self, wanted, forms)
        elif wanted:
            rows = await read_by_key(executor, self, wanted)

        def matched(rows: Sequence[Any]) -> list[Any]:
            if forms is not None:
                owners, related = executor.with_json(
                    match_positions, self, rows, wanted, executor.identity
                )
            elif is_by_pair:
                owners, related = executor.with_json(match_pairs, self, rows, executor.identity)
            else:
                owners, related = executor.with_json(match_by_key, self, rows, executor.identity)
            attach(objects, keys, relationship, owners, related)
            is_shared = relationship.secondary is not None
            return distinct(related) if self.below and is_shared else related

        return with_gc_paused(matched, rows)


def missing_key(relationship: Relationship[Any, Any]) -> str:
    """Return the message for objects that lack the columns which the relationship joins on."""
    names = ", ".join(column.label for column in relationship.local)
    return (
        f"{relationship.label} joins on {names}, which an object has no value for: insert it "
        f"first, or read it without only()"
    )


async def lateral_forms(executor: Executor, step: RelationshipStep) -> tuple[KeyType, ...] | None:
    """Return how parents' keys are compared where a lateral join reads each parent's rows.

    None where Python can match rows to parents by their keys. A lateral join is needed for limits
    per parent, and for keys that PostgreSQL takes as equal and Python does not: citext in
    another case, char with and without padding, NaN, texts of a nondeterministic collation.
    """
    relationship = step.relationship
    forms = await loose_forms(executor, relationship)
    keys = (*relationship.local, *relationship.remote)
    if forms is None and (step.is_limited or not all(map(is_strict, keys))):
        forms = tuple([KeyType(column.cast, None) for column in relationship.local])
    return forms


async def read_by_key(
    executor: Executor, step: RelationshipStep, wanted: list[Any]
) -> list[Record]:
    """Read related rows that hold the key of their parent."""
    relationship = step.relationship
    select = Select(
        table=relationship.target,
        where=(key_condition(relationship.remote, wanted), *step.where),
        order=step.order,
        joins=step.joins,
    )
    shape = select.shape(("load", relationship.key))
    statement = statement_for(shape, lambda: named_load(relationship, select.rows()))
    return await executor.run(statement, select.values())


def named_load(relationship: Relationship[Any, Any], statement: Statement) -> Statement:
    """Return the statement of a query for related rows as the one of load()."""
    return replace(statement, shape=ShapeName(relationship.label, "load", relationship.target))


def match_by_key(
    step: RelationshipStep, rows: Sequence[Any], identity: ObjectMap | None
) -> tuple[list[Any], list[Any]]:
    """Return for each row the key of its parent, and the related object."""
    related = decode_joined(step.relationship.target, rows, step.joins, identity)
    return keys_of_objects(related, [each.slot for each in step.relationship.remote]), related


async def read_pairs(
    executor: Executor, step: RelationshipStep, wanted: list[Any], forms: tuple[KeyType, ...] | None
) -> list[Record]:
    """Read rows of a parent and a related object, which several parents may share.

    A row names its parent by key or, with `forms`, by the position of the key in `wanted`, from 1.
    """
    statement = statement_for(("pairs", step.key, forms), lambda: write_pairs(step, forms))
    keys = key_condition(step.relationship.local, wanted).values
    return await executor.run(statement, [*values_of_joins(step.joins), *keys, *step.values])


def match_pairs(
    step: RelationshipStep, rows: Sequence[Any], identity: ObjectMap | None
) -> tuple[list[Any], list[Any]]:
    """Return for each row the key of its parent, and the related object.

    Rows of the same related row share one object.
    """
    width = len(step.relationship.local)
    related = decode_distinct(step, rows, width, identity)
    return keys_of_rows(rows, range(width)), related


def match_positions(
    step: RelationshipStep, rows: Sequence[Any], wanted: Sequence[Any], identity: ObjectMap | None
) -> tuple[list[Any], list[Any]]:
    """Return the same for rows that begin with the position of their parent's key in `wanted`."""
    owners = [wanted[row[0] - 1] for row in rows]
    return owners, decode_distinct(step, rows, 1, identity)


def decode_distinct(
    step: RelationshipStep, rows: Sequence[Any], width: int, identity: ObjectMap | None
) -> list[Any]:
    """Return the related object of each row, whose columns begin at position `width`."""
    target = step.relationship.target
    places = [width + place for place in target.key_places]
    keys = keys_of_rows(rows, places, target.has_mutable_key)
    firsts = dict(zip(keys, rows, strict=True))
    related = decode_joined(target, [row[width:] for row in firsts.values()], step.joins, identity)
    by_key = dict(zip(firsts, related, strict=True))
    return list(map(by_key.__getitem__, keys))


def write_pairs(step: RelationshipStep, forms: tuple[KeyType, ...] | None) -> Statement:
    """Return the statement that reads pairs of a parent and a related row, for a list of keys."""
    local = step.relationship.local
    scope = Scope(step.relationship.target, is_qualified=True)
    source = StepSource(step, scope)
    parameters = [scope.bind(column) for column in local]
    if forms is not None:
        sql = write_lateral(source, parameters, forms, scope)
    else:
        wanted = in_keys(source.owner, local, parameters, scope)
        pairs = zip(local, source.owner, strict=True)
        keys = [column.selected(name) if column.is_text else name for column, name in pairs]
        sql = source.select(scope, keys, [wanted])
    # With forms, a position stands for the key.
    owner = local if forms is None else local[:1]
    read = (*owner, *row_layout(step.relationship.target, step.joins))
    relationship = step.relationship
    shape = ShapeName(relationship.label, "load", relationship.target)
    return Statement.reading(sql, scope, shape, read)


def write_lateral(
    source: StepSource, parameters: Sequence[str], forms: Sequence[KeyType], scope: Scope
) -> str:
    """Return the SQL that reads the related rows of each key by a lateral join.

    LATERAL applies order and limit to each key: an index finds the rows, where row_number() would
    have to number all rows of the table. Each row comes with the position of its key.
    """
    given, found = scope.take("given"), scope.take("found")
    names = [f"key_{place}" for place in range(len(source.owner))]
    matches = [
        f"{owner} = {given}.{name}" + (f" COLLATE {form.collation}" if form.collation else "")
        for owner, name, form in zip(source.owner, names, forms, strict=True)
    ]
    part = source.select(scope, [], matches)
    keys = [
        scope.cast(each, f"{form.type}[]") for each, form in zip(parameters, forms, strict=True)
    ]
    rows = f"{scope.call('unnest')}({', '.join(keys)})"
    return (
        f"SELECT {given}.place, {found}.* "
        f"FROM {rows} WITH ORDINALITY AS {given} ({', '.join(names)}, place) "
        f"CROSS JOIN LATERAL ({part}) AS {found}"
    )


class StepSource:
    """The FROM of a step's query: the target, its joined steps, and the secondary table."""

    def __init__(self, step: RelationshipStep, scope: Scope) -> None:
        self.step = step
        relationship = step.relationship
        target = scope.name(relationship.target)
        table = table_as(relationship.target.sql, target)
        columns = relationship.target.columns
        self.selected = [column.read(column.sql(scope), scope) for column in columns]
        #: The columns that hold the parent's key.
        self.owner = [f"{target}.{column.quoted}" for column in relationship.remote]
        if secondary := relationship.secondary:
            through = scope.take(secondary.name)
            scope.tables.add(secondary.sql)
            matches = relationship.to_target(through, target)
            table = f"{table_as(secondary.sql, through)} JOIN {table} ON {' AND '.join(matches)}"
            self.owner = [f"{through}.{key}" for key in secondary.local]
        joins: list[str] = []
        for each in step.joins:
            each.write_join(scope, target, self.selected, joins)
        self.tables = f"{table}{''.join(joins)}"

    def select(self, scope: Scope, first: Sequence[str], matches: Sequence[str]) -> str:
        """Return the SELECT of the columns `first` and the target's, where all matches hold."""
        conditions = [*matches, *[condition.sql(scope) for condition in self.step.where]]
        return (
            f"SELECT {', '.join([*first, *self.selected])} FROM {self.tables} "
            f"WHERE {' AND '.join(conditions)}{self.step.write_order_and_limit(scope)}"
        )
