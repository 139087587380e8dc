"""Decoding: making objects of rows.

The accelerator does it, an extension in C, where there is one; Python otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from ..accelerator import accelerator
from ..errors import UnreadableValue
from ..gc_pause import uninterrupted
from ..postgres.values import Record, whole_row
from .standard_decoder import conversions, is_standard, slots

if TYPE_CHECKING:
    from ..models.model import Model
    from ..statements.executor import ObjectMap

Decoder: Any = getattr(accelerator, "Decoder", None)

M = TypeVar("M", bound="Model")

#: From this many rows on, steps that save time with each row pay for themselves.
MANY = 64


def decode(model: type[M], rows: Sequence[Any], identity: ObjectMap | None = None) -> list[M]:
    """Make objects of rows, with the collector of cycles paused for many.

    identity: where objects are held by their keys, so that one row has one object.
    """
    make: Any
    if identity is not None:
        make = partial(identity.adopt, model)
    elif Decoder is not None:
        make = decoder_of(model.__decode__)
    else:
        make = model.__decode__ if len(rows) < MANY else partial(decode_many, model.__decode__)
    try:
        objects: list[M] = make(rows) if len(rows) < MANY else uninterrupted(make, rows)
    except KeyError as error:
        raise unknown_label(model, rows) or error from None
    return objects


def decode_part(
    model: type[M], rows: Sequence[Any], start: int, identity: ObjectMap | None = None
) -> list[M]:
    """Make objects of rows that hold other values too; the model's begin at `start`."""
    if identity is None and Decoder is not None:
        make = decoder_of(model.__decode__)
        if type(make) is Decoder:
            try:
                objects: list[M] = uninterrupted(lambda rows: make(rows, start), rows)
            except KeyError as error:
                raise unknown_label(model, rows, start) or error from None
            return objects
    there = slice(start, start + len(model.__table__.columns))
    return decode(model, [row[there] for row in rows], identity)


def unknown_label(
    model: type[Model], rows: Sequence[Any], start: int = 0
) -> UnreadableValue | None:
    """Return the error for the first label of rows that is none of its enum's; None without."""
    columns = model.__table__.columns
    for number, row in enumerate(rows, 1):
        for place, column in enumerate(columns, start):
            if error := column.unread_label(row[place]):
                error.row, error.place = number, (place,)
                return error
    return None


# By the method and not by the model: a `__decode__` put in the place of another is asked again.
@cache
def decoder_of(method: Any) -> Any:
    """Return what does the same as a model's `__decode__`, in C where that is the standard one."""
    if not is_standard(method):
        return partial(decode_many, method)
    model = cast("type[Model]", method.__self__)
    return Decoder(Record, model, slots(model), conversions(model), method)


def decode_many(method: Any, rows: Sequence[Any]) -> Any:
    """Make objects of rows, which unpack faster as tuples than as the driver's records."""
    return method(map(whole_row, rows))
