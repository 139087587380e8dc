"""Printing to terminals of any encoding and to pipes."""

from __future__ import annotations

import io
import sys

import click


def escape_unprintable() -> None:
    r"""Print characters that the terminal's encoding does not support as escapes, such as \xfc."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def print_exactly(text: str) -> None:
    """Print a text for other programs, as UTF-8 unless standard output is a terminal."""
    if sys.stdout.isatty():
        click.echo(text, nl=False)
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode())
    sys.stdout.buffer.flush()
