"""Batches: objects of one model with values for the same columns, ready to be written."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import MissingValue, UsageError
from ..models.bulk_attributes import any_has_attribute, attribute_values, set_attributes
from ..models.columns import AnyColumn
from ..models.foreign_keys import contradiction, contradicts, copy_key, has_key_of
from ..models.given_columns import given_columns, note_of
from ..models.relationships import Relationship
from ..models.table import Table
from ..postgres.array_parameter import FlatArray
from ..postgres.values import UNSET, Record
from ..statements.executor import Executor
from ..statements.select import KEY
from ..statements.statement import Statement

if TYPE_CHECKING:
    from ..models.model import Model
    from ..statements.executor import ObjectMap


#: How many rows one statement inserts. The chunks are pipelined in one transaction: while the
#: server stores a chunk, the next one is encoded.
CHUNK = 500


@dataclass(frozen=True, slots=True)
class Batch:
    """Objects that have values for the same columns, and these values."""

    given: tuple[AnyColumn, ...]
    instances: Sequence[Model]
    #: The stored values: for each column, one for each object.
    values: list[list[Any]]
    #: The values on the objects; the same list where they equal the stored values.
    held: list[list[Any]]

    @classmethod
    def of(cls, given: tuple[AnyColumn, ...], instances: Sequence[Model]) -> Batch:
        """Read the values from the objects; AttributeError where an object lacks a column.

        Raises InvalidValue for a value that the column cannot store without loss.
        """
        held = [attribute_values(column.slot, instances) for column in given]
        values = [column.stored_each(each) for column, each in zip(given, held, strict=True)]
        return cls(given, instances, values, held)

    def keep_stored(self) -> list[AnyColumn]:
        """Set the stored values on the objects, once the rows are written.

        Returns the columns of which at least one object held another value.
        """
        changed: list[AnyColumn] = []
        for column, held, stored in zip(self.given, self.held, self.values, strict=True):
            if stored is not held:
                set_attributes(self.instances, column.slot, stored)
                changed.append(column)
        return changed

    def part(self, places: Sequence[int]) -> Batch:
        """Return a batch of the objects at these positions."""
        instances = [self.instances[place] for place in places]
        values = [[column[place] for place in places] for column in self.values]
        held = [
            part if held is stored else [held[place] for place in places]
            for part, held, stored in zip(values, self.held, self.values, strict=True)
        ]
        return Batch(self.given, instances, values, held)

    def rows(self) -> list[list[object]]:
        """Return the encoded values of each object."""
        if not self.given:
            return [[] for _ in self.instances]
        coded = [place for place, column in enumerate(self.given) if column.is_coded]
        rows: list[list[object]] = list(map(list, zip(*self.values, strict=True)))
        for place in coded:
            encode = self.given[place].encode
            for row in rows:
                row[place] = encode(row[place])
        return rows

    def arrays(self, chunk: slice = slice(None)) -> list[FlatArray]:
        """Return one array parameter for each column, for the objects of a chunk."""
        arrays: list[FlatArray] = []
        for column, values in zip(self.given, self.values, strict=True):
            part: list[Any] = values[chunk]
            # Stored values were checked already for what the driver would truncate.
            arrays.append(FlatArray(column.encode_each(part) if column.is_coded else part))
        return arrays

    async def send_arrays(self, executor: Executor, statement: Statement) -> list[Record]:
        """Run a statement that takes an array for each column; return all its rows.

        Its last parameter is the position of the chunk's first object.
        """
        if len(self.instances) <= CHUNK:
            return await executor.run(statement, [*self.arrays(), 0])
        return await executor.run_many(statement, Chunks(self))

    async def send_rows(self, executor: Executor, statement: Statement) -> list[Record]:
        """Run a statement for each object; its last parameter is the object's position, from 1."""
        rows = [[*row, place] for place, row in enumerate(self.rows(), start=1)]
        return await executor.run_many(statement, rows)


