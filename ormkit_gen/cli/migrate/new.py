"""`ormkit migrate new`: write the migration for what has changed in the schema."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ormkit_gen.cli.invocation import (
    Invocation,
    config_option,
    json_option,
    of_target,
    pass_invocation,
    target_option,
)
from ormkit_gen.cli.messages import print_document, show_diagnostics
from ormkit_gen.cli.migrate.chains import project_chain
from ormkit_gen.cli.progress import ProgressLine

if TYPE_CHECKING:
    from ormkit.migrations.files import Migration, Step
    from ormkit_gen.ir import Schema
    from ormkit_gen.migrations.state import State
    from ormkit_gen.project.settings import Settings


@click.command()
@click.argument("name")
@click.option(
    "--rename",
    "renames",
    metavar="OLD=NEW",
    multiple=True,
    help="Say that something has another name now, as in users.mail=users.email. Can be repeated.",
)
@click.option(
    "--drop",
    "drops",
    metavar="NAME",
    multiple=True,
    help="Say that a table, a column or a value may go with its data. Can be repeated.",
)
@click.option(
    "--consent",
    "consents",
    metavar="REASON:TABLE",
    multiple=True,
    help="Agree that programs wait while a table is changed. Can be repeated.",
)
@click.option("--data", "has_data", is_flag=True, help="Add a data.py, to change rows in Python.")
@click.option(
    "--model", "models", metavar="MODEL", multiple=True, help="What data.py needs (default: all)."
)
@click.option("--empty", "is_empty", is_flag=True, help="Write a migration to be filled by hand.")
@click.option(
    "--shadow",
    metavar="URL",
    help="Plan and prove on this server (default: the setting `shadow`, or embedded).",
)
@target_option
@json_option
@config_option
@pass_invocation
def new(
    invocation: Invocation,
    name: str,
    renames: tuple[str, ...],
    drops: tuple[str, ...],
    consents: tuple[str, ...],
    has_data: bool,
    models: tuple[str, ...],
    is_empty: bool,
    shadow: str | None,
    label: str | None,
    as_json: bool,
    config: Path | None,
) -> int:
    """Write a migration for what has changed in the schema since the last one.

    The migration is planned and proved on a shadow server; no database is touched. What goes is
    written as a second migration, which runs once no program uses it any more. Nothing is written
    where nothing has changed.

    \b
    Examples:
      ormkit migrate new add-age
      ormkit migrate new rename-mail --rename users.mail=users.email
    """
    invocation.wants_json = as_json
    invocation.name = "migrate new"
    # Loading these takes longer than `ormkit --help`.
    from ormkit_gen.drift.shadow import starting
    from ormkit_gen.generation import read_schemas
    from ormkit_gen.migrations.answers import Answers
    from ormkit_gen.migrations.authoring import Wanted, by_hand, write_drafts
    from ormkit_gen.migrations.drafting import Drafts, draft
    from ormkit_gen.migrations.folder import slug_of
    from ormkit_gen.migrations.state import State

    wanted = Wanted(slug_of(name), has_data, models)
    answers = Answers(tuple(map(_pair, renames)), drops, consents)
    settings = of_target(invocation.settings(config), label)
    url = shadow or settings.shadow
    with nullcontext() if is_empty else starting(url):
        reading = read_schemas(settings, settings.targets)
        after = State.of(*reading.schemas)
        head, before = _last(settings, after)
        if is_empty:
            found = Drafts((by_hand(after.schema),), ())
        else:
            version, to = settings.postgresql, after.schema
            found = asyncio.run(draft(before, to, answers, url, version, with_way_back=True))
    warnings = (*reading.warnings, *found.warnings)
    if not as_json:
        show_diagnostics(warnings, invocation.root)
    directory = settings.root / settings.migrations
    line = ProgressLine()
    written = write_drafts(directory, head, before, found.drafts, wanted, line, after)
    if as_json:
        migrations = [_document(settings, each) for each in written]
        return print_document(invocation, 0, warnings, migrations=migrations)
    _print_lines(settings, written)
    return 0


def _last(settings: Settings, after: State) -> tuple[Migration | None, Schema | None]:
    """Return the last migration, and the schema after it.

    after: the state of the schema files.
    """
    from ormkit_gen.migrations.authoring import state_of

    head = project_chain(settings).head
    return head, state_of(head, after) if head is not None else None


def _pair(text: str) -> tuple[str, str]:
    old, sign, new = text.partition("=")
    if not (old and sign and new):
        raise click.UsageError(f"--rename takes OLD=NEW, as in users.mail=users.email, not {text}")
    return old.strip(), new.strip()


def _print_lines(settings: Settings, written: Sequence[Migration]) -> None:
    if not written:
        click.echo("nothing has changed since the last migration", err=True)
    for each in written:
        click.echo(f"{settings.migrations}/{each.id}/")
        for number, step in enumerate(each.steps, 1):
            first = next(iter(step.sql.strip().splitlines()), "data.py")
            click.echo(f"  {number}. {shortened(first)}" + _hints(step))
        if each.header.phase == "contract":
            click.echo("  run it once no program of before the change runs any more", err=True)


def _hints(step: Step) -> str:
    kind = str(step.batches) if step.batches else step.mode
    return "" if kind == "transaction" else f"  ({kind})"


def shortened(line: str) -> str:
    """Return the beginning of a line."""
    return line if len(line) <= 100 else f"{line[:97]}..."


def _document(settings: Settings, migration: Migration) -> dict[str, Any]:
    return {
        "id": migration.id,
        "directory": f"{settings.migrations}/{migration.id}",
        "parent": migration.header.parent,
        "phase": migration.header.phase,
        "minimum_server": migration.header.minimum_server,
        "steps": [
            {
                "mode": step.mode,
                "sql": step.sql,
                "measured": list(step.measured),
                "notes": list(step.notes),
            }
            for step in migration.steps
        ],
    }
