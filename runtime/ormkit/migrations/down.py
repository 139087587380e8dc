"""Takes migrations back: `down` for those that are done, `abandon` for one that is half done."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ..driver.commit import send_commit
from ..errors import DatabaseError, MigrationError
from .down_steps import down_step
from .files import NOTHING, Migration, Step, parse_migration
from .lasting import lasting
from .options import Options
from .progress import Progress, Report
from .run import Place, Run
from .runner import Done, guarded, with_backend
from .state import UNDO_STEP, Record

if TYPE_CHECKING:
    from ..engine import Engine

#: SQLSTATEs of an object that is not there: a table, a column, an object, a schema, a function.
NOT_THERE = ("42P01", "42703", "42704", "3F000", "42883")


@dataclass(frozen=True, slots=True)
class Abandoned:
    """What became of a migration that was half done."""

    migration: str
    #: What was undone, and what stays in the database.
    undone: tuple[str, ...]
    stays: tuple[str, ...]


async def down(
    engine: Engine,
    *,
    to: str | None = None,
    lose: Collection[str] = (),
    options: Options,
    report: Report,
) -> Done:
    """Take back the last migration of a database, or all those after one.

    The steps are those that the database has stored. A migration without a down.sql stays, and so
    does one whose down loses data that is not named.

    lose: names of tables and columns whose data may be lost.

    Raises MigrationError.
    """

    async def work(run: Run) -> Done:
        targets = await find_targets(run, to)
        done: list[str] = []
        for migration in targets:
            await take_back(run, migration, lose)
            done.append(migration.id)
        return Done(tuple(done))

    return await with_backend(engine, options, report, work)


async def find_targets(run: Run, to: str | None) -> list[Migration]:
    """Return the migrations to take back, newest first, each with its down.sql."""
    records = await run.tables.records(run.connection)
    half = next((each for each in records if each.state in ("running", "failed")), None)
    if half is not None:
        raise MigrationError(
            f"{half.id} is half done: run `ormkit migrate resume` or `ormkit migrate abandon "
            f"{half.id}` first",
            code="unfinished",
            migrations=(half.id,),
        )
    there = [each for each in records if each.state in ("applied", "reverting")]
    if to is not None and to not in [each.id for each in there]:
        raise MigrationError(f"the database has no migration {to}", code="unknown-migration")
    if not there:
        raise MigrationError("the database has no migration to take back", code="nothing-to-do")
    first = [each.id for each in there].index(to) + 1 if to is not None else len(there) - 1
    return [await stored_migration(run, each) for each in reversed(there[first:])]


async def stored_migration(run: Run, record: Record) -> Migration:
    """Return a migration from the database; raises MigrationError without a down.sql."""
    files = dict(await run.tables.files(run.connection, record.id))
    migration = parse_migration(record.id, files)
    if migration.down is None:
        raise MigrationError(
            f"{record.id} has no down.sql, so that it cannot be taken back: write a new migration "
            "that does the opposite",
            code="no-down",
            migrations=(record.id,),
        )
    return migration


async def take_back(run: Run, migration: Migration, lose: Collection[str]) -> None:
    """Run the steps of a down.sql that are not done, and forget the migration."""
    records = await run.tables.steps(run.connection, migration.id)
    done = {each.number for each in records if each.direction == "down" and each.state == "done"}
    if not done:
        await run.tables.set_state(run.connection, migration.id, "reverting")
    for number, step in enumerate(migration.down or (), 1):
        if number in done:
            continue
        place = await run.begin(migration, step, number, "down")
        try:
            await guarded(run, place, partial(down_step, run, place, lose))
        except MigrationError:
            if number == 1 and not await batches_of(run, place):
                await run.tables.set_state(run.connection, migration.id, "applied")
            raise
    await run.tables.forget(run.connection, migration.id)
    await run.backend.lease()
    run.report(Progress(what="done", migration=migration.id, text="taken back"))


async def batches_of(run: Run, place: Place) -> int:
    """Return how many batches of a step have been committed."""
    records = await run.tables.steps(run.connection, place.migration.id)
    return sum(
        each.batches
        for each in records
        if (each.direction, each.number) == (place.direction, place.number)
    )


async def abandon(
    engine: Engine,
    migration: str,
    *,
    lose: Collection[str] = (),
    options: Options,
    report: Report,
) -> Abandoned:
    """Give up a migration that is half done: undo what can be undone, and say what stays.

    The steps of its down.sql run, except those whose objects are not there. Without that file,
    what its steps have done stays.

    Raises MigrationError for a migration that is not half done.
    """

    async def work(run: Run) -> Abandoned:
        records = {each.id: each for each in await run.tables.records(run.connection)}
        record = records.get(migration)
        if record is None or record.state not in ("running", "failed", "abandoned"):
            state = "is not in the database" if record is None else f"is {record.state}"
            raise MigrationError(
                f"{migration} {state}, and only one that is half done can be abandoned: see "
                "`ormkit migrate status`",
                code="not-unfinished",
                migrations=(migration,),
            )
        if record.state == "abandoned":
            await run.tables.forget(run.connection, migration)
            return Abandoned(migration, ("what the database had noted of it",), ())
        undone, stays = await undo(run, migration, lose)
        if stays:
            await run.tables.abandon(run.connection, migration, "; ".join(stays))
        else:
            await run.tables.forget(run.connection, migration)
        await run.backend.lease()
        return Abandoned(migration, tuple(undone), tuple(stays))

    return await with_backend(engine, options, report, work)


async def undo(run: Run, name: str, lose: Collection[str]) -> tuple[list[str], list[str]]:
    """Undo the steps of a migration, and return what was undone and what stays.

    The last steps may name what undoes them. down.sql undoes the others, as if all had run.
    """
    migration = parse_migration(name, dict(await run.tables.files(run.connection, name)))
    records = await run.tables.steps(run.connection, name)
    begun = {each.number: each for each in records if each.direction == "up"}
    undone: list[str] = []
    stays: list[str] = []
    for number, record in begun.items():
        if record.state != "done" and record.mode == "no transaction":
            await run.backend.settle()
            left = await lasting(migration.steps[number - 1].sql).clean(run.connection)
            undone += [f"the broken index {each} of step {number}" for each in left]
    done = [number for number, record in begun.items() if record.state == "done"]
    changed = [
        number
        for number, record in sorted(begun.items())
        if record.mode != "check" and (record.state == "done" or record.batches)
    ]
    while changed and (step := migration.steps[changed[-1] - 1]).undo:
        number = changed.pop()
        await _undo_step(run, migration, step, number)
        undone.append(f"step {number}")
    if not changed:
        return [*undone, *(f"step {number}" for number in done)], stays
    if migration.down is None:
        return undone, [f"step {each}: {first_line(migration, each)}" for each in changed]
    for number, step in enumerate(migration.down, 1):
        place = await run.begin(migration, step, number, "down")
        what = f"step {number} of down.sql: {step.sql.strip().splitlines()[0]}"
        try:
            await down_step(run, place, lose)
            undone.append(what)
        except (DatabaseError, MigrationError) as error:
            if run.connection.is_closed:
                raise
            if run.connection.in_transaction:
                await run.connection.script("ROLLBACK")
            await run.backend.settle()
            if getattr(error, "sqlstate", None) not in NOT_THERE:
                stays.append(f"{what}: {error}")
    return undone, stays


async def _undo_step(run: Run, migration: Migration, step: Step, number: int) -> None:
    """Undo a step by the SQL that it names, as if it had not run."""
    place = Place(migration=migration, step=step, number=number, direction="up")

    async def attempt() -> None:
        await run.backend.settle()
        await run.connection.script("BEGIN")
        if step.undo != NOTHING:
            await run.connection.script(step.undo)
        await run.connection.fetch(run.tables.sql(UNDO_STEP), place.key)
        await send_commit(run.connection)

    await run.locked(place, attempt)


def first_line(migration: Migration, number: int) -> str:
    """Return the first line of a step's SQL."""
    step = migration.steps[number - 1]
    return step.sql.strip().splitlines()[0] if step.sql else step.mode
