"""Copy foreign keys from the objects that they refer to, and check that both agree."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from ..errors import UsageError
from ..postgres.values import UNSET
from ..sql.expressions import Expression
from .columns import AnyColumn
from .given_columns import MISSING, is_passed, mark_given, note_of
from .relationships import Relationship
from .table import Table


def copy_key(relationship: Relationship[Any, Any], instance: object, target: object) -> None:
    """Set the foreign key of an object to the key of what it refers to, as far as that has one.

    The key of an object that was not inserted yet is copied when both are written.
    """
    for local, remote in zip(relationship.local, relationship.remote, strict=True):
        if target is None:
            setattr(instance, local.slot, None)
        elif hasattr(target, remote.slot):
            setattr(instance, local.slot, getattr(target, remote.slot))
        elif hasattr(instance, local.slot):
            delattr(instance, local.slot)
    mark_given(instance, relationship.local)


def check_agreement(relationship: Relationship[Any, Any], instance: Any, target: Any) -> None:
    """Raise UsageError where an object was given a key other than that of what it refers to."""
    if target is not None and not isinstance(target, relationship.target.model):
        return
    for local, remote in zip(relationship.local, relationship.remote, strict=True):
        if not is_passed(instance, local):
            continue
        key = None if target is None else getattr(target, remote.slot, UNSET)
        if key is UNSET or getattr(instance, local.slot, None) != key:
            raise UsageError(
                f"{relationship.label} and {local.slot} are both given, and OrmKit cannot tell "
                f"that they refer to the same row: leave out {local.slot}, or "
                f"{relationship.name}"
            )


def has_key_of(relationship: Relationship[Any, Any], instance: Any, target: Any) -> bool:
    """Return whether an object holds the very key of what it refers to, as most do."""
    for local, remote in zip(relationship.local, relationship.remote, strict=True):
        if getattr(instance, local.slot, UNSET) is not getattr(target, remote.slot, MISSING):
            return False
    return True


def contradicts(relationship: Relationship[Any, Any], instance: Any, target: Any) -> bool:
    """Return whether an object's key was changed after the object that it refers to was set."""
    if target is None:
        return all(getattr(instance, each.slot, None) is not None for each in relationship.local)
    for local, remote in zip(relationship.local, relationship.remote, strict=True):
        key = getattr(instance, local.slot, UNSET)
        if key is UNSET or is_replaced(target, remote):
            continue
        if isinstance(key, Expression) or key != getattr(target, remote.slot, UNSET):
            return True
    return False


def is_replaced(target: Any, column: AnyColumn) -> bool:
    """Return whether the database may have put another value in the place of one that was given.

    An upsert by other columns finds a row that has a key already; some types have forms of their
    own. What was copied before is then out of date, and nobody changed it.
    """
    note = note_of(target)
    return column.is_rewritten or (
        note is not None and bool(column.bit & note[0]) and column.slot in note[1]
    )


def contradiction(relationship: Relationship[Any, Any]) -> UsageError:
    """Return the error for an object that was given another key after what it refers to."""
    names = ", ".join(local.slot for local in relationship.local)
    return UsageError(
        f"{relationship.label} and {names} contradict each other: the foreign key was changed "
        f"after the object was set; set {relationship.name} to the right object, which also "
        "sets the key"
    )


def drop_outdated(table: Table, instance: object, written: Container[str]) -> None:
    """Forget loaded objects that a foreign key, now written, leads to no longer."""
    for relationship in table.owned:
        slots = [column.slot for column in relationship.local]
        if not hasattr(instance, relationship.slot) or not any(slot in written for slot in slots):
            continue
        key = [getattr(instance, slot, None) for slot in slots]
        target = getattr(instance, relationship.slot)
        if None in key:
            setattr(instance, relationship.slot, None)
        elif key != [getattr(target, column.slot, None) for column in relationship.remote]:
            delattr(instance, relationship.slot)
