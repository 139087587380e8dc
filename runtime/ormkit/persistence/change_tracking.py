"""Change tracking: what an object's row holds, and which of its columns are dirty."""

from __future__ import annotations

import datetime as dt
import marshal
import pickle
from collections.abc import Callable, Collection, Iterable, Sequence
from decimal import Decimal
from functools import cache, partial
from itertools import compress, repeat
from operator import attrgetter, is_not, itemgetter, ne
from typing import Any

from ..errors import UsageError
from ..models.columns import AnyColumn
from ..models.given_columns import MISSING, mark_known, snapshot, snapshots
from ..models.hashable_keys import hashable
from ..models.table import Table
from ..postgres.interval import Interval
from ..sql.expressions import Expression

#: An object, the row it was read from or written to, and copies of its mutable values.
Held = tuple[Any, Any, "tuple[bytes, ...] | None"]


class ChangeTracker:
    """Finds the dirty columns of a table's objects, by comparing them with their rows."""

    def __init__(self, table: Table) -> None:
        self.table = table
        columns = table.columns
        self.places = {column.key: place for place, column in enumerate(columns)}
        #: The position of each mutable column's copy, by the column's position.
        self.mutable = {p: n for n, p in enumerate(filter(self._is_mutable, range(len(columns))))}
        self._mutable_columns = [columns[place] for place in self.mutable]
        self._getters = [attrgetter(column.slot) for column in self._mutable_columns]
        #: Columns of equal values that differ: 1.0 and 1.00, 0.0 and -0.0, a month and 30 days.
        self.exact = [p for p, each in enumerate(columns) if has_equal_forms(each)]
        plain = [p for p in range(len(columns)) if p not in self.mutable and p not in self.exact]
        # A table without a key has no objects in the identity map.
        self.key_of_row: Any = itemgetter(*table.key_places or (0,))
        #: True where a key may be NaN, which equals itself in PostgreSQL, or is not hashable.
        self.is_converted = table.has_mutable_key or any(p in self.exact for p in table.key_places)
        if self.is_converted:
            self.key_of_row = partial(self._hashable_key, self.key_of_row)
        #: The values by which an UPDATE finds the row, as a tuple.
        self.identity_of_row = values_at_places(
            [self.places[column.key] for column in table.identity]
        )
        self.values = attributes(columns)
        self._plain_of_row = values_at_places(plain)
        self._plain_of_object = attributes([columns[place] for place in plain])

    def _is_mutable(self, place: int) -> bool:
        return self.table.columns[place].is_mutable

    def key_of_parts(self, parts: Sequence[object]) -> object:
        """Return the key from its parts, in the form that `key_of_row` returns."""
        key = parts[0] if len(parts) == 1 else tuple(parts)
        return hashable(key) if self.is_converted else key

    @staticmethod
    def _hashable_key(key_of_row: Callable[[Any], Any], row: Any) -> object:
        return hashable(key_of_row(row))

    def frozen(self, instances: Sequence[Any]) -> Iterable[Any]:
        """Return copies of each object's mutable values; None for an object without any."""
        if not self.mutable:
            return repeat(None)
        # The attributes are read outside of snapshots, which would mistake the AttributeError
        # of a missing attribute for one of a value.
        values = map(list, map(map, self._getters, repeat(instances)))
        return list(zip(*map(snapshots, self._mutable_columns, values), strict=True))

    def frozen_one(self, instance: Any) -> tuple[bytes, ...] | None:
        """Return copies of one object's mutable values; None without any."""
        columns = self._mutable_columns
        return tuple([snapshot(each, getattr(instance, each.slot)) for each in columns]) or None

    def are_unchanged(self, entries: Collection[Held]) -> bool:
        """Return whether no object differs from its row, compared in bulk by iterators in C."""
        if not entries:
            return True
        instances, rows, frozen = zip(*entries, strict=True)
        columns = self.table.columns
        try:
            for place in self.exact:
                values = map(attrgetter(columns[place].slot), instances)
                if any(map(is_not, map(itemgetter(place), rows), values)):
                    return False
            then, now = map(self._plain_of_row, rows), map(self._plain_of_object, instances)
            if any(map(ne, then, now)):
                return False
            return not self.mutable or list(self.frozen(instances)) == list(frozen)
        except (AttributeError, UsageError):
            # A foreign key without a value yet, or an expression, which has no truth value.
            return False

    def dirty_columns(self, entry: Held) -> tuple[AnyColumn, ...]:
        """Return the dirty columns: those that differ from the row."""
        columns, mutable = self.table.columns, self.mutable
        places: Iterable[int] = range(len(columns))
        try:
            # Identical values are equal, unless they are mutable.
            differs = map(is_not, entry[1], self.values(entry[0]))
            if mutable:
                places = {*compress(places, differs), *mutable}
            else:
                places = compress(places, differs)
        except AttributeError:
            pass
        changed: list[AnyColumn] = []
        for place in sorted(places):
            if self._is_changed(entry, place):
                changed.append(columns[place])  # noqa: PERF401
        return tuple(changed)

    def refresh(self, known: Held, fresh: Held) -> Held:
        """Copy the values of a fresh object to the known one, except for its dirty columns."""
        changed = {column.key for column in self.dirty_columns(known)}
        taken = [column for column in self.table.columns if column.key not in changed]
        for column in taken:
            setattr(known[0], column.slot, getattr(fresh[0], column.slot))
        mark_known((known[0],), tuple(taken))
        return known[0], fresh[1], fresh[2]

    def after_write(self, entry: Held, columns: Iterable[AnyColumn]) -> Held:
        """Return the entry after these columns of the object were written."""
        instance, row, frozen = entry[0], list(entry[1][:]), list(entry[2] or ())
        for column in columns:
            place = self.places[column.key]
            row[place] = getattr(instance, column.slot)
            if place in self.mutable:
                frozen[self.mutable[place]] = snapshot(column, row[place])
        return instance, tuple(row), tuple(frozen) or None

    def value_then(self, entry: Held, column: AnyColumn) -> Any:
        """Return the value of the attribute when the row was read or written."""
        place = self.places[column.key]
        if entry[2] is None or place not in self.mutable:
            return column.decode(entry[1][place])
        copy = entry[2][self.mutable[place]]
        return pickle.loads(copy) if column.is_array else marshal.loads(copy)

    def _is_changed(self, entry: Held, place: int) -> bool:
        column = self.table.columns[place]
        now = getattr(entry[0], column.slot, MISSING)
        if now is MISSING:
            return not column.is_generated
        if entry[2] is not None and place in self.mutable:
            return snapshot(column, now) != entry[2][self.mutable[place]]
        then = entry[1][place]
        if now is then or isinstance(now, Expression):
            return now is not then
        if isinstance(now, dt.timedelta):
            now = Interval.of(now)
        if isinstance(now, (float, Decimal, Interval)) and type(now) is type(then):
            return repr(now) != repr(then)
        return bool(now != then)


def has_equal_forms(column: AnyColumn) -> bool:
    """Return whether equal values of the column may differ."""
    return column.known.base.has_equal_forms and not column.is_array


@cache
def tracker_of(table: Table) -> ChangeTracker:
    """Return the change tracker of a table, created once."""
    return ChangeTracker(table)


def attributes(columns: Sequence[AnyColumn]) -> Any:
    """Return a function from an object to the tuple of these attributes."""
    if len(columns) > 1:
        return attrgetter(*[column.slot for column in columns])
    names = [column.slot for column in columns]

    def values(instance: object) -> tuple[Any, ...]:
        return tuple([getattr(instance, name) for name in names])

    return values


def values_at_places(places: Sequence[int]) -> Any:
    """Return a function from a row to the tuple of the values at these positions."""
    if len(places) > 1:
        return itemgetter(*places)

    def values(row: Sequence[Any]) -> tuple[Any, ...]:
        return tuple([row[place] for place in places])

    return values
