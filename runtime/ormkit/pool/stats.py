"""What a pool holds, and what it has done since it was opened."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolStats:
    """The state of a connection pool at one moment; `engine.pool_stats()` returns it."""

    #: The connections that are open or being opened, and the most that there may be.
    size: int
    max_size: int
    #: Those of them that nobody uses, that are in use, and that are being opened.
    idle: int
    in_use: int
    opening: int
    #: The callers that wait for a connection now.
    waiting: int
    #: How often a caller had to wait, for how many seconds in all, and how often in vain.
    waits: int
    waited: float
    timeouts: int
    #: How many connections were opened, reset after their use, and closed.
    opened: int
    reset: int
    closed: int
