"""Whose turn it is on the connection of a transaction, and whether one of them was cut short."""

from __future__ import annotations

import asyncio
from types import TracebackType

from .errors import TransactionFailed


class Turn(asyncio.Lock):
    """Serves the tasks of one transaction one after the other."""

    #: True once a task was cancelled in its turn or in line for it. What it was at may be half
    #: done, which the server cannot know where it came to the end of a statement first.
    is_cut = False

    async def __aenter__(self) -> None:
        try:
            await self.acquire()
        except BaseException:
            self.is_cut = True
            raise

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()
        if error is not None and not isinstance(error, Exception):
            self.is_cut = True

    def check(self) -> None:
        """Raise TransactionFailed where a turn was cut short since the last one was undone."""
        if self.is_cut:
            raise TransactionFailed(
                "nothing was committed: a call in the transaction was cancelled or timed out, so "
                "that it may be half done, and the block went on; use a nested begin() around "
                "what may be cut short"
            )
