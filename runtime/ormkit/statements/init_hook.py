"""The init hook: what an application runs on each new connection before its first use."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from ..driver.connection import Connection
from ..errors import ConfigurationError, ConnectionFailed, UsageError
from ..postgres.several import Listed
from .async_callback import awaitable
from .raw_sql import check_lasting, check_statement, run
from .result import Result


class NewConnection:
    """The argument of an engine's `init`: a new connection, for raw SQL before its first use."""

    def __init__(self, connection: Connection) -> None:
        self._connection: Connection | None = connection

    async def execute(self, sql: str, params: Listed[object] = ()) -> Result:
        """Run one SQL statement with the parameters $1, $2 ... in order.

        Raises UsageError for SQL that cannot run as one statement, and after init has ended.
        """
        check_lasting(sql, check_statement(sql, params))
        if self._connection is None:
            raise UsageError("init has ended: its connection belongs to the pool now")
        return await run(self._connection, sql, params)

    def end(self) -> None:
        """Refuse any further statement."""
        self._connection = None


Init = Callable[[NewConnection], Awaitable[object]]


def initializer(init: Init, timeout: float | None) -> Callable[[Connection], Awaitable[None]]:
    """Return a function that runs `init` on a connection.

    timeout: the most seconds it may take, None for no limit; then it raises ConnectionFailed.
    """

    async def initialize(connection: Connection) -> None:
        new = NewConnection(connection)
        limit = asyncio.timeout(timeout)
        try:
            async with limit:
                await init_of(new, init)
        except TimeoutError:
            if not limit.expired():
                raise
            raise ConnectionFailed(
                f"init took longer than connect_timeout, {timeout} s: the connection was closed"
            ) from None
        finally:
            new.end()

    return initialize


async def init_of(connection: NewConnection, init: Init) -> None:
    """Await what `init` returns; raises ConfigurationError for a function that is not async."""
    await awaitable(
        init(connection), "create_engine(init=...)", "a new connection", ConfigurationError
    )
