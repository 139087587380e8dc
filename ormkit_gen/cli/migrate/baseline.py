"""`ormkit migrate baseline`: take over a database that another tool has made."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import click

from ormkit_gen.cli.check import line_of
from ormkit_gen.cli.invocation import Invocation, pass_invocation
from ormkit_gen.cli.migrate.target import Choice, Target, database_options, refused
from ormkit_gen.diagnostics.refusal import Refusal, problem

if TYPE_CHECKING:
    from ormkit import Engine
    from ormkit_gen.drift.drift import Finding

_DIFFERS = 1
#: The table of each tool, which of its rows are unfinished, and how to go on.
_TOOLS = {
    "alembic": (
        "alembic_version",
        "SELECT 'several heads' FROM alembic_version HAVING count(*) > 1",
        "remove alembic's versions from the project when all databases are taken over, and then "
        "DROP TABLE alembic_version",
    ),
    "django": (
        "django_migrations",
        "SELECT WHERE false",
        "run no `manage.py migrate` for these tables any more (managed = False in their models); "
        "django_migrations stays for the tables that Django keeps",
    ),
    "prisma": (
        "_prisma_migrations",
        "SELECT migration_name FROM _prisma_migrations "
        "WHERE finished_at IS NULL AND rolled_back_at IS NULL",
        "remove prisma/migrations from the project when all databases are taken over, and then "
        'DROP TABLE "_prisma_migrations"',
    ),
}


@click.command()
@click.option(
    "--from",
    "tool",
    type=click.Choice([*_TOOLS, "none"]),
    help="The tool that has made the database (default: the one whose table is there).",
)
@click.option(
    "--shadow",
    metavar="URL",
    help="Build the schema on this server (default: the setting `shadow`, or embedded).",
)
@database_options
@pass_invocation
def baseline(
    invocation: Invocation, /, tool: str | None, shadow: str | None, **options: Any
) -> int:
    """Record all migrations of a database that has everything already, without running them.

    The database must be as the schema files say; otherwise the differences are shown, nothing is
    recorded, and the exit code is 1.

    \b
    Examples:
      ormkit migrate baseline --from alembic
      ormkit migrate baseline --from none --database postgresql://localhost/mydb
    """
    target = Target(invocation, "baseline", Choice(**options))
    from ormkit import MigrationError
    from ormkit.migrations import adopt, read_chain

    try:
        chain = read_chain(target.directory)
    except MigrationError as error:
        raise refused(error) from error
    if not len(chain):
        message = f"there is no migration in {target.directory} to record"
        raise Refusal(problem("no-migrations", message, "run `ormkit migrate new start` first"))
    found = target.run(lambda engine: _tool_of(engine, tool))
    differences = _differences(invocation, target, shadow)
    if differences:
        for each in differences:
            click.echo(line_of(each), err=options["as_json"])
        click.echo(
            "nothing was recorded: mend the schema files with `ormkit pull`, or the database with "
            "`ormkit diff --sql`",
            err=True,
        )
        return _DIFFERS
    done = target.run(
        lambda engine: adopt(engine, chain, found, options=target.options, report=target.report)
    )
    if options["as_json"]:
        click.echo(json.dumps({"from": found, "recorded": done.migrations, "exit_code": 0}))
        return 0
    count = len(done.migrations)
    click.echo(f"recorded {count} migration{'' if count == 1 else 's'}, without running them")
    if found != "none":
        click.echo(f"next: {_TOOLS[found][2]}")
    return 0


async def _tool_of(engine: Engine, tool: str | None) -> str:
    """Return the tool that has made the database.

    Raises:
        Refusal: The database is of another one, or not finished by it.
    """
    there: list[str] = []
    for name, (table, _, _) in _TOOLS.items():
        found = await engine.execute("SELECT to_regclass(quote_ident($1)) IS NOT NULL", [table])
        if found.scalar():
            there.append(name)
    if tool is None and len(there) > 1:
        remedy = "choose one with --from"
        message = f"the database has tables of {' and '.join(there)}"
        raise Refusal(problem("several-tools", message, remedy))
    chosen = tool or (there[0] if there else "none")
    if chosen != "none" and chosen not in there:
        message = f"the database has no table {_TOOLS[chosen][0]}, so {chosen} has not made it"
        remedy = f"give --from {there[0] if there else 'none'}, or another --database"
        raise Refusal(problem("other-tool", message, remedy))
    if tool == "none" and there:
        message = f"the database has the table {_TOOLS[there[0]][0]} of {there[0]}"
        raise Refusal(problem("other-tool", message, f"give --from {there[0]}"))
    if chosen != "none":
        rows = (await engine.execute(_TOOLS[chosen][1])).tuples()
        if rows:
            names = ", ".join(str(row[0]) for row in rows)
            message = f"{chosen} has not ended its own migrations: {names}"
            raise Refusal(problem("unfinished-tool", message, f"end them with {chosen} first"))
    return chosen


def _differences(invocation: Invocation, target: Target, shadow: str | None) -> list[Finding]:
    from ormkit_gen.drift.drift import find_drift
    from ormkit_gen.generation import read_schemas

    reading = read_schemas(target.settings, target.settings.targets)
    url = target.url or ""
    found = asyncio.run(find_drift(reading.schemas, url, shadow or target.settings.shadow))
    return [each for each in found if each.counts]
