"""Runs the migrations that a database lacks, step by step, and goes on after a failure."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ..driver.connection import Connection
from ..errors import ConnectionLost, DatabaseError, MigrationError, OperationalError, OrmKitError
from .backend import POOLED_STATEMENT, Backend, pooled
from .batches import run_in_batches
from .chain import Chain
from .data_steps import run_data
from .files import UP, ChosenPhase, Migration, Mode, Step, parse_migration
from .options import Options
from .pending import Choice, Pending, find_pending
from .progress import Progress, Report, counted
from .run import Place, Run
from .single_statements import run_alone
from .state import Direction, StepRecord
from .transaction_steps import run_check, run_in_transaction

if TYPE_CHECKING:
    from ..engine import Engine

T = TypeVar("T")
#: What runs a step of each mode.
STEPS: dict[Mode, Callable[[Run, Place], Awaitable[None]]] = {
    "transaction": run_in_transaction,
    "no transaction": run_alone,
    "batches": run_in_batches,
    "check": run_check,
    "data": run_data,
}
#: SQLSTATEs of failures that pass by themselves: locks, deadlocks, and what ends a session.
PASSES = ("55P03", "40P01", "40001")
#: What reads the state, whatever the server or the role has set; it leaves no setting behind in a
#: backend that a pooler lends to others.
READING = """
BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY; SET LOCAL statement_timeout = 0;
SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL lock_timeout = 0;
SET LOCAL search_path = public; SET LOCAL DateStyle = 'ISO, MDY'; SET LOCAL TimeZone = 'UTC'
"""
#: Seconds between two attempts to connect again.
RECONNECT_EVERY = 0.5


@dataclass(frozen=True, slots=True)
class Done:
    """What a run has done."""

    #: The IDs of the migrations that it ran to their end, in their order.
    migrations: tuple[str, ...]
    #: Those that the database still lacks.
    left: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What to run."""

    chain: Chain
    directory: Path
    to: str | None = None
    phase: ChosenPhase | None = None
    #: Whether to go on with a migration that failed.
    resumes: bool = False

    def check(self) -> None:
        """Raise MigrationError for an ID that is of no migration."""
        if self.to is not None and self.chain.get(self.to) is None:
            raise MigrationError(
                f"there is no migration {self.to} in {self.directory}", code="unknown-migration"
            )


async def with_backend(
    engine: Engine, options: Options, report: Report, work: Callable[[Run], Awaitable[T]]
) -> T:
    """Do some work on a connection that has the lock; connect again if that breaks.

    The work reads the state of the database first, so that it can be done again. The server may
    still run a statement of the connection that broke. Its backend has the lock until then.
    """
    token = ""
    deadline = 0.0
    while True:
        try:
            backend = await Backend.open(engine, options, token)
            deadline, token = 0.0, backend.token
            run = Run(engine, backend, report)
            try:
                await backend.lock(report)
                await backend.tables.create(backend.connection)
                await backend.lease()
                return await work(run)
            finally:
                await run.close()
        except (ConnectionLost, OperationalError) as error:
            if not token:
                raise
            deadline = deadline or time.monotonic() + options.reconnect_timeout
            if time.monotonic() > deadline:
                raise
            report(Progress(what="note", text=f"{error}; connecting again"))
        await asyncio.sleep(RECONNECT_EVERY)


async def apply(engine: Engine, task: Task, options: Options, report: Report) -> Done:
    """Run what the database lacks, and return it.

    Without anything to do it needs no lock and no right to write.
    """
    task.check()
    pending = await look(engine, task, options)
    # A new database has no programs of before.
    is_apart = options.phases == "apart" and bool(pending.records)
    choice = Choice(to=task.to, phase=task.phase, is_apart=is_apart)
    if not pending.chosen(choice):
        return Done((), tuple(each.id for each in pending.migrations))
    done: list[str] = []

    async def work(run: Run) -> Done:
        pending = await find_pending(run.connection, run.tables, task.chain, task.directory)
        check_resumable(pending, task, await steps_of_unfinished(run, pending))
        await adopt_squashes(run, task.chain, pending)
        for migration in pending.chosen(choice):
            await run_migration(run, migration)
            done.append(migration.id)
        left = tuple(each.id for each in pending.migrations if each.id not in done)
        if not left:
            await adopt_moved(run, task.chain)
        return Done(tuple(done), left)

    return await with_backend(engine, options, report, work)


async def look(engine: Engine, task: Task, options: Options) -> Pending:
    """Return what there is to do, without the lock."""
    async with reading(engine, options) as backend:
        return await find_pending(backend.connection, backend.tables, task.chain, task.directory)


@asynccontextmanager
async def reading(engine: Engine, options: Options) -> AsyncGenerator[Backend]:
    """Yield a connection that reads the state of migrations, without the lock."""
    connection = await engine.pool.open_apart()
    backend = Backend(connection, options, "")
    try:
        if options.role is not None:
            await backend.settle()
        await connection.script(READING)
        yield backend
    except DatabaseError as error:
        if error.sqlstate not in POOLED_STATEMENT:
            raise
        raise pooled() from error
    finally:
        connection.terminate()


