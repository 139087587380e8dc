"""A text that a command prints, writes into a file, or compares with one."""

from __future__ import annotations

import difflib
from pathlib import Path

import click

from ormkit_gen.cli.output import print_exactly
from ormkit_gen.filesystem.line_endings import without_conversion

_OUT_OF_DATE = 1

output_option = click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write this file instead of standard output.",
)
check_option = click.option(
    "--check", is_flag=True, help="Write nothing; exit with 1 if FILE is out of date."
)


def check_options(output: Path | None, *, check: bool) -> None:
    """Raise UsageError for a comparison with nothing."""
    if check and output is None:
        raise click.UsageError("--check compares with a file: name it with --output")


def deliver(text: str, output: Path | None, *, check: bool) -> int:
    """Print a text, write it into a file, or show how the file differs; return the exit code."""
    if output is None:
        print_exactly(text)
        return 0
    found = without_conversion(output.read_bytes()).decode() if output.exists() else ""
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
    output.write_text(text, encoding="utf-8", newline="\n")
    click.echo(f"wrote {output}", err=True)
    return 0
