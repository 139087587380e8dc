"""`ormkit migrate baseline`: take over a database that another tool has made."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from ormkit_gen.cli.check import finding_document, line_of
from ormkit_gen.cli.invocation import Invocation, pass_invocation
from ormkit_gen.cli.messages import print_document
from ormkit_gen.cli.migrate.target import Choice, Target, database_options, refused
from ormkit_gen.diagnostics.refusal import Refusal, problem
from ormkit_gen.drift.other_tools import FIND, TOOLS, Tool, tool_of

if TYPE_CHECKING:
    from ormkit import Engine
    from ormkit_gen.drift.drift import Finding

_DIFFERS = 1
_NONE = "none"


@click.command()
@click.option(
    "--from",
    "tool",
    type=click.Choice([*(each.name for each in TOOLS), _NONE]),
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
    name = found.tool.name if found else _NONE
    differences = _differences(invocation, target, shadow)
    if differences:
        message = "nothing was recorded: the database is not as the schema files say"
        remedy = "mend the files with `ormkit pull`, or the database with `ormkit diff --sql`"
        if invocation.wants_json:
            documents = [finding_document(each) for each in differences]
            problems = [problem("differs", message, remedy)]
            return print_document(invocation, _DIFFERS, problems, differences=documents)
        for each in differences:
            click.echo(line_of(each))
        click.echo(f"{message}: {remedy}", err=True)
        return _DIFFERS
    done = target.run(
        lambda engine: adopt(engine, chain, name, options=target.options, report=target.report)
    )
    if invocation.wants_json:
        return print_document(invocation, 0, recorded=done.migrations, tool=name)
    count = len(done.migrations)
    what = "1 migration, without running it"
    if count != 1:
        what = f"{count} migrations, without running them"
    click.echo(f"recorded {what}")
    if found:
        click.echo(f"next: {found.tool.next.format(table=found.table)}")
    return 0


@dataclass(frozen=True, slots=True)
class _Found:
    """A tool, and its table in the database, as SQL."""

    tool: Tool
    table: str


async def _tool_of(engine: Engine, name: str | None) -> _Found | None:
    """Return the tool that has made the database; None for none.

    Raises:
        Refusal: The database is of another one, or not finished by it.
    """
    rows = (await engine.execute(FIND, [[each.table for each in TOOLS]])).tuples()
    tables = [(tool_of(relation, columns), table) for relation, table, columns in rows]
    there = {tool.name: _Found(tool, table) for tool, table in reversed(tables) if tool}
    first = next(iter(there), _NONE)
    if name is None and len(there) > 1:
        message = f"the database has tables of {' and '.join(sorted(there))}"
        raise Refusal(problem("several-tools", message, "choose one with --from"))
    chosen = name or first
    if chosen == _NONE:
        if there:
            message = f"the database has the table {there[first].table} of {first}"
            raise Refusal(problem("other-tool", message, f"give --from {first}"))
        return None
    if chosen not in there:
        table = next(each.table for each in TOOLS if each.name == chosen)
        message = f"the database has no table {table}, so {chosen} has not made it"
        remedy = f"give --from {first}, or another --database"
        if first == _NONE:
            remedy += "; --from none is also for a table that was given another name"
        raise Refusal(problem("other-tool", message, remedy))
    found = there[chosen]
    sql = found.tool.unfinished.format(table=found.table)
    if rows := (await engine.execute(sql)).tuples():
        names = ", ".join(str(row[0]) for row in rows)
        message = f"{chosen} has not ended its own migrations: {names}"
        raise Refusal(problem("unfinished-tool", message, found.tool.remedy))
    return found


def _differences(invocation: Invocation, target: Target, shadow: str | None) -> list[Finding]:
    from ormkit_gen.drift.drift import find_drift
    from ormkit_gen.generation import read_schemas

    reading = read_schemas(target.settings, target.settings.targets)
    url = target.url or ""
    found = asyncio.run(find_drift(reading.schemas, url, shadow or target.settings.shadow))
    return [each for each in found if each.counts]
