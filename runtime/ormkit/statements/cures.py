"""Cures: what to write in place of a loop that sends one statement for each object."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .parameter_places import Place
from .shape_name import OTHER, ShapeName, keywords_of

if TYPE_CHECKING:
    from ..models.columns import AnyColumn
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
BULK_UPDATE = "write all objects by one statement: session.bulk_update([...], [...])"
NO_SHAPE = (
    "send it once for all values: `= ANY($1)` with a list in place of `= $1`, or execute_many() "
    "for a change"
)
NO_COLUMN = "read the rows of all values by one query, with in_() or a join"
SAME_VALUES = "the values are the same each time: read the row once, and pass the result on"
VALUES_IN_TEXT = (
    "the values stand in the text: pass them as parameters, and send it once for all, with "
    "`= ANY($1)` and a list, or by execute_many() for a change"
)
ONE_FLUSH = (
    "call flush() once, after the loop: it writes all objects of a model by one statement, as the "
    "end of the transaction does"
)
AGGREGATES = frozenset({"sum", "avg", "min", "max"})


def cure_for(shape: object, varied: Sequence[Place] = (), *, is_whole: bool = False) -> str:
    """Return what to write in place of repeated statements of this shape.

    varied: where the values stand that differ from statement to statement.
    is_whole: whether each is the first page of all rows that the query finds.
    """
    if not isinstance(shape, ShapeName):
        return NO_SHAPE
    label, method = shape.label, shape.method
    if method == "load":
        return f"load all objects by one call: session.load([...], {label})"
    if "." in label:
        return f"pass all objects to one call: session.related(..., {label}).{method}(*objects)"
    if method == "update" and not shape.keywords:
        return BULK_UPDATE
    if method in OF_MANY:
        return f"write all objects by one statement: {OF_MANY[method]}"
    if method == "get":
        keys = tuple(column.slot for column in shape.table.primary_key)
        return read_by_list(replace(shape, keywords=keys), varying(shape, varied, keys))
    # Every query leaves out rows that are softly deleted.
    implied = {*keywords_of(shape.table.alive())}
    shape = replace(shape, keywords=tuple(k for k in shape.keywords if k not in implied))
    return cure_for_query(shape, varied, is_whole=is_whole)


def varying(shape: ShapeName, varied: Sequence[Place], columns: Sequence[str]) -> list[str]:
    """Return the columns whose values differ; all of them if none is known to."""
    slots = {column.name: column.slot for column in shape.table.columns}
    found = {slots.get(place.column, "") for place in varied if place.role == "equal"}
    return [column for column in columns if column in found] or [*columns]


def cure_for_query(shape: ShapeName, varied: Sequence[Place], *, is_whole: bool) -> str:
    """Return the cure for a query, by what it filters on."""
    if len(shape.keywords) == 1 and (found := reverse_of(shape)) is not None:
        return of_parents(found, shape, (), is_whole=is_whole)
    given = [name for name in shape.keywords if name.isidentifier() and "__" not in name]
    is_known = all(place.role in ("equal", "written") for place in varied)
    if not given or not is_known:
        return NO_COLUMN
    columns = varying(shape, varied, given)
    if shape.method in ("update", "delete"):
        if any(place.role == "written" for place in varied):
            return BULK_UPDATE
        values = "..." if shape.method == "update" else ""
        query = matching(shape, columns)
        return f"change all rows by one statement: {query}.{shape.method}({values})"
    found = relationship_from_parents(shape.table, given, columns)
    if found is not None:
        remote = {column.slot for column in found.remote}
        others = [name for name in shape.keywords if name not in remote]
        return of_parents(found, shape, others, is_whole=is_whole)
    if len(columns) == 1 and shape.method == "count":
        grouped = f'{matching(shape, columns)}.group_by("{columns[0]}")'
        return f"count them in one query: {grouped}.annotate(n=func.count()).values()"
    return read_by_list(shape, columns)


def read_by_list(shape: ShapeName, columns: Sequence[str]) -> str:
    """Return the cure for reading one row after the other by columns."""
    locks = [f".{call}" for call in shape.further if call.startswith("for_")]
    return f"read all rows by one query: {''.join([matching(shape, columns), *locks])}.all()"


def matching(shape: ShapeName, columns: Sequence[str]) -> str:
    """Return the query for the rows of several values of columns, where others have one value."""
    others = [stated(name) for name in shape.keywords if name not in columns]
    if len(columns) == 1:
        conditions = [f"{columns[0]}__in=[...]"]
    else:
        # Lists for each column would also match the pairs that nobody has asked for.
        pairs = ", ".join(f"{column}=..." for column in columns)
        conditions = [f"Q({pairs}) | Q({pairs}) | ..."]
    return f"session.query({shape.label}).filter({', '.join([*conditions, *others])})"


def stated(keyword: str) -> str:
    """Return a keyword of filter() with a value that the reader fills in."""
    return f"{keyword}=..." if keyword.isidentifier() else OTHER


def of_parents(
    relationship: Relationship[Any, Any],
    shape: ShapeName,
    others: Sequence[str],
    *,
    is_whole: bool,
) -> str:
    """Return the cure for reading the related rows of one parent after the other.

    others: the further keywords of its filter().
    """
    parent, label, method = relationship.table.label, relationship.label, shape.method
    query = f"session.query({parent})"
    target = relationship.target.label
    conditions = [f"{target}.{name} == ..." if name.isidentifier() else OTHER for name in others]
    conditions = [OTHER if "__" in each else each for each in conditions]
    if relationship.is_to_many:
        if method == "count":
            value = f"{label}.count({', '.join(conditions)})"
            return f"count them in the query of their parents: {query}.with_values({value})"
        if method == "exists":
            asked = f"{label}.any({', '.join(conditions)})"
            return f"ask in the query of their parents: {query}.filter({asked})"
        if method in AGGREGATES:
            value = f"{label}.value({', '.join([f'func.{method}(...)', *conditions])})"
            return f"compute it in the query of their parents: {query}.with_values({value})"
    elif others or method in AGGREGATES or method in ("count", "exists"):
        columns = [column.slot for column in relationship.remote]
        return read_by_list(shape, columns)
    else:
        option = f'joinedload("{relationship.name}")'
        return f"load them with their parents: {query}.options({option}).all()"
    option = f'selectinload("{relationship.name}")'
    calls = [] if is_whole else list_calls(shape)
    if others:
        calls.insert(0, f"filter({', '.join(map(stated, others))})")
    if calls:
        option = ".".join([f"selectinload({label})", *calls])
    return f"load them with their parents: {query}.options({option}).all()"


def list_calls(shape: ShapeName) -> list[str]:
    """Return the calls that order and limit the list of each parent as the query does."""
    found: list[str] = []
    for call in shape.further:
        name, _, inside = call.rstrip(")").partition("(")
        if name == "order_by":
            keys = [OTHER if OTHER in key else f'"{key}"' for key in inside.split(", ")]
            found.append(f"order_by({', '.join(keys)})")
        elif name in ("limit", "offset"):
            found.append(f"{name}(...)")
    return found


def relationship_from_parents(
    table: Table, given: Sequence[str], varied: Sequence[str]
) -> Relationship[Any, Any] | None:
    """Return the relationship whose objects have these columns as their foreign key.

    given: the columns that are compared; those of the foreign key have to be among them.
    varied: those whose values differ; they have to be among those of the foreign key.
    """
    for parent in (*table.parents, table):
        for each in parent.relationships.values():
            is_here = each.secondary is None and not each.is_owner and each.target is table
            remote = {column.slot for column in each.remote}
            if is_here and remote.issuperset(varied) and remote <= {*given}:
                return each
    return None


def reverse_of(shape: ShapeName) -> Relationship[Any, Any] | None:
    """Return the relationship from rows whose key is asked for, as `teams` of `people.any(id)`."""
    name, _, rest = shape.keywords[0].partition(".")
    asked = shape.table.relationships.get(name)
    if asked is None or [rest.partition("(")[2].rstrip(")")] != [
        column.slot for column in asked.target.primary_key
    ]:
        return None
    for each in asked.target.relationships.values():
        is_through = (each.secondary is None) is (asked.secondary is None)
        if each.target is shape.table and is_through and mirrors(each, asked):
            return each
    return None


def mirrors(one: Relationship[Any, Any], other: Relationship[Any, Any]) -> bool:
    """Return whether two relationships are the two sides of one."""
    if one.secondary is not None and other.secondary is not None:
        here = one.secondary.sql, one.secondary.local, one.secondary.remote
        return here == (other.secondary.sql, other.secondary.remote, other.secondary.local)
    return names(one.local) == names(other.remote) and names(one.remote) == names(other.local)


def names(columns: Sequence[AnyColumn]) -> list[str]:
    """Return the names of columns: == of two columns is a condition."""
    return [column.slot for column in columns]
