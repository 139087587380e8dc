"""Decoding rows into objects, by the C accelerator where it is available, otherwise in Python."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from ..accelerator import accelerator
from ..errors import UnreadableValue
from ..events.observed_rows import ObservedRows
from ..postgres.values import Record, whole_row
from ..shapes.gc_pause import with_gc_paused
from .standard_decoder import conversions, is_standard, slots

if TYPE_CHECKING:
    from ..models.model import Model
    from ..statements.executor import ObjectMap

Decoder: Any = getattr(accelerator, "Decoder", None)

M = TypeVar("M", bound="Model")

#: From this many rows on, the cost of setting up faster decoding pays off.
MANY = 64


def decode(model: type[M], rows: Sequence[Any], identity: ObjectMap | None = None) -> list[M]:
    """Create objects from rows; for many rows, garbage collection is paused.

    identity: the identity map that refreshes or adds the objects, so that a row has one object.

    Raises UnreadableValue for a label that the enum does not have.
    """
    if isinstance(rows, ObservedRows):
        return rows.made(lambda plain: decode(model, plain, identity))
    make: Any
    if identity is not None:
        make = partial(identity.adopt, model)
    elif Decoder is not None:
        make = decoder_of(model.__decode__)
    else:
        make = model.__decode__ if len(rows) < MANY else partial(decode_many, model.__decode__)
    try:
        objects: list[M] = make(rows) if len(rows) < MANY else with_gc_paused(make, rows)
    except KeyError as error:
        raise unknown_label(model, rows) or error from None
    return objects


def decode_part(
    model: type[M], rows: Sequence[Any], start: int, identity: ObjectMap | None = None
) -> list[M]:
    """Create objects from rows in which the model's columns begin at position `start`."""
    if identity is None and Decoder is not None:
        make = decoder_of(model.__decode__)
        if type(make) is Decoder:
            try:
                objects: list[M] = with_gc_paused(lambda rows: make(rows, start), rows)
            except KeyError as error:
                raise unknown_label(model, rows, start) or error from None
            return objects
    there = slice(start, start + len(model.__table__.columns))
    return decode(model, [row[there] for row in rows], identity)


def unknown_label(
    model: type[Model], rows: Sequence[Any], start: int = 0
) -> UnreadableValue | None:
    """Return the error for the first label that its enum does not have; None if there is none."""
    columns = model.__table__.columns
    for number, row in enumerate(rows, 1):
        for place, column in enumerate(columns, start):
            if error := column.unread_label(row[place]):
                error.row, error.place = number, (place,)
                return error
    return None


# Cached by the method and not by the model: a model may get another `__decode__` later.
@cache
def decoder_of(method: Any) -> Any:
    """Return a function equal to a model's `__decode__`, in C where that is the standard one."""
    if not is_standard(method):
        return partial(decode_many, method)
    model = cast("type[Model]", method.__self__)
    return Decoder(Record, model, slots(model), conversions(model), method)


def decode_many(method: Any, rows: Sequence[Any]) -> Any:
    """Create objects from rows as tuples, which unpack faster than the driver's records."""
    return method(map(whole_row, rows))
