"""What the command prints, on a terminal of any encoding and into a pipe."""

from __future__ import annotations

import io
import sys

import click


def escape_unprintable() -> None:
    r"""Print characters that the terminal's encoding lacks as escapes, such as \xfc."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def print_exactly(text: str) -> None:
    """Print a text for other programs: as UTF-8, unless a person looks at it."""
    if sys.stdout.isatty():
        click.echo(text, nl=False)
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode())
    sys.stdout.buffer.flush()
