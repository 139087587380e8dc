"""Steps in a transaction of their own, and steps that check what rows there are."""

from __future__ import annotations

from ..driver.commit import send_commit
from ..errors import MigrationError
from .run import Place, Run

#: How many of the rows that a check finds are named.
NAMED = 10


async def run_in_transaction(run: Run, place: Place) -> None:
    """Run the statements of a step, and record it as done, in one transaction."""

    async def attempt() -> None:
        connection = run.connection
        await run.backend.settle()
        await connection.script("BEGIN")
        number = await transaction_number(run)
        await connection.script(place.step.sql)
        await check_transaction(run, number)
        await run.finish(place)
        await send_commit(connection)

    await run.locked(place, attempt)


async def check_transaction(run: Run, number: str) -> None:
    """Raise MigrationError if the SQL of a step has ended its transaction."""
    if not run.connection.in_transaction or await transaction_number(run) != number:
        raise MigrationError(
            "its SQL ends the transaction in which it runs: leave out COMMIT and ROLLBACK, and put "
            "what comes after them into a step of its own. What it has committed stays",
            code="ended-transaction",
        )


async def transaction_number(run: Run) -> str:
    """Return the number of the transaction that is open."""
    ((number,),) = await run.connection.fetch("SELECT pg_current_xact_id()::text")
    return str(number)


async def run_check(run: Run, place: Place) -> None:
    """Raise MigrationError if the query of a check finds rows."""

    async def attempt() -> None:
        await run.backend.settle()
        await run.connection.script("BEGIN READ ONLY")
        found = await run.connection.fetch(place.step.sql)
        await run.connection.script("COMMIT")
        if found:
            shown = "; ".join(row_text(each) for each in found[:NAMED])
            more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
            what = place.step.message or "rows that stand in the way"
            raise MigrationError(f"{what}: {shown}{more}", code="check")
        await run.finish(place)

    await run.locked(place, attempt)


def row_text(row: object) -> str:
    """Return a row that a check found, as the names of its columns and their values."""
    pairs: list[tuple[str, object]] = list(row.items())  # type: ignore[attr-defined]
    return ", ".join(f"{name} = {str(value)[:60]}" for name, value in pairs)
