"""One text of Python, formatted by black and known to parse."""

from __future__ import annotations

import ast
import importlib.metadata
from functools import cache

LINE_LENGTH = 100


class BrokenCode(Exception):
    """A template wrote something that is not Python."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name
        self.reason = reason


@cache
def formatter_name() -> str:
    """Return the name and version of what formats; texts kept from another one are not reused."""
    return f"black {importlib.metadata.version('black')}"


def format_text(name: str, text: str) -> str:
    """Format one text and parse the result; raise BrokenCode where that fails."""
    # Importing black takes longer than a run that has nothing to format.
    from black import format_str
    from black.mode import Mode, TargetVersion

    mode = Mode(target_versions={TargetVersion.PY311}, line_length=LINE_LENGTH)
    try:
        formatted = format_str(text, mode=mode)
        ast.parse(formatted, name)
    except (ValueError, SyntaxError) as error:  # black's InvalidInput is a ValueError
        raise BrokenCode(name, str(error)) from error
    return formatted
