"""How a Python file is formatted, so that what is new in it looks like the rest."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli

from ormkit_gen.schema.document import is_table

if TYPE_CHECKING:
    from black.mode import Mode

_WIDTH = 88
_INDENT = "    "


class Style:
    """The formatting that a project asks for."""

    def __init__(self, root: Path) -> None:
        self._settings = _tool_settings(root / "pyproject.toml")

    @functools.cached_property
    def width(self) -> int:
        """The longest line."""
        for tool in ("black", "ruff"):
            width = self._tool(tool).get("line-length", self._tool(tool).get("line_length"))
            if isinstance(width, int):
                return width
        return _WIDTH

    def _tool(self, name: str) -> dict[str, Any]:
        found = self._settings.get(name)
        return found if is_table(found) else {}

    @functools.cached_property
    def _mode(self) -> Mode:
        # Importing black takes longer than a run without anything to format.
        from black.mode import Mode

        own = self._tool("black")
        return Mode(
            line_length=self.width,
            string_normalization=not own.get("skip-string-normalization", False),
            magic_trailing_comma=not own.get("skip-magic-trailing-comma", False),
        )

    def formatted(self, text: str) -> str:
        """Return a text as black formats it; the same one if black does not understand it."""
        import black

        try:
            return black.format_str(text, mode=self._mode)
        except (ValueError, SyntaxError):  # black's InvalidInput is a ValueError
            return text

    def is_followed_by(self, text: str) -> bool:
        """Return whether a text has this formatting."""
        return self.formatted(text) == text

    def statement(self, text: str, indent: str) -> str:
        """Return a statement of a class, formatted and indented, without a line ending."""
        whole = self.formatted(f"class _:\n{_INDENT}{text}\n")
        lines = whole.split("\n")[1:]
        while lines and not lines[-1]:
            lines.pop()
        return "\n".join(_reindented(line, indent) for line in lines)

    def top_level(self, text: str, unit: str) -> str:
        """Return classes or statements of a module, formatted, and indented by a unit."""
        lines = self.formatted(text).split("\n")
        return "\n".join(_reindented(line, unit) for line in lines)


def _reindented(line: str, unit: str) -> str:
    depth = (len(line) - len(line.lstrip(" "))) // len(_INDENT)
    return line if unit == _INDENT else f"{unit * depth}{line[depth * len(_INDENT) :]}"


def _tool_settings(file: Path) -> dict[str, Any]:
    try:
        found = tomli.loads(file.read_text(encoding="utf-8")).get("tool")
    except (OSError, ValueError):
        return {}
    return found if is_table(found) else {}
