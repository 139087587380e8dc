"""Diagnostics: what is wrong with a schema, where, and how to mend it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from ormkit_gen.ir import Position

Severity = Literal["error", "warning"]

#: How many problems are told. Nobody mends more at once, and to look for more would take as long as
#: a file has mistakes.
MAX_PROBLEMS = 500
#: How many characters of a line, and of a message, are shown.
MAX_EXCERPT = 160
MAX_TEXT = 500


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem; `code` is the name of its kind, the same in every version."""

    severity: Severity
    code: str
    message: str
    remedy: str
    at: Position | None = None


class SchemaError(Exception):
    """A schema cannot be generated from; every problem found is in `diagnostics`."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("; ".join(each.message for each in self.diagnostics))


def format_diagnostic(diagnostic: Diagnostic, source_lines: Sequence[str]) -> str:
    """Return the text for people: place and message, the line with a caret, the remedy.

    source_lines: the lines of the file the diagnostic is about; empty shows no line.
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
    """Return the line, or what stands around the place in a long one, and the caret below."""
    source = source.rstrip("\r\n").expandtabs(1)
    first = max(0, min(at.column - 1 - MAX_EXCERPT // 4, len(source) - MAX_EXCERPT))
    before = "..." if first else ""
    after = "..." if first + MAX_EXCERPT < len(source) else ""
    shown = source[first : first + MAX_EXCERPT]
    column = at.column - 1 - first
    width = max(1, min(at.width, len(shown) - column))
    return (f"    {before}{shown}{after}", f"    {' ' * (len(before) + column)}{'^' * width}")


def _shortened(text: str) -> str:
    """Return a text without the middle of what is too long to read."""
    if len(text) <= MAX_TEXT:
        return text
    return f"{text[: MAX_TEXT // 2]} ... {text[-MAX_TEXT // 2 :]}"


class Problems:
    """Collects diagnostics while a schema is read, so that all are told at once."""

    def __init__(self) -> None:
        self.found: list[Diagnostic] = []

    def error(self, code: str, message: str, remedy: str, at: Position | None) -> None:
        """Note a problem that keeps anything from being generated.

        Raises SchemaError once there are MAX_PROBLEMS of them.
        """
        self.found.append(Diagnostic("error", code, message, remedy, at))
        if len(self.found) >= MAX_PROBLEMS:
            raise SchemaError((*self.in_order(), enough()))

    def warning(self, code: str, message: str, remedy: str, at: Position | None) -> None:
        """Note something that is worth a look."""
        self.found.append(Diagnostic("warning", code, message, remedy, at))

    @property
    def has_errors(self) -> bool:
        """True once there is any error."""
        return any(each.severity == "error" for each in self.found)

    def in_order(self) -> tuple[Diagnostic, ...]:
        """Return what was found by file and line, each once."""
        unique = dict.fromkeys(self.found)
        return tuple(sorted(unique, key=_place))


def enough() -> Diagnostic:
    """Return the last of too many problems."""
    message = f"there are {MAX_PROBLEMS} problems, and what comes behind was not looked at"
    return Diagnostic("error", "too-many-problems", message, "mend these first")


def _place(diagnostic: Diagnostic) -> tuple[str, int, int]:
    at = diagnostic.at
    return (at.file, at.line, at.column) if at else ("", 0, 0)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a remedy that names the nearest known words, or all of them where none is near."""
    words = sorted(set(known))
    near = difflib.get_close_matches(word, words, n=2, cutoff=0.6)
    if near:
        return f"did you mean {' or '.join(map(repr, near))}?"
    if not words:
        return "there is none"
    shown = ", ".join(words[:24]) + (", ..." if len(words) > 24 else "")
    return f"it is one of: {shown}"
