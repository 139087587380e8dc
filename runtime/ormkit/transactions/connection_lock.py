"""The lock of a transaction's connection, which tasks take one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from ..driver.connection import Connection
from ..errors import TransactionFailed

#: Seconds that ROLLBACK may take before the connection is closed, which undoes everything.
UNDO_TIMEOUT = 5.0


class ConnectionLock(asyncio.Lock):
    """Lets one task at a time use the connection of a transaction."""

    #: True once a task was cancelled while it held the lock or waited for it. Its work may be half
    #: done, which the server cannot know where a statement came to its end first.
    was_interrupted = False

    @asynccontextmanager
    async def for_rollback(self, connection: Connection) -> AsyncGenerator[None]:
        """Hold the lock for a ROLLBACK; close the connection where a dead network never answers."""
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
        """Note the error that ended the work of a task, or its wait for the lock."""
        self.was_interrupted |= not isinstance(error, Exception)


def interrupted() -> TransactionFailed:
    """Return the error for a transaction that goes on after one of its calls was interrupted."""
    return TransactionFailed(
        "nothing was committed: a call in the transaction was cancelled or timed out, so that it "
        "may be half done, and the block went on; use a nested begin() around what may be cut short"
    )
