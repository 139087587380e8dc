"""The hooks around UPDATE: what they change on an object is written with the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..errors import NotLoaded, UsageError
from ..models.columns import AnyColumn
from ..models.given_columns import MISSING, differs, remembered
from ..models.hooks import Hooks
from ..models.table import Table
from ..sql.expressions import Expression

if TYPE_CHECKING:
    from ..models.model import Model
    from .identity_map import IdentityMap

#: How many times the hooks of one flush may change objects that its hooks have already seen.
MAX_ROUNDS = 20


class FormerValues:
    """The values of an object before its hooks ran."""

    def __init__(self, table: Table, instance: Model) -> None:
        self._instance = instance
        self._columns = [each for each in table.columns if not each.is_generated]
        slots = [each.slot for each in table.columns]
        slots += [each.slot for each in table.owned]
        self._held = {slot: getattr(instance, slot, MISSING) for slot in slots}
        self._remembered = [remembered(each, self._held[each.slot]) for each in self._columns]

    def changed(self) -> tuple[AnyColumn, ...]:
        """Return the columns that hold other values now."""
        found: list[AnyColumn] = []
        for column, then in zip(self._columns, self._remembered, strict=True):
            now = getattr(self._instance, column.slot, MISSING)
            if now is not MISSING and differs(column, now, then):
                found.append(column)
        return tuple(found)

    def restore(self) -> None:
        """Put the values back."""
        for slot, value in self._held.items():
            if value is not MISSING:
                setattr(self._instance, slot, value)
            elif hasattr(self._instance, slot):
                delattr(self._instance, slot)


def hooked_object(table: Table, instance: Any) -> Any:
    """Return the object on which hooks run: for a part of a row, an object of the model with it."""
    if isinstance(instance, table.model):
        return instance
    whole = table.model.__new__(table.model)
    for column in table.columns:
        with suppress(AttributeError, NotLoaded):
            setattr(whole, column.slot, getattr(instance, column.slot))
    return whole


def values_after_hooks(
    table: Table, hooks: Hooks, instance: Model, values: Mapping[str, object]
) -> dict[str, object]:
    """Run the hook and the validators of an update; return all values to write.

    The hook sees the new values on the object. Afterwards the object holds the former ones again,
    until the row is written.
    """
    former = FormerValues(table, instance)
    try:
        for name, value in values.items():
            if not isinstance(value, Expression):
                setattr(instance, name, value)
        hooks.before_updates((instance,))
        changed = [each.slot for each in former.changed()]
        kept = {name for name, value in values.items() if isinstance(value, Expression)}
        names = [name for name in dict.fromkeys([*values, *changed]) if name not in kept]
        hooks.check(instance, names)
        return {**values, **{name: getattr(instance, name) for name in names}}
    finally:
        former.restore()


def changed_by_hooks(
    table: Table, hooks: Hooks, instances: Sequence[Model]
) -> list[tuple[AnyColumn, ...]]:
    """Run the hooks of objects that an update is to write; return what they changed on each."""
    former = [FormerValues(table, each) for each in instances]
    hooks.before_updates(instances)
    return [each.changed() for each in former]


def prepare_dirty(identity: IdentityMap) -> None:
    """Run the hooks of dirty objects, also of those that become dirty by it; each runs once.

    The validators of the dirty columns follow.
    """
    seen: set[int] = set()
    while fresh := [each for each in dirty_with_hooks(identity) if id(each[0]) not in seen]:
        for instance, _, hooks in fresh:
            seen.add(id(instance))
            hooks.before_updates((instance,))
    for instance, columns, hooks in dirty_with_hooks(identity):
        hooks.check(instance, [column.slot for column in columns])


def dirty_with_hooks(
    identity: IdentityMap,
) -> list[tuple[Any, tuple[AnyColumn, ...], Hooks]]:
    """Return the dirty objects of models with hooks, and their dirty columns."""
    found: list[tuple[Any, tuple[AnyColumn, ...], Hooks]] = []
    for entry, columns in identity.changed():
        hooks: Hooks | None = entry[0].__table__.hooks
        if hooks is not None:
            found.append((entry[0], columns, hooks))
    return found


def endless_hooks(table: Table) -> UsageError:
    """Return the error for hooks that change an object after each of its writes."""
    return UsageError(
        f"the hooks of {table.label} change an object after every write, so it is written again "
        "and again: let a hook that runs after a write change its object only under a "
        "condition"
    )
