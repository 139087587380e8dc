"""Makes an engine a sandbox: everything that it does is rolled back at its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import TYPE_CHECKING, Any

from ..driver.connection import Connection
from ..errors import UsageError
from ..pool.pool import Pool
from ..postgres.values import Record
from ..statements.executor import Executor, Values
from ..statements.pool_executor import PoolExecutor
from .sandbox_connection import ADVICE, Sandbox, SandboxConnection

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

    #: Makes the constraints deferred again that are so by themselves.
    deferring = ""

    def begin(self, deferred: Sequence[str]) -> None:
        """Make the connection that is open already one of the sandbox, and each that follows."""
        if deferred:
            self.deferring = f"; SET CONSTRAINTS {', '.join(deferred)} DEFERRED"
        if self.listeners:
            self._observe(False)
        for connection in self._opened_at:
            self._adopt(connection)
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

    def _adopt(self, connection: Connection) -> None:
        connection.sandbox = Sandbox(self.deferring)
        connection.__class__ = SandboxConnection

    def _register(self, connection: Connection) -> None:
        self._adopt(connection)
        super()._register(connection)

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


def enter_sandbox(engine: Engine, deferred: Sequence[str] = ()) -> None:
    """Make an engine a sandbox, which was opened with SANDBOX_OPTIONS.

    Its pool and its executor get other classes, as connections do while somebody listens to them.
    So engines that are no sandbox run the same code as if there were none.

    deferred: the constraints of the database that are initially deferred, quoted.
    """
    pool: Any = engine.pool
    pool.__class__ = SandboxPool
    pool.begin(deferred)
    engine.executor().__class__ = SandboxExecutor
