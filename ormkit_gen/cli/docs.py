"""`ormkit docs`: a page or a diagram of the schema."""

from __future__ import annotations

import difflib
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
from ormkit_gen.diagnostics.diagnostic import did_you_mean

_OUT_OF_DATE = 1
_FORMATS = ("markdown", "mermaid", "dbml", "dot")


@click.command()
@click.option(
    "--format", "form", type=click.Choice(_FORMATS), default="markdown", help="Default: markdown."
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write this file instead of standard output.",
)
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if FILE is out of date.")
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
    if check and output is None:
        raise click.UsageError("--check compares with a file: name it with --output")
    text = _text(invocation, form, around, depth, label, config)
    if output is None:
        print_exactly(text)
        return 0
    found = output.read_text(encoding="utf-8") if output.exists() else ""
    if found == text:
        click.echo(f"{output} is up to date", err=True)
        return 0
    if check:
        lines = difflib.unified_diff(
            found.splitlines(True), text.splitlines(True), str(output), f"{output} (new)"
        )
        print_exactly("".join(lines))
        click.echo(f"{output} is out of date: run the command without --check", err=True)
        return _OUT_OF_DATE
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(text, encoding="utf-8")
    click.echo(f"wrote {output}", err=True)
    return 0


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
