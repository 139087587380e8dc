"""Steps without a transaction: one statement that PostgreSQL runs in no transaction block."""

from __future__ import annotations

from ..errors import ConnectionLost, MigrationError, OrmKitError
from .lasting import Lasting, lasting, words_of
from .run import Place, Run

NOTE_BEFORE = """
UPDATE {schema}.step SET found_before = $4 WHERE (migration, direction, number) = ($1, $2, $3)
"""


async def run_alone(run: Run, place: Place) -> None:
    """Run a statement alone, unless an attempt that was killed had done it already."""
    check_single(place.step.sql)
    what = lasting(place.step.sql)
    now = await what.found(run.connection)
    if place.found_before is None:
        sql = run.tables.sql(NOTE_BEFORE)
        await run.connection.fetch(sql, [*place.key, now])
    elif what.is_done(place.found_before, now):
        run.report(place.progress("note", text="an attempt that was cut short had done it"))
        await run.finish(place)
        return

    async def attempt() -> None:
        await run.backend.settle()
        await clean(run, place, what)
        if what.is_concurrent:
            # It blocks nobody while it waits, and the end of a wait would leave a broken index.
            await run.connection.script("SET lock_timeout = 0")
        state = await what.found(run.connection)
        await run.connection.script(what.again(place.step.sql, state))

    try:
        await run.locked(place, attempt)
    except ConnectionLost:
        raise
    except OrmKitError:
        await clean(run, place, what)
        raise
    await run.backend.settle()
    await run.finish(place)


async def clean(run: Run, place: Place, what: Lasting) -> None:
    """Drop the broken index of an earlier attempt."""
    for name in await what.clean(run.connection):
        run.report(place.progress("note", text=f"dropped the broken index {name}"))


def check_single(sql: str) -> None:
    """Raise MigrationError for more than one statement, which would be one transaction."""
    words = words_of(sql)
    if ";" in words and any(each != ";" for each in words[words.index(";") :]):
        raise MigrationError(
            "a step without a transaction is one statement: put the others into steps of their own",
            code="several-statements",
        )