def check_resumable(pending: Pending, task: Task, steps: Sequence[StepRecord]) -> None:
    """Raise MigrationError for a migration that failed, unless it is to go on."""
    record = pending.unfinished
    if record is None or record.state != "failed" or task.resumes:
        return
    failed = next((each for each in steps if each.state == "failed"), None)
    if failed is not None and failed.sqlstate in PASSES:
        return
    why = f" at step {failed.number}: {failed.error}" if failed else ""
    raise MigrationError(
        f"{record.id} failed{why}; mend what it says, and run `ormkit migrate resume`, or undo it "
        f"with `ormkit migrate abandon {record.id}`",
        code="failed-before",
        migrations=(record.id,),
        step=failed.number if failed else None,
        sqlstate=failed.sqlstate if failed else None,
    )


async def steps_of_unfinished(run: Run, pending: Pending) -> Sequence[StepRecord]:
    """Return the records of the steps of the migration that is half done."""
    if pending.unfinished is None:
        return ()
    return await run.tables.steps(run.connection, pending.unfinished.id)


async def adopt_squashes(run: Run, chain: Chain, pending: Pending) -> None:
    """Record a migration that stands in the place of others, which the database has."""
    known = {each.id: each for each in pending.records}
    lacking = {each.id for each in pending.migrations}
    for each in chain:
        if each.header.replaces and each.id not in known and each.id not in lacking:
            connection = run.connection
            await connection.script("BEGIN")
            await run.tables.begin(connection, each, "applied")
            await run.tables.set_origin(connection, each.id, "squash")
            for name in each.header.replaces:
                await run.tables.set_state(connection, name, "replaced")
            await connection.script("COMMIT")


async def adopt_moved(run: Run, chain: Chain) -> None:
    """Record where migrations stand now that were moved behind others after they had run."""
    hashes = {each.id: each.hash for each in await run.tables.records(run.connection)}
    for each in chain:
        if hashes.get(each.id, each.hash) != each.hash:
            await run.tables.begin(run.connection, each, "applied")


async def run_migration(run: Run, migration: Migration) -> None:
    """Run the steps of a migration that are not done."""
    await check_server(run.connection, migration)
    records = await run.tables.steps(run.connection, migration.id)
    done = {each.number for each in records if each.direction == "up" and each.state == "done"}
    await check_done_steps(run, migration, done)
    await run.tables.begin(run.connection, migration, "running")
    began = time.monotonic()
    for number, step in enumerate(migration.steps, 1):
        if number not in done:
            await run_step(run, migration, step, number, "up")
    await run.backend.settle()
    await run.tables.set_state(run.connection, migration.id, "applied")
    await run.backend.lease()
    text = f"done, {counted(len(migration.steps), 'step')}"
    report = Progress(what="done", migration=migration.id, text=text)
    run.report(replace(report, seconds=time.monotonic() - began))


async def run_step(
    run: Run, migration: Migration, step: Step, number: int, direction: Direction
) -> None:
    """Run one step, and record what became of it."""
    place = await run.begin(migration, step, number, direction)
    await guarded(run, place, lambda: STEPS[step.mode](run, place))
    counts = next(
        (
            {"batches": each.batches, "rows": each.rows}
            for each in await run.tables.steps(run.connection, migration.id)
            if (each.direction, each.number) == (direction, number)
        ),
        dict[str, int](),
    )
    run.report(place.progress("step done", **counts))


async def guarded(run: Run, place: Place, work: Callable[[], Awaitable[None]]) -> None:
    """Run a step, and record why it failed; after a broken connection nobody knows."""
    try:
        await work()
    except (ConnectionLost, asyncio.CancelledError):
        raise
    except Exception as error:
        if run.connection.is_closed:
            raise
        if isinstance(error, OrmKitError) or place.step.mode == "data":
            raise await run.fail(place, error) from error
        raise


async def check_server(connection: Connection, migration: Migration) -> None:
    """Raise MigrationError for a server that is older than the steps need."""
    needed = migration.header.minimum_server
    if needed is not None and connection.server_version < needed:
        raise MigrationError(
            f"{migration.id} needs PostgreSQL {needed} or later, and the server is "
            f"{connection.server_version}: write it for that version, with `postgresql = "
            f"{connection.server_version}` in the settings",
            code="old-server",
            migrations=(migration.id,),
        )


async def check_done_steps(run: Run, migration: Migration, done: set[int]) -> None:
    """Raise MigrationError if a step that is done is not what the files say now.

    Later steps may have been mended after a failure.
    """
    if not done:
        return
    stored = dict(await run.tables.files(run.connection, migration.id))
    if stored.get(UP) == migration.files[UP]:
        return
    before = parse_migration(migration.id, stored).steps
    for number in sorted(done):
        now = migration.steps[number - 1 : number]
        was = before[number - 1]
        if not now or (now[0].mode, now[0].sql, now[0].batches) != (was.mode, was.sql, was.batches):
            raise MigrationError(
                f"step {number} of {migration.id} is done, and the files have another one in its "
                "place: put it back as it was, and change the steps after it only, or run "
                f"`ormkit migrate abandon {migration.id}` first",
                code="edited-migration",
                migrations=(migration.id,),
                step=number,
            )
