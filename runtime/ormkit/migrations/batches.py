"""Steps that run in batches: the same statement for one range of keys after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from ..driver.commit import send_commit
from ..driver.connection import Connection
from ..errors import MigrationError, StatementError
from .backfills import BackfillRecord, Position
from .files import BATCH, Batches
from .keyset import Key, Keyset
from .run import Place, Run

#: SQLSTATEs of a column that is of no table of the statement, as behind an alias.
UNKNOWN_TABLE = "42P01"
#: Sends the statement of a batch; by the name of the table, it gets the condition of its rows.
Send = Callable[[str, Mapping[str, str]], Awaitable[str]]


async def run_in_batches(run: Run, place: Place, send: Send | None = None) -> None:
    """Run a step in batches, each in a transaction of its own with the record of its end.

    send: what sends the statements; by default the connection.
    """
    batches = place.step.batches
    if batches is None:
        raise MigrationError(f"step {place.number} says no batches")
    keyset = await Keyset.of(run.connection.fetch, *of(batches))
    walk = Walk(run, place, batches, keyset, send)
    position = await walk.record.begin(walk.execute, run.connection.fetch, walk.keyset)
    await walk.find_qualifier(position)
    while not position.is_done:
        position = await walk.batch(position)
        more = {"batches": position.batches, "rows": position.rows}
        run.report(place.progress("batch", **more))
        if run.options.batch_pause and not position.is_done:
            await asyncio.sleep(run.options.batch_pause)
    await run.finish(place)


def of(batches: Batches) -> tuple[str, Sequence[str]]:
    """Return the table and the columns over which batches go."""
    return batches.table, batches.key


class Walk:
    """A walk over a table, on the connection that has the lock."""

    def __init__(
        self, run: Run, place: Place, batches: Batches, keyset: Keyset, send: Send | None
    ) -> None:
        self.keyset = keyset
        self._send = send or self._send_plainly
        self.record = BackfillRecord(run, place, 1)
        self._run = run
        self._place = place
        self._size = batches.size
        #: What stands before the columns of the key in the statement.
        self._qualifier = f"{batches.table}."

    @property
    def _connection(self) -> Connection:
        return self._run.connection

    async def execute(self, sql: str, args: Sequence[Any]) -> Sequence[Any]:
        """Run a statement on the state."""
        return await self._connection.fetch(sql, args)

    async def find_qualifier(self, position: Position) -> None:
        """Find how the statement names the key's columns: it may give its table an alias."""
        if position.upper is None:
            return
        await self._connection.script("BEGIN")
        try:
            sql = self._sql(None, position.upper).rstrip().rstrip(";")
            await self._connection.script(f"PREPARE ormkit_batch AS {sql}")
        except StatementError as error:
            if error.sqlstate != UNKNOWN_TABLE:
                raise
            self._qualifier = ""
        finally:
            await self._connection.script("ROLLBACK")
        if self._qualifier:
            await self._connection.script("DEALLOCATE ormkit_batch")

    async def batch(self, position: Position) -> Position:
        """Run the next batch, and return where the walk is then."""
        if position.upper is None:
            return position
        end = await self.keyset.end_of_batch(
            self._connection.fetch, position.last, position.upper, self._size
        )
        upto = end or position.upper
        is_done = end is None or end == position.upper
        found: list[Position] = []

        async def attempt() -> None:
            found.append(await self._attempt(position, upto, is_done=is_done))

        await self._run.locked(self._place, attempt)
        return found[-1]

    async def _attempt(self, position: Position, upto: Key, *, is_done: bool) -> Position:
        await self._connection.script("BEGIN")
        within = self.keyset.within(position.last, upto, f"{self.keyset.table}.")
        sql = self._sql(position.last, upto)
        tag = await self._send(sql, {self.keyset.table: within})
        rows = tag.rpartition(" ")[2]
        count = int(rows) if rows.isdigit() else 0
        after = await self.record.advance(self.execute, position, upto, count, is_done=is_done)
        await send_commit(self._connection)
        return after

    async def _send_plainly(self, sql: str, within: Mapping[str, str]) -> str:
        return await self._connection.script(sql)

    def _sql(self, after: Key | None, upto: Key) -> str:
        condition = self.keyset.within(after, upto, self._qualifier)
        return self._place.step.sql.replace(BATCH, condition)
