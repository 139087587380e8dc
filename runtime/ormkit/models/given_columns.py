"""Track which columns of a new object the application set, as opposed to defaults.

`__given__` holds one bit for each column that the constructor was passed. Values that the database
returned are stored beside the bits: such a column counts as given only after the application has
changed it. An object that was read has no `__given__`: all its columns count as given.
"""

from __future__ import annotations

import marshal
import pickle
from collections.abc import Callable, Collection, Iterable, Sequence
from decimal import Decimal
from functools import wraps
from itertools import repeat
from operator import is_, itemgetter, ne
from typing import TYPE_CHECKING, Any, Final

from ..errors import InvalidValue
from ..postgres.interval import Interval
from ..postgres.values import UNSET
from ..sql.expressions import Expression
from .bulk_attributes import any_has_attribute, set_attributes
from .columns import AnyColumn

if TYPE_CHECKING:
    from .model import Model
    from .table import Table

#: The bits of the given columns, and the values that the database returned, by name.
Note = tuple[int, dict[str, Any]]

MISSING: Final[Any] = object()
#: How many combinations of column names are cached for each model.
MAX_CACHED = 1000
#: What taking a snapshot raises for values that cannot be serialized.
SNAPSHOT_ERRORS = (ValueError, TypeError, AttributeError, pickle.PickleError, RecursionError)
#: Used with version 2, which writes no references: those depend on reference counts.
marshalled: Any = marshal.dumps


class Bits(dict[tuple[str, ...], int]):
    """A cache of the bits of a table's columns, by a tuple of their names."""

    def __init__(self, table: Table) -> None:
        super().__init__()
        self._bits = {column.slot: column.bit for column in table.columns}

    def __missing__(self, names: tuple[str, ...]) -> int:
        bits = sum(self._bits.get(name, 0) for name in names)
        if len(self) < MAX_CACHED:
            self[names] = bits
        return bits


def recording_given_columns(construct: Callable[..., None], table: Table) -> Callable[..., None]:
    """Wrap a model's constructor: it first records the columns that it is passed."""
    bits_of = Bits(table)

    @wraps(construct)
    def noted(self: Any, **given: Any) -> None:
        self.__given__ = bits_of[tuple(given)]
        construct(self, **given)

    made = [each for each in table.columns if each.factory is not None]
    return recording_made_values(noted, made) if made else noted


def recording_made_values(
    construct: Callable[..., None], columns: Sequence[AnyColumn]
) -> Callable[..., None]:
    """Wrap the constructor of a model whose columns have functions that make their values.

    Like the values that the database returns, these do not count as given.
    """

    @wraps(construct)
    def noted(self: Any, **given: Any) -> None:
        construct(self, **given)
        mark_known((self,), [each for each in columns if each.slot not in given])

    return noted


def given_columns(
    table: Table, instance: Model, changed: Collection[AnyColumn] | None = None
) -> tuple[AnyColumn, ...]:
    """Return the writable columns that the application set.

    changed: for an object that was read, the columns that differ from its row, where known.

    For an object that was read, an unchanged `updated_at` does not count as given, nor does an
    unset soft delete: writing these back would undo the changes of others.
    """
    writable = [each for each in table.columns if not each.is_generated]
    note = note_of(instance)
    if note is not None:
        return tuple([each for each in writable if is_given(each, instance, note)])
    known = {each.key for each in changed or ()}
    return tuple(
        [
            each
            for each in writable
            if (now := getattr(instance, each.slot, MISSING)) is not MISSING
            and (each.key in known or not is_kept(table, each, now))
        ]
    )


def is_kept(table: Table, column: AnyColumn, value: object) -> bool:
    """Return whether an unchanged column of an object that was read is not written back."""
    return column is table.updated_at or (column is table.soft_delete and value is None)


def is_given(column: AnyColumn, instance: Model, note: Note) -> bool:
    """Return whether the constructor was passed the column, or the application changed it later."""
    bits, known = note
    now = getattr(instance, column.slot, MISSING)
    if now is MISSING:  # the column has no value
        return False
    if column.bit & bits:
        return True
    if column.slot in known:
        return differs(column, now, known[column.slot])
    return column.initial is UNSET or differs(column, now, remembered(column, column.initial))


def is_passed(instance: Model, column: AnyColumn) -> bool:
    """Return whether the constructor was passed the column, or a relationship that fills it."""
    note = note_of(instance)
    return note is not None and bool(note[0] & column.bit)


def given_by_all(
    table: Table,
    columns: Sequence[AnyColumn],
    values: Sequence[list[Any]],
    instances: Sequence[Model],
) -> tuple[AnyColumn, ...] | None:
    """Return the columns that all of many objects give; None where they have to be checked singly.

    columns, values: the columns that all of them hold, and for each column the objects' values.
    """
    notes = notes_of(instances)
    kinds = set(map(type, notes))
    if kinds == {type(None)}:
        is_kept = table.soft_delete is not None or table.updated_at is not None
        return None if is_kept else tuple(columns)
    known: Sequence[str] = ()
    then: Sequence[Sequence[Any]] = ()
    if kinds == {tuple}:
        notes, several, rows = map(list, zip(*notes, strict=True))
        known = several[0]
        if any(map(ne, several, repeat(known))):
            return None
        then = list(zip(*rows, strict=True))
    elif kinds != {int}:
        return None
    if any(map(ne, notes, repeat(notes[0]))):
        return None
    given: list[AnyColumn] = []
    for column, held in zip(columns, values, strict=True):
        if column.bit & notes[0]:
            given.append(column)
        elif column.slot in known:
            if not are_known(column, held, then[known.index(column.slot)]):
                return None
        elif column.initial is UNSET:
            given.append(column)
        elif not are_initial(column.initial, held):
            return None
    return tuple(given)


