"""The identity map: one object for each row of a transaction, and what it was read as."""

from __future__ import annotations

import datetime as dt
import marshal
import pickle
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from functools import cache, partial
from itertools import compress, repeat
from operator import attrgetter, is_not, itemgetter, ne
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import UsageError
from ..loading.decoding import decode
from ..models.columns import Column
from ..models.foreign_keys import drop_outdated
from ..models.given_columns import MISSING, freeze, frozen_values, mark_known
from ..models.table import Table
from ..postgres.interval import Interval
from ..sql.expressions import Expression

if TYPE_CHECKING:
    from ..models.model import Model

M = TypeVar("M", bound="Model")

AnyColumn = Column[Any, Any, Any]


#: Up to how many objects are looked at one by one; more are first compared as a whole.
FEW = 8
#: An object, the row it was read from or written as, and copies of what can change in place.
Held = tuple[Any, Any, "tuple[bytes, ...] | None"]
#: What is held, and what was replaced.
Saved = tuple[dict[Table, dict[Any, Held]], dict[Table, dict[int, Held]]]


class IdentityMap:
    """The objects of a transaction by their keys, and which of their columns the code has changed.

    It lives as long as the transaction and holds every object that long.
    """

    __slots__ = ("_held", "_replaced")

    def __init__(self) -> None:
        self._held: dict[Table, dict[Any, Held]] = {}
        #: Objects in whose place others of the same rows are held now, by their id(). What is
        #: changed on them cannot be written, and is refused.
        self._replaced: dict[Table, dict[int, Held]] = {}

    def adopt(self, model: type[M], rows: Sequence[Any]) -> list[M]:
        """Return an object for each row: the one that is held already, refreshed, or a new one.

        A refresh keeps what the code has changed and takes everything else from the row.
        """
        table = model.__table__
        watch = watch_of(table)
        if rows and type(rows[0]) is list:
            rows = list(map(tuple, rows))
        fresh = decode(model, rows)
        # Iterators of C all the way: objects by the thousand must not cost a step of Python each.
        keys: list[Any] = list(map(watch.key_of_row, rows))
        found = zip(fresh, rows, watch.frozen(fresh), strict=False)
        held = self._held.setdefault(table, {})
        count = len(held) + len(keys)
        if held.keys().isdisjoint(keys):
            held.update(zip(keys, found, strict=True))
            if len(held) == count:
                return fresh
        else:
            for key, each in zip(keys, found, strict=False):
                known = held.get(key)
                held[key] = each if known is None else watch.refreshed(known, each)
        return [held[key][0] for key in keys]

    def hold(self, instances: Iterable[Model]) -> None:
        """Take objects as they are now for what their rows are."""
        for instance in instances:
            watch = watch_of(type(instance).__table__)
            with suppress(AttributeError):
                row = watch.values(instance)
                held = self._held.setdefault(watch.table, {})
                key = watch.key_of_row(row)
                known = held.get(key)
                if known is not None and known[0] is not instance:
                    replaced = self._replaced.setdefault(watch.table, {})
                    replaced[id(known[0])] = known
                    replaced.pop(id(instance), None)
                held[key] = (instance, row, watch.frozen_one(instance))

    def attach(self, instance: Model) -> None:
        """Hold an object from elsewhere, as it is now; one that is held already stays as it was.

        Raises UsageError where another object is held for its row.
        """
        watch = watch_of(type(instance).__table__)
        known = self._held.get(watch.table, {}).get(watch.key_of_row(watch.values(instance)))
        if known is not None and known[0] is not instance:
            raise UsageError(
                f"attach(): the transaction holds another {type(instance).__name__} object for the "
                f"same row: change that one, which get() returns, or call expunge_all() first"
            )
        if known is None and not self.holds(instance):
            self.hold([instance])

    def wrote(self, instance: Model, key: Sequence[object], columns: Iterable[AnyColumn]) -> None:
        """Note that these columns of an object are in its row now.

        key: the primary key by which it was found, which may be among what was written.
        """
        watch = watch_of(type(instance).__table__)
        held = self._held.get(watch.table, {})
        known_by = watch.joined_key(key)
        entry = held.get(known_by)
        if entry is None or entry[0] is not instance:
            replaced = self._replaced.get(watch.table, {})
            if (entry := replaced.get(id(instance))) is not None:
                replaced[id(instance)] = watch.written(entry, columns)
            return
        written = watch.written(entry, columns)
        del held[known_by]
        held[watch.key_of_row(written[1])] = written

    def forget(self, table: Table, key: Sequence[object]) -> None:
        """Let go of an object whose row is gone."""
        self._held.get(table, {}).pop(watch_of(table).joined_key(key), None)

    def changes_of(self, instance: Model) -> tuple[AnyColumn, ...] | None:
        """Return the columns that the code has changed on this object; None for one not held."""
        entry = self._entry(instance)
        return None if entry is None else watch_of(type(instance).__table__).changes(entry)

    def holds(self, instance: Model) -> bool:
        """Return whether this very object is held."""
        return self._entry(instance) is not None

    def _entry(self, instance: Model) -> Held | None:
        table = type(instance).__table__
        held = self._held.get(table)
        if not held or not all(hasattr(instance, column.slot) for column in table.primary_key):
            return None
        key = [getattr(instance, column.slot) for column in table.primary_key]
        entry = held.get(watch_of(table).joined_key(key))
        return entry if entry is not None and entry[0] is instance else None

    def clear(self) -> None:
        """Let go of everything; changes that were not written yet are not written any more."""
        self._held.clear()
        self._replaced.clear()

    def changed(
        self, among: Mapping[Table, Mapping[Any, Held]] | None = None
    ) -> list[tuple[Held, tuple[AnyColumn, ...]]]:
        """Return what is held with the columns that the code has changed, where there are any.

        among: what to look at in the place of everything that is held.

        Raises UsageError for an object in whose place another one is held.
        """
        if among is None:
            among = self._held
            if self._replaced:
                self._check_replaced()
        found: list[tuple[Held, tuple[AnyColumn, ...]]] = []
        # A comprehension would be one more step on the way of every transaction.
        for table, held in among.items():
            watch = watch_of(table)
            if len(held) > FEW and watch.are_same(held.values()):
                continue
            for entry in held.values():
                if columns := watch.changes(entry):
                    found.append((entry, columns))  # noqa: PERF401
        return found

    def _check_replaced(self) -> None:
        for _, columns in self.changed(self._replaced):
            raise UsageError(
                f"{columns[0].label} was changed on an object in whose place the transaction holds "
                f"another one of the same row, which was inserted or upserted since: change that "
                f"one, or write this one by update()"
            )

    def saved(self) -> Saved:
        """Return what is held now, for `restore`."""
        held = {table: dict(held) for table, held in self._held.items()}
        return held, {table: dict(entries) for table, entries in self._replaced.items()}

    def restore(self, saved: Saved) -> None:
        """Go back to what was held, and give the objects the values that they had then."""
        self._held, self._replaced = saved
        for table, held in self._held.items():
            watch = watch_of(table)
            replaced = self._replaced.get(table, {})
            for entry in (*held.values(), *replaced.values()):
                changed = watch.changes(entry)
                for column in changed:
                    setattr(entry[0], column.slot, watch.value_then(entry, column))
                mark_known((entry[0],), changed)
                drop_outdated(table, entry[0], [column.slot for column in changed])


