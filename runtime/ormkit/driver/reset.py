"""The reset: what makes a session of the server again what it was when it was opened.

It is DISCARD ALL in parts, one message to the server and one answer. Unlike DISCARD ALL it keeps
the plans and the prepared statements of the protocol, which all tasks share, gives a role back that
the connection was opened with, and sows the random numbers anew.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import Any, Self

from ..errors import DatabaseError
from .asyncpg_internals import Access
from .errors import IN_FAILED_TRANSACTION
from .open_connection import READ_NULLS, check_encoding_of
from .prepared_statements import PreparedStatements

#: Everything here is qualified: the search path may lead anywhere until RESET ALL has run.
#: RESET ROLE comes behind RESET SESSION AUTHORIZATION, which leaves no role at all, whereas the
#: server or the URL may have given one to the connection.
RESET = """\
CLOSE ALL;
RESET SESSION AUTHORIZATION;
RESET ROLE;
RESET ALL;
{read_nulls};
UNLISTEN *;
SELECT pg_catalog.pg_advisory_unlock_all(), pg_catalog.setseed({seed});
DISCARD TEMP;
DISCARD SEQUENCES;
SELECT FROM pg_catalog.pg_prepared_statement()
HAVING pg_catalog.count(*) FILTER (WHERE from_sql) = 0 AND pg_catalog.count(*) >= {prepared}"""
#: The command tag where the last statement has found the prepared statements as they were.
UNCHANGED = "SELECT 1"

#: A seed that nobody can know, for random numbers that nobody can foretell.
SEEDS = random.SystemRandom()


async def reset_session(raw: Any, prepared: int) -> bool:
    """Reset the session of a connection of asyncpg that is in no transaction.

    prepared: how many statements the protocol has prepared, at least.

    Return whether they can serve on: False where a statement of SQL has prepared others, or has
    taken some of them away, so that all must be forgotten.
    """
    # Of a message of many commands, the driver returns the last tag, which counts the rows.
    tag: str = await raw.execute(
        RESET.format(read_nulls=READ_NULLS, seed=SEEDS.uniform(-1, 1), prepared=prepared)
    )
    return tag == UNCHANGED


class ResettableSession:
    """What is known of the state of a connection's session, and how it becomes clean again."""

    __slots__ = (
        "_init",
        "_is_beyond_reset",
        "_is_cut",
        "_is_dirty",
        "_raw",
        "access",
        "prepared",
        "wire",
    )

    def __init__(self, raw: Any, access: Access, prepared: PreparedStatements) -> None:
        self._raw = raw
        self.access = access
        self.wire = access.wire
        self.prepared = prepared
        self._init: Callable[[Any], Awaitable[None]] | None = None
        self._is_dirty = False
        self._is_cut = False
        self._is_beyond_reset = False

    async def script(self, sql: str, timeout: float | None = None) -> str:
        """Run statements without parameters in one round trip; return the last command tag."""
        raise NotImplementedError

    async def close(self, timeout: float | None = None) -> None:
        """Say goodbye to the server and close."""
        raise NotImplementedError

    def terminate(self) -> None:
        """Close at once, without a word to the server."""
        raise NotImplementedError

    async def initialize(self, init: Callable[[Self], Awaitable[None]]) -> None:
        """Run this now, and again after each reset, which undoes it; close where it raises."""
        try:
            await init(self)
            check_encoding_of(self._raw)
        except BaseException:
            self.terminate()
            raise
        self._init = init
        self._mark_clean()

    @property
    def in_transaction(self) -> bool:
        """True between BEGIN and its end, also where the transaction has failed."""
        return self.wire.is_in_transaction()

    @property
    def is_reusable(self) -> bool:
        """True where it is open and the next user would find nothing of this one."""
        wire = self.wire
        return not self._is_dirty and wire.is_connected() and not wire.is_in_transaction()

    @property
    def is_cut(self) -> bool:
        """True where a statement was cut short, so that a reset has to wait for its end."""
        return self._is_cut

    def mark_dirty(self) -> None:
        """Note that session state may change, as by a statement that the compiler did not write."""
        self._is_dirty = True

    def mark_cut(self) -> None:
        """Note that a statement was cut short: nobody knows what the server is at."""
        self._is_dirty = self._is_cut = True

    def mark_beyond_reset(self) -> None:
        """Note that the session holds what no reset takes away: it is closed instead."""
        self._is_dirty = self._is_beyond_reset = True

    async def forget_server_statements(self) -> None:
        """Prepare each statement again, the driver's own included: the server has dropped them."""
        self.prepared.clear()
        # It sends nothing.
        await self._raw.reload_schema_state()

    async def reset(self) -> None:
        """Bring the session back to what it was after `init`; close it where nothing can."""
        if self._is_beyond_reset:
            await self.close()
            return
        if self._is_cut:
            await self._wait_for_end()
        if self.wire.is_in_transaction():
            await self.script("ROLLBACK")
        self.prepared.enter(None)
        if not await reset_session(self._raw, len(self.prepared)):
            await self.script("DEALLOCATE ALL")
            await self.forget_server_statements()
        if self._init is not None:
            await self._init(self)
        self._mark_clean()

    def _mark_clean(self) -> None:
        # Also of what `init` loaded, which stays and is loaded again.
        self._is_dirty = self._is_cut = self._is_beyond_reset = False

    async def _wait_for_end(self) -> None:
        """Wait for a statement that was cut short, since asyncpg queues behind it.

        Only then is it known whether a transaction is open. What is sent is no empty statement,
        whose answer asyncpg 0.32 cannot read.
        """
        try:
            await self.script("SELECT")
        except DatabaseError as error:
            if error.sqlstate != IN_FAILED_TRANSACTION:
                raise