def are_known(column: AnyColumn, values: list[Any], then: Sequence[Any]) -> bool:
    """Return whether all values are known to equal the remembered ones."""
    if column.is_mutable:
        return snapshots(column, values) == list(then)
    return all(map(is_, values, then))


def are_initial(initial: Any, values: list[Any]) -> bool:
    """Return whether all values are known to be the constructor's default."""
    if isinstance(initial, (float, Decimal)) or values.count(initial) < len(values):
        return False
    kind: Any = initial.__class__
    is_same = kind not in (list, dict) or not initial
    return is_same and set(map(type, values)) == {kind}


def notes_of(instances: Sequence[Model]) -> list[Any]:
    """Return the `__given__` of each object; None for objects that were read."""
    if not instances or not any_has_attribute("__given__", instances):
        return [None] * len(instances)
    return list(map(getattr, instances, repeat("__given__"), repeat(None)))


def note_of(instance: Model) -> Note | None:
    """Return the record of a new object; None for an object that was read."""
    held: Any = getattr(instance, "__given__", None)
    if held is None:
        return None
    if type(held) is int:
        return held, {}
    bits, names, values = held
    return bits, dict(zip(names, values, strict=True))


def mark_given(instance: Any, columns: Iterable[AnyColumn]) -> None:
    """Record that the application set these columns of a new object."""
    held: Any = getattr(instance, "__given__", None)
    if held is None:
        return
    added = 0
    for column in columns:
        added |= column.bit
    instance.__given__ = held | added if type(held) is int else (held[0] | added, *held[1:])


def mark_inserted(
    instances: Sequence[Any], columns: Sequence[AnyColumn], rows: Sequence[Any]
) -> None:
    """Record that objects have these columns from the rows that an INSERT returned.

    Each object keeps a slice of its row, which takes less time and memory than a dict.
    """
    for column in columns:
        if column.is_mutable or not column.is_plain:
            mark_known(instances, columns)
            return
    names = tuple([column.slot for column in columns])
    if len(instances) > 1:
        notes = notes_of(instances)
        if set(map(type, notes)) == {int}:
            # These iterators run in C: bulk inserts pass here.
            known = map(itemgetter(slice(len(names))), rows)
            set_attributes(instances, "__given__", zip(notes, repeat(names), known, strict=False))
            return
    for instance, row in zip(instances, rows, strict=False):
        bits = getattr(instance, "__given__", None)
        if type(bits) is int:
            instance.__given__ = (bits, names, row[: len(names)])
        elif bits is not None:
            mark_known((instance,), columns)


def mark_known(instances: Sequence[Any], columns: Sequence[AnyColumn]) -> None:
    """Record that objects have these columns from the database and not from the application."""
    notes = notes_of(instances)
    if not columns or all(note is None for note in notes):
        return
    names = tuple([column.slot for column in columns])
    copies = [copies_of(column, instances) for column in columns]
    for instance, held, values in zip(instances, notes, zip(*copies, strict=True), strict=True):
        if type(held) is int:
            instance.__given__ = (held, names, values)
        elif held is not None:
            instance.__given__ = (held[0], *merged(held[1], held[2], names, values))


def merged(
    names: Sequence[str], values: Sequence[Any], others: Sequence[str], newer: Sequence[Any]
) -> tuple[Sequence[str], Sequence[Any]]:
    """Return the names with their values; newer values replace older ones."""
    if names == others or set(names) <= set(others):
        return others, newer
    known = {**dict(zip(names, values, strict=True)), **dict(zip(others, newer, strict=True))}
    return tuple(known), tuple(known.values())


def copies_of(column: AnyColumn, instances: Sequence[Any]) -> Iterable[object]:
    """Return what to remember of each object's value of a column."""
    values = list(map(getattr, instances, repeat(column.slot), repeat(UNSET)))
    return snapshots(column, values) if column.is_mutable else values


def snapshots(column: AnyColumn, values: Sequence[Any]) -> list[bytes]:
    """Return what `snapshot` makes of each value."""
    try:
        return list(map(pickle.dumps if column.is_array else marshalled, values, repeat(2)))
    except SNAPSHOT_ERRORS:
        return [snapshot(column, value) for value in values]


def remembered(column: AnyColumn, value: object) -> object:
    """Return what to compare a value with later: a snapshot where it can change in place."""
    return snapshot(column, value) if column.is_mutable else value


def differs(column: AnyColumn, now: object, then: object) -> bool:
    """Return whether a value differs from what was `remembered` of an earlier one."""
    if column.is_mutable:
        return snapshot(column, now) != then
    if now is then or isinstance(now, Expression):
        return now is not then
    if type(now) is not type(then):
        return True
    # These compare as equal and are stored differently: 1.0 and 1.00, a month and 30 days.
    is_exact = isinstance(now, (float, Decimal, Interval))
    return repr(now) != repr(then) if is_exact else bool(now != then)


def snapshot(column: AnyColumn, value: Any) -> bytes:
    """Return a value serialized to bytes; equal bytes mean equal values.

    Return b"" for a value that cannot be serialized.
    """
    try:
        return pickle.dumps(value, 2) if column.is_array else marshalled(value, 2)
    except SNAPSHOT_ERRORS:
        pass
    try:
        if column.is_object:
            # It has the state that it is written with.
            return marshal.dumps(column.encode(value), 2)  # type: ignore[arg-type]
    except (InvalidValue, *SNAPSHOT_ERRORS):
        pass
    try:
        # A json_decoder makes values that marshal does not know, such as Decimal.
        return pickle.dumps(value, 2)
    except SNAPSHOT_ERRORS:
        return b""
