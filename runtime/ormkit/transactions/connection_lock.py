"""Whose turn it is on the connection of a transaction, and whether one of them was cut short."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from ..driver.connection import Connection
from ..errors import TransactionFailed

#: Seconds that undoing may take before the connection is closed, which undoes everything.
UNDO_TIMEOUT = 5.0


class Turn(asyncio.Lock):
    """Serves the tasks of one transaction one after the other."""

    #: True once a task was cancelled in its turn or in line for it. What it was at may be half
    #: done, which the server cannot know where it came to the end of a statement first.
    is_cut = False

    @asynccontextmanager
    async def undoing(self, connection: Connection) -> AsyncGenerator[None]:
        """Take a turn for ROLLBACK, which a network that is dead never answers."""
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
        """Take note of what ended a turn, or the wait for it."""
        self.is_cut |= not isinstance(error, Exception)


def cut_short() -> TransactionFailed:
    """Return the error for a transaction that goes on after a turn was cut short."""
    return TransactionFailed(
        "nothing was committed: a call in the transaction was cancelled or timed out, so that it "
        "may be half done, and the block went on; use a nested begin() around what may be cut short"
    )
