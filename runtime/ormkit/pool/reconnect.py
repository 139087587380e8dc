"""The time in which a server refuses connections: since when, and when to ask again."""

from __future__ import annotations

import random
import ssl
import time

from ..errors import OperationalError

#: SQLSTATEs that the server answers again: no such account, password or database; no privilege.
FINAL = ("28", "3D", "42")
#: What the driver says of a server that refuses TLS, in an error of no class of its own.
NO_TLS = "rejected SSL upgrade"
#: Seconds before the second attempt and, after doubling, at most between two.
FIRST_DELAY = 0.02
LONGEST_DELAY = 0.5


class Outage:
    """What is known of the present outage; `error` is None where there is none."""

    __slots__ = ("_attempts", "_since", "error")

    def __init__(self) -> None:
        self.end()

    def end(self) -> None:
        """Forget it: the server answered, or nobody asks any more."""
        self.error: BaseException | None = None
        self._attempts = 0
        self._since = 0.0

    def note(self, error: BaseException) -> float:
        """Take note of a refused connection; return the seconds to wait before the next attempt.

        They double, and a part of them is random, so that many pools do not ask as one.
        """
        if self.error is None:
            self._since = time.monotonic()
        self.error = error
        delay = min(FIRST_DELAY * 2.0**self._attempts, LONGEST_DELAY)
        self._attempts += 1
        return delay * random.uniform(0.5, 1)

    @property
    def seconds(self) -> float:
        """How long it has lasted."""
        return time.monotonic() - self._since if self.error else 0.0

    @property
    def may_pass(self) -> bool:
        """True where waiting may help; False for a wrong password, database or certificate, for a
        server without the TLS that is asked for, and for what it refuses by privilege.
        """
        error = self.error
        if not isinstance(error, OperationalError) or isinstance(error.__cause__, ssl.SSLError):
            return False
        if NO_TLS in str(error):
            return False
        return not (error.sqlstate or "").startswith(FINAL)
