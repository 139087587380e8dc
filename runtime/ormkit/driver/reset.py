"""Resets dirty session state before a connection serves its next user.

The reset runs the parts of DISCARD ALL in one round trip. Unlike DISCARD ALL, it keeps plans and
protocol-level prepared statements, which all tasks share. It also restores the role that the
connection was opened with, and it sets a new random seed.
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

#: Function names are qualified, since the search_path is unknown until RESET ALL has run.
#: RESET ROLE follows RESET SESSION AUTHORIZATION, which sets no role at all. The server's
#: configuration or the URL may have set one for the connection.
RESET = """\
{close}RESET SESSION AUTHORIZATION;
RESET ROLE;
RESET ALL;
{read_nulls};
UNLISTEN *;
SELECT pg_catalog.pg_advisory_unlock_all(), pg_catalog.setseed({seed});
DISCARD TEMP;
DISCARD SEQUENCES;
SELECT FROM pg_catalog.pg_prepared_statement()
HAVING pg_catalog.count(*) FILTER (WHERE from_sql) = 0 AND pg_catalog.count(*) >= {prepared}"""
#: The command tag of the last statement if the prepared statements are unchanged.
UNCHANGED = "SELECT 1"

#: The source of unpredictable seeds for the server's random().
SEEDS = random.SystemRandom()


async def reset_session(raw: Any, prepared: int, *, keeps_cursors: bool = False) -> bool:
    """Reset the session of an asyncpg connection outside a transaction.

    prepared: the minimum number of protocol-level prepared statements.
    keeps_cursors: whether cursors stay open, as within a transaction that goes on.

    Return True if the prepared statements stay valid. Return False if SQL has prepared others
    (PREPARE) or removed some (DEALLOCATE); the caller must then discard them all.
    """
    # The driver returns the tag of the last command, which counts its rows.
    tag: str = await raw.execute(
        RESET.format(
            close="" if keeps_cursors else "CLOSE ALL;\n",
            read_nulls=READ_NULLS,
            seed=SEEDS.uniform(-1, 1),
            prepared=prepared,
        )
    )
    return tag == UNCHANGED


class ResettableSession:
    """Tracks the dirty session state of a connection, and resets it."""

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
        """Close gracefully with a Terminate message; `timeout` is in seconds."""
        raise NotImplementedError

    def terminate(self) -> None:
        """Close the socket at once, without a message to the server."""
        raise NotImplementedError

    async def initialize(self, init: Callable[[Self], Awaitable[None]]) -> None:
        """Call `init` now and after each reset; close the connection if it raises."""
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
        """True from BEGIN to COMMIT or ROLLBACK, even if the transaction has failed."""
        return self.wire.is_in_transaction()

    @property
    def is_reusable(self) -> bool:
        """True if it is open, its session state is clean, and no transaction is open."""
        wire = self.wire
        return not self._is_dirty and wire.is_connected() and not wire.is_in_transaction()

    @property
    def is_cut(self) -> bool:
        """True if a statement was interrupted, so that a reset must wait for its end."""
        return self._is_cut

    def mark_dirty(self) -> None:
        """Record that the session state may be dirty, for example after raw SQL."""
        self._is_dirty = True

    def mark_cut(self) -> None:
        """Record that a statement was interrupted, so that the server may still run it."""
        self._is_dirty = self._is_cut = True

    def mark_beyond_reset(self) -> None:
        """Record that a reset cannot clean the session, so that the connection must be closed."""
        self._is_dirty = self._is_beyond_reset = True

    async def forget_server_statements(self) -> None:
        """Discard all prepared statements, the driver's own included, after DEALLOCATE ALL."""
        self.prepared.clear()
        # This sends nothing to the server.
        await self._raw.reload_schema_state()

    async def reset(self) -> None:
        """Restore the session state from after `init`, or close the connection."""
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
        # This also clears the marks that `init` itself has set.
        self._is_dirty = self._is_cut = self._is_beyond_reset = False

    async def _wait_for_end(self) -> None:
        """Wait for the end of an interrupted statement by sending a statement behind it.

        Until then it is unknown whether a transaction is open. The statement is "SELECT" and not
        an empty one, since asyncpg 0.32 cannot parse the answer to that.
        """
        try:
            await self.script("SELECT")
        except DatabaseError as error:
            if error.sqlstate != IN_FAILED_TRANSACTION:
                raise
