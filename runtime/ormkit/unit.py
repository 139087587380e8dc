"""The unit of work: objects to insert, sent in the order that their foreign keys ask for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from .columns import Column
from .inserting import by_columns_given, insert_many
from .statement import Executor
from .table import Table, table_of

if TYPE_CHECKING:
    from .model import Model


async def insert_objects(executor: Executor, instances: Iterable[Model]) -> None:
    """Insert objects of any models, parents before children, one statement for each model.

    Objects of one model with different columns given take one statement for each combination.
    """
    by_table: dict[Table, list[Model]] = {}
    for instance in instances:
        by_table.setdefault(table_of(type(instance)), []).append(instance)
    for table in in_key_order(by_table):
        for wave in waves(table, by_table[table]):
            for given, members in by_columns_given(table, wave).items():
                await insert_many(executor, table, given, members)


def one_statement(instances: Sequence[Model]) -> tuple[Column[Any, Any, Any], ...] | None:
    """Return the columns of the INSERT that takes all the objects; None where one does not.

    It needs no transaction around it.
    """
    if len(set(map(type, instances))) > 1:
        return None
    table = table_of(type(instances[0]))
    groups = {} if table.owned_by_itself else by_columns_given(table, instances)
    return next(iter(groups)) if len(groups) == 1 else None


def in_key_order(tables: Iterable[Table]) -> list[Table]:
    """Return the tables with those that foreign keys point to first, otherwise as they came.

    Tables in a cycle of foreign keys come in the order of their first appearance.
    """
    ordered: dict[Table, None] = {}
    wanted = dict.fromkeys(tables)
    for root in wanted:
        stack = [(root, iter(root.parents))]
        path = {root}
        while stack:
            table, parents = stack[-1]
            parent = next((each for each in parents if each not in ordered), None)
            if parent is None:
                ordered[table] = None
                path.discard(table)
                stack.pop()
            elif parent not in path:
                path.add(parent)
                stack.append((parent, iter(parent.parents)))
    return [table for table in ordered if table in wanted]


def waves(table: Table, instances: Sequence[Model]) -> Iterator[list[Model]]:
    """Yield the objects of one table so that each comes after those of it that it refers to."""
    waiting = list(instances)
    while waiting and table.owned_by_itself:
        held = {id(instance) for instance in waiting}
        ready = [each for each in waiting if not refers_to(table, each, held)]
        if not ready:
            break
        yield ready
        done = {id(instance) for instance in ready}
        waiting = [each for each in waiting if id(each) not in done]
    if waiting:
        yield waiting


def refers_to(table: Table, instance: Model, held: set[int]) -> bool:
    """Return whether the object refers to another one that is still to be inserted."""
    return any(
        id(target) in held and target is not instance
        for relationship in table.owned_by_itself
        if (target := getattr(instance, relationship.slot, None)) is not None
    )
