"""The group `ormkit migrate`: one module beside this one for each command."""

from __future__ import annotations

import click

from ormkit_gen.cli.migrate.apply import apply, resume
from ormkit_gen.cli.migrate.baseline import baseline
from ormkit_gen.cli.migrate.check import check, lint
from ormkit_gen.cli.migrate.new import new
from ormkit_gen.cli.migrate.rearrange import rebase, squash
from ormkit_gen.cli.migrate.status import status
from ormkit_gen.cli.migrate.undo import abandon, down


@click.group("migrate")
def migrate() -> None:
    """Change databases step by step, with migrations that are proved before they are written."""


for command in (
    *(new, apply, status, resume, abandon, down),
    *(check, lint, rebase, squash, baseline),
):
    migrate.add_command(command)
