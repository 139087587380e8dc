"""Decoding: making objects of rows."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from .identity import IdentityMap
    from .model import Model

M = TypeVar("M", bound="Model")

#: From this many rows on, the collector of cycles is paused while they are decoded: objects come
#: faster than they could become garbage, and full collections would scan them all again and again.
GC_PAUSE_ROWS = 256


def decode(model: type[M], rows: Sequence[Any], identity: IdentityMap | None = None) -> list[M]:
    """Make objects of rows, with the collector of cycles paused for many.

    identity: where objects are held by their keys, so that one row has one object.
    """
    make: Any = model.__decode__ if identity is None else partial(identity.adopt, model)
    if len(rows) < GC_PAUSE_ROWS or not gc.isenabled():
        return cast("list[M]", make(rows))
    gc.disable()
    try:
        return cast("list[M]", make(rows))
    finally:
        gc.enable()
