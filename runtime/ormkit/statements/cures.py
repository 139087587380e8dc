"""Cures: what to write in place of a loop that sends one statement for each object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .shape_name import OTHER, ShapeName

if TYPE_CHECKING:
    from ..models.relationships import Relationship
    from ..models.table import Table

#: What takes many objects, by the method that takes one.
OF_MANY = {
    "insert": "session.insert_all([...])",
    "upsert": "session.upsert_all([...])",
    "remove": "session.remove_all([...])",
}
#: The methods of a related set that take any number of objects.
OF_RELATED = frozenset({"add", "remove", "set", "clear", "replace"})
NO_SHAPE = (
    "send it once for all values: `= ANY($1)` with a list in place of `= $1`, or execute_many() "
    "for a change"
)
NO_COLUMN = "read the rows of all values by one query, with in_() or a join"
SAME_VALUES = "the values are the same each time: read the row once, and pass the result on"


def cure_for(shape: object) -> str:
    """Return what to write in place of repeated statements of this shape."""
    if not isinstance(shape, ShapeName):
        return NO_SHAPE
    label, method = shape.label, shape.method
    if method == "load":
        return f"load all objects by one call: session.load([...], {label})"
    if "." in label:
        return f"pass all objects to one call: session.related(..., {label}).{method}(*objects)"
    if method == "update" and not shape.keywords:
        return "write all objects by one statement: session.bulk_update([...], [...])"
    if method in OF_MANY:
        return f"write all objects by one statement: {OF_MANY[method]}"
    if method == "get":
        key = shape.table.primary_key[0].slot
        return f"read all rows by one query: {by_list(label, key)}.all()"
    return cure_for_query(shape)


def cure_for_query(shape: ShapeName) -> str:
    """Return the cure for a query, by what it filters on."""
    columns = [name for name in shape.keywords if "__" not in name and name != OTHER]
    if shape.method in ("update", "delete"):
        if not columns:
            return NO_COLUMN
        values = "..." if shape.method == "update" else ""
        query = by_list(shape.label, columns[0])
        return f"change all rows by one statement: {query}.{shape.method}({values})"
    if not columns:
        return NO_COLUMN
    found = relationship_from_parents(shape.table, columns)
    if found is not None and len(found.remote) == len(columns):
        return of_parents(found, shape.method)
    column = found.remote[0].slot if found is not None else columns[0]
    return f"read all rows by one query: {by_list(shape.label, column)}.all()"


def by_list(label: str, column: str) -> str:
    """Return the query for the rows of several values of a column."""
    return f"session.query({label}).filter({column}__in=[...])"


def of_parents(relationship: Relationship[Any, Any], method: str) -> str:
    """Return the cure for reading the related rows of one parent after the other."""
    parent = relationship.table.label
    query = f"session.query({parent})"
    if method == "count":
        value = f"{relationship.label}.count()"
        return f"count them in the query of their parents: {query}.with_values({value})"
    if method == "exists":
        return f"ask in the query of their parents: {query}.filter({relationship.label}.any())"
    if method in ("sum", "avg", "min", "max"):
        value = f"{relationship.label}.value(func.{method}(...))"
        return f"compute it in the query of their parents: {query}.with_values({value})"
    option = "selectinload" if relationship.is_to_many else "joinedload"
    loaded = f'{query}.options({option}("{relationship.name}"))'
    return f"load them with their parents: {loaded}.all()"


def relationship_from_parents(table: Table, columns: list[str]) -> Relationship[Any, Any] | None:
    """Return the relationship whose objects have some of the columns as their foreign key."""
    for parent in (*table.parents, table):
        for each in parent.relationships.values():
            is_here = each.secondary is None and not each.is_owner and each.target is table
            if is_here and {column.slot for column in each.remote} <= set(columns):
                return each
    return None
