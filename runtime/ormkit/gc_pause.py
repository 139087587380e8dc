"""Making many values at once, with the collector of cycles paused meanwhile.

Values of rows come faster than they could become garbage, and full collections would scan them all
again and again.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

T = TypeVar("T")

#: From this many rows on the pause costs less than it saves.
PAUSE_ROWS = 256


def uninterrupted(make: Callable[[Sequence[Any]], T], rows: Sequence[Any]) -> T:
    """Return `make(rows)`; the collector is as it was before afterwards, whatever that raises."""
    if len(rows) < PAUSE_ROWS or not gc.isenabled():
        return make(rows)
    gc.disable()
    try:
        return make(rows)
    finally:
        gc.enable()
