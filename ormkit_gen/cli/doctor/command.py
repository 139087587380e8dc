"""The command `ormkit doctor`."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import click

from ormkit_gen.cli.doctor.finding import Finding, problem
from ormkit_gen.cli.invocation import (
    Invocation,
    config_option,
    database_url,
    json_option,
    pass_invocation,
)
from ormkit_gen.cli.secrets import masked

_PROBLEMS = 1


@click.command()
@json_option
@click.option(
    "--database",
    metavar="URL",
    help="The database (default: DATABASE_URL, or the setting `database`).",
)
@config_option
@pass_invocation
def doctor(invocation: Invocation, as_json: bool, database: str | None, config: Path | None) -> int:
    """Check the installation, the project and its database.

    Exit with 1 if there is a problem; notes do not count. The database is only read.

    \b
    Example:
      ormkit doctor --database postgresql://localhost/mydb
    """
    # Loading the schema reader takes longer than `ormkit --help`.
    from ormkit_gen.cli.doctor.database import check_database
    from ormkit_gen.cli.doctor.installation import check_installation, check_project

    invocation.wants_json = as_json
    invocation.name = "doctor"
    found = list(check_installation())
    of_project, settings = check_project(config)
    found += of_project
    url = database_url(database, settings.database if settings else None)
    if url:
        of_database = asyncio.run(check_database(url))
        found += of_database
        if settings is not None and len(of_database) > 1:
            found += _check_tables(invocation, url, config)
    code = _PROBLEMS if any(each.state == "problem" for each in found) else 0
    if as_json:
        checks = [each.document() for each in found]
        document = {"command": "doctor", "exit_code": code, "checks": checks}
        click.echo(masked(json.dumps(document, indent=2)))
    else:
        for each in found:
            click.echo(masked(each.line()))
    return code


def _check_tables(invocation: Invocation, url: str, config: Path | None) -> list[Finding]:
    """Compare the database with the schema, as `ormkit check` does."""
    from ormkit_gen.cli.doctor.finding import ok
    from ormkit_gen.diagnostics.diagnostic import SchemaError
    from ormkit_gen.diagnostics.refusal import Refusal
    from ormkit_gen.drift.examination import Project, Reading, examine
    from ormkit_gen.generation import read_schemas

    settings = invocation.settings(config)

    def read() -> Reading:
        return read_schemas(settings, settings.targets)

    project = Project(settings.root, settings.targets, read)
    try:
        result = asyncio.run(examine(project, url, settings.shadow, ()))
    except (Refusal, SchemaError) as error:
        first = error.diagnostics[0]
        return [problem("tables", first.message, first.remedy)]
    count = sum(each.counts for each in result.findings)
    if count:
        return [problem("tables", f"{count} differ from the schema", "run `ormkit check`")]
    return [ok("tables", "are those of the schema")]
