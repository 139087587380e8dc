"""Answers whose start is held back until the first part of their body is there.

A streamed body runs after the transaction of its request has ended. A server sends the status
before it asks for the body: then an error in the body can only break the connection. With the
start held back, an error before the first part becomes an answer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from ..errors import OrmKitError, TransactionClosed, UsageError

IN_BODY = (
    "the transaction of TransactionDep ends before the answer is sent, so that its commit can "
    "still change the answer; a streamed body and background tasks run after that: take "
    "SessionDep there, and begin transactions with `async with session.begin():`"
)
YIELDING = (
    "a route that yields its answer runs after the transaction of TransactionDep has ended: take "
    "SessionDep, and begin transactions with `async with session.begin():`"
)
IN_SOCKET = (
    "a WebSocket route cannot take TransactionDep: the transaction would last as long as the "
    "client stays, and roll back when it leaves; take SessionDep, and begin a transaction for "
    "each message with `async with session.begin():`"
)


class HeldAnswer:
    """What a request sends; holds back the start of an answer to a request with a transaction."""

    def __init__(self, send: Callable[[Any], Awaitable[None]]) -> None:
        """Take what sends the messages of ASGI."""
        self._send = send
        self._start: Any = None
        #: True where the request has a transaction, which ends before the answer is sent.
        self.has_transaction = False
        #: True once the start of an answer was sent, which nothing can change any more.
        self.is_sent = False

    async def send(self, message: Any) -> None:
        """Send a message, after the start that is held back."""
        if self.has_transaction and message["type"] == "http.response.start":
            self._start = message
            return
        await self.release()
        self.is_sent = True
        await self._send(message)

    async def complete(
        self, work: Awaitable[None], answer: Callable[[OrmKitError], Awaitable[None]]
    ) -> None:
        """Wait until the application has sent its answer, and send what is held back of it.

        answer: sends another answer in its place, if the application raised one of OrmKit's errors
            before anything was sent.
        """
        try:
            await work
        except Exception as error:
            found = self._error_of(error)
            if found is None:
                raise
            self.discard()
            await answer(found)
        await self.release()

    async def release(self) -> None:
        """Send the start of the answer that is held back, if there is one."""
        if self._start is not None:
            start, self._start = self._start, None
            self.is_sent = True
            await self._send(start)

    def discard(self) -> None:
        """Forget the start of the answer: another answer is sent in its place."""
        self._start = None
        self.has_transaction = False

    def _error_of(self, error: Exception) -> OrmKitError | None:
        """Return OrmKit's error in what the body raised before a part of it was sent, or None.

        Raises TransactionClosed for one after that, because nothing can be answered any more.
        """
        found = ormkit_error(error) if self.has_transaction else None
        if isinstance(found, TransactionClosed):
            found = TransactionClosed(IN_BODY)
            found.__cause__ = error
        if not self.is_sent:
            return found
        if isinstance(found, TransactionClosed):
            raise found
        return None


def ormkit_error(error: BaseException | None) -> OrmKitError | None:
    """Return the error of OrmKit that a framework has wrapped, or None if it wraps another one."""
    seen: set[int] = set()
    while error is not None and not isinstance(error, OrmKitError) and id(error) not in seen:
        seen.add(id(error))
        several = members(error)
        error = several[0] if len(several) == 1 else error.__cause__
    return error if isinstance(error, OrmKitError) else None


def members(error: BaseException) -> Sequence[BaseException]:
    """Return the errors of a group; nothing for an error that is none."""
    found: Any = error
    return found.exceptions if isinstance(error, BaseExceptionGroup) else ()


def check_scope(scope: Any, is_yielding: bool) -> None:
    """Raise UsageError where a transaction that ends before the answer is of no use."""
    if scope["type"] == "websocket":
        raise UsageError(IN_SOCKET)
    if is_yielding:
        raise UsageError(YIELDING)
