"""Eager loading: which relationships come with the objects of a query, and how they are read."""

from __future__ import annotations

import gc
from collections.abc import Hashable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

from .columns import Column
from .compiler import Executor, Select, Statement, statement_for
from .errors import UsageError
from .expressions import Condition
from .load_options import Load, Named, Strategy
from .relationships import Relationship, named
from .scope import Scope
from .table import Table
from .values import Record

if TYPE_CHECKING:
    from .model import Model

M = TypeVar("M", bound="Model")

#: From this many rows on, the collector of cycles is paused while they are decoded: objects come
#: faster than they could become garbage, and full collections would scan them all again and again.
GC_PAUSE_ROWS = 256


class Step:
    """A relationship to load, how, and what to load below it; alike where their keys are."""

    __slots__ = ("below", "key", "relationship", "strategy")

    def __init__(
        self,
        relationship: Relationship[Any, Any],
        strategy: Strategy,
        below: tuple[Step, ...] = (),
    ) -> None:
        self.relationship: Relationship[Any, Any] = relationship
        self.strategy = strategy
        self.below = below
        self.key: Hashable = (relationship.key, strategy, tuple([step.key for step in below]))

    @property
    def joins(self) -> tuple[Step, ...]:
        """The steps below that ride in the same query."""
        return joined(self.below)

    def write_join(self, scope: Scope, outer: str, selected: list[str], joins: list[str]) -> None:
        """Add the columns and the LEFT JOIN of this step, and of the joins below it."""
        target = self.relationship.target
        name = scope.take(self.relationship.name)
        pairs = zip(self.relationship.local, self.relationship.remote, strict=True)
        matches = [f"{name}.{there.quoted} = {outer}.{here.quoted}" for here, there in pairs]
        scope.enter_as(target, name)
        matches += [condition.sql(scope) for condition in self.relationship.related_alive()]
        scope.leave(target)
        selected.extend(column.selected(f"{name}.{column.quoted}") for column in target.columns)
        joins.append(f" LEFT JOIN {named(target.sql, name)} ON {' AND '.join(matches)}")
        for step in self.joins:
            step.write_join(scope, name, selected, joins)


def joined(steps: Iterable[Step]) -> tuple[Step, ...]:
    """Return the steps that ride in the query of their parent."""
    return tuple(step for step in steps if step.strategy == "joined")


def plan(table: Table, loads: Sequence[Load[Any, Any]]) -> tuple[Step, ...]:
    """Resolve the paths from the table on; paths that begin alike share their steps."""
    branches: dict[tuple[Strategy, Relationship[Any, Any]], list[Load[Any, Any]]] = {}
    for load in loads:
        if not isinstance(load, Load):
            raise UsageError(f"options() takes selectinload(...) or joinedload(...), not {load!r}")
        (strategy, wanted), *rest = load.path
        relationship = resolve(table, wanted)
        if strategy == "joined" and relationship.is_to_many:
            raise UsageError(
                f"{relationship.label} leads to many rows, and a join would repeat the row for "
                f"each: use selectinload({relationship.name!r})"
            )
        tails = branches.setdefault((strategy, relationship), [])
        if rest:
            tails.append(Load(tuple(rest)))
    return tuple(
        Step(relationship, strategy, plan(relationship.target, tails))
        for (strategy, relationship), tails in branches.items()
    )


def resolve(table: Table, wanted: Named) -> Relationship[Any, Any]:
    """Return the relationship of this table; raises UnknownName or UsageError."""
    if isinstance(wanted, str):
        return table.relationship(wanted)
    if not isinstance(wanted, Relationship):
        raise UsageError(f"{wanted!r} is not a relationship of {table.label}")
    if wanted.table is not table:
        raise UsageError(f"{wanted.label} does not start from {table.label}")
    return wanted


def decode(model: type[M], rows: Sequence[Any]) -> list[M]:
    """Make objects of rows, with the collector of cycles paused for many."""
    if len(rows) < GC_PAUSE_ROWS or not gc.isenabled():
        return cast("list[M]", model.__decode__(rows))
    gc.disable()
    try:
        return cast("list[M]", model.__decode__(rows))
    finally:
        gc.enable()


