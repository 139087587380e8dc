"""Watches what a running step waits for, on a connection of its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from ..driver.connection import Connection
from ..errors import OrmKitError
from .progress import Blocker, Progress, Report

if TYPE_CHECKING:
    from ..engine import Engine

BLOCKERS = """
SELECT DISTINCT a.pid, coalesce(a.usename, ''), coalesce(a.application_name, ''),
    coalesce(a.state, a.backend_type),
    extract(epoch FROM clock_timestamp() - coalesce(a.xact_start, a.backend_start))::float8,
    left(regexp_replace(coalesce(a.query, ''), '\\s+', ' ', 'g'), 120)
FROM unnest(pg_blocking_pids($1)) AS blocking (pid) JOIN pg_stat_activity a USING (pid)
"""
#: How far the build of an index has come.
BUILDING = """
SELECT phase, CASE WHEN blocks_total > 0 THEN 100 * blocks_done / blocks_total END
FROM pg_stat_progress_create_index WHERE pid = $1
"""
#: Seconds between two looks, and between two reports of the same wait.
LONGEST_LOOK = 1.0
REPORTED_EVERY = 5.0


class Blockers:
    """Looks now and then for whom a backend waits, while a step runs on it."""

    def __init__(self, engine: Engine, report: Report, look_every: float) -> None:
        self._engine = engine
        self._report = report
        self._every = min(look_every, LONGEST_LOOK)
        self._connection: Connection | None = None
        self._opening: asyncio.Task[Connection] | None = None
        #: Those that were seen last.
        self.seen: tuple[Blocker, ...] = ()

    async def close(self) -> None:
        """Close the connection, if one was needed."""
        if self._opening is not None:
            with suppress(OrmKitError):
                self._connection = await self._opening
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    @asynccontextmanager
    async def watch(self, pid: int, place: Progress) -> AsyncGenerator[None]:
        """Look at a backend during the block, and report for whom it waits.

        place: the step, for the reports.
        """
        task = asyncio.create_task(self._look(pid, place))
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError, OrmKitError):
                await task

    async def _look(self, pid: int, place: Progress) -> None:
        began = time.monotonic()
        reported = 0.0
        while True:
            await asyncio.sleep(self._every)
            connection = await self._connected()
            rows = await connection.fetch(BLOCKERS, [pid])
            if rows:
                self.seen = tuple(Blocker(*row) for row in rows)
            now = time.monotonic()
            if now - reported < REPORTED_EVERY and reported:
                continue
            if rows:
                self._tell(place, "blocked", now - began)
                reported = now
            elif built := await connection.fetch(BUILDING, [pid]):
                phase, percent = built[0]
                done = f", {percent} %" if percent is not None else ""
                self._tell(place, "building", now - began, f"{phase}{done}")
                reported = now

    def _tell(self, place: Progress, what: str, seconds: float, text: str = "") -> None:
        self._report(
            Progress(
                what="blocked" if what == "blocked" else "building",
                migration=place.migration,
                step=place.step,
                steps=place.steps,
                mode=place.mode,
                seconds=seconds,
                text=text,
                blockers=self.seen if what == "blocked" else (),
            )
        )

    async def _connected(self) -> Connection:
        known = self._connection
        if known is not None and not (known.is_closed or known.is_cut):
            return known
        if known is not None:
            known.terminate()
        self._connection = None
        # A look may end before the connection is open; the next one takes it.
        self._opening = opening = self._opening or asyncio.create_task(
            self._engine.pool.open_apart()
        )
        await asyncio.wait([opening])
        self._opening = None
        self._connection = connection = opening.result()
        return connection
