"""How long the tests of random and of exhaustive input are: short in `make test`, long at night.

The short ones try the same examples each time, so that `make test` does not depend on chance. The
long ones try others each time.
"""

from __future__ import annotations

import os

#: Whether `make nightly` runs them.
IS_NIGHTLY = bool(os.environ.get("ORMKIT_NIGHTLY"))
#: How many times as many examples it tries.
FACTOR = 30


def examples(short: int) -> int:
    """Return how many examples to try where `make test` tries so many."""
    return short * FACTOR if IS_NIGHTLY else short
