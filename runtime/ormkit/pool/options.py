"""Options of the pool: how many connections it keeps, for how long, and how long callers wait."""

from __future__ import annotations

from dataclasses import dataclass

from ..connecting.options import check_count, check_seconds, is_number
from ..errors import ConfigurationError, shown


@dataclass(frozen=True, slots=True)
class PoolOptions:
    """Sizes and times of a pool. Times are in seconds."""

    min_connections: int = 1
    max_connections: int = 10
    #: How long `acquire` waits before it raises PoolTimeout; None waits without a limit.
    acquire_timeout: float | None = 30.0
    #: A connection that is idle for longer is closed, down to min_connections; None keeps it.
    idle_lifetime: float | None = 600.0
    #: A connection that is older is replaced when it is returned; None keeps it.
    max_lifetime: float | None = 3600.0
    #: How long waiters wait while the server refuses connections.
    reconnect_timeout: float = 5.0
    #: A checkout that lasts longer is logged with its stack; None logs none.
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
