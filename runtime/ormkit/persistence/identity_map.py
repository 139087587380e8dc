"""The identity map: one object for each row of a transaction, and what it was read as."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import UsageError
from ..loading.decoding import decode
from ..models.columns import AnyColumn
from ..models.foreign_keys import drop_outdated
from ..models.given_columns import mark_known
from ..models.table import Table
from .change_tracking import Held, watch_of

if TYPE_CHECKING:
    from ..models.model import Model

M = TypeVar("M", bound="Model")


#: Up to how many objects are looked at one by one; more are first compared as a whole.
FEW = 8
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
