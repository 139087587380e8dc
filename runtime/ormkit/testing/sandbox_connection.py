"""A connection that stays in one transaction, which nobody commits.

The application's transactions are savepoints in it. BEGIN, COMMIT and ROLLBACK of the application
become statements about one savepoint, so that everything above the connection works as it does in
production: errors, events, the unit of work and after_commit().
"""

from __future__ import annotations

import re
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    Awaitable,
    Callable,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from ..driver.command import Command
from ..driver.connection import Connection
from ..driver.copy_rows import Copied
from ..driver.errors import IN_FAILED_TRANSACTION
from ..driver.reset import reset_session
from ..errors import ConnectionLost, DatabaseError, UsageError
from ..events.event import first_word
from ..events.observed import CONTROL, OBSERVED, ObservedConnection
from ..events.recorder import told
from ..postgres.values import Record
from ..statements.statement import Statement
from ..transactions.options import SET_ALL

SAVEPOINT = "SAVEPOINT ormkit_sandbox"
RENEW = f"RELEASE ormkit_sandbox; {SAVEPOINT}"
UNDO = "ROLLBACK TO ormkit_sandbox"
#: SQLSTATEs of statements that PostgreSQL refuses within a transaction, such as VACUUM.
NEEDS_NO_TRANSACTION = ("25001", "2D000")
#: What the application may ask BEGIN for, and cannot have within a transaction that has begun.
ISOLATION = re.compile(r"ISOLATION LEVEL (SERIALIZABLE|REPEATABLE READ)")
READ_SETTINGS = "SELECT name, current_setting(name, true) FROM unnest($1::text[]) AS given (name)"

ADVICE = 'mark the test with @pytest.mark.ormkit(isolation="database")'


@dataclass(slots=True)
class Sandbox:
    """What is known of the transaction around the application's work."""

    #: Makes the constraints deferred again that are so by themselves; empty if there are none.
    deferring: str = ""
    has_begun: bool = False
    #: True while nothing has changed since the savepoint.
    is_clean: bool = True
    #: True while a transaction of the application is open.
    is_open: bool = False
    #: True once more has run than generated statements, so that a rollback may leave something.
    is_altered: bool = False
    #: True once a statement was interrupted: the driver may have bound itself to the event loop.
    is_worn: bool = False
    #: The parameters that the application's transaction has set, with their former values.
    settings: dict[str, str] = field(default_factory=dict[str, str])


