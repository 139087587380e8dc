"""Which cores the server and the libraries run on.

Left alone, the kernel puts a client and its backend now on one core and now on two. A round trip
takes about 25 us in the one case and 65 us in the other, for whole samples: more than any library
adds, so that the same code has come out at half and at twice its own time. On one core, what a
library adds to a round trip shows fully. On two, waking the other core is part of everyone's time
and repeats badly, but server and library work at once, as they mostly do in production.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

PLACEMENTS = ("together", "apart", "free")


@dataclass(frozen=True)
class Placement:
    """Cores for the server and for the thread of the event loop; None leaves it to the kernel."""

    name: str
    server: frozenset[int] | None = None
    client: frozenset[int] | None = None
    #: True where the threads that a library starts are bound to the client's core as well.
    binds_threads: bool = False


def place(name: str) -> Placement:
    """Return a placement on this machine: "free" where it cannot be chosen."""
    cores = usable_cores()
    if name == "free" or len(cores) < 2:
        return Placement("free")
    first, rest = frozenset(cores[:1]), frozenset(cores[1:])
    if name == "together":
        return Placement(name, first, first, binds_threads=True)
    return Placement(name, server=rest, client=first)


def usable_cores() -> list[int]:
    """Return the cores that this process may use; none where the system does not tell."""
    if not hasattr(os, "sched_getaffinity"):
        return []
    return sorted(os.sched_getaffinity(0))


@contextmanager
def bound_to(cores: frozenset[int] | None) -> Generator[None]:
    """Bind this thread, and the processes and threads it starts, to cores for the block."""
    if cores is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
