"""The plans of slow statements, which PostgreSQL makes without running them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import DatabaseError
from ..events.listeners import untold

if TYPE_CHECKING:
    from ..driver.connection import Connection
    from ..events.event import StatementEvent
    from ..pool.pool import Pool

SLOW = logging.getLogger("ormkit.slow")

#: What EXPLAIN takes.
EXPLAINED = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "MERGE"})
#: The seconds before each attempt to find an idle connection.
DELAYS = (0.0, 0.05, 0.5, 5.0)
#: A generic plan is that of any values: PostgreSQL gets none. Planning takes a second at most.
BEGIN = (
    "BEGIN READ ONLY; SET LOCAL statement_timeout = '1s'; "
    "SET LOCAL plan_cache_mode = force_generic_plan"
)
END = "DEALLOCATE ormkit_plan; ROLLBACK"
PARAMETERS = """\
SELECT cardinality(parameter_types) FROM pg_prepared_statements WHERE name = 'ormkit_plan'"""
QUERY_ID = "Query Identifier: "


class GenericPlans:
    """Logs the plans of statements, with connections of the pool that are idle."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def explain(self, event: StatementEvent) -> None:
        """Log the plan of a statement that has just ended, in the background.

        Nothing is logged if no connection comes free within some seconds, which no caller wants,
        or if PostgreSQL makes no plan.
        """
        is_one = event.error is None and not event.is_internal
        if is_one and event.operation in EXPLAINED:
            self._attempt(Explained(event.sql, event.summary, event.fingerprint), DELAYS)

    def _attempt(self, explained: Explained, delays: Sequence[float]) -> None:
        """Try it after the first delay, with the other ones if no connection is idle then.

        A timer waits, and no task: closing the pool waits for its tasks.
        """

        def begin() -> None:
            if not self._pool.is_closed:
                self._pool.spawn(self._explain(explained, rest))

        if delays:
            first, *rest = delays
            asyncio.get_running_loop().call_later(first, begin, context=Context())

    async def _explain(self, explained: Explained, delays: Sequence[float]) -> None:
        connection = self._pool.take()
        if connection is None:
            self._attempt(explained, delays)
            return
        try:
            with untold(), suppress(DatabaseError):
                explained.log(await plan_of(connection, explained.sql))
        finally:
            self._pool.give(connection)


@dataclass(frozen=True, slots=True)
class Explained:
    """A statement whose plan is logged."""

    sql: str
    summary: str
    fingerprint: str

    def log(self, lines: Sequence[str]) -> None:
        """Log the plan, which has no values."""
        plan = "\n".join(lines)
        found = {
            "db.system.name": "postgresql",
            "db.query.text": self.sql,
            "db.query.summary": self.summary,
            "ormkit.fingerprint": self.fingerprint,
            "ormkit.plan": plan,
        }
        # The same number as in pg_stat_statements; last, where the server computes it.
        if (last := lines[-1].strip()).startswith(QUERY_ID):
            found["ormkit.query_id"] = last.removeprefix(QUERY_ID)
        SLOW.warning("plan of %s: %s\n%s", self.summary, self.sql, plan, extra=found)


async def plan_of(connection: Connection, sql: str) -> list[str]:
    """Return the lines of a statement's generic plan; raises what the server reports.

    sql: one statement. What was sent with parameters, or as a stream, cannot be more than one.
    """
    await connection.script(BEGIN)
    try:
        await connection.script(f"PREPARE ormkit_plan AS {sql}")
        ((count,),) = await connection.fetch(PARAMETERS)
        given = f"({', '.join(['NULL'] * count)})" if count else ""
        rows = await connection.fetch(f"EXPLAIN (VERBOSE) EXECUTE ormkit_plan{given}")
    except BaseException:
        # The reset takes back the transaction and what was prepared.
        connection.mark_dirty()
        raise
    await connection.script(END)
    return [row[0] for row in rows]