async def fetch_objects(executor: Executor, select: Select, steps: tuple[Step, ...]) -> list[Any]:
    """Run the select and return its objects with everything the steps ask for."""
    rows = await select.rows().fetch(executor, select.values)
    objects = unfold(select.table, rows, select.joins)
    await load_steps(executor, objects, steps)
    return objects


def unfold(table: Table, rows: list[Record], joins: tuple[Step, ...]) -> list[Any]:
    """Make the objects of rows that hold a table's columns and then those of each join."""
    if not joins:
        return decode(table.model, rows)
    width = len(table.columns)
    objects = decode(table.model, [row[:width] for row in rows])
    attach_joins(objects, rows, joins, width)
    return objects


def attach_joins(
    objects: Sequence[Any], rows: Sequence[Any], joins: tuple[Step, ...], start: int
) -> int:
    """Give each object what was joined to its row; return where the next columns start."""
    for step in joins:
        target = step.relationship.target
        width = len(target.columns)
        places = [start + place for place in target.key_places]
        keys = keys_of_rows(rows, places)
        firsts = {key: row for key, row in zip(keys, rows, strict=True) if key is not None}
        there = slice(start, start + width)
        found = decode(target.model, [row[there] for row in firsts.values()])
        by_key = dict(zip(firsts, found, strict=True))
        slot = step.relationship.slot
        for each, key in zip(objects, keys, strict=True):
            if each is not None:
                setattr(each, slot, by_key.get(key))
        start = attach_joins([by_key.get(key) for key in keys], rows, step.joins, start + width)
    return start


def keys_of_rows(rows: Sequence[Any], places: Sequence[int]) -> list[Any]:
    """Return each row's key, a tuple where it has several columns; None where nothing joined."""
    if len(places) == 1:
        (place,) = places
        return [row[place] for row in rows]
    keys = [tuple([row[place] for place in places]) for row in rows]
    return [None if key[0] is None else key for key in keys]


async def load_steps(executor: Executor, objects: Sequence[Any], steps: tuple[Step, ...]) -> None:
    """Load what the steps name for objects that are there, one query for each step."""
    if not objects:
        return
    for step in steps:
        if step.strategy == "joined":
            found = [getattr(each, step.relationship.slot) for each in objects]
            related = distinct(each for each in found if each is not None)
        else:
            related = await load_step(executor, objects, step)
        if step.below:
            await load_steps(executor, related, step.below)


async def load_step(executor: Executor, objects: Sequence[Any], step: Step) -> list[Any]:
    """Read one relationship for all objects, and return the objects it led to."""
    relationship = step.relationship
    keys = keys_of_objects(objects, [column.slot for column in relationship.local])
    wanted = list(dict.fromkeys(key for key in keys if key is not None))
    if relationship.secondary is not None:
        owners, related = await fetch_secondary(executor, relationship, wanted, step.joins)
    else:
        select = Select(
            table=relationship.target,
            where=(key_condition(relationship.remote, wanted), *relationship.related_alive()),
            joins=step.joins,
        )
        rows = await select.rows().fetch(executor, select.values) if wanted else []
        related = unfold(relationship.target, rows, step.joins)
        owners = keys_of_objects(related, [column.slot for column in relationship.remote])
    attach(objects, keys, relationship, owners, related)
    return related if relationship.secondary is None else distinct(related)


def attach(
    objects: Sequence[Any],
    keys: Sequence[Any],
    relationship: Relationship[Any, Any],
    owners: Sequence[Any],
    related: Sequence[Any],
) -> None:
    """Give each object what belongs to its key, in time linear in objects plus related."""
    slot = relationship.slot
    if not relationship.is_to_many:
        by_key = dict(zip(owners, related, strict=True))
        for each, key in zip(objects, keys, strict=True):
            setattr(each, slot, by_key.get(key))
        return
    groups: dict[Any, list[Any]] = {}
    for owner, each in zip(owners, related, strict=True):
        if (group := groups.get(owner)) is None:
            group = groups[owner] = []
        group.append(each)
    for each, key in zip(objects, keys, strict=True):
        setattr(each, slot, list(groups.get(key, ())))


