"""`ormkit schema-json`: what editors need to complete and check schema files."""

from __future__ import annotations

from pathlib import Path

import click

from ormkit_gen.cli.text_file import check_option, check_options, deliver, output_option

#: As `KINDS` of ormkit_gen.json_schema.editor_files, which takes longer to load.
_KINDS = ("schema", "settings", "pyproject")


@click.command("schema-json")
@click.option(
    "--of",
    "kind",
    type=click.Choice(_KINDS),
    default="schema",
    help="Schema files (default), the settings in ormkit.toml, or those in pyproject.toml.",
)
@output_option
@check_option
def schema_json(kind: str, output: Path | None, check: bool) -> int:
    """Print the JSON Schema by which editors complete and check TOML files.

    tombi, and taplo ("Even Better TOML"), find it by the first line of a schema file. `ormkit init`
    and `ormkit pull` write both. No network is needed.

    \b
    Examples:
      ormkit schema-json --output schemas/ormkit.schema.json
      sed -i '1i #:schema ./ormkit.schema.json' schemas/blog.toml
    """
    check_options(output, check=check)
    # Loading the schema reader takes longer than `ormkit --help`.
    from ormkit_gen.json_schema.editor_files import json_text

    return deliver(json_text(kind), output, check=check)
