"""`ormkit pull`: write schema files from a live database."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ormkit_gen.cli.invocation import (
    Invocation,
    config_option,
    database_option,
    needed_database,
    pass_invocation,
)
from ormkit_gen.cli.messages import show_diagnostics
from ormkit_gen.cli.output import print_exactly
from ormkit_gen.cli.progress import StepLine

if TYPE_CHECKING:
    from ormkit_gen.pull.proof import Unproven
    from ormkit_gen.pull.pull import Pull
    from ormkit_gen.pull.target_choice import Choice

_UNPROVEN = 1
#: Files of SQL are named one by one up to this number.
_MANY = 10


@click.command()
@database_option
@click.option(
    "--into",
    metavar="FILE",
    help="The schema file for new models in TOML or Python (default: the target's first one).",
)
@click.option(
    "--schema",
    "schemas",
    metavar="NAME",
    multiple=True,
    help="Describe this PostgreSQL schema only. Can be repeated (default: all).",
)
@click.option(
    "--shadow",
    metavar="URL",
    help="Prove the result on this server (default: the setting `shadow`, or embedded).",
)
@click.option("--target", "label", metavar="OUTPUT", help="The target with this output directory.")
@config_option
@pass_invocation
def pull(
    invocation: Invocation,
    database: str | None,
    into: str | None,
    schemas: tuple[str, ...],
    shadow: str | None,
    label: str | None,
    config: Path | None,
) -> int:
    """Write schema files from a live database.

    What the schema language cannot say goes into files of SQL, one for each object, below sql/.
    Pulling again edits the files in place: names, comments and the order of entries stay. Then the
    files are built on a shadow server, and each fact that differs from the database is listed.

    Exit with 0 if nothing differs, 1 if something does, 2 for an error. The database is only read.

    \b
    Example:
      ormkit pull --database postgresql://localhost/mydb
    """
    invocation.name = "pull"
    # Loading these takes longer than `ormkit --help`.
    from ormkit_gen.output.file_changes import write_texts
    from ormkit_gen.pull.target_choice import choose_target

    settings = invocation.settings(config, needs_schemas=False)
    choice = choose_target(settings, label, into)
    own = choice.files.target.database or settings.database
    url = needed_database(database, own, "to pull from")
    found = run_pull(choice, url, schemas, shadow or settings.shadow)
    write_texts(choice.files.root, found.texts)
    for name in _names(found):
        click.echo(name)
    return report(found, choice.files.root)


def run_pull(choice: Choice, database: str, schemas: Sequence[str], shadow: str | None) -> Pull:
    """Pull a database, with a line on the terminal that shows the step. Write nothing."""
    from ormkit_gen.pull.pull import pull as pulled

    step = StepLine()
    try:
        return asyncio.run(pulled(database, choice, schemas=schemas, shadow=shadow, progress=step))
    finally:
        step("")


def report(found: Pull, root: Path) -> int:
    """Print what the files and the database differ in. Return the exit code."""
    for refused in found.refused:
        click.echo(f"not edited: {refused}")
    if found.patch:
        print_exactly(found.patch)
    show_diagnostics(found.failure, root)
    for each in found.unproven:
        click.echo(_line(each))
    click.echo(_summary(found), err=True)
    return _UNPROVEN if found.unproven or found.failure or found.refused else 0


def _names(found: Pull) -> list[str]:
    """Return a line for each file, and one for all files of SQL."""
    sql = [name for name in found.texts if name.endswith(".sql")]
    lines = [f"written: {name}" for name in found.texts if name not in sql]
    if len(sql) > _MANY:
        return [*lines, f"written: {len(sql)} files below sql/"]
    words = {True: "removed", False: "written"}
    return [*lines, *(f"{words[found.texts[name] is None]}: {name}" for name in sql)]


def _line(each: Unproven) -> str:
    fact = each.difference.fact
    what = (
        fact.object if fact.kind == "object" else f"{fact.object}: {fact.kind} {fact.name}".rstrip()
    )
    found, built = each.difference.found, each.difference.expected
    parts = [
        f"the database has {_short(found.definition)}" if found and found.definition else "",
        f"the files make {_short(built.definition)}" if built and built.definition else "",
    ]
    return f"differs: {'; '.join(filter(None, (what, *parts)))} ({each.reason})"


def _short(definition: str) -> str:
    text = " ".join(definition.split())
    return text if len(text) <= 80 else f"{text[:77]}..."


def _summary(found: Pull) -> str:
    count = len(found.snapshot.catalog)
    if found.failure:
        return f"{count} facts in the database; not all of what the files build is known"
    if found.patch:
        return "apply the patch above, then pull again"
    if found.refused:
        return "change what is not edited by hand, then pull again"
    if found.unproven:
        return f"{count} facts in the database, of which {len(found.unproven)} differ"
    done = "the files are up to date" if not found.texts else "the files say the same"
    return f"{count} facts in the database; {done}"
