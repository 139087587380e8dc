"""The command `ormkit doctor`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ormkit_gen.cli.doctor.finding import Finding, problem
from ormkit_gen.cli.invocation import (
    Invocation,
    by_database,
    config_option,
    database_option,
    database_url,
    json_option,
    of_target,
    pass_invocation,
)
from ormkit_gen.cli.secrets import masked
from ormkit_gen.project.settings import SettingsError

if TYPE_CHECKING:
    from ormkit_gen.project.settings import Settings
    from ormkit_gen.project.targets import Target

_PROBLEMS = 1


@click.command()
@json_option
@database_option
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
    for url, targets in _databases(settings, database).items():
        of_database = asyncio.run(check_database(url))
        found += of_database
        if settings is not None and len(of_database) > 1:
            of_migrations = _check_migrations(settings, url, targets)
            found += of_migrations
            is_behind = any(each.state == "problem" for each in of_migrations)
            found += _check_tables(invocation, url, targets, config, is_behind=is_behind)
    code = _PROBLEMS if any(each.state == "problem" for each in found) else 0
    if as_json:
        checks = [each.document() for each in found]
        document = {"command": "doctor", "exit_code": code, "checks": checks}
        click.echo(masked(json.dumps(document, indent=2)))
    else:
        for each in found:
            click.echo(masked(each.line()))
    return code


def _databases(settings: Settings | None, given: str | None) -> dict[str, tuple[Target, ...]]:
    """Return the databases of the project, each with its targets."""
    if settings is None:
        url = database_url(given, None)
        return {url: ()} if url else {}
    found = by_database(settings, settings.targets, given)
    return {url: targets for url, targets in found.items() if url}


def _check_migrations(settings: Settings, url: str, targets: Sequence[Target]) -> list[Finding]:
    """Ask the database which migrations of each directory it has."""
    # Importing the runtime takes longer than `ormkit --help`.
    from ormkit.migrations import Options
    from ormkit_gen.cli.doctor.migrations import check_migrations

    found: dict[Path, Finding | None] = {}
    for target in targets:
        place = target.migrations or settings.migrations
        directory = settings.root / place
        if directory in found:
            continue
        name = "migrations" if len(settings.targets) == 1 else f"migrations in {place}"
        try:
            own = of_target(settings, target.label)
        except SettingsError as error:
            (shared,) = error.diagnostics
            is_there = directory.exists()
            found[directory] = problem(name, shared.message, shared.remedy) if is_there else None
        else:
            options = Options(schema=own.migrations_schema, phases=own.phases)
            found[directory] = check_migrations(name, url, directory, options)
    return [each for each in found.values() if each is not None]


def _check_tables(
    invocation: Invocation,
    url: str,
    targets: Sequence[Target],
    config: Path | None,
    *,
    is_behind: bool,
) -> list[Finding]:
    """Compare the database with the schema, as `ormkit check` does.

    is_behind: whether the database lacks migrations, which may be all that differs.
    """
    from ormkit_gen.cli.comparing import labels, project_of
    from ormkit_gen.cli.doctor.finding import ok
    from ormkit_gen.cli.doctor.migrations import APPLY
    from ormkit_gen.diagnostics.diagnostic import SchemaError
    from ormkit_gen.diagnostics.refusal import Refusal
    from ormkit_gen.drift.examination import examine

    settings = invocation.settings(config)
    chosen = [each for each in settings.targets if each.label in {each.label for each in targets}]
    name = "tables" if len(chosen) == len(settings.targets) else f"tables of {labels(chosen)}"
    project = project_of(settings, chosen, url)
    try:
        result = asyncio.run(examine(project, url, settings.shadow, ()))
    except (Refusal, SchemaError) as error:
        first = error.diagnostics[0]
        return [problem(name, first.message, first.remedy)]
    count = sum(each.counts for each in result.findings)
    if count:
        begin = f"{APPLY}, and then" if is_behind else "run"
        return [problem(name, f"{count} differ from the schema", f"{begin} `ormkit check`")]
    return [ok(name, "are those of the schema")]
