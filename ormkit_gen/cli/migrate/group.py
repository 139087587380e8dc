"""The group `ormkit migrate`: one module beside this one for each command."""

from __future__ import annotations

import click

from ormkit_gen.cli.migrate.new import new


@click.group("migrate")
def migrate() -> None:
    """Change databases step by step, with migrations that are proved before they are written."""


for command in (new,):
    migrate.add_command(command)
