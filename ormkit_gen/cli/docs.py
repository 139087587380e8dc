"""`ormkit docs`: a page or a diagram of the schema."""

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
from ormkit_gen.cli.text_file import check_option, check_options, deliver, output_option
from ormkit_gen.diagnostics.diagnostic import did_you_mean

_FORMATS = ("markdown", "mermaid", "dbml", "dot")


@click.command()
@click.option(
    "--format", "form", type=click.Choice(_FORMATS), default="markdown", help="Default: markdown."
)
@output_option
@check_option
@click.option("--around", metavar="MODEL", help="Show this model and its neighbors only.")
@click.option(
    "--depth",
    type=click.IntRange(min=0),
    default=1,
    help="How many foreign keys away from MODEL (default: 1).",
)
@click.option("--target", "label", metavar="OUTPUT", help="The target with this output directory.")
@config_option
@pass_invocation
def docs(
    invocation: Invocation,
    form: str,
    output: Path | None,
    check: bool,
    around: str | None,
    depth: int,
    label: str | None,
    config: Path | None,
) -> int:
    """Print a page or a diagram of the schema.

    No database is needed, and the order is always the same.

    \b
    Examples:
      ormkit docs --output docs/schema.md            a page with all models
      ormkit docs --output docs/schema.md --check    in CI: fail if it is out of date
      ormkit docs --format dot | dot -Tsvg > er.svg  a picture, by Graphviz
    """
    check_options(output, check=check)
    text = _text(invocation, form, around, depth, label, config)
    return deliver(text, output, check=check)


def _text(
    invocation: Invocation,
    form: str,
    around: str | None,
    depth: int,
    label: str | None,
    config: Path | None,
) -> str:
    # Loading the schema reader takes longer than `ormkit --help`.
    from ormkit_gen.documenting import diagrams, markdown, selection
    from ormkit_gen.generation import read_schemas

    settings = invocation.settings(config)
    target = chosen_target(settings.targets, label)
    reading = read_schemas(settings, [target])
    show_diagnostics(reading.warnings, invocation.root)
    schema = reading.schemas[0]
    if around is not None:
        try:
            schema = selection.around(schema, around, depth)
        except KeyError:
            names = [model.name for model in schema.models]
            raise click.UsageError(
                f"there is no model '{around}': {did_you_mean(around, names)}"
            ) from None
    made = {
        "markdown": markdown.markdown,
        "mermaid": diagrams.mermaid,
        "dbml": diagrams.dbml,
        "dot": diagrams.dot,
    }
    return made[form](schema)
