"""The connection that runs migrations: its settings, and the lock that it holds.

The lock is a session-level advisory lock, and it is polled. PostgreSQL's CREATE INDEX CONCURRENTLY
waits for the end of every transaction that is older, and a runner that waited within
pg_advisory_lock() would be one.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import secrets
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from ..driver.connection import Connection
from ..errors import ConnectionLost, DatabaseError, MigrationError, QueryCanceled
from ..postgres.identifiers import quote
from .options import Options
from .progress import Progress, Report
from .state import LEASE, StateTables

if TYPE_CHECKING:
    from ..engine import Engine

APPLICATION = "ormkit migrate"
#: What holds for each step, whatever the server, the role or the step before has set. Constants and
#: names mean what they meant on the shadow server. The runner's own limit ends a wait for a lock.
SESSION = """
RESET SESSION AUTHORIZATION; RESET ALL; {role};
SET search_path = public; SET TimeZone = 'UTC'; SET DateStyle = 'ISO, MDY';
SET IntervalStyle = 'postgres'; SET standard_conforming_strings = on; SET row_security = on;
SET default_transaction_isolation = 'read committed'; SET default_transaction_read_only = off;
SET default_transaction_deferrable = off; SET default_table_access_method = heap;
SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET lock_timeout = {limit};
SET client_min_messages = warning; SET application_name = '{application}'
"""
#: Errors of prepared statements that another backend got than the one that runs them.
POOLED_STATEMENT = ("26000", "42P05")
#: SQLSTATEs of SET ROLE: a role that is not there, and one of which the other is no member.
NO_ROLE, NO_MEMBER = "22023", "42501"
HOLDER = """
SELECT a.pid, coalesce(a.usename, ''), coalesce(a.application_name, ''), coalesce(a.state, ''),
    left(coalesce(a.query, ''), 120)
FROM pg_locks k JOIN pg_stat_activity a USING (pid)
WHERE k.locktype = 'advisory' AND k.granted AND k.objsubid = 1
    AND k.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND ((k.classid::bigint << 32) | k.objid::bigint) = $1
"""
LEASED = """
SELECT token, client, coalesce(migration, ''), coalesce(step, 0),
    extract(epoch FROM clock_timestamp() - since)::float8
FROM {schema}.lease WHERE pid = $1
"""
#: Seconds between two attempts to get the lock: from the first to the most.
FIRST_POLL, LONGEST_POLL = 0.1, 1.0
#: Seconds in which a backend says its number, which takes it no work.
ANSWERS_WITHIN = 10.0
#: Seconds between two reports of a wait.
REPORTED_EVERY = 5.0


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds the lock of the migrations."""

    pid: int
    role: str
    application: str
    state: str
    query: str
    token: str = ""
    #: The host and the process of the program.
    client: str = ""
    #: What it runs, and for how many seconds.
    migration: str = ""
    step: int = 0
    seconds: float = 0.0

    def __str__(self) -> str:
        where = f"{self.client} " if self.client else ""
        does = f"{self.migration}, step {self.step}, " if self.migration else ""
        since = f"for {self.seconds:.0f} s" if self.client else self.state
        return (
            f"{where}(process {self.pid} of {self.role or 'the server'}), which runs {does}{since}"
        )


