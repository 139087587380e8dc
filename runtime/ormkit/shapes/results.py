"""Rows of raw SQL as objects of a class: its fields are found by the names of the columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from functools import lru_cache
from typing import Any

from ..errors import UnknownName, did_you_mean
from ..models.columns import AnyColumn
from .fields import Field, Shape, shape_of
from .hints import alternatives, holds, holds_none
from .making import Make, Place, make_of_places
from .plan import check_kinds, source_name

#: How many makers are kept, by class and columns.
MAX_CACHED = 512


def objects_of(cls: Any, columns: tuple[str, ...], records: Sequence[Any]) -> list[Any]:
    """Return an object of a class for each row of a statement.

    Raises UnknownName for a field that no column fills, and InvalidValue for one of a type that
    cannot hold what its column has.
    """
    shape = shape_of(cls)
    if not records:
        return []
    found = places_of(shape, columns)
    kinds: dict[str, Callable[[Any], Any] | None] = {}
    if shape.kind != "model":
        kinds = {
            each.name: checked(shape, each, found[each.name], records)
            for each in found_in(shape, found)
        }
    return maker(shape, columns, tuple(kinds.items()))(records)


def found_in(shape: Shape, found: dict[str, int]) -> list[Field]:
    """Return the fields that a column fills."""
    return [each for each in shape.fields if each.name in found]


@lru_cache(maxsize=MAX_CACHED)
def places_of(shape: Shape, columns: tuple[str, ...]) -> dict[str, int]:
    """Return where the value of each field is in a row; raises UnknownName for one without any.

    Of columns with the same name, the last one wins, as in a dict.
    """
    places = {name: place for place, name in enumerate(columns)}
    found: dict[str, int] = {}
    for field in shape.fields:
        name = source_name(field, places)
        if name is not None:
            found[field.name] = places[name]
        elif not field.has_default:
            raise UnknownName(
                f"{shape.name}.{field.name}: the result has no column {field.name!r}: "
                f"{did_you_mean(field.name, columns)}"
            )
    return found


def checked(
    shape: Shape, field: Field, place: int, records: Sequence[Any]
) -> Callable[[Any], Any] | None:
    """Return what decodes the values of a field, by the first that is there.

    Raises InvalidValue where the field's type cannot hold that value.
    """
    value: Any = next((row[place] for row in records if row[place] is not None), None)
    if value is None:
        return None
    if isinstance(value, str) and not holds(field.hint, (str,)):
        # The driver reads a label of an enum type as text.
        for each in alternatives(field.hint):
            if isinstance(each, type) and issubclass(each, Enum):
                return each
    elements = kinds_in(each for each in value if each is not None) if is_list(value) else ()
    kinds = kinds_in([value])
    check_kinds(shape, field, kinds, elements[:1], f"the result's column {field.name!r}")
    return None


def kinds_in(values: Iterable[Any]) -> tuple[type, ...]:
    """Return the class of each value."""
    return tuple(map(type, values))


def is_list(value: object) -> bool:
    """Return whether the driver read an array."""
    return type(value) is list


@lru_cache(maxsize=MAX_CACHED)
def maker(
    shape: Shape, columns: tuple[str, ...], decoded: tuple[tuple[str, Callable[[Any], Any]], ...]
) -> Make:
    """Return the function that makes objects of rows with these columns.

    decoded: what decodes the values of a field; None where nothing does.
    """
    decoders = dict(decoded)
    places: dict[str, Place] = {}
    for name, place in places_of(shape, columns).items():
        field = next(each for each in shape.fields if each.name == name)
        if shape.kind == "model":
            column: AnyColumn = shape.cls.__table__.by_name[name]
            decode = None if column.is_plain else column.decode
            places[name] = Place(place, decode, not column.is_nullable)
        else:
            places[name] = Place(place, decoders[name], not holds_none(field.hint))
    return make_of_places(shape, len(columns), places)
