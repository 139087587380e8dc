"""Related sets: adding to and removing from what belongs to one object."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Protocol

from ..errors import UsageError
from ..loading.attach import keys_of_objects
from ..models.hashable_keys import hashable
from ..models.relationships import R, Relationship
from ..statements.executor import Executor
from ..statements.key_membership import arrays_of
from .many_to_many import Links
from .one_to_many import ChildKeys

if TYPE_CHECKING:
    from ..models.columns import AnyColumn
    from ..models.model import Model


class Runs(Protocol):
    """What a related set writes through: a session or a transaction."""

    def executor(self) -> Executor:
        """Return the executor for the current task."""
        ...


class SetChange(NamedTuple):
    """How many objects `set` added and removed."""

    added: int
    removed: int


class RelatedSet(Generic[R]):
    """The related objects of one object by a to-many relationship; session.related() creates it.

    Each method sends one statement, for any number of objects, and then updates the list on the
    object if it was loaded. Methods raise UsageError for objects of another model or without a
    key.
    """

    def __init__(self, runs: Runs, instance: Model, relationship: Relationship[Any, R]) -> None:
        if not isinstance(relationship, Relationship):
            raise UsageError(
                f"related() takes a relationship such as User.posts, not {relationship!r}"
            )
        if not isinstance(instance, relationship.table.model):
            kind = type(instance).__name__
            raise UsageError(
                f"{relationship.label} is a relationship of {relationship.table.label}, "
                f"not of {kind}"
            )
        if not relationship.is_to_many:
            raise UsageError(
                f"{relationship.label} is a to-one relationship: assign to the attribute, or "
                "update the column of its foreign key"
            )
        self._runs = runs
        self._instance = instance
        self._relationship = relationship
        self._owner = self._key_of(instance, relationship.local, relationship.table.label)
        secondary = relationship.secondary
        self._links = None if secondary is None else Links(relationship, secondary)
        target = relationship.target
        #: The key of the related objects.
        self._columns = target.primary_key if secondary is None else relationship.remote
        for column in self._columns:
            if column.is_array:
                raise UsageError(
                    f"{relationship.label}: related() sends the keys of many objects in one array, "
                    f"and {column.label} is an array itself: assign to the attributes of each "
                    "object, or write the rows between them"
                )
        self._is_hashable = not any(column.is_mutable for column in self._columns)

    async def add(self, *objects: R) -> int:
        """Add related objects; return how many were not related before.

        For a one-to-many this sets their foreign key. Raises StaleObject where a row is gone or has
        changed.
        """
        by_key = self._by_key("add", objects)
        if not by_key:
            return 0
        if self._links is None:
            count = await self._child_keys.assign(self._runs.executor(), list(by_key.values()))
        else:
            executor = self._runs.executor()
            keys = arrays_of(self._columns, list(by_key.values()))
            count = await self._links.add(executor, self._owner, keys)
        held = self._held()
        there = set(held)
        self._update_list([*held.values(), *[by_key[key] for key in by_key if key not in there]])
        return count

    async def remove(self, *objects: R) -> int:
        """Remove related objects; return how many were related.

        For a one-to-many this sets their foreign key to NULL. Raises UsageError where the column
        cannot be NULL.
        """
        by_key = self._by_key("remove", objects)
        if not by_key:
            return 0
        if self._links is None:
            count = await self._child_keys.clear(self._runs.executor(), list(by_key.values()))
        else:
            executor = self._runs.executor()
            keys = arrays_of(self._columns, list(by_key.values()))
            count = await self._links.remove(executor, self._owner, keys)
        self._update_list([each for key, each in self._held().items() if key not in by_key])
        return count

    async def set(self, objects: Iterable[R]) -> SetChange:
        """Make these the only related objects; write only the differences.

        Return how many were added, and how many removed.
        """
        if not isinstance(objects, Iterable):
            raise UsageError(
                f"{self._relationship.label} set() takes a list, not {type(objects).__name__}"
            )
        by_key = self._by_key("set", tuple(objects))
        given = list(by_key.values())
        executor = self._runs.executor()
        if self._links is None:
            left = [each for key, each in self._held().items() if key not in by_key]
            change = await self._child_keys.replace(executor, given, left)
        else:
            keys = arrays_of(self._columns, given)
            change = await self._links.replace(executor, self._owner, keys)
        self._update_list(given)
        return SetChange(*change)

    async def clear(self) -> int:
        """Remove all related objects; return how many were related."""
        if self._links is None:
            held = list(self._held().values())
            count = await self._child_keys.clear_all(self._runs.executor(), held)
        else:
            count = await self._links.clear(self._runs.executor(), self._owner)
        self._update_list([])
        return count

    @property
    def _child_keys(self) -> ChildKeys:
        return ChildKeys(self._relationship, self._instance, self._owner)

    def _by_key(self, what: str, objects: Sequence[R]) -> dict[Hashable, R]:
        """Return the objects by key; raises UsageError for another model or a missing key."""
        relationship = self._relationship
        target = relationship.target
        found: dict[Hashable, R] = {}
        for place, each in enumerate(objects):
            name = f"argument {place} of {relationship.label} {what}()"
            if type(each) is not target.model:
                given = type(each).__name__
                raise UsageError(f"{name} must be a {target.label}, not {given}")
            found[self._hashed(self._key_of(each, self._columns, name))] = each
        return found

    def _key_of(self, instance: Any, columns: Sequence[AnyColumn], name: str) -> tuple[object, ...]:
        try:
            key = tuple([getattr(instance, column.slot) for column in columns])
        except AttributeError:
            key = (None,)
        if None in key:
            slots = ", ".join([column.slot for column in columns])
            raise UsageError(f"{name} has no {slots} yet: insert it first")
        return key

    def _hashed(self, key: Any) -> Hashable:
        """Return a key as what a dict can hold."""
        return as_tuple(key) if self._is_hashable else hashable(as_tuple(key))

    def _held(self) -> dict[Hashable, R]:
        """Return the objects of the loaded list, by key; empty where it was not loaded."""
        held: list[R] = getattr(self._instance, self._relationship.slot, [])
        slots = [column.slot for column in self._columns]
        return dict(zip(map(self._hashed, keys_of_objects(held, slots)), held, strict=True))

    def _update_list(self, objects: list[R]) -> None:
        """Replace the objects of the list, if it was loaded."""
        if hasattr(self._instance, self._relationship.slot):
            held = self._relationship.list_type(objects)
            setattr(self._instance, self._relationship.slot, held)


def as_tuple(key: Any) -> tuple[object, ...]:
    """Return the key as a tuple, also for one column."""
    return key if isinstance(key, tuple) else (key,)  # pyright: ignore