class Chunks(Sequence[list[object]]):
    """The parameters for each chunk of a batch, encoded when they are about to be sent."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch

    def __len__(self) -> int:
        return -(-len(self._batch.instances) // CHUNK)

    def __getitem__(self, place: Any) -> Any:
        if not 0 <= place < len(self):
            raise IndexError(place)
        start = place * CHUNK
        return [*self._batch.arrays(slice(start, start + CHUNK)), start]


def batches_of(table: Table, instances: Sequence[Model]) -> list[Batch]:
    """Group objects by the columns that they have values for, in order of first appearance."""
    if any(any_has_attribute(each.slot, instances) for each in table.owned):
        for instance in instances:
            fill_keys(table, instance)
    if (batch := batch_of_all(table, instances)) is not None:
        return [batch]
    groups = grouped([held_columns(table, each) for each in instances])
    return [Batch.of(given, [instances[n] for n in places]) for given, places in groups]


def parts_of(
    batch: Batch, columns_of: Callable[[Model], tuple[AnyColumn, ...]]
) -> list[tuple[tuple[AnyColumn, ...], Batch]]:
    """Split a batch by the result of `columns_of` for each object, in order of appearance."""
    groups = grouped([columns_of(each) for each in batch.instances])
    if len(groups) == 1:
        return [(columns, batch) for columns, _ in groups]
    return [(columns, batch.part(places)) for columns, places in groups]


def grouped(
    sets: Iterable[tuple[AnyColumn, ...]],
) -> list[tuple[tuple[AnyColumn, ...], list[int]]]:
    """Return each distinct set of columns with its positions, in order of first appearance."""
    groups: dict[tuple[Hashable, ...], tuple[tuple[AnyColumn, ...], list[int]]] = {}
    for place, columns in enumerate(sets):
        groups.setdefault(tuple(map(KEY, columns)), (columns, []))[1].append(place)
    return list(groups.values())


def check_once(method: str, instances: Sequence[object]) -> None:
    """Raise UsageError where an object is given twice: it can hold one row only."""
    if len(set(map(id, instances))) < len(instances):
        raise UsageError(f"{method}: an object is given twice, and it can hold only one row")


def batch_of_all(table: Table, instances: Sequence[Model]) -> Batch | None:
    """Return all objects as one batch; None where they have values for different columns.

    It tests column by column with iterators in C, which is faster for thousands of objects.
    """
    given = held_columns(table, instances[0])
    try:
        batch = Batch.of(given, instances)
    except AttributeError:
        return None
    keys = {column.key for column in given}
    for column in table.columns:
        is_left_out = column.key not in keys and not column.is_generated
        if is_left_out and any_has_attribute(column.slot, instances):
            return None
    return batch


def held_columns(table: Table, instance: Model) -> tuple[AnyColumn, ...]:
    """Return the columns that the object has a value for.

    PostgreSQL fills in the others. Raises MissingValue where one has no default and cannot be NULL.
    """
    given: list[AnyColumn] = []
    for column in table.columns:
        if hasattr(instance, column.slot):
            if column.is_generated:
                continue
            given.append(column)
        elif not (column.has_default or column.is_nullable or column.is_generated):
            raise MissingValue(missing(table, column))
    return tuple(given)


def missing(table: Table, column: AnyColumn) -> str:
    """Return the message for a column without a value, with the ways to give one."""
    ways = [f"{column.slot}=..."]
    ways += [
        f"{relationship.name}=..."
        for relationship in table.relationships.values()
        if relationship.is_owner and column.slot in [local.slot for local in relationship.local]
    ]
    return f"{column.label} has no value and no default: pass {' or '.join(ways)}"


def not_given(option: str, column: AnyColumn) -> MissingValue:
    """Return the error for a column that an option names, and of which no object has a value."""
    return MissingValue(
        f"{option} names {column.label}, and no object was given it: pass {column.slot}=... to "
        f"the constructor, or leave it out of {option}"
    )


def changed_columns(
    table: Table,
    instance: Model,
    named: tuple[AnyColumn, ...] | None,
    identity: ObjectMap | None,
) -> tuple[AnyColumn, ...]:
    """Return the columns of which an object gives a value.

    For an object that was read, these include the named columns or, without names, the dirty ones.
    """
    changed = named
    if changed is None and identity is not None:
        changed = identity.changes_of(instance)
    return given_columns(table, instance, changed)


def fill_keys(table: Table, instance: Model) -> None:
    """Copy the primary keys of referenced objects (`Post(author=user)`) to the foreign keys.

    Raises MissingValue for a referenced object without a key: NULL would lose the reference.
    Raises UsageError where the foreign key was changed after the object was set. For an object that
    was read, the foreign key wins, and the loaded object is discarded.
    """
    for relationship in table.owned:
        target = getattr(instance, relationship.slot, UNSET)
        if target is UNSET or has_key_of(relationship, instance, target):
            continue
        if contradicts(relationship, instance, target):
            if note_of(instance) is not None:
                raise contradiction(relationship)
            delattr(instance, relationship.slot)
        elif target is not None:
            fill_key(relationship, instance, target)


def fill_key(relationship: Relationship[Any, Any], instance: Model, target: Model) -> None:
    """Copy the key of the referenced object; raises MissingValue where it has none yet."""
    copy_key(relationship, instance, target)
    if not all(hasattr(instance, column.slot) for column in relationship.local):
        raise MissingValue(
            f"the object given as {relationship.label} has no key yet: insert it first, or "
            f"together with this one"
        )
