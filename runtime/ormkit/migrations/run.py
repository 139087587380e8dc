"""One run of migrations: its connection, what it records, and trying again for locks."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..driver.connection import Connection
from ..errors import (
    ConnectionLost,
    DatabaseError,
    DeadlockDetected,
    LockNotAvailable,
    MigrationError,
    SerializationFailure,
)
from .backend import Backend
from .blockers import Blockers
from .files import Migration, Step
from .progress import Progress, Report, What
from .state import BEGIN_STEP, FAIL_STEP, FINISH_STEP, Direction, StateTables

if TYPE_CHECKING:
    from ..engine import Engine

#: Errors after which the same step may succeed, as soon as others have ended their transactions.
PASSING = (LockNotAvailable, DeadlockDetected, SerializationFailure)
#: How often a look at the blocking sessions falls into the time that a step waits for a lock.
LOOKS = 4
#: How much longer each pause is than the one before.
GROWTH = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A step that runs, and where it stands."""

    migration: Migration
    step: Step
    number: int
    direction: Direction
    #: What was found before the first attempt of a step without a transaction.
    found_before: str | None = None
    attempts: int = 1
    began: float = 0.0

    @property
    def key(self) -> tuple[str, str, int]:
        """What the records of the step are found by."""
        return self.migration.id, self.direction, self.number

    @property
    def steps(self) -> int:
        """The number of steps in its file."""
        is_up = self.direction == "up"
        return len(self.migration.steps if is_up else self.migration.down or ())

    def progress(self, what: What, **more: Any) -> Progress:
        """Return an event about the step."""
        more.setdefault("seconds", time.monotonic() - self.began)
        name = self.migration.id if self.direction == "up" else f"down of {self.migration.id}"
        mode = str(self.step.batches) if self.step.batches else self.step.mode
        return Progress(
            what=what, migration=name, step=self.number, steps=self.steps, mode=mode, **more
        )


class Run:
    """What the steps of a run share."""

    def __init__(self, engine: Engine, backend: Backend, report: Report) -> None:
        self.engine = engine
        self.backend = backend
        self.options = backend.options
        self.report = report
        self.blockers = Blockers(engine, report, self.options.lock_timeout / LOOKS)

    @property
    def connection(self) -> Connection:
        """The connection that has the lock."""
        return self.backend.connection

    @property
    def tables(self) -> StateTables:
        """The tables with the state."""
        return self.backend.tables

    async def close(self) -> None:
        """Close the run's connections."""
        await self.blockers.close()
        await self.backend.close()

    async def begin(
        self, migration: Migration, step: Step, number: int, direction: Direction
    ) -> Place:
        """Record that a step begins, and return its place."""
        await self.backend.settle()
        await self.backend.lease(migration.id, number)
        sql = self.tables.sql(BEGIN_STEP)
        ((attempts, before),) = await self.connection.fetch(
            sql, [migration.id, direction, number, step.mode]
        )
        place = Place(
            migration=migration,
            step=step,
            number=number,
            direction=direction,
            found_before=before,
            attempts=attempts,
            began=time.monotonic(),
        )
        self.report(place.progress("step"))
        return place

    async def finish(self, place: Place) -> None:
        """Record that a step is done; within its transaction, if it has one."""
        await self.connection.fetch(self.tables.sql(FINISH_STEP), place.key)

    async def fail(self, place: Place, error: Exception) -> MigrationError:
        """Record why a step failed, and return the error to raise."""
        sqlstate = error.sqlstate if isinstance(error, (DatabaseError, MigrationError)) else None
        if self.connection.in_transaction:
            await self.connection.script("ROLLBACK")
        await self.backend.settle()
        args = [*place.key, said(error), sqlstate]
        await self.connection.fetch(self.tables.sql(FAIL_STEP), args)
        if place.direction == "up":
            await self.tables.set_state(self.connection, place.migration.id, "failed")
        return failed(place, error)

    async def locked(self, place: Place, attempt: Callable[[], Awaitable[None]]) -> None:
        """Run an attempt until it gets its locks, with growing pauses, and say who has them.

        Raises:
            MigrationError: It did not get them in as many tries as the options allow.
        """
        pause = self.options.retry_pause
        self.blockers.seen = ()
        for number in range(1, self.options.tries + 1):
            try:
                async with self.blockers.watch(self.backend.pid, place.progress("blocked")):
                    await attempt()
                return
            except PASSING as error:
                if self.connection.in_transaction:
                    await self.connection.script("ROLLBACK")
                if number == self.options.tries:
                    raise self._gave_up(number, error) from error
                wait = pause * random.uniform(0.75, 1.25)
                text = f"{error}; try {number} of {self.options.tries}, again in {wait:.1f} s"
                self.report(place.progress("retry", text=text, blockers=self.blockers.seen))
                await asyncio.sleep(wait)
                pause = min(pause * GROWTH, self.options.longest_pause)

    def _gave_up(self, tries: int, error: DatabaseError) -> MigrationError:
        held = "; ".join(str(each) for each in self.blockers.seen)
        by = f", held by {held}" if held else ""
        return MigrationError(
            f"it did not get its locks in {tries} tries of {self.options.lock_timeout} s{by}: end "
            "that transaction, or wait for a quieter time, and run it again",
            code="lock",
            sqlstate=error.sqlstate,
        )


def said(error: Exception) -> str:
    """Return what an error says, with the details that the server gave."""
    if not isinstance(error, DatabaseError):
        return str(error) or type(error).__name__
    return "; ".join(filter(None, (str(error), error.detail, error.hint)))


def failed(place: Place, error: Exception) -> MigrationError:
    """Return the error for a step that failed."""
    name, number = place.migration.id, place.number
    is_up = place.direction == "up"
    code = error.code if isinstance(error, MigrationError) else "failed-step"
    what = f"step {number} of {place.steps} of {'' if is_up else 'the down of '}{name} failed"
    if is_up:
        remedy = (
            f"mend what it says, and run `ormkit migrate resume`, or undo the migration with "
            f"`ormkit migrate abandon {name}`"
        )
    else:
        remedy = "mend what it says, and run `ormkit migrate down` again"
    sqlstate = error.sqlstate if isinstance(error, (DatabaseError, MigrationError)) else None
    raised = MigrationError(
        (
            f"{what}: {said(error)}; the steps before it are done: {remedy}"
            if number > 1
            else f"{what}: {said(error)}; {remedy}"
        ),
        code="failed-step" if code == "migration" else code,
        migrations=(name,),
        step=number,
        sqlstate=sqlstate,
    )
    raised.__cause__ = error
    return raised


def is_lost(error: Exception) -> bool:
    """Return whether an error says that the connection broke, so that nothing more is known."""
    return isinstance(error, ConnectionLost)
