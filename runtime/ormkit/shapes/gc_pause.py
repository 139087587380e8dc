"""Pause the cyclic garbage collector while many objects are made from rows.

The new objects are all alive, so that collections would scan them repeatedly and free nothing.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

T = TypeVar("T")

#: The number of rows from which the pause saves more than it costs.
PAUSE_ROWS = 256


def with_gc_paused(make: Callable[[Sequence[Any]], T], rows: Sequence[Any]) -> T:
    """Return `make(rows)`; many rows pause the collector, whose state is restored on errors too."""
    if len(rows) < PAUSE_ROWS or not gc.isenabled():
        return make(rows)
    gc.disable()
    try:
        return make(rows)
    finally:
        gc.enable()