async def fetch_secondary(
    executor: Executor,
    relationship: Relationship[Any, Any],
    wanted: list[Any],
    joins: tuple[Step, ...],
) -> tuple[list[Any], list[Any]]:
    """Read a many-to-many: for each pair the owner's key and the target's object."""
    if not wanted:
        return [], []
    condition = key_condition(relationship.local, wanted)
    statement = statement_for(
        ("secondary", relationship.key, tuple([step.key for step in joins])),
        lambda: write_secondary(relationship, joins),
    )
    rows = await statement.fetch(executor, condition.values)
    width = len(relationship.local)
    owners = keys_of_rows(rows, range(width))
    target = relationship.target
    places = [width + place for place in target.key_places]
    keys = keys_of_rows(rows, places)
    firsts = dict(zip(keys, [row[width:] for row in rows], strict=True))
    found = dict(zip(firsts, unfold(target, list(firsts.values()), joins), strict=True))
    return owners, [found[key] for key in keys]


def write_secondary(relationship: Relationship[Any, Any], joins: tuple[Step, ...]) -> Statement:
    """Return the statement that reads a many-to-many for a list of owners' keys."""
    secondary = relationship.secondary
    if secondary is None:
        raise UsageError(f"{relationship.label} has no secondary table")
    scope = Scope(relationship.target, is_qualified=True)
    target = scope.name(relationship.target)
    through = scope.take(secondary.name)
    selected = [f"{through}.{key}" for key in secondary.local]
    selected += [column.selected(column.sql(scope)) for column in relationship.target.columns]
    below: list[str] = []
    for step in joins:
        step.write_join(scope, target, selected, below)
    there = zip(secondary.remote, relationship.remote, strict=True)
    matches = [f"{target}.{column.quoted} = {through}.{key}" for key, column in there]
    parameters = [scope.bind(column) for column in relationship.local]
    wanted = in_keys(
        [f"{through}.{key}" for key in secondary.local], relationship.local, parameters
    )
    conditions = [wanted, *(each.sql(scope) for each in relationship.related_alive())]
    sql = (
        f"SELECT {', '.join(selected)} FROM {named(secondary.sql, through)} "
        f"JOIN {named(relationship.target.sql, target)} ON {' AND '.join(matches)}"
        f"{''.join(below)} WHERE {' AND '.join(conditions)}"
    )
    return Statement(sql, tuple(scope.parameters))


class KeyMembership(Condition[Any]):
    """Several columns that together equal one of many keys."""

    __slots__ = ("columns",)

    def __init__(self, columns: Sequence[Column[Any, Any, Any]], keys: Sequence[Any]) -> None:
        self.columns = tuple(columns)
        self.key = ("keys", *(column.key for column in columns))
        self.values = tuple([key[place] for key in keys] for place in range(len(columns)))
        self.type = "boolean"

    def sql(self, scope: Scope) -> str:
        names = [column.sql(scope) for column in self.columns]
        parameters = [scope.bind(column) for column in self.columns]
        return in_keys(names, self.columns, parameters)


def key_condition(columns: Sequence[Column[Any, Any, Any]], keys: Sequence[Any]) -> Condition[Any]:
    """Return the condition that the columns hold one of the keys."""
    return columns[0].in_(keys) if len(columns) == 1 else KeyMembership(columns, keys)


def in_keys(
    names: Sequence[str], columns: Sequence[Column[Any, Any, Any]], parameters: Sequence[str]
) -> str:
    """Return the text that compares columns with arrays, one array for each column."""
    if len(names) == 1:
        return f"{names[0]} = ANY({parameters[0]})"
    arrays = ", ".join(
        f"{parameter}::{column.cast}[]"
        for parameter, column in zip(parameters, columns, strict=True)
    )
    return f"({', '.join(names)}) IN (SELECT * FROM unnest({arrays}))"


def keys_of_objects(objects: Sequence[Any], slots: Sequence[str]) -> list[Any]:
    """Return each object's key, a tuple where it has several columns; None where any is NULL."""
    if len(slots) == 1:
        (slot,) = slots
        return [getattr(each, slot) for each in objects]
    keys = [tuple([getattr(each, slot) for slot in slots]) for each in objects]
    return [None if None in key else key for key in keys]


def distinct(objects: Iterable[Any]) -> list[Any]:
    """Return each object once, in the order of their first appearance."""
    return list({id(each): each for each in objects}.values())
