"""The lock that lets one task at a time use the connection of a transaction."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from ..driver.connection import Connection
from ..errors import TransactionFailed

#: Seconds to wait for ROLLBACK. After that the connection is closed, and the server rolls back.
UNDO_TIMEOUT = 5.0


class ConnectionLock(asyncio.Lock):
    """Lets one task at a time use the connection of a transaction."""

    #: True once a task was cancelled while it held the lock or waited for it. Its work may be
    #: incomplete. The server does not know that if the last statement had already finished.
    was_interrupted = False

    @asynccontextmanager
    async def for_rollback(self, connection: Connection) -> AsyncGenerator[None]:
        """Hold the lock for a ROLLBACK; close the connection if the server does not answer."""
        limit = asyncio.timeout(UNDO_TIMEOUT)
        try:
            async with limit, self:
                yield
        except TimeoutError:
            if not limit.expired():
                raise
            connection.terminate()
        except BaseException as error:
            self.note(error)
            raise

    def note(self, error: BaseException) -> None:
        """Record whether this error interrupted a task, or its wait for the lock."""
        self.was_interrupted |= not isinstance(error, Exception)


def interrupted() -> TransactionFailed:
    """Return the error for a transaction that continues after an interrupted call."""
    return TransactionFailed(
        "the transaction was rolled back: a call in it was cancelled or timed out and may be "
        "half done, but the block continued; use a nested begin() around what may be cancelled"
    )
