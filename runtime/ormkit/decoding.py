"""Decoding: making objects of rows."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from .model import Model

M = TypeVar("M", bound="Model")

#: From this many rows on, the collector of cycles is paused while they are decoded: objects come
#: faster than they could become garbage, and full collections would scan them all again and again.
GC_PAUSE_ROWS = 256


def decode(model: type[M], rows: Sequence[Any]) -> list[M]:
    """Make objects of rows, with the collector of cycles paused for many."""
    if len(rows) < GC_PAUSE_ROWS or not gc.isenabled():
        return cast("list[M]", model.__decode__(rows))
    gc.disable()
    try:
        return cast("list[M]", model.__decode__(rows))
    finally:
        gc.enable()
