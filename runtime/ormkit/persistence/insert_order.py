"""Insert order: objects are inserted parents before children, as foreign keys require."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from ..models.table import Table, table_of
from ..statements.executor import Executor
from .batches import Batch, batches_of
from .insert import insert_many

if TYPE_CHECKING:
    from ..models.hooks import Hooks
    from ..models.model import Model


async def insert_objects(
    executor: Executor, instances: Iterable[Model], *, is_prepared: bool = False
) -> None:
    """Insert objects of any models, parents before children.

    is_prepared: whether the hooks before the insert have run.

    It sends one statement for each model and each set of columns with values.
    """
    by_table: dict[Table, list[Model]] = {}
    hooked: dict[Table, Hooks] = {}
    for instance in instances:
        table = table_of(type(instance))
        by_table.setdefault(table, []).append(instance)
        if table.hooks is not None:
            hooked[table] = table.hooks
    if hooked and not is_prepared:
        # Nothing is sent if one of the objects is not valid.
        for table, hooks in hooked.items():
            hooks.before_inserts(by_table[table])
    for table in in_key_order(by_table):
        for wave in waves(table, by_table[table]):
            for batch in executor.with_json(batches_of, table, wave):
                await insert_many(executor, table, batch)
    for table, hooks in hooked.items():
        hooks.after_inserts(by_table[table])


def one_statement(instances: Sequence[Model]) -> Batch | None:
    """Return the objects as the batch of one INSERT, which needs no transaction around it.

    None where they take several statements, or have hooks: what these do belongs to the
    transaction.
    """
    if len(set(map(type, instances))) > 1:
        return None
    table = table_of(type(instances[0]))
    if table.hooks is not None:
        return None
    batches = [] if table.owned_by_itself else batches_of(table, instances)
    return batches[0] if len(batches) == 1 else None


def in_key_order(tables: Iterable[Table]) -> list[Table]:
    """Sort tables topologically: a referenced table comes before those that refer to it.

    Tables in a cycle of foreign keys stay in the order of their first appearance.
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
    """Yield lists of objects of one table; an object comes after those that it refers to."""
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
    """Return whether the object refers to another one that is not inserted yet."""
    return any(
        id(target) in held and target is not instance
        for relationship in table.owned_by_itself
        if (target := getattr(instance, relationship.slot, None)) is not None
    )
