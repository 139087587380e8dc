"""The transaction of a request whose framework opens it in a task of its own."""

from __future__ import annotations

from typing import Self

from ..session import AsyncSession
from ..transactions.options import DEFAULTS
from ..transactions.transaction import Transaction, innermost


class RequestTransaction(Transaction):
    """A transaction that its session knows in all tasks of a request.

    A transaction is usually known to the task that opens it, and to those that this task starts.
    This one is announced before: the tasks that start after that know it once it is open.
    """

    def __init__(self, session: AsyncSession) -> None:
        """Announce a transaction of the session to the current context."""
        super().__init__(session, session.engine.pool, session.counts, DEFAULTS)
        self._is_entered = self._has_left = False
        self._around = innermost.get()
        self.enclosing = self._around
        innermost.set(self)

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        # It has found itself around, because it was announced.
        self.enclosing = self._around
        self._is_entered = True
        return self

    async def end(self, error: BaseException | None = None) -> None:
        """Commit, or roll back if there is an error; do nothing if it is not open."""
        if self._is_entered and not self._has_left:
            self._has_left = True
            await self.__aexit__(type(error) if error is not None else None, error, None)

    @property
    def is_over(self) -> bool:
        """True before this transaction is open, and once it or an enclosing one has ended."""
        return not self._is_entered or super().is_over