def lock_key(schema: str) -> int:
    """Return the key of the lock of the migrations whose state is in a schema."""
    digest = hashlib.sha256(f"ormkit.migrations:{schema}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


class Backend:
    """A connection for migrations alone, apart from the engine's pool."""

    def __init__(self, connection: Connection, options: Options, token: str) -> None:
        self.connection = connection
        self.options = options
        #: What names the run in the lease, over connections that broke.
        self.token = token
        self.tables = StateTables(options.schema)
        #: The process of the server.
        self.pid = 0
        self._client = f"{socket.gethostname()}:{os.getpid()}"

    @classmethod
    async def open(cls, engine: Engine, options: Options, token: str = "") -> Self:
        """Connect, and refuse what has no backend of its own.

        Raises:
            MigrationError: Statements go to one backend and then to another, as behind a pooler of
                transactions, or the role cannot be set.
        """
        connection = await engine.pool.open_apart()
        backend = cls(connection, options, token or secrets.token_hex(8))
        try:
            await backend._find_itself(engine)
            await backend.settle()
        except BaseException:
            await backend.close()
            raise
        return backend

    async def close(self) -> None:
        """Close the connection, and thereby give the lock back."""
        try:
            await self.connection.close(timeout=5)
        except Exception:
            self.connection.terminate()

    async def settle(self) -> None:
        """Set what holds for a step, whatever the one before has set."""
        role = self.options.role
        limit = f"'{round(self.options.lock_timeout * 1000)}ms'"
        chosen = f"SET ROLE {quote(role)}" if role else "RESET ROLE"
        sql = SESSION.format(role=chosen, limit=limit, application=APPLICATION)
        try:
            await self.connection.script(sql)
        except DatabaseError as error:
            if role is None or error.sqlstate not in (NO_ROLE, NO_MEMBER):
                raise
            raise MigrationError(wrong_role(role, error), code="wrong-role") from error

    async def _find_itself(self, engine: Engine) -> None:
        """Learn the process of the server; refuse a pooler that gives each transaction another."""
        try:
            self.pid = await own_pid(self.connection)
            pids = {self.pid, await own_pid(self.connection)}
            if self.pid != self.connection.backend:
                # Some pooler is in between. One that lends a backend for a session keeps it while
                # another client works; one that lends it for a transaction gives it away.
                pids |= await self._pids_beside(engine)
        except DatabaseError as error:
            if error.sqlstate not in POOLED_STATEMENT:
                raise
            raise pooled() from error
        if len(pids) > 1:
            raise pooled()

    async def _pids_beside(self, engine: Engine) -> set[int]:
        """Return the processes that answer while another connection is in a transaction."""
        try:
            other = await engine.pool.open_apart()
        except DatabaseError:
            # The pooler has no backend for another session: it lends them for sessions.
            return set()
        try:
            await other.script("BEGIN")
            taken = await own_pid(other)
            found = {await own_pid(self.connection) for _ in range(3)}
        except QueryCanceled:
            # The other one's transaction has the only backend.
            return {0}
        finally:
            other.terminate()
        return found | ({0} if taken == self.pid else set())

    async def lock(self, report: Report) -> None:
        """Wait until no other run of migrations holds the lock, and take it.

        Raises:
            MigrationError: Another one held it for longer than `wait`, or the server is a standby.
        """
        await self._check_writable()
        began = reported = time.monotonic()
        poll = FIRST_POLL
        is_first = True
        while not await self._try_lock():
            now = time.monotonic()
            waited = now - began
            if is_first or now - reported >= REPORTED_EVERY:
                is_first, reported = False, now
                text = self._described(await self.holder())
                report(Progress(what="waiting", text=text, seconds=waited))
            if self.options.wait is not None and waited >= self.options.wait:
                text = self._described(await self.holder())
                raise MigrationError(
                    f"another run of migrations did not end within {self.options.wait} s: {text}; "
                    "see `ormkit migrate status`, and wait for longer, or end that process",
                    code="locked",
                )
            await asyncio.sleep(poll * random.uniform(0.5, 1.5))
            poll = min(poll * 1.5, LONGEST_POLL)

    async def _check_writable(self) -> None:
        (row,) = await self.connection.fetch("SELECT pg_is_in_recovery()")
        if row[0]:
            raise MigrationError(
                "the server is a standby, which can only be read: give the URL of the primary "
                "server, from which the standby gets what migrations do",
                code="standby",
            )

    async def _try_lock(self) -> bool:
        key = lock_key(self.options.schema)
        (row,) = await self.connection.fetch("SELECT pg_try_advisory_lock($1::bigint)", [key])
        return bool(row[0])

    async def check_lock(self) -> None:
        """Raise ConnectionLost unless the connection has the backend, and the backend the lock."""
        holder = await self.holder()
        if holder is None or await own_pid(self.connection) != holder.pid:
            self.connection.terminate()
            raise ConnectionLost("the connection has lost the lock of the migrations")

    async def holder(self) -> Holder | None:
        """Return who holds the lock, this connection or another one; None if nobody does."""
        return await lock_holder(self.connection, self.tables)

    def _described(self, holder: Holder | None) -> str:
        if holder is None:
            return "another run of migrations"
        if holder.token == self.token:
            return f"the end of this run's own connection that broke: {holder}"
        return f"another run of migrations: {holder}"

    async def lease(self, migration: str | None = None, step: int | None = None) -> None:
        """Say who holds the lock and what it runs."""
        args = [self.token, self._client, migration, step]
        await self.connection.fetch(self.tables.sql(LEASE), args)


def wrong_role(role: str, error: DatabaseError) -> str:
    """Return what is wrong with a role that cannot be set."""
    if error.sqlstate == NO_ROLE:
        return f"there is no role {quote(role)} on the server: give the name of one that is there"
    return (
        f"the role of the connection is no member of {quote(role)}, and cannot act as it: as a "
        f"superuser, run GRANT {quote(role)} TO the role of the connection"
    )


async def own_pid(connection: Connection) -> int:
    """Return the process of the server that answers."""
    (row,) = await connection.fetch("SELECT pg_backend_pid()", timeout=ANSWERS_WITHIN)
    pid: int = row[0]
    return pid


async def lock_holder(connection: Connection, tables: StateTables) -> Holder | None:
    """Return who holds the lock of the migrations, or None."""
    rows = await connection.fetch(HOLDER, [lock_key(tables.name)])
    if not rows:
        return None
    holder = Holder(*rows[0])
    if await tables.exist(connection):
        leased = await connection.fetch(tables.sql(LEASED), [holder.pid])
        if leased:
            return Holder(*rows[0], *leased[0])
    return holder


def pooled() -> MigrationError:
    """Return the error for a connection through a pooler of transactions."""
    return MigrationError(
        "the connection goes through a pooler that gives each transaction another backend, such as "
        "PgBouncer with pool_mode = transaction, and migrations need one backend for their lock: "
        "give the URL of the server itself, or of a pool with pool_mode = session",
        code="pooled",
    )
