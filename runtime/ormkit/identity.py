"""The identity map: one object for each row of a transaction, and what it was read as."""

from __future__ import annotations

import marshal
import pickle
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from decimal import Decimal
from functools import cache
from itertools import repeat
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

from .columns import Column
from .errors import UsageError
from .expressions import Expression
from .relationships import drop_outdated
from .table import Table

if TYPE_CHECKING:
    from .model import Model

M = TypeVar("M", bound="Model")

AnyColumn = Column[Any, Any, Any]


class Held(NamedTuple):
    """An object, the row it was read from or written as, and copies of its values that can change
    in place."""

    instance: Any
    row: Any
    frozen: tuple[bytes | None, ...] | None


class IdentityMap:
    """The objects of a transaction by their keys, and which of their columns the code has changed.

    It lives as long as the transaction and holds every object that long.
    """

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held: dict[Table, dict[Any, Held]] = {}

    def adopt(self, model: type[M], rows: Sequence[Any]) -> list[M]:
        """Return an object for each row: the one that is held already, refreshed, or a new one.

        A refresh keeps what the code has changed and takes everything else from the row.
        """
        table = model.__table__
        watch = watch_of(table)
        if rows and type(rows[0]) is list:
            rows = list(map(tuple, rows))
        fresh = cast("list[M]", model.__decode__(rows))
        keys: list[Any] = list(map(watch.key_of_row, rows))
        found = map(Held, fresh, rows, watch.frozen(fresh))
        held = self._held.setdefault(table, {})
        count = len(held) + len(keys)
        if held.keys().isdisjoint(keys):
            held.update(zip(keys, found, strict=True))
            if len(held) == count:
                return fresh
        else:
            for key, each in zip(keys, found, strict=True):
                known = held.get(key)
                held[key] = each if known is None else watch.refreshed(known, each)
        return [held[key].instance for key in keys]

    def hold(self, instances: Iterable[Model]) -> None:
        """Take objects as they are now for what their rows are."""
        for instance in instances:
            watch = watch_of(type(instance).__table__)
            with suppress(AttributeError):
                entry = Held(instance, watch.values(instance), watch.frozen_one(instance))
                held = self._held.setdefault(watch.table, {})
                held[watch.key_of_row(entry.row)] = entry

    def wrote(self, instance: Model, key: Sequence[object], columns: Iterable[AnyColumn]) -> None:
        """Note that these columns of an object are in its row now.

        key: the primary key by which it was found, which may be among what was written.
        """
        watch = watch_of(type(instance).__table__)
        held = self._held.get(watch.table, {})
        entry = held.pop(watch.joined_key(key), None)
        if entry is None or entry.instance is not instance:
            return
        row, frozen = list(entry.row), list(entry.frozen or ())
        now = watch.frozen_one(instance) or ()
        for column in columns:
            place = watch.places[column.key]
            row[place] = getattr(instance, column.slot)
            if place in watch.mutable:
                frozen[watch.mutable.index(place)] = now[watch.mutable.index(place)]
        written = Held(instance, tuple(row), tuple(frozen) if frozen else None)
        held[watch.key_of_row(written.row)] = written

    def forget(self, table: Table, key: Sequence[object]) -> None:
        """Let go of an object whose row is gone."""
        self._held.get(table, {}).pop(watch_of(table).joined_key(key), None)

    def holds(self, instance: Model) -> bool:
        """Return whether this very object is held."""
        table = type(instance).__table__
        held = self._held.get(table)
        if not held or not all(hasattr(instance, column.slot) for column in table.primary_key):
            return False
        key = [getattr(instance, column.slot) for column in table.primary_key]
        entry = held.get(watch_of(table).joined_key(key))
        return entry is not None and entry.instance is instance

    def clear(self) -> None:
        """Let go of everything; changes that were not written yet are not written any more."""
        self._held.clear()

    def changed(self) -> Iterator[tuple[Held, tuple[AnyColumn, ...]]]:
        """Yield what is held with the columns that the code has changed, where there are any."""
        for table, held in self._held.items():
            watch = watch_of(table)
            for entry in held.values():
                if columns := watch.changes(entry):
                    yield entry, columns

    def saved(self) -> dict[Table, dict[Any, Held]]:
        """Return what is held now, for `restore`."""
        return {table: dict(held) for table, held in self._held.items()}

    def restore(self, saved: dict[Table, dict[Any, Held]]) -> None:
        """Go back to what was held, and give the objects the values that they had then."""
        self._held = saved
        for table, held in saved.items():
            watch = watch_of(table)
            for entry in held.values():
                changed = watch.changes(entry)
                for column in changed:
                    setattr(entry.instance, column.slot, watch.value_then(entry, column))
                drop_outdated(table, entry.instance, [column.slot for column in changed])


