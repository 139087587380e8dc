"""`ormkit sql`: the DDL of a schema."""

from __future__ import annotations

from pathlib import Path

import click

from ormkit_gen.cli.invocation import (
    Invocation,
    chosen_target,
    config_option,
    pass_invocation,
)
from ormkit_gen.cli.messages import show_diagnostics
from ormkit_gen.cli.output import print_exactly


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
    target = chosen_target(settings.targets, label)
    reading = read_schemas(settings, [target])
    show_diagnostics(reading.warnings, invocation.root)
    print_exactly(schema_sql(reading.schemas[0]).rstrip("\n") + "\n")
