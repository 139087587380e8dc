"""The connection of tests that are rolled back, which each test leaves to the next one.

A connection takes longer to open than most tests run. What a test has done to it is undone first:
where the test ran generated statements only, the rollback does that; otherwise a reset as between
two users of a pool follows, and the prepared statements go too. A connection of which that is not
known to be enough is closed, and the next test opens another one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

from ..driver.affinity import abandon_after_fork
from ..driver.connection import Connection
from ..errors import DatabaseError, UsageError
from .portable_loop import PortableTransport, opened_portably
from .sandbox_connection import Sandbox, SandboxConnection

#: Opens a new connection.
Opening = Callable[[], Coroutine[Any, Any, Connection]]


class KeptConnection:
    """Holds a connection between two tests, outside of transactions and event loops."""

    def __init__(self, admit: Callable[[bool], Awaitable[None]] | None = None) -> None:
        """Hold no connection yet.

        admit: has the database take connections, or refuse them, as it does in the beginning. What
            another connection commits would stay for the tests that follow.
        """
        self._admit = admit
        self._connection: Connection | None = None
        self._options: Mapping[str, Any] = {}
        #: Whether a test has ended the transaction that was to be rolled back.
        self.is_spoilt = False
        abandon_after_fork(self)

    async def open(
        self, options: Mapping[str, Any], deferring: str, opening: Opening
    ) -> Connection:
        """Return the connection that was kept, or a new one.

        options: the engine's. A connection that was opened with others is closed.
        deferring: what makes the constraints deferred again that are so by themselves.
        """
        connection, self._connection = self._connection, None
        if connection is not None:
            adopted = adopt(connection, deferring)
            if self._options == options and await is_ready(adopted):
                return adopted
            adopted.terminate()
        if self._admit is None:
            return await opened_portably(opening)
        await self._admit(True)
        try:
            return await opened_portably(opening)
        finally:
            await self._admit(False)

    def takes(self, connection: Connection, options: Mapping[str, Any]) -> bool:
        """Return whether the connection can be kept, as the test has left it."""
        sandbox: Sandbox = connection.sandbox
        if connection.is_closed or self._connection is not None:
            return False
        if sandbox.has_begun and not connection.wire.is_in_transaction():
            self.is_spoilt = True
        transport = connection.transport
        is_portable = isinstance(transport, PortableTransport) and not transport.has_paused
        return is_portable and not (sandbox.is_worn or self.is_spoilt or options.get("init"))

    async def keep(self, connection: Connection, options: Mapping[str, Any]) -> None:
        """Undo what the test has done, and leave its event loop."""
        try:
            await undo(connection)
            await connection.transport.park()
        except BaseException:
            connection.terminate()
            raise
        self._connection, self._options = connection, dict(options)

    async def close(self) -> None:
        """Close the connection."""
        connection, self._connection = self._connection, None
        if connection is not None and await resumed(connection):
            await connection.close()

    def abandon(self) -> None:
        """Leave the connection to the process that has forked this one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.sever(UsageError("the connection belongs to another process"))


def adopt(connection: Any, deferring: str) -> SandboxConnection:
    """Make a connection one of a sandbox that has not begun."""
    connection.sandbox = Sandbox(deferring)
    connection.__class__ = SandboxConnection
    adopted: SandboxConnection = connection
    return adopted


async def resumed(connection: Connection) -> bool:
    """Enter the event loop that runs; return whether the connection is alive."""
    transport: PortableTransport = connection.transport
    if not transport.is_alive:
        connection.terminate()
        return False
    await transport.resume()
    return True


async def is_ready(connection: SandboxConnection) -> bool:
    """Begin a test on a kept connection; return whether the server has done so."""
    try:
        if is_alive := await resumed(connection):
            await connection.renew()
        return is_alive
    except DatabaseError:
        return False


async def undo(connection: Connection) -> None:
    """Undo what a test has done, within its transaction and beside it."""
    sandbox: Sandbox = connection.sandbox
    connection.__class__, connection.sandbox = Connection, None
    if not sandbox.is_altered:
        connection.enter_namespace(None)
        if sandbox.has_begun:
            await connection.script("ROLLBACK")
        return
    await connection.reset()
    # They may be about tables and types that went with the transaction.
    await connection.script("DEALLOCATE ALL")
    await connection.forget_server_statements()
    connection.facts.clear()
