"""`ormkit init`: create a small project that works at once."""

from __future__ import annotations

import os
from pathlib import Path

import click

from ormkit_gen.cli.invocation import Invocation, pass_invocation


@click.command()
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False), default=".")
@click.option("--python", "in_python", is_flag=True, help="Write a Python schema instead of TOML.")
@pass_invocation
def init(invocation: Invocation, directory: Path, in_python: bool) -> None:
    """Create a small project that works at once.

    The project has a schema with two tables, the code generated from it, and a program that uses
    them with an embedded PostgreSQL. It is written into DIRECTORY, by default the current one.
    Existing files are not changed.

    \b
    Example:
      ormkit init blog
      cd blog
      python main.py
    """
    # Loading the template engine takes longer than `ormkit --help`.
    from ormkit_gen.generation import build_packages, read_schemas, write_packages
    from ormkit_gen.project.settings import find_settings, read_settings
    from ormkit_gen.project.starter import plan_project, write_project

    invocation.root = directory.resolve()
    project = plan_project(directory, "py" if in_python else "toml")
    write_project(project)
    settings = read_settings(find_settings(directory))
    reading = read_schemas(settings, settings.targets)
    plans = write_packages(build_packages(settings.targets, reading.schemas, lambda done, of: None))
    written = [*project.texts, *(f"{plan.label}/" for plan in plans)]
    click.echo(f"created in {directory}: {', '.join(written)}")
    for name in project.kept:
        click.echo(f"not changed: {name}")
    _show_next_steps(directory, ".gitignore" in project.kept)


def _show_next_steps(directory: Path, has_own_gitignore: bool) -> None:
    click.echo("\nNext:")
    if directory.resolve() != Path.cwd():
        click.echo(f"  cd {os.fspath(directory)}")
    click.echo("  python main.py        start PostgreSQL, create the tables, run the program")
    click.echo("  ormkit generate       update the code after each change of the schema")
    if has_own_gitignore:
        click.echo("  add .pgdata/ to .gitignore: it contains the database")
