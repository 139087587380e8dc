"""Options of the pool: how many connections it keeps, for how long, and how long callers wait."""

from __future__ import annotations

from dataclasses import dataclass

from ..connecting.options import check_count, check_seconds, is_number
from ..errors import ConfigurationError, shown


@dataclass(frozen=True, slots=True)
class PoolOptions:
    """How many connections a pool holds and for how long; times are in seconds."""

    min_connections: int = 1
    max_connections: int = 10
    #: How long to wait for a connection before PoolTimeout; None waits for ever.
    acquire_timeout: float | None = 30.0
    #: A connection idle for longer is closed, down to min_connections; None keeps it.
    idle_lifetime: float | None = 600.0
    #: A connection older than this is replaced when it comes back; None keeps it.
    max_lifetime: float | None = 3600.0
    #: How long those in line wait while the server refuses connections.
    reconnect_timeout: float = 5.0
    #: A connection held for longer is logged with the stack that took it; None looks at none.
    leak_threshold: float | None = None

    def __post_init__(self) -> None:
        check_count("min_connections", self.min_connections)
        check_count("max_connections", self.max_connections)
        if not self.min_connections <= self.max_connections or self.max_connections < 1:
            raise ConfigurationError(
                f"min_connections={self.min_connections}, max_connections={self.max_connections}: "
                f"give 0 <= min_connections <= max_connections, and at least 1 for the latter"
            )
        if not (is_number(self.reconnect_timeout) and self.reconnect_timeout >= 0):
            raise ConfigurationError(
                f"reconnect_timeout={shown(self.reconnect_timeout)}: give seconds, at least 0"
            )
        for name in ("acquire_timeout", "idle_lifetime", "max_lifetime", "leak_threshold"):
            if getattr(self, name) is not None:
                check_seconds(name, getattr(self, name), ", or None")
