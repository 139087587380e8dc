"""`ormkit sql`: the DDL of a schema."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from ormkit_gen.cli.invocation import Invocation, config_option, pass_invocation
from ormkit_gen.cli.messages import show_diagnostics
from ormkit_gen.cli.output import print_exactly
from ormkit_gen.project.targets import Target


@click.command()
@click.option("--target", "label", metavar="OUTPUT", help="The target with this output directory.")
@config_option
@pass_invocation
def sql(invocation: Invocation, label: str | None, config: Path | None) -> None:
    """Print the SQL that creates the tables.

    You can run the SQL more than once.

    \b
    Example:
      ormkit sql | psql postgresql://localhost/mydb
    """
    # Loading the schema reader takes longer than `ormkit --help`.
    from ormkit_gen.ddl.schema import schema_sql
    from ormkit_gen.generation import read_schemas

    settings = invocation.settings(config)
    target = _chosen(settings.targets, label)
    reading = read_schemas(settings, [target])
    show_diagnostics(reading.warnings, invocation.root)
    print_exactly(schema_sql(reading.schemas[0]).rstrip("\n") + "\n")


def _chosen(targets: Sequence[Target], label: str | None) -> Target:
    if label is None and len(targets) == 1:
        return targets[0]
    for target in targets:
        if label is not None and target.label == label.rstrip("/"):
            return target
    labels = ", ".join(target.label for target in targets)
    given = "choose a target with --target" if label is None else f"there is no target '{label}'"
    raise click.UsageError(f"{given}; the targets are: {labels}")
