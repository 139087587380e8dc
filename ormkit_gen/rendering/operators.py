"""The keywords of filter() for each family of types, with the types of their values."""

from __future__ import annotations

from collections.abc import Iterator

from ormkit_gen.ir import Column
from ormkit_gen.postgres.types import Family
from ormkit_gen.rendering.annotations import Imports
from ormkit_gen.rendering.own_names import own

#: Operators by family. `_value_type` returns the type of the value for an operator. filter() takes
#: others too; type checkers know those as methods of the column, and in Q. Each key costs every
#: type checker time in every model: these are the ones that applications use most.
COMPARISONS = ("", "__ne", "__in")
ORDERED = ("__gt", "__gte", "__lt", "__lte")
PATTERNS = ("__contains", "__icontains", "__startswith")
#: Operators for the keys of a JSON object.
KEYS = ("__has_key", "__has_keys", "__has_any_key")
CONTAINMENT = ("__contains", "__contained_by", "__overlaps")

ENDINGS: dict[Family, tuple[str, ...]] = {
    "equal": COMPARISONS,
    "boolean": ("",),
    "ordered": (*COMPARISONS, *ORDERED),
    "text": (*COMPARISONS, *PATTERNS),
    "array": ("", "__ne", *CONTAINMENT, "__len"),
    "json": ("", "__ne", "__contains", "__contained_by", *KEYS),
    "range": ("", "__ne", *CONTAINMENT),
    "document": ("__matches",),
    "opaque": (),
}


#: The annotation of a numeric column, which is compared with whole numbers as well.
DECIMAL = own("Decimal")


def filter_keys(column: Column, value: str, imports: Imports) -> Iterator[tuple[str, str]]:
    """Yield each operator with the annotation of its value.

    value: the annotation of a value of the column, without None.
    """
    for ending in ENDINGS[column.type.family]:
        yield ending, _value_type(ending, column, value, imports)
    if column.is_nullable:
        yield "__isnull", own("bool")


def _value_type(ending: str, column: Column, value: str, imports: Imports) -> str:
    if value == DECIMAL:
        value = f"{value} | {own('int')}"
    if ending in ("", "__ne"):
        return f"{value} | None" if column.is_nullable and value != own("Any") else value
    if ending == "__len":
        return own("int")
    if ending in ("__has_key", "__matches"):
        return own("str")
    if ending in ("__has_keys", "__has_any_key"):
        return f"{several(own('str'), imports)}"
    if column.json_type is not None:
        # Documents contain parts of documents.
        return own("Any")
    element = None
    if ending == "__in":
        element = value
    elif column.type.family == "array":
        element = value.removeprefix(f"{own('list')}[").removesuffix("]")
    elif column.type.family == "range" and ending == "__contains":
        # A range contains another range or a single value.
        bound = value.removeprefix(f"{own('Range')}[").removesuffix("]")
        return f"{value} | {bound}" if bound != value else value
    if element is None:
        return value
    return several(element, imports)


def several(element: str, imports: Imports) -> str:
    """Return the annotation of several values; a text is a Collection of texts, and no Several."""
    if element == own("str"):
        return f"{imports.add('ormkit', 'Several')}[{element}]"
    return f"{imports.add('collections.abc', 'Collection')}[{element}]"
