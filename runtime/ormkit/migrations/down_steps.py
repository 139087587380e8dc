"""Runs the steps of a down.sql, each only if it loses nothing but what was named."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ..driver.commit import send_commit
from ..errors import DatabaseError
from .batches import run_in_batches
from .lasting import lasting
from .losses import refusal, send_unless_it_loses
from .run import Place, Run
from .runner import STEPS
from .single_statements import check_single
from .transaction_steps import check_transaction, transaction_number

#: SQLSTATEs of statements that PostgreSQL runs in no transaction, and of code that ends its own.
NO_TRANSACTION, ENDS_TRANSACTION = "25001", "2D000"


async def down_step(run: Run, place: Place, lose: Collection[str]) -> None:
    """Run one step of a down.sql.

    lose: names of tables and columns whose data may be lost.

    Raises MigrationError if it loses what no name allows to lose.
    """
    match place.step.mode:
        case "transaction":
            await run_down(run, place, lose)
        case "no transaction":
            await run_down_alone(run, place, lose)
        case "batches":

            async def send(sql: str, within: Mapping[str, str]) -> str:
                return await send_unless_it_loses(run, sql, lose, within)

            await run_in_batches(run, place, send)
        case mode:
            await STEPS[mode](run, place)


async def run_down(run: Run, place: Place, lose: Collection[str]) -> None:
    """Run a step in a transaction, unless it loses data that no name allows to lose."""

    async def attempt() -> None:
        connection = run.connection
        await run.backend.settle()
        # After a ROLLBACK in the SQL of the step, the server would go on with what follows it.
        await connection.script("SET default_transaction_read_only = on")
        await connection.script("BEGIN READ WRITE")
        number = await transaction_number(run)
        await send_unless_it_loses(run, place.step.sql, lose)
        await check_transaction(run, number)
        await run.finish(place)
        await send_commit(connection)
        await run.backend.settle()

    await run.locked(place, attempt)


async def run_down_alone(run: Run, place: Place, lose: Collection[str]) -> None:
    """Run a statement that needs no transaction, unless it loses data that no name allows to lose.

    Most such statements run within a transaction, too, which can be looked into. PostgreSQL says of
    which this is not so: those on indexes lose no data, and what the others do nobody knows before.
    """
    check_single(place.step.sql)
    try:
        await run_down(run, place, lose)
    except DatabaseError as error:
        if error.sqlstate not in (NO_TRANSACTION, ENDS_TRANSACTION):
            raise
        if run.connection.in_transaction:
            await run.connection.script("ROLLBACK")
        label = f"{place.migration.id}:{place.number}"
        keeps_rows = error.sqlstate == NO_TRANSACTION and lasting(place.step.sql).keeps_rows
        if not keeps_rows and label not in lose:
            raise refusal(
                f"PostgreSQL does not run it within a transaction ({error}), so that what it "
                "changes cannot be found out before",
                [label],
            ) from error
        await run.backend.settle()
        await STEPS["no transaction"](run, place)
