"""Formatting one Python text with black, and checking that it parses."""

from __future__ import annotations

import ast
import importlib.metadata
from collections.abc import Callable
from functools import cache

LINE_LENGTH = 100


class BrokenCode(Exception):
    """A template produced text that is not valid Python."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name
        self.reason = reason


@cache
def formatter_name() -> str:
    """Return the name and version of the formatter."""
    try:
        return f"black {importlib.metadata.version('black')}"
    except importlib.metadata.PackageNotFoundError:  # black was copied without its metadata
        return "black"


def format_text(name: str, text: str) -> str:
    """Format one text and parse the result. Raise BrokenCode if that fails."""
    # Importing black takes longer than a run without anything to format.
    import black
    from black.mode import Mode, TargetVersion

    mode = Mode(target_versions={TargetVersion.PY311}, line_length=LINE_LENGTH)
    # format_str formats its result a second time, because the first pass may add commas that
    # change the layout. The text of the templates is stable after the first pass, and the second
    # one would take half of the time of a generation.
    format_once: Callable[..., str] = getattr(black, "_format_str_once", black.format_str)
    try:
        formatted = format_once(text, mode=mode)
        ast.parse(formatted, name)
    except (ValueError, SyntaxError) as error:  # black's InvalidInput is a ValueError
        raise BrokenCode(name, str(error)) from error
    return formatted
