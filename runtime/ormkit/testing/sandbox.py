"""Makes an engine a sandbox: everything that it does is rolled back at its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from ..driver.affinity import running_loop
from ..driver.connection import Connection
from ..errors import UsageError
from ..events.observed import leave
from ..pool.pool import Pool
from ..postgres.values import Record
from ..statements.executor import Executor, Values
from ..statements.pool_executor import PoolExecutor
from .kept_connection import KeptConnection, adopt
from .sandbox_connection import ADVICE

if TYPE_CHECKING:
    from ..engine import Engine
    from ..statements.statement import Statement

#: What an engine is opened with to become a sandbox: it opens its one connection when it needs it.
SANDBOX_OPTIONS: dict[str, Any] = {
    "min_connections": 0,
    "max_connections": 1,
    "idle_lifetime": None,
    "max_lifetime": None,
}


class SandboxPool(Pool):
    """A pool with one connection, whose users take turns."""

    _kept: KeptConnection | None
    _engine_options: Mapping[str, Any]

    def begin(
        self, deferred: Sequence[str], kept: KeptConnection | None, options: Mapping[str, Any]
    ) -> None:
        """Make the connection that is open already one of the sandbox, and each that follows."""
        self._deferring = f"; SET CONSTRAINTS {', '.join(deferred)} DEFERRED" if deferred else ""
        self._kept, self._engine_options = kept, options
        if kept is not None:
            self._connect = partial(kept.open, options, self._deferring, self._connect)
        if self.listeners:
            self._observe(False)
        for connection in self._opened_at:
            adopt(connection, self._deferring)
        if self.listeners:
            self._observe(True)

    async def acquire(self) -> Connection:
        """Check out the connection; wait while another task holds it.

        Raises UsageError if the task holds it itself, and if it was lost.
        """
        task = asyncio.current_task()
        if any(holder is task for holder, _ in self._active.values()):
            raise UsageError(
                "the test needs a second connection while its only one is in use, as a statement "
                "of another session does within a transaction: use the transaction for it, or "
                f"{ADVICE}"
            )
        if self._has_lost:
            raise UsageError(
                "the connection of the test was closed, and with it went the transaction that is "
                f"rolled back: {ADVICE}"
            )
        return await super().acquire()

    @property
    def _has_lost(self) -> bool:
        return self._counts["opened"] > 0 and not self._opened_at

    def _register(self, connection: Connection) -> None:
        if connection.sandbox is None:
            adopt(connection, self._deferring)
        super()._register(connection)

    async def open_apart(self) -> NoReturn:
        """Raise UsageError: what another connection commits would be there for all tests."""
        raise UsageError(
            f"it needs a connection of its own, whose work is not rolled back: {ADVICE}"
        )

    async def close(self) -> None:
        """Roll back, and keep the connection for the next test."""
        try:
            kept = self._kept
            if kept is not None and running_loop() is self.origin.loop and not self.is_closed:
                await self._keep(kept)
        finally:
            await super().close()

    async def _keep(self, kept: KeptConnection) -> None:
        while self._tasks:
            await asyncio.wait(self._tasks)
        connection = self._idle[0][0] if self._idle else None
        if connection is not None and kept.takes(connection, self._engine_options):
            self._idle.clear()
            if self.listeners:
                self._tell("closed", connection)
                leave(connection)
            self._counts["closed"] += 1
            del self._opened_at[connection]
            await kept.keep(connection, self._engine_options)

    def _open_missing(self) -> None:
        # Another connection would not see what this one has written.
        if not self._counts["opened"]:
            super()._open_missing()


class SandboxExecutor(PoolExecutor):
    """Runs statements outside of transactions."""

    async def stream(
        self, statement: Statement, values: Values, chunk: int
    ) -> AsyncGenerator[tuple[Executor, list[Record]], None]:
        """Yield the rows of the statement in chunks, between which other statements may run."""

        async def begun(connection: Connection) -> AsyncGenerator[list[Record], None]:
            return connection.stream(statement, values, chunk)

        async def following(connection: Connection) -> list[Record] | None:
            try:
                return await anext(records, None)
            except Exception:
                if not (connection.is_closed or connection.is_cut):
                    await connection.script("ROLLBACK")
                raise

        records = await self.use(begun)
        try:
            while (found := await self.use(following)) is not None:
                yield self, found
        finally:
            await records.aclose()


def enter_sandbox(
    engine: Engine,
    deferred: Sequence[str] = (),
    kept: KeptConnection | None = None,
    options: Mapping[str, Any] = SANDBOX_OPTIONS,
) -> None:
    """Make an engine a sandbox, which was opened with SANDBOX_OPTIONS.

    Its pool and its executor get other classes, as connections do while somebody listens to them.
    So engines that are no sandbox run the same code as if there were none.

    deferred: the constraints of the database that are initially deferred, quoted.
    kept: holds the connection before the engine, and afterwards.
    options: what the engine was opened with.
    """
    pool: Any = engine.pool
    pool.__class__ = SandboxPool
    pool.begin(deferred, kept, options)
    engine.executor().__class__ = SandboxExecutor
