"""Attaching related objects to their parents by key, in linear time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import chain
from operator import attrgetter, itemgetter
from typing import Any

from ..models.bulk_attributes import set_attributes
from ..models.hashable_keys import hashable
from ..models.relationships import Relationship


def attach(
    objects: Sequence[Any],
    keys: Sequence[Any],
    relationship: Relationship[Any, Any],
    owners: Sequence[Any],
    related: Sequence[Any],
) -> None:
    """Set the relationship of each object to the related objects of its key.

    keys: the key of each object.
    owners: the key of its parent, for each of `related`.
    """
    slot = relationship.slot
    if not relationship.is_to_many:
        by_key = dict(zip(owners, related, strict=True))
        set_attributes(objects, slot, map(by_key.get, keys))
        return
    groups: defaultdict[Any, list[Any]] = defaultdict(list)
    for key in keys:
        groups[key]
    is_one_each = len(groups) == len(objects)
    for owner, each in zip(owners, related, strict=True):
        groups[owner].append(each)
    lists = groups.values() if is_one_each else [groups[key] for key in keys]
    set_attributes(objects, slot, map(relationship.list_type, lists))


def keys_of_rows(
    rows: Sequence[Any], places: Sequence[int], has_mutable: bool = False
) -> list[Any]:
    """Return the key of each row, a tuple for several columns; None where nothing was joined.

    has_mutable: whether a part of the key is an array or JSON, which is then made hashable.
    """
    if len(places) == 1:
        (place,) = places
        keys = list(map(itemgetter(place), rows))
    else:
        keys = [None if key[0] is None else key for key in map(itemgetter(*places), rows)]
    return list(map(hashable, keys)) if has_mutable else keys


def keys_of_objects(objects: Sequence[Any], slots: Sequence[str]) -> list[Any]:
    """Return the key of each object, a tuple for several columns; None where any part is NULL."""
    if len(slots) == 1:
        (slot,) = slots
        return list(map(attrgetter(slot), objects))
    keys = list(map(attrgetter(*slots), objects))
    return [None if None in key else key for key in keys]


def distinct(objects: Iterable[Any]) -> list[Any]:
    """Return each object once, in the order of first appearance."""
    return list({id(each): each for each in objects}.values())


def related_objects(objects: Sequence[Any], relationship: Relationship[Any, Any]) -> list[Any]:
    """Return the related objects that are loaded on the objects, each once."""
    held = map(attrgetter(relationship.slot), objects)
    if relationship.is_to_many:
        return distinct(chain.from_iterable(held))
    return distinct(each for each in held if each is not None)
