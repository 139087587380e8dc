"""The classes that the attributes of a generated model are declared with."""

from __future__ import annotations

from dataclasses import dataclass

from ormkit_gen.ir import Column, Relationship
from ormkit_gen.rendering.own_names import other, own


@dataclass(frozen=True, slots=True)
class Attribute:
    """A column or relationship of a model: name, type, and the call that creates it."""

    name: str
    annotation: str
    call: str


def column_class(column: Column) -> str:
    """Return the runtime's class for a column. Some types have their own operators."""
    if column.codec is not None:
        return "CodecColumn"
    return column.type.base.column if column.type.is_scalar else "Column"


def computed_class(column: Column) -> str:
    """Return the runtime's class for a computed attribute of the column's type."""
    return column_class(column).replace("Column", "Computed")


def attr_class(column: Column) -> str:
    """Return the type of a column's attribute; what PostgreSQL always fills in cannot be set."""
    if column.is_generated:
        return "ReadOnlyAttr"
    return "ColumnAttr" if column_class(column) == "Column" else "Attr"


def optional(typed: str, is_nullable: bool) -> str:
    """Return the annotation, with None added if the value may be NULL."""
    return f"{typed} | None" if is_nullable and typed != own("Any") else typed


def related_type(relationship: Relationship) -> str:
    """Return the annotation of a relationship's attribute."""
    if relationship.is_to_many:
        return f"{own('list')}[{other(relationship.target)}]"
    return optional(other(relationship.target), relationship.is_nullable)


def is_fresh(column: Column) -> bool:
    """Return whether each object gets a new value: one that a function makes, or a mutable one."""
    if column.factory is not None or (column.default is not None and column.json_type is not None):
        return True
    return column.default is not None and isinstance(column.default.value, (list, tuple, dict))
