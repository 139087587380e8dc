"""Decoding: making objects of rows."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from .uninterrupted import uninterrupted
from .values import whole_row

if TYPE_CHECKING:
    from .identity import IdentityMap
    from .model import Model

M = TypeVar("M", bound="Model")

#: From this many rows on, steps that save time with each row pay for themselves.
MANY = 64


def decode(model: type[M], rows: Sequence[Any], identity: IdentityMap | None = None) -> list[M]:
    """Make objects of rows, with the collector of cycles paused for many.

    identity: where objects are held by their keys, so that one row has one object.
    """
    if identity is not None:
        return uninterrupted(partial(identity.adopt, model), rows)
    if len(rows) < MANY:
        return cast("list[M]", model.__decode__(rows))
    return uninterrupted(partial(decode_many, model), rows)


def decode_many(model: type[M], rows: Sequence[Any]) -> list[M]:
    """Make objects of rows, which unpack faster as tuples than as the driver's records."""
    tuples: Any = map(whole_row, rows)
    return cast("list[M]", model.__decode__(tuples))
