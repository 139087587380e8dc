"""Computed attributes of objects: selected with their rows, or later by their keys."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from ..models.bulk_attributes import set_attributes
from ..models.computed import AnyComputed, computed_named
from ..models.table import Table
from ..sql.context import Scope
from ..statements.executor import Executor
from ..statements.key_membership import key_condition
from ..statements.select import Select
from .attach import keys_of_objects, keys_of_rows
from .step import Step

if TYPE_CHECKING:
    from ..statements.executor import ObjectMap


class ComputedStep(Step):
    """with_computed(): the values come with the rows of the objects."""

    __slots__ = ("below", "computed", "key")

    is_joined = True

    def __init__(self, computed: Sequence[AnyComputed]) -> None:
        self.computed = tuple(computed)
        self.below = ()
        self.key = ("computed", *[each.key for each in self.computed])

    def write_join(self, scope: Scope, outer: str, selected: list[str], joins: list[str]) -> None:
        selected += [each.column.read(each.sql_of(scope, outer), scope) for each in self.computed]

    def row_layout(self) -> list[Any]:
        return [each.column for each in self.computed]

    def attach_joined(
        self, objects: Sequence[Any], rows: Sequence[Any], start: int, identity: ObjectMap | None
    ) -> int:
        for place, each in enumerate(self.computed, start):
            set_computed(each, objects, [row[place] for row in rows])
        return start + len(self.computed)

    async def load(self, executor: Executor, objects: Sequence[Any]) -> list[Any]:
        # The values came with the objects.
        return []


class LaterStep(ComputedStep):
    """session.load(): one query reads the values of existing objects, by their primary keys."""

    __slots__ = ("table",)

    is_joined = False

    def __init__(self, table: Table, computed: Sequence[AnyComputed]) -> None:
        super().__init__(computed)
        self.table = table

    async def load(self, executor: Executor, objects: Sequence[Any]) -> list[Any]:
        key = self.table.primary_key
        if self.table.has_mutable_key:
            raise UsageError(
                f"load() does not compare the key of {self.table.label}, an array or JSON: read "
                f"the objects with with_computed({self.computed[0].name!r})"
            )
        try:
            keys = keys_of_objects(objects, [column.slot for column in key])
        except AttributeError:
            raise UsageError(
                f"an object has no primary key: insert it before {self.computed[0].label} is loaded"
            ) from None
        selected = (*key, *self.computed)
        where = key_condition(key, list(dict.fromkeys(keys)))
        select = Select(table=self.table, where=(where,))
        rows = await executor.run(select.expressions(selected), select.values(selected))
        by_key = dict(zip(keys_of_rows(rows, range(len(key))), rows, strict=True))
        # A row that is gone leaves its object as it was.
        pairs = [
            (each, by_key[key]) for each, key in zip(objects, keys, strict=True) if key in by_key
        ]
        self.attach_joined([each for each, _ in pairs], [row for _, row in pairs], len(key), None)
        return []


def set_computed(computed: AnyComputed, objects: Sequence[Any], values: list[Any]) -> None:
    """Set a computed attribute of each object; None among the objects stands for no object."""
    if not computed.is_plain:
        values = [
            None if each is None else computed.decode(value)
            for each, value in zip(objects, values, strict=True)
        ]
    if None in objects:
        pairs = [
            (each, value) for each, value in zip(objects, values, strict=True) if each is not None
        ]
        objects, values = [each for each, _ in pairs], [value for _, value in pairs]
    set_attributes(objects, computed.slot, values)


def computed_step(table: Table, wanted: Iterable[object]) -> tuple[ComputedStep, ...]:
    """Return the step that selects computed attributes of a table, none where none are wanted.

    wanted: computed attributes or their names.

    Raises UnknownName or UsageError.
    """
    found = {each.key: each for each in (computed_named(table, name) for name in wanted)}
    return (ComputedStep(tuple(found.values())),) if found else ()
