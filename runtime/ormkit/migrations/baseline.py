"""Takes over a database that has everything already: records migrations without running them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import MigrationError
from .chain import Chain
from .options import Options
from .progress import Report
from .run import Run
from .runner import Done, with_backend

if TYPE_CHECKING:
    from ..engine import Engine


async def adopt(
    engine: Engine, chain: Chain, origin: str, *, options: Options, report: Report
) -> Done:
    """Record the migrations of a chain as if they had run.

    The caller has made sure that the database is as they would have made it.

    origin: what the database was made by, such as `alembic`.

    Raises MigrationError for a database that has migrations.
    """

    async def work(run: Run) -> Done:
        connection = run.connection
        records = await run.tables.records(connection)
        if records:
            raise MigrationError(
                f"the database has migrations already, up to {records[-1].id}: run `ormkit migrate "
                "apply`",
                code="has-migrations",
                migrations=(records[-1].id,),
            )
        await connection.script("BEGIN")
        for each in chain:
            await run.tables.begin(connection, each, "applied")
            await run.tables.set_origin(connection, each.id, f"baseline {origin}")
            await run.tables.set_state(connection, each.id, "applied")
        await connection.script("COMMIT")
        return Done(tuple(each.id for each in chain))

    return await with_backend(engine, options, report, work)
