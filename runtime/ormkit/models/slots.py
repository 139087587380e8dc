"""Slots: what objects by the thousand hold, read and set without a loop of Python."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from itertools import repeat
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from ..accelerator import accelerator

if TYPE_CHECKING:
    from .model import Model


def values_at(name: str, instances: Sequence[Model]) -> list[Any]:
    """Return each object's value of an attribute; AttributeError where one has none."""
    values: list[Any] | None = None
    if accelerator is not None and isinstance(instances, list):
        values = accelerator.values_of(vars(type(instances[0])).get(name), instances)
    return values if values is not None else list(map(attrgetter(name), instances))


def is_held(name: str, instances: Sequence[Model]) -> bool:
    """Return whether any of the objects has a value of the attribute."""
    if accelerator is not None and isinstance(instances, list):
        slot = vars(type(instances[0])).get(name)
        # hasattr() takes long where it is False: it makes an exception and throws it away.
        if accelerator.are_unset(slot, instances):
            return False
    return any(map(hasattr, instances, repeat(name)))


def set_all(objects: Iterable[Any], name: str, values: Iterable[Any]) -> None:
    """Set an attribute of each object, by iterators of C; values that are left over are dropped."""
    deque(map(setattr, objects, repeat(name), values), maxlen=0)
