"""Diagnostics: what is wrong with a schema, where, and how to fix it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from ormkit_gen.ir import Position

Severity = Literal["error", "warning"]

#: The number of errors that are reported. Nobody fixes more at once, and the search for more could
#: take arbitrarily long. As many warnings are kept, which hide no error.
MAX_PROBLEMS = 500
#: The number of characters of a line, and of a message, that are shown.
MAX_EXCERPT = 160
MAX_TEXT = 500


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem. `code` names its kind and is the same in every version."""

    severity: Severity
    code: str
    message: str
    remedy: str
    at: Position | None = None


class SchemaError(Exception):
    """The schema has errors. `diagnostics` contains every problem that was found."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("; ".join(each.message for each in self.diagnostics))


def format_diagnostic(diagnostic: Diagnostic, source_lines: Sequence[str]) -> str:
    """Return the readable text: place and message, the line with a caret, the remedy.

    source_lines: the lines of the diagnostic's file. If it is empty, no line is shown.
    """
    at = diagnostic.at
    place = f"{at.file}:{at.line}:{at.column}: " if at else ""
    message = _shortened(diagnostic.message)
    lines = [f"{place}{diagnostic.severity}: {message} [{diagnostic.code}]"]
    if at is not None and at.line <= len(source_lines):
        lines += _excerpt(source_lines[at.line - 1], at)
    if diagnostic.remedy:
        lines.append(f"  {_shortened(diagnostic.remedy)}")
    return "\n".join(lines)


def _excerpt(source: str, at: Position) -> tuple[str, str]:
    """Return the line, or the part of a long line around the place, and the caret below it."""
    source = source.rstrip("\r\n").expandtabs(1)
    first = max(0, min(at.column - 1 - MAX_EXCERPT // 4, len(source) - MAX_EXCERPT))
    before = "..." if first else ""
    after = "..." if first + MAX_EXCERPT < len(source) else ""
    shown = source[first : first + MAX_EXCERPT]
    column = at.column - 1 - first
    width = max(1, min(at.width, len(shown) - column))
    return (f"    {before}{shown}{after}", f"    {' ' * (len(before) + column)}{'^' * width}")


def _shortened(text: str) -> str:
    """Return the text; a long text without its middle part."""
    if len(text) <= MAX_TEXT:
        return text
    return f"{text[: MAX_TEXT // 2]} ... {text[-MAX_TEXT // 2 :]}"


class Problems:
    """Collects diagnostics while a schema is read, so that all are reported at once."""

    def __init__(self) -> None:
        self.found: list[Diagnostic] = []
        self._warnings = 0

    def error(self, code: str, message: str, remedy: str, at: Position | None) -> None:
        """Record a problem that prevents generation.

        Raises SchemaError after MAX_PROBLEMS of them.
        """
        self.found.append(Diagnostic("error", code, message, remedy, at))
        if len(self.found) - self._warnings >= MAX_PROBLEMS:
            raise SchemaError((*self.in_order(), enough()))

    def warning(self, code: str, message: str, remedy: str, at: Position | None) -> None:
        """Record a warning, unless there are MAX_PROBLEMS of them already."""
        if self._warnings < MAX_PROBLEMS:
            self._warnings += 1
            self.found.append(Diagnostic("warning", code, message, remedy, at))

    @property
    def has_errors(self) -> bool:
        """True if there is any error."""
        return any(each.severity == "error" for each in self.found)

    def in_order(self) -> tuple[Diagnostic, ...]:
        """Return the diagnostics in the order of file and line, without duplicates."""
        unique = dict.fromkeys(self.found)
        return tuple(sorted(unique, key=_place))


def enough() -> Diagnostic:
    """Return the diagnostic that ends a list of too many problems."""
    message = f"there are {MAX_PROBLEMS} problems; the rest of the schema was not checked"
    return Diagnostic("error", "too-many-problems", message, "fix these first")


def _place(diagnostic: Diagnostic) -> tuple[str, int, int]:
    at = diagnostic.at
    return (at.file, at.line, at.column) if at else ("", 0, 0)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a remedy that suggests the closest known words, or lists all if none is close."""
    words = sorted(set(known))
    near = difflib.get_close_matches(word, words, n=2, cutoff=0.6)
    if near:
        return f"did you mean {' or '.join(map(repr, near))}?"
    if not words:
        return "there is none"
    shown = ", ".join(words[:24]) + (", ..." if len(words) > 24 else "")
    return f"it is one of: {shown}"
