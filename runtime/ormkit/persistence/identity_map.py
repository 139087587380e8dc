"""The identity map: one object for each row of a transaction, with the row as it was read."""

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
from .change_tracking import Held, tracker_of

if TYPE_CHECKING:
    from ..models.model import Model

M = TypeVar("M", bound="Model")


#: Up to how many objects are compared one by one; more are first compared in bulk.
FEW = 8
#: The held and the replaced entries, for savepoints.
Saved = tuple[dict[Table, dict[Any, Held]], dict[Table, dict[int, Held]]]


class IdentityMap:
    """The objects of a transaction by primary key, with the rows that they were read from.

    It keeps a strong reference to every object until the transaction ends.
    """

    __slots__ = ("_held", "_replaced", "has_hooks")

    def __init__(self) -> None:
        #: True once it holds an object of a model with hooks or validators.
        self.has_hooks = False
        self._held: dict[Table, dict[Any, Held]] = {}
        #: Objects that other objects of the same rows have replaced, by their id(). Changes on
        #: them cannot be written, and raise an error.
        self._replaced: dict[Table, dict[int, Held]] = {}

    def adopt(self, model: type[M], rows: Sequence[Any]) -> list[M]:
        """Return the object of each row: the one in the map, refreshed, or a new one.

        A refresh keeps dirty columns, and takes all other values from the row.
        """
        table = model.__table__
        if not table.key_places:
            return decode(model, rows)
        tracker = tracker_of(table)
        if table.hooks is not None:
            self.has_hooks = True
        if rows and type(rows[0]) is list:
            rows = list(map(tuple, rows))
        fresh = decode(model, rows)
        # Iterators in C throughout: thousands of objects must not cost a step of Python each.
        keys: list[Any] = list(map(tracker.key_of_row, rows))
        found = zip(fresh, rows, tracker.frozen(fresh), strict=False)
        held = self._held.setdefault(table, {})
        count = len(held) + len(keys)
        if held.keys().isdisjoint(keys):
            held.update(zip(keys, found, strict=True))
            if len(held) == count:
                return fresh
        else:
            for key, each in zip(keys, found, strict=False):
                known = held.get(key)
                held[key] = each if known is None else tracker.refresh(known, each)
        return [held[key][0] for key in keys]

    def hold(self, instances: Iterable[Model]) -> None:
        """Add objects, and take their present values for those of their rows."""
        for instance in instances:
            tracker = tracker_of(type(instance).__table__)
            if not tracker.table.key_places:
                continue
            if tracker.table.hooks is not None:
                self.has_hooks = True
            with suppress(AttributeError):
                row = tracker.values(instance)
                held = self._held.setdefault(tracker.table, {})
                key = tracker.key_of_row(row)
                known = held.get(key)
                if known is not None and known[0] is not instance:
                    replaced = self._replaced.setdefault(tracker.table, {})
                    replaced[id(known[0])] = known
                    replaced.pop(id(instance), None)
                held[key] = (instance, row, tracker.frozen_one(instance))

    def attach(self, instance: Model) -> None:
        """Add an object with its present values; one that is in the map already stays unchanged.

        Raises UsageError where the map holds another object for its row.
        """
        tracker = tracker_of(type(instance).__table__)
        known = self._held.get(tracker.table, {}).get(tracker.key_of_row(tracker.values(instance)))
        if known is not None and known[0] is not instance:
            raise UsageError(
                f"attach(): the transaction holds another {type(instance).__name__} object for the "
                f"same row: change that one, which get() returns, or call expunge_all() first"
            )
        if known is None and not self.holds(instance):
            self.hold([instance])

    def wrote(self, instance: Model, key: Sequence[object], columns: Iterable[AnyColumn]) -> None:
        """Record that these columns of an object were written to its row.

        key: the primary key before the write, which may have changed it.
        """
        tracker = tracker_of(type(instance).__table__)
        held = self._held.get(tracker.table, {})
        known_by = tracker.key_of_parts(key)
        entry = held.get(known_by)
        if entry is None or entry[0] is not instance:
            replaced = self._replaced.get(tracker.table, {})
            if (entry := replaced.get(id(instance))) is not None:
                replaced[id(instance)] = tracker.after_write(entry, columns)
            return
        written = tracker.after_write(entry, columns)
        del held[known_by]
        held[tracker.key_of_row(written[1])] = written

    def forget(self, table: Table, key: Sequence[object]) -> None:
        """Remove the object of a deleted row."""
        self._held.get(table, {}).pop(tracker_of(table).key_of_parts(key), None)

    def changes_of(self, instance: Model) -> tuple[AnyColumn, ...] | None:
        """Return the dirty columns of an object; None where the map does not hold it."""
        entry = self._entry(instance)
        return None if entry is None else tracker_of(type(instance).__table__).dirty_columns(entry)

    def holds(self, instance: Model) -> bool:
        """Return whether the map holds this object itself."""
        return self._entry(instance) is not None

    def _entry(self, instance: Model) -> Held | None:
        table = type(instance).__table__
        held = self._held.get(table)
        if not held or not all(hasattr(instance, column.slot) for column in table.primary_key):
            return None
        key = [getattr(instance, column.slot) for column in table.primary_key]
        entry = held.get(tracker_of(table).key_of_parts(key))
        return entry if entry is not None and entry[0] is instance else None

    def clear(self) -> None:
        """Remove every object; pending changes are discarded."""
        self._held.clear()
        self._replaced.clear()

    def changed(
        self, among: Mapping[Table, Mapping[Any, Held]] | None = None
    ) -> list[tuple[Held, tuple[AnyColumn, ...]]]:
        """Return the entries with dirty columns, and these columns.

        among: the entries to look at; None for all.

        Raises UsageError for a dirty object that another one of the same row has replaced.
        """
        if among is None:
            among = self._held
            if self._replaced:
                self._check_replaced()
        found: list[tuple[Held, tuple[AnyColumn, ...]]] = []
        # A loop, because every commit runs this and a comprehension costs one more call.
        for table, held in among.items():
            tracker = tracker_of(table)
            if len(held) > FEW and tracker.are_unchanged(held.values()):
                continue
            for entry in held.values():
                if columns := tracker.dirty_columns(entry):
                    found.append((entry, columns))  # noqa: PERF401
        return found

    def _check_replaced(self) -> None:
        for _, columns in self.changed(self._replaced):
            raise UsageError(
                f"{columns[0].label} was changed on an object that is no longer in the "
                "transaction: another object of the same row was inserted or upserted since; "
                "change that one, or write this one with update()"
            )

    def saved(self) -> Saved:
        """Return a copy of the entries, for `restore`."""
        held = {table: dict(held) for table, held in self._held.items()}
        return held, {table: dict(entries) for table, entries in self._replaced.items()}

    def restore(self, saved: Saved) -> None:
        """Restore saved entries, and the values that their objects had then."""
        self._held, self._replaced = saved
        for table, held in self._held.items():
            tracker = tracker_of(table)
            replaced = self._replaced.get(table, {})
            for entry in (*held.values(), *replaced.values()):
                changed = tracker.dirty_columns(entry)
                for column in changed:
                    setattr(entry[0], column.slot, tracker.value_then(entry, column))
                mark_known((entry[0],), changed)
                drop_outdated(table, entry[0], [column.slot for column in changed])