class Watch:
    """How changes of a table's objects are found: which values are compared, and in what way."""

    def __init__(self, table: Table) -> None:
        self.table = table
        columns = table.columns
        self.places = {column.key: place for place, column in enumerate(columns)}
        #: Where each column that can change in place has its copy.
        self.mutable = {p: n for n, p in enumerate(filter(self._is_mutable, range(len(columns))))}
        self._mutable_columns = [columns[place] for place in self.mutable]
        self._getters = [attrgetter(column.slot) for column in self._mutable_columns]
        #: Where equal is not the same: 1.0 and 1.00, 0.0 and -0.0, a month and 30 days.
        self.exact = [p for p, each in enumerate(columns) if each.type.partition("(")[0] in EXACT]
        plain = [p for p in range(len(columns)) if p not in self.mutable and p not in self.exact]
        self.key_of_row: Any = itemgetter(*table.key_places)
        #: True where a key may be no number, which to PostgreSQL equals itself.
        self.may_be_nan = any(p in self.exact for p in table.key_places)
        if self.may_be_nan:
            self.key_of_row = partial(self._numbered_key, self.key_of_row)
        #: What tells the row of the table in an UPDATE, as a tuple.
        self.identity_of_row = picker([self.places[column.key] for column in table.identity])
        self.values = attributes(columns)
        self._plain_of_row = picker(plain)
        self._plain_of_object = attributes([columns[place] for place in plain])

    def _is_mutable(self, place: int) -> bool:
        return self.table.columns[place].is_mutable

    def joined_key(self, parts: Sequence[object]) -> object:
        """Return the key of a row as `key_of_row` does, from its parts."""
        key = parts[0] if len(parts) == 1 else tuple(parts)
        return numbered(key) if self.may_be_nan else key

    @staticmethod
    def _numbered_key(key_of_row: Callable[[Any], Any], row: Any) -> object:
        return numbered(key_of_row(row))

    def frozen(self, instances: Sequence[Any]) -> Iterable[Any]:
        """Return for each object copies of its values that can change in place; None for none."""
        if not self.mutable:
            return repeat(None)
        # The attributes are read outside of frozen_values, which would take the AttributeError of
        # a missing one for that of a value.
        values = map(list, map(map, self._getters, repeat(instances)))
        return list(zip(*map(frozen_values, self._mutable_columns, values), strict=True))

    def frozen_one(self, instance: Any) -> tuple[bytes, ...] | None:
        """Return copies of one object's values that can change in place; None for none."""
        columns = self._mutable_columns
        return tuple([freeze(each, getattr(instance, each.slot)) for each in columns]) or None

    def are_same(self, entries: Collection[Held]) -> bool:
        """Return whether no object differs from its row, by as few steps as possible."""
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
            # A key that waits for the object referred to; an expression, which has no truth.
            return False

    def changes(self, entry: Held) -> tuple[AnyColumn, ...]:
        """Return the columns that differ from the row."""
        columns, mutable = self.table.columns, self.mutable
        places: Iterable[int] = range(len(columns))
        try:
            # What is the very same value needs no look, unless it can change in place.
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

    def refreshed(self, known: Held, fresh: Held) -> Held:
        """Return the known object as the fresh one was read, but for what the code has changed."""
        changed = {column.key for column in self.changes(known)}
        taken = [column for column in self.table.columns if column.key not in changed]
        for column in taken:
            setattr(known[0], column.slot, getattr(fresh[0], column.slot))
        mark_known((known[0],), tuple(taken))
        return known[0], fresh[1], fresh[2]

    def written(self, entry: Held, columns: Iterable[AnyColumn]) -> Held:
        """Return the entry once these columns of the object were written."""
        instance, row, frozen = entry[0], list(entry[1][:]), list(entry[2] or ())
        for column in columns:
            place = self.places[column.key]
            row[place] = getattr(instance, column.slot)
            if place in self.mutable:
                frozen[self.mutable[place]] = freeze(column, row[place])
        return instance, tuple(row), tuple(frozen) or None

    def value_then(self, entry: Held, column: AnyColumn) -> Any:
        """Return what the attribute held when the row was read or written."""
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
            return freeze(column, now) != entry[2][self.mutable[place]]
        then = entry[1][place]
        if now is then or isinstance(now, Expression):
            return now is not then
        if isinstance(now, dt.timedelta):
            now = Interval.of(now)
        if isinstance(now, (float, Decimal, Interval)) and type(now) is type(then):
            return repr(now) != repr(then)
        return bool(now != then)


#: Types whose equal values may differ.
EXACT = ("real", "double precision", "numeric", "interval")


def numbered(key: Any) -> object:
    """Return a key in which what is no number equals itself."""
    if isinstance(key, tuple):
        parts: tuple[Any, ...] = key  # pyright: ignore[reportUnknownVariableType]
        return tuple(map(numbered, parts))
    return "NaN" if key != key else key


@cache
def watch_of(table: Table) -> Watch:
    """Return how the table's objects are watched, made once."""
    return Watch(table)


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
