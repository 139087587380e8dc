"""Nested loads: a tree of related rows inside the rows of their parents, as arrays of records.

PostgreSQL sends an anonymous record with the type of each field, and the driver decodes it as it
decodes a row. No value passes through JSON, so that every value keeps its type.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from ..models.columns import AnyColumn
from ..models.relationships import Relationship
from ..models.table import Table
from ..shapes.making import needs_hint, read_document
from ..sql.context import Scope
from ..statements.executor import Executor
from .attach import keys_of_rows, related_objects
from .computed import ComputedStep, set_computed
from .decoding import decode
from .step import RelationshipStep, Step, row_layout

if TYPE_CHECKING:
    from ..statements.executor import ObjectMap


class NestedStep(RelationshipStep):
    """jsonload(): the related rows come in their parent's row, as an array of records.

    The array is one column. A NULL follows for each type that needs a hint.
    """

    __slots__ = ()
    strategy = "json"
    is_joined = True

    def write_join(self, scope: Scope, outer: str, selected: list[str], joins: list[str]) -> None:
        selected += [write_nested(self, scope, outer), *typed_nulls(self, scope)]

    def row_layout(self) -> list[Any]:
        records = tuple(row_layout(self.relationship.target, self.joins))
        return [records, *[None for _ in type_hints(self)]]

    def attach_joined(
        self, objects: Sequence[Any], rows: Sequence[Any], start: int, identity: ObjectMap | None
    ) -> int:
        attach_nested(objects, [row[start] for row in rows], self, identity)
        return start + 1 + len(type_hints(self))

    async def load(self, executor: Executor, objects: Sequence[Any]) -> list[Any]:
        # The related objects came with the objects.
        return related_objects(objects, self.relationship) if self.below else []


def write_nested(step: RelationshipStep, scope: Scope, outer: str) -> str:
    """Return the SQL of the array of records that belong to a row of `outer`."""

    def fields(name: str) -> tuple[list[str], str]:
        columns = step.relationship.target.columns
        found = [field(column, f"{name}.{column.quoted}", scope) for column in columns]
        for each in step.joins:
            found += fields_of(each, scope, name)
        return found, ""

    return array_of_records(step, scope, outer, fields)


def array_of_records(
    step: RelationshipStep, scope: Scope, outer: str, fields: Callable[[str], tuple[list[str], str]]
) -> str:
    """Return the SQL of an array with a record for each row that belongs to a row of `outer`.

    fields: returns the fields of a record and what the FROM clause joins for them, by the alias of
        the relationship's target.
    """
    relationship = step.relationship
    target = relationship.target
    name = scope.take(relationship.name)
    scope.enter_as(target, name)
    found, joins = fields(name)
    tables, matches = relationship.tables(scope, outer, name)
    matches += [condition.sql(scope) for condition in step.where]
    tail = step.write_order_and_limit(scope)
    scope.leave(target)
    where = " AND ".join(matches)
    return f"ARRAY(SELECT ROW({', '.join(found)}) FROM {tables}{joins} WHERE {where}{tail})"


def fields_of(step: Step, scope: Scope, outer: str) -> list[str]:
    """Return the fields that a joined step adds to a record of `outer`."""
    if isinstance(step, ComputedStep):
        return [field(each.column, each.sql_of(scope, outer), scope) for each in step.computed]
    assert isinstance(step, RelationshipStep)
    return [write_nested(step, scope, outer)]


def field(column: AnyColumn, name: str, scope: Scope) -> str:
    """Return the column as a field of a record; as text where the OID does not tell the type."""
    if column.known.base.in_records != "text":
        return name
    return scope.cast(name, f"text{'[]' * column.known.dimensions}")


def type_hints(step: RelationshipStep) -> list[str]:
    """Return each type that the driver decodes in records only after seeing it."""
    found: dict[str, None] = {}
    collect_types(step, found)
    return list(found)


def typed_nulls(step: RelationshipStep, scope: Scope) -> list[str]:
    """Return a NULL of each of these types, which a query selects for the driver to meet them."""
    return [scope.cast("NULL", type_) for type_ in type_hints(step)]


def collect_types(step: Step, found: dict[str, None]) -> None:
    """Add the types of this step's columns, and of the steps below, that need a hint."""
    if isinstance(step, ComputedStep):
        columns: Iterable[AnyColumn] = [each.column for each in step.computed]
    else:
        assert isinstance(step, RelationshipStep)
        columns = step.relationship.target.columns
        for each in step.joins:
            collect_types(each, found)
    for column in columns:
        if needs_hint(column):
            found[column.type] = None


def attach_nested(
    objects: Sequence[Any], lists: Sequence[Any], step: RelationshipStep, identity: ObjectMap | None
) -> None:
    """Set the relationship of each object from the records in its row.

    objects: one for each list of records; None where there is no object.
    """
    pairs = zip(objects, lists, strict=True)
    # An object that comes in several rows has the same records in each of them.
    own = {id(each): (each, rows) for each, rows in pairs if each is not None}
    found = iter(nested_objects([row for _, rows in own.values() for row in rows], step, identity))
    relationship = step.relationship
    for each, rows in own.values():
        related = list(islice(found, len(rows)))
        value: Any = related[0] if related else None
        if relationship.is_to_many:
            value = relationship.list_type(related)
        setattr(each, relationship.slot, value)


def nested_objects(
    records: Sequence[Any], step: RelationshipStep, identity: ObjectMap | None
) -> list[Any]:
    """Return the object of each record; records of the same related row share one object."""
    target = step.relationship.target
    if not is_shared(step.relationship):
        return decode_records(target, records, step.joins, identity)
    keys = keys_of_rows(records, target.key_places, target.has_mutable_key)
    firsts = dict(zip(keys, records, strict=True))
    found = decode_records(target, list(firsts.values()), step.joins, identity)
    by_key = dict(zip(firsts, found, strict=True))
    return [by_key[key] for key in keys]


def is_shared(relationship: Relationship[Any, Any]) -> bool:
    """Return whether one related row may belong to several objects."""
    return relationship.is_owner or relationship.secondary is not None


def decode_records(
    table: Table, records: Sequence[Any], joins: Iterable[Step], identity: ObjectMap | None
) -> list[Any]:
    """Create the objects of records.

    Each record holds the table's columns, and then what the joined steps add: computed values, or
    an array of records.
    """
    place = len(table.columns)
    found = decode(table.model, plain_rows(table, records), identity)
    for step in joins:
        if isinstance(step, ComputedStep):
            attach_computed(found, records, place, step)
            place += len(step.computed)
        elif isinstance(step, RelationshipStep):
            attach_nested(found, [record[place] for record in records], step, identity)
            place += 1
    return found


def attach_computed(
    objects: Sequence[Any], records: Sequence[Any], start: int, step: ComputedStep
) -> None:
    """Set the computed attributes of each object from its record."""
    for place, each in enumerate(step.computed, start):
        values = [plain_value(each.column, record[place]) for record in records]
        set_computed(each, objects, values)


def plain_value(column: AnyColumn, value: Any) -> Any:
    """Return a value of a record, with JSON decoded."""
    return read_document(column, value) if column.is_json else value


def plain_rows(table: Table, records: Sequence[Any]) -> Sequence[Any]:
    """Return the table's columns of each record, with JSON decoded."""
    width = len(table.columns)
    coded = [place for place, column in enumerate(table.columns) if column.is_json]
    if not coded:
        return [record[:width] for record in records]
    rows = [list(record[:width]) for record in records]
    for row in rows:
        for place in coded:
            row[place] = read_document(table.columns[place], row[place])
    return rows