class Watch:
    """How changes of a table's objects are found: which values are compared, and in what way."""

    def __init__(self, table: Table) -> None:
        self.table = table
        columns = table.columns
        self.places = {column.key: place for place, column in enumerate(columns)}
        self.mutable = [place for place, each in enumerate(columns) if is_mutable(each)]
        exact = {"real", "double precision", "numeric"}
        #: Where equal is not the same: 1.0 and 1.00, 0.0 and -0.0.
        self.exact = [p for p, each in enumerate(columns) if each.type.partition("(")[0] in exact]
        special = {*self.mutable, *self.exact}
        plain = [place for place in range(len(columns)) if place not in special]
        self._plain_of_row = picker(plain) if special else None
        self._plain_of_object = attributes([columns[place] for place in plain])
        self.values = attributes(columns)
        self.key_of_row: Any = itemgetter(*table.key_places)
        self._mutable_of_object = attributes([columns[place] for place in self.mutable])

    @staticmethod
    def joined_key(parts: Sequence[object]) -> object:
        """Return the key of a row as `key_of_row` does, from its parts."""
        return parts[0] if len(parts) == 1 else tuple(parts)

    def frozen(self, instances: Sequence[Any]) -> Iterable[tuple[bytes | None, ...] | None]:
        """Return copies of what may change in place, for each object."""
        return map(self.frozen_one, instances) if self.mutable else repeat(None)

    def frozen_one(self, instance: Any) -> tuple[bytes | None, ...] | None:
        """Return copies of one object's values that may change in place."""
        if not self.mutable:
            return None
        columns = self.table.columns
        values = self._mutable_of_object(instance)
        pairs = zip(self.mutable, values, strict=True)
        return tuple([freeze(columns[place], value) for place, value in pairs])

    def changes(self, entry: Held) -> tuple[AnyColumn, ...]:
        """Return the columns that differ from the row."""
        try:
            if not self._differs(entry):
                return ()
        except (AttributeError, UsageError):
            # A key that waits for the object referred to; an expression, which has no truth.
            pass
        columns = enumerate(self.table.columns)
        return tuple([column for place, column in columns if self._is_changed(entry, place)])

    def refreshed(self, known: Held, fresh: Held) -> Held:
        """Return the known object as the fresh one was read, but for what the code has changed."""
        changed = {column.key for column in self.changes(known)}
        for column in self.table.columns:
            if column.key not in changed:
                setattr(known.instance, column.slot, getattr(fresh.instance, column.slot))
        return Held(known.instance, fresh.row, fresh.frozen)

    def value_then(self, entry: Held, column: AnyColumn) -> Any:
        """Return what the attribute held when the row was read or written."""
        place = self.places[column.key]
        if entry.frozen is None or place not in self.mutable:
            return column.decode(entry.row[place])
        copy = entry.frozen[self.mutable.index(place)]
        return None if copy is None else thaw(column, copy)

    def _differs(self, entry: Held) -> bool:
        """Return whether anything differs, by as few steps as possible."""
        now = self._plain_of_object(entry.instance)
        if self._plain_of_row is None:
            return bool(entry.row != now)
        if self._plain_of_row(entry.row) != now:
            return True
        return any(self._is_changed(entry, place) for place in (*self.exact, *self.mutable))

    def _is_changed(self, entry: Held, place: int) -> bool:
        column = self.table.columns[place]
        now = getattr(entry.instance, column.slot, MISSING)
        if now is MISSING:
            return not column.is_generated
        if entry.frozen is not None and place in self.mutable:
            return freeze(column, now) != entry.frozen[self.mutable.index(place)]
        then = entry.row[place]
        if now is then or isinstance(now, Expression):
            return now is not then
        if isinstance(now, (float, Decimal)) and type(now) is type(then):
            return repr(now) != repr(then)
        return bool(now != then)


MISSING: Any = object()


@cache
def watch_of(table: Table) -> Watch:
    """Return how the table's objects are watched, made once."""
    return Watch(table)


def is_mutable(column: AnyColumn) -> bool:
    """Return whether a value of the column can be changed in place: JSON, a list."""
    return column.is_json or column.is_array or (not column.is_plain and column.labels is None)


def freeze(column: AnyColumn, value: Any) -> bytes | None:
    """Return a copy of a value that can be compared; equal bytes are equal values.

    A value that has none is different from every other.
    """
    if value is None:
        return None
    with suppress(ValueError, TypeError, AttributeError, pickle.PickleError, RecursionError):
        # Version 2 of marshal has no references, which would depend on who else holds a value.
        return pickle.dumps(value) if column.is_array else marshal.dumps(value, 2)
    return b""


def thaw(column: AnyColumn, copy: bytes) -> Any:
    """Return the value that freeze() copied."""
    return pickle.loads(copy) if column.is_array else marshal.loads(copy)


def attributes(columns: Sequence[AnyColumn]) -> Any:
    """Return a function that gives the values of these attributes as a tuple."""
    if len(columns) > 1:
        return attrgetter(*[column.slot for column in columns])
    names = [column.slot for column in columns]

    def values(instance: object) -> tuple[Any, ...]:
        return tuple([getattr(instance, name) for name in names])

    return values


def picker(places: Sequence[int]) -> Any:
    """Return a function that gives the values at these places of a row as a tuple."""
    if len(places) > 1:
        return itemgetter(*places)

    def values(row: Sequence[Any]) -> tuple[Any, ...]:
        return tuple([row[place] for place in places])

    return values
