"""`ormkit init`: create a small project that works at once."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ormkit_gen.cli.invocation import Invocation, pass_invocation

if TYPE_CHECKING:
    from ormkit_gen.ir import Schema
    from ormkit_gen.project.starter import Spelling


@click.command()
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False), default=".")
@click.option("--python", "in_python", is_flag=True, help="Write a Python schema instead of TOML.")
@click.option("--from", "database", metavar="URL", help="Start from the tables of this database.")
@click.option(
    "--schema",
    "schemas",
    metavar="NAME",
    multiple=True,
    help="With --from: this PostgreSQL schema only. Can be repeated (default: all).",
)
@click.option("--shadow", metavar="URL", help="With --from: prove the result on this server.")
@pass_invocation
def init(
    invocation: Invocation,
    directory: Path,
    in_python: bool,
    database: str | None,
    schemas: tuple[str, ...],
    shadow: str | None,
) -> int | None:
    """Create a small project that works at once.

    The project has a schema with two tables, the code generated from it, the migration that creates
    the tables, and a program that uses them with an embedded PostgreSQL. It is written into
    DIRECTORY, by default the current one. Existing files are not changed.

    With --from, the project has a schema file for a database that exists, as `ormkit pull` writes
    it, the code generated from it, and a first migration that creates what the database has. The
    database is only read; `ormkit migrate baseline` records the migration in it.

    \b
    Example:
      ormkit init blog
      cd blog
      python main.py

    \b
    Example:
      ormkit init app --from postgresql://localhost/mydb
      ormkit init app --from postgresql://localhost/mydb --python
    """
    if database is None and (schemas or shadow):
        raise click.UsageError("--schema and --shadow go with --from URL")
    invocation.root = directory.resolve()
    if database is not None:
        return _start_from(invocation, directory, in_python, database, schemas, shadow)
    _start_blog(invocation, directory, in_python)
    return None


def _start_blog(invocation: Invocation, directory: Path, in_python: bool) -> None:
    # Loading the template engine takes longer than `ormkit --help`.
    from ormkit_gen.cli.progress import ProgressLine
    from ormkit_gen.json_schema.editor_files import beside
    from ormkit_gen.migrations.first import write_first
    from ormkit_gen.project.starter import MIGRATIONS, plan_project, write_project

    project = plan_project(directory, "py" if in_python else "toml", beside)
    write_project(project)
    schema, names = _generate(directory, project.texts)
    first = write_first(directory / MIGRATIONS, schema, ProgressLine())
    names.append(f"{MIGRATIONS}/{first.id}/")
    click.echo(f"created in {directory}: {', '.join(names)}")
    for name in project.kept:
        click.echo(f"not changed: {name}")
    _show_next_steps(directory, ".gitignore" in project.kept)


def _generate(directory: Path, written: Iterable[str]) -> tuple[Schema, list[str]]:
    """Generate the package of a new project; return its schema, and the names of what is there."""
    # Loading the template engine takes longer than `ormkit --help`.
    from ormkit_gen.generation import build_packages, read_schemas, write_packages
    from ormkit_gen.project.settings import find_settings, read_settings

    settings = read_settings(find_settings(directory))
    reading = read_schemas(settings, settings.targets)
    plans = write_packages(build_packages(settings.targets, reading.schemas, lambda done, of: None))
    (schema,) = reading.schemas
    return schema, [*written, *(f"{plan.label}/" for plan in plans)]


def _start_from(
    invocation: Invocation,
    directory: Path,
    in_python: bool,
    database: str,
    schemas: tuple[str, ...],
    shadow: str | None,
) -> int:
    # Loading these takes longer than `ormkit --help`.
    from ormkit_gen.cli.pull import report, run_pull
    from ormkit_gen.output.file_changes import finish_change, write_texts
    from ormkit_gen.project.starter import MIGRATIONS
    from ormkit_gen.pull.new_project import choice_in, project_for

    finish_change(directory.resolve())
    spelling: Spelling = "py" if in_python else "toml"
    project_for(directory, spelling, "Model")
    found = run_pull(choice_in(directory, spelling), database, schemas, shadow)
    models = [model.name for model in found.schema.models if not model.is_association]
    sql = [name for name in found.texts if name.endswith(".sql")]
    project = project_for(directory, spelling, models[0], has_sql=bool(sql)) if models else None
    texts = {**(project.texts if project else {}), **found.texts}
    directory.mkdir(parents=True, exist_ok=True)
    write_texts(directory.resolve(), texts)
    others = [name for name in texts if name not in sql]
    schema, names = _generate(directory, [*others, *(["sql/"] if sql else [])])
    first = _first_of_existing(invocation, directory, schema, shadow)
    names += [f"{MIGRATIONS}/{each}/" for each in first]
    click.echo(f"created in {directory}: {', '.join(names)}")
    for name in project.kept if project else ():
        click.echo(f"not changed: {name}")
    code = report(found, invocation.root)
    if first:
        click.echo("\nNext, on each database that has the tables already:")
        click.echo("  ormkit migrate baseline --database URL    record the first migration there")
    return code


def _first_of_existing(
    invocation: Invocation, directory: Path, schema: Schema, shadow: str | None
) -> list[str]:
    """Write the migration that creates all there is, and return its name.

    The project is of use without it, so that what keeps it from being written is only shown.
    """
    import asyncio

    from ormkit_gen.cli.messages import show_diagnostics
    from ormkit_gen.cli.progress import ProgressLine
    from ormkit_gen.diagnostics.refusal import Refusal, problem
    from ormkit_gen.migrations.answers import Answers
    from ormkit_gen.migrations.authoring import Wanted, write_drafts
    from ormkit_gen.migrations.drafting import draft
    from ormkit_gen.project.starter import MIGRATIONS

    try:
        found = asyncio.run(draft(None, schema, Answers(), shadow))
    except Refusal as refusal:
        show_diagnostics(refusal.diagnostics, invocation.root)
        message = "the first migration could not be written"
        remedy = "do what is said above, and run `ormkit migrate new start`"
        missing = problem("no-first-migration", message, remedy)
        show_diagnostics([replace(missing, severity="warning")], invocation.root)
        return []
    wanted = Wanted("start")
    drafts = found.drafts
    written = write_drafts(directory / MIGRATIONS, None, None, drafts, wanted, ProgressLine())
    return [each.id for each in written]


def _show_next_steps(directory: Path, has_own_gitignore: bool) -> None:
    click.echo("\nNext:")
    if directory.resolve() != Path.cwd():
        click.echo(f"  cd {os.fspath(directory)}")
    click.echo("  python main.py        start PostgreSQL, create the tables, run the program")
    click.echo("\nAfter each change of the schema:")
    click.echo("  ormkit generate             update the code")
    click.echo("  ormkit migrate new NAME     write the migration")
    click.echo("  ormkit migrate apply        change the tables; python main.py does it, too")
    if has_own_gitignore:
        click.echo("\nAdd .pgdata/ to .gitignore: it contains the database")
