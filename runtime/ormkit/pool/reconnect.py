"""Reconnecting: exponential backoff with jitter while the server refuses connections."""

from __future__ import annotations

import random
import ssl
import time

from ..errors import OperationalError

#: SQLSTATE classes for which a retry cannot help: wrong account, password or database; privileges.
FINAL_CLASSES = ("28", "3D", "42")
#: The driver's message where a server refuses TLS. The error has no class of its own.
NO_TLS = "rejected SSL upgrade"
#: The seconds before the second attempt, and the most between two attempts.
FIRST_DELAY = 0.02
LONGEST_DELAY = 0.5


class ConnectBackoff:
    """The delays between attempts to connect; `error` is the latest error, None after success."""

    __slots__ = ("_attempts", "_since", "error")

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Start over: the server accepted a connection, or nothing waits for one."""
        self.error: BaseException | None = None
        self._attempts = 0
        self._since = 0.0

    def add_failure(self, error: BaseException) -> float:
        """Record a failed attempt, and return the seconds to wait before the next one.

        The delay doubles each time. Jitter keeps many pools from connecting at the same moment.
        """
        if self.error is None:
            self._since = time.monotonic()
        self.error = error
        delay = min(FIRST_DELAY * 2.0**self._attempts, LONGEST_DELAY)
        self._attempts += 1
        return delay * random.uniform(0.5, 1)

    @property
    def seconds(self) -> float:
        """The seconds since the first failed attempt; 0 where none has failed."""
        return time.monotonic() - self._since if self.error else 0.0

    @property
    def is_retryable(self) -> bool:
        """True where a retry may succeed.

        False for a wrong password, database or certificate, for missing privileges, and for a
        server without the TLS that was asked for.
        """
        error = self.error
        if not isinstance(error, OperationalError) or isinstance(error.__cause__, ssl.SSLError):
            return False
        if NO_TLS in str(error):
            return False
        return not (error.sqlstate or "").startswith(FINAL_CLASSES)
