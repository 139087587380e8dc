"""Read and set one attribute of many objects, in loops that run in C."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from itertools import repeat
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from ..accelerator import accelerator

if TYPE_CHECKING:
    from .model import Model


def attribute_values(name: str, instances: Sequence[Model]) -> list[Any]:
    """Return the attribute of each object; raises AttributeError where one lacks it."""
    values: list[Any] | None = None
    if accelerator is not None and isinstance(instances, list):
        values = accelerator.values_of(vars(instances[0].__table__.holder).get(name), instances)
    return values if values is not None else list(map(attrgetter(name), instances))


def any_has_attribute(name: str, instances: Sequence[Model]) -> bool:
    """Return whether any of the objects has the attribute."""
    if accelerator is not None and isinstance(instances, list):
        slot = vars(instances[0].__table__.holder).get(name)
        # hasattr() is slow where it returns False: it raises and catches an exception.
        if accelerator.are_unset(slot, instances):
            return False
    return any(map(hasattr, instances, repeat(name)))


def set_attributes(objects: Iterable[Any], name: str, values: Iterable[Any]) -> None:
    """Set an attribute of each object in C; surplus values are ignored."""
    deque(map(setattr, objects, repeat(name), values), maxlen=0)
