"""The group `ormkit migrate`: one module beside this one for each command."""

from __future__ import annotations

import click

from ormkit_gen.cli.migrate.check import check, lint
from ormkit_gen.cli.migrate.new import new
from ormkit_gen.cli.migrate.rearrange import rebase, squash


@click.group("migrate")
def migrate() -> None:
    """Change databases step by step, with migrations that are proved before they are written."""


for command in (new, check, lint, rebase, squash):
    migrate.add_command(command)
