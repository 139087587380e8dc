"""The progress of batches in the database, which survives the end of the process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import MigrationError
from .keyset import Fetch, Key, Keyset, from_stored, stored
from .run import Place, Run

#: Runs a statement with parameters, and returns its rows.
Execute = Callable[[str, Sequence[Any]], Awaitable[Sequence[Any]]]

BEGIN = """
INSERT INTO {schema}.backfill AS b (migration, direction, step, number, upper_key, is_done)
VALUES ($1, $2, $3, $4, $5::text::jsonb, $5::text IS NULL)
ON CONFLICT (migration, direction, step, number) DO UPDATE SET changed = b.changed
RETURNING last_key::text, upper_key::text, batches, rows, is_done
"""
FOUND = """
SELECT last_key::text, upper_key::text, batches, rows, is_done FROM {schema}.backfill
WHERE (migration, direction, step, number) = ($1, $2, $3, $4)
"""
#: A batch counts only while the run has the lease: one that lost its connection has not.
ADVANCE = """
UPDATE {schema}.backfill SET last_key = $5::text::jsonb, batches = batches + 1, rows = rows + $6,
    is_done = $7, changed = clock_timestamp()
WHERE (migration, direction, step, number) = ($1, $2, $3, $4)
    AND EXISTS (SELECT FROM {schema}.lease WHERE token = $8 AND pid = $9)
RETURNING batches, rows
"""


@dataclass(frozen=True, slots=True)
class Position:
    """How far a walk over a table has come."""

    last: Key | None
    upper: Key | None
    batches: int
    rows: int
    is_done: bool


class BackfillRecord:
    """Reads and writes how far one walk of a step has come."""

    def __init__(self, run: Run, place: Place, number: int) -> None:
        self._run = run
        self._key = (*place.key, number)

    async def begin(self, execute: Execute, fetch: Fetch, keyset: Keyset) -> Position:
        """Return where to go on; the first time, fix the greatest key that the walk reaches.

        Rows that come later have what the steps before this one gave to new rows.
        """
        rows = await execute(self._run.tables.sql(FOUND), self._key)
        if not rows:
            upper = stored(await keyset.last(fetch))
            rows = await execute(self._run.tables.sql(BEGIN), (*self._key, upper))
        last, upper, batches, count, is_done = rows[0]
        return Position(from_stored(last), from_stored(upper), batches, count, is_done)

    async def advance(
        self, execute: Execute, position: Position, last: Key, rows: int, *, is_done: bool
    ) -> Position:
        """Record a batch, within its transaction, and return where the walk is then."""
        backend = self._run.backend
        args = (*self._key, stored(last), rows, is_done, backend.token, backend.pid)
        found = await execute(self._run.tables.sql(ADVANCE), args)
        if not found:
            raise MigrationError("another run of migrations has taken over", code="lost-lease")
        batches, count = found[0]
        return Position(last, position.upper, batches, count, is_done)