class SandboxConnection(Connection):
    """A connection whose transactions are savepoints of one that is rolled back."""

    __slots__ = ()

    async def run(
        self,
        command: Command,
        args: Sequence[Any] = (),
        timeout: float | None = None,
        *,
        is_many: bool = False,
    ) -> tuple[list[Record], bytes | None]:
        """Run one statement; outside a block of the application as a transaction of its own."""
        async with self._alone(is_read=is_read(command)):
            if command.sql == SET_ALL:
                await self._keep_settings(args[0])
            return await super().run(command, args, timeout, is_many=is_many)

    async def introspect(self, sql: str, *args: object) -> Record:
        """Return the single row of a catalog query."""
        async with self._alone(is_read=True):
            return await super().introspect(sql, *args)

    async def copy_in(self, cells: Copied, records: Iterable[Any] | AsyncIterable[Any]) -> int:
        """Insert rows with COPY."""
        async with self._alone():
            return await super().copy_in(cells, records)

    async def copy_out(
        self,
        query: str,
        write: Callable[[bytes], Awaitable[object]],
        *,
        is_raw: bool,
        options: Mapping[str, object],
    ) -> int:
        """Export the rows of a query with COPY."""
        async with self._alone():
            return await super().copy_out(query, write, is_raw=is_raw, options=options)

    async def _chunks(
        self, command: Command, args: Sequence[object], chunk: int
    ) -> AsyncGenerator[list[Record], None]:
        if not self.sandbox.is_open:
            await self.renew()
            # The next statement sets a new savepoint: to roll back to this one closes the stream.
            self.sandbox.is_clean = False
        async for records in super()._chunks(command, args, chunk):
            yield records

    async def script(self, sql: str, timeout: float | None = None) -> str:
        """Run statements without parameters, or what stands for BEGIN, COMMIT and ROLLBACK."""
        word = first_word(sql)
        if word == "BEGIN" and ";" in sql:
            # create_all() sends its transaction as one text.
            sql = sql.partition(";")[2].strip().removesuffix("COMMIT;")
            self.sandbox.is_altered = True
        elif word == "BEGIN":
            return await self._begin(sql)
        elif word == "COMMIT":
            return await self._commit()
        elif sql == "ROLLBACK":
            await self._roll_back()
            return sql
        elif word not in CONTROL:
            self.sandbox.is_altered = True
        async with self._alone():
            return await super().script(sql, timeout)

    def mark_dirty(self) -> None:
        """Record that the session state may be dirty, for example after raw SQL."""
        super().mark_dirty()
        self.sandbox.is_altered = True

    def mark_cut(self) -> None:
        """Record that a statement was interrupted, so that the server may still run it."""
        super().mark_cut()
        self.sandbox.is_worn = True

    async def returns_rows(self, sql: str) -> bool:
        """Return whether the statement has result columns."""
        async with self._alone(is_read=True):
            return await super().returns_rows(sql)

    async def supports(self, sql: str) -> bool:
        """Return whether the server can prepare the statement."""
        async with self._alone(is_read=True):
            return await super().supports(sql)

    @property
    def in_transaction(self) -> bool:
        """True while a transaction of the application is open."""
        return self.sandbox.is_open and self.wire.is_in_transaction()

    @property
    def is_reusable(self) -> bool:
        """True if it is open and clean, and the application has no transaction open."""
        return not (self._is_dirty or self.sandbox.is_open) and self.wire.is_connected()

    async def reset(self) -> None:
        """Restore the session state, and undo what a transaction has left open."""
        if self._is_cut:
            with suppress(DatabaseError):
                await Connection.script(self, "SELECT")
        if self._is_cut or self.sandbox.is_open:
            await self._roll_back()
        else:
            await self.renew()
        self.prepared.enter(None)
        if not await reset_session(self._raw, len(self.prepared), keeps_cursors=True):
            await Connection.script(self, "DEALLOCATE ALL")
            await self.forget_server_statements()
        if self._init is not None:
            await self._init(self)
        self._mark_clean()

    @asynccontextmanager
    async def _alone(self, *, is_read: bool = False) -> AsyncGenerator[None]:
        """Do what the block does as a transaction of its own, unless one is open.

        is_read: whether it changes nothing, so that the savepoint serves the next one too.
        """
        sandbox: Sandbox = self.sandbox
        if sandbox.is_open:
            yield
            return
        await self.renew()
        sandbox.is_clean = is_read
        try:
            yield
            if not is_read and sandbox.deferring:
                await Connection.script(self, self._checking)
        except Exception as error:
            if getattr(error, "sqlstate", None) in NEEDS_NO_TRANSACTION:
                error.add_note(f"the test runs in a transaction that is rolled back: {ADVICE}")
            # After an interruption, the reset waits for the statement's end first.
            if not (self.is_closed or self._is_cut):
                await self._roll_back()
            raise

    @property
    def _checking(self) -> str:
        """What checks the deferred constraints, as a COMMIT does."""
        return f"SET CONSTRAINTS ALL IMMEDIATE{self.sandbox.deferring}"

    async def renew(self) -> None:
        """Set a savepoint that nothing has followed yet."""
        sandbox: Sandbox = self.sandbox
        if not sandbox.has_begun:
            await Connection.script(self, f"BEGIN; {SAVEPOINT}")
            sandbox.has_begun = True
        elif not sandbox.is_clean:
            await Connection.script(self, RENEW)
        sandbox.is_clean = True

    async def _begin(self, sql: str) -> str:
        if found := ISOLATION.search(sql):
            raise UsageError(
                f"a test that is rolled back has one transaction, which is not {found[1]}: {ADVICE}"
            )
        await self.renew()
        sandbox: Sandbox = self.sandbox
        sandbox.is_open, sandbox.is_clean = True, False
        if "READ ONLY" in sql:
            await Connection.script(self, "SET TRANSACTION READ ONLY")
        return "BEGIN"

    async def _commit(self) -> str:
        sandbox: Sandbox = self.sandbox
        try:
            await Connection.script(self, self._checking)
        except ConnectionLost:
            raise
        except DatabaseError as error:
            await self._roll_back()
            if error.sqlstate == IN_FAILED_TRANSACTION:
                return "ROLLBACK"
            raise
        sandbox.is_open = False
        if sandbox.settings:
            names, values = list(sandbox.settings), list(sandbox.settings.values())
            sandbox.settings.clear()
            await Connection.run(self, Command(SET_ALL), [names, values])
        return "COMMIT"

    async def _roll_back(self) -> None:
        """Undo everything since the savepoint; the savepoint stays."""
        sandbox: Sandbox = self.sandbox
        sandbox.is_open = False
        sandbox.settings.clear()
        if sandbox.has_begun:
            await Connection.script(self, UNDO)
            sandbox.is_clean = True

    async def _keep_settings(self, names: Sequence[str]) -> None:
        """Note what the parameters are, for the end of the application's transaction."""
        rows, _ = await Connection.run(self, Command(READ_SETTINGS), [list(names)])
        for name, value in rows:
            self.sandbox.settings.setdefault(name, value or "")


class ObservedSandboxConnection(ObservedConnection, SandboxConnection):
    """A connection of a sandbox that tells the engine's listeners of what it sends."""

    __slots__ = ()

    run = told(SandboxConnection)


OBSERVED[SandboxConnection] = ObservedSandboxConnection


def is_read(command: Command) -> bool:
    """Return whether a statement is known to change nothing."""
    return isinstance(command, Statement) and command.read is not None
