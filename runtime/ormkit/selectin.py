"""Selectin: reading one relationship of many objects by a query of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .columns import Column
from .compiler import Select
from .errors import UsageError
from .expressions import Condition
from .identity import IdentityMap
from .matching import attach, distinct, keys_of_objects, keys_of_rows
from .relationships import Relationship, named
from .riding import unfold
from .scope import Scope
from .statement import Executor, Statement, statement_for
from .steps import Step, read_places, values_riding
from .uninterrupted import uninterrupted
from .values import Record

AnyColumn = Column[Any, Any, Any]


async def read_step(executor: Executor, objects: Sequence[Any], step: Step) -> list[Any]:
    """Read one relationship for all objects; return what is below, each once, if it is needed."""
    relationship = step.relationship
    try:
        keys = keys_of_objects(objects, [column.slot for column in relationship.local])
    except AttributeError:
        raise UsageError(lacking(relationship)) from None
    wanted = list(dict.fromkeys(keys))
    if None in wanted:
        wanted.remove(None)
    is_by_pair = is_by_owner(step) or relationship.secondary is not None
    read, match = (read_pairs, match_pairs) if is_by_pair else (read_alone, match_alone)
    rows = await read(executor, step, wanted) if wanted else []

    def matched(rows: Sequence[Any]) -> list[Any]:
        owners, related = match(step, rows, executor.identity)
        attach(objects, keys, relationship, owners, related)
        return distinct(related) if step.below and relationship.secondary is not None else related

    return uninterrupted(matched, rows)


def lacking(relationship: Relationship[Any, Any]) -> str:
    """Return the message for objects without the columns that the relationship goes by."""
    names = ", ".join(column.label for column in relationship.local)
    return (
        f"{relationship.label} goes by {names}, which an object has no value for: insert it first, "
        f"or read it without only()"
    )


def is_by_owner(step: Step) -> bool:
    """Return whether related rows are to be read owner by owner, and not for all at once.

    So it must be for a part of what belongs to each, and for keys that PostgreSQL takes as equal
    where Python does not: citext in either case, char with and without its padding.
    """
    keys = (*step.relationship.local, *step.relationship.remote)
    return step.is_cut or any(key.cast in ("citext", "bpchar") for key in keys)


async def read_alone(executor: Executor, step: Step, wanted: list[Any]) -> list[Record]:
    """Read the rows of related objects that hold the key of their owner."""
    relationship = step.relationship
    select = Select(
        table=relationship.target,
        where=(key_condition(relationship.remote, wanted), *step.where),
        order=step.order,
        joins=step.joins,
    )
    return await executor.fetch(select.rows(), select.values())


def match_alone(
    step: Step, rows: Sequence[Any], identity: IdentityMap | None
) -> tuple[list[Any], list[Any]]:
    """Return the owner's key of each row, and the related object."""
    related = unfold(step.relationship.target, rows, step.joins, identity)
    return keys_of_objects(related, [each.slot for each in step.relationship.remote]), related


async def read_pairs(executor: Executor, step: Step, wanted: list[Any]) -> list[Record]:
    """Read rows of an owner's key and a related object, which several owners may share."""
    statement = statement_for(("pairs", step.key), lambda: write_pairs(step))
    keys = key_condition(step.relationship.local, wanted).values
    return await executor.fetch(statement, [*values_riding(step.joins), *keys, *step.values])


def match_pairs(
    step: Step, rows: Sequence[Any], identity: IdentityMap | None
) -> tuple[list[Any], list[Any]]:
    """Return the owner's key of each row, and the related object, one for all rows that have it."""
    width = len(step.relationship.local)
    target = step.relationship.target
    keys = keys_of_rows(rows, [width + place for place in target.key_places])
    firsts = dict(zip(keys, rows, strict=True))
    related = unfold(target, [row[width:] for row in firsts.values()], step.joins, identity)
    by_key = dict(zip(firsts, related, strict=True))
    return keys_of_rows(rows, range(width)), list(map(by_key.__getitem__, keys))


def write_pairs(step: Step) -> Statement:
    """Return the statement that reads pairs for a list of owners' keys."""
    local = step.relationship.local
    scope = Scope(step.relationship.target, is_qualified=True)
    source = Source(step, scope)
    parameters = [scope.bind(column) for column in local]
    scope.called.add("unnest")
    if is_by_owner(step):
        sql = write_parts(source, arrays(local, parameters), scope)
    else:
        wanted = in_keys(source.owner, local, parameters)
        sql = source.select(scope, source.owner, [wanted])
    read = (*local, *read_places(step.relationship.target, step.joins))
    return Statement.reading(sql, scope, read)


def write_parts(source: Source, keys: str, scope: Scope) -> str:
    """Return the text that reads for each key the part that its owner gets.

    LATERAL reads those parts one after the other, in their order: an index finds each of them,
    where row_number() would have to number all there is.
    """
    given, found = scope.take("given"), scope.take("found")
    names = [f"key_{place}" for place in range(len(source.owner))]
    pairs = zip(source.owner, names, strict=True)
    part = source.select(scope, [], [f"{owner} = {given}.{name}" for owner, name in pairs])
    return (
        f"SELECT {given}.*, {found}.* FROM unnest({keys}) AS {given} ({', '.join(names)}) "
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
            f"WHERE {' AND '.join(conditions)}{self.step.write_tail(scope)}"
        )


class KeyMembership(Condition[Any]):
    """Several columns that together equal one of many keys."""

    __slots__ = ("columns",)

    def __init__(self, columns: Sequence[AnyColumn], keys: Sequence[Any]) -> None:
        self.columns = tuple(columns)
        self.key = ("keys", *(column.key for column in columns))
        self.values = tuple([key[place] for key in keys] for place in range(len(columns)))
        self.type = "boolean"

    def sql(self, scope: Scope) -> str:
        names = [column.sql(scope) for column in self.columns]
        parameters = [scope.bind(column) for column in self.columns]
        scope.called.add("unnest")
        return in_keys(names, self.columns, parameters)


def key_condition(columns: Sequence[AnyColumn], keys: Sequence[Any]) -> Condition[Any]:
    """Return the condition that the columns hold one of the keys."""
    return columns[0].in_(keys) if len(columns) == 1 else KeyMembership(columns, keys)


def in_keys(names: Sequence[str], columns: Sequence[AnyColumn], parameters: Sequence[str]) -> str:
    """Return the text that compares columns with arrays, one array for each column."""
    if len(names) == 1:
        return f"{names[0]} = ANY({parameters[0]})"
    return f"({', '.join(names)}) IN (SELECT * FROM unnest({arrays(columns, parameters)}))"


def arrays(columns: Sequence[AnyColumn], parameters: Sequence[str]) -> str:
    """Return the parameters as arrays of the columns' types, to go into unnest()."""
    pairs = zip(parameters, columns, strict=True)
    return ", ".join([f"{parameter}::{column.cast}[]" for parameter, column in pairs])
