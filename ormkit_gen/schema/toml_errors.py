"""Diagnostics for tomli's errors."""

from __future__ import annotations

import ast
import re

from ormkit_gen.diagnostics.diagnostic import Diagnostic
from ormkit_gen.ir import Position

#: Patterns of tomli's messages, a clearer message if needed, and the remedy.
EXPLANATIONS = (
    (
        r"Unterminated string|Expected \"'\"|Illegal character '\\n'",
        "the string has no closing quote",
        "close it on the same line; put a string of several lines between three quotes",
    ),
    (
        r"Cannot declare|Cannot overwrite a value|Duplicate inline table key",
        "this already exists",
        "keep one of the two, or merge them",
    ),
    (r"Invalid value", None, 'put a string between quotes, as in "text"; write true, not True'),
    (r"Illegal character", None, r"write it as an escape, as in \u0001"),
    (r"Unescaped", None, r"write \\ for a backslash, or put the string between single quotes"),
    (r"Expected '='", None, 'write key = "value"; put a key of several words between quotes'),
    (r"Unclosed inline table", None, "write { key = value, key = value }, with commas between"),
    (r"Unclosed array", None, "write [value, value], with commas between"),
    (r"Expected '\]", None, "write [models.User], or [[models.User.indexes]], on one line"),
    (r"Expected newline", None, "start a new line for each key; several values go between [ and ]"),
)


def explain(message: str, name: str, text: str) -> Diagnostic:
    """Return the diagnostic for one of tomli's messages.

    name: the name of the file in messages.
    """
    message, at = _place(message, name, text)
    remedy = "fix the syntax: https://toml.io"
    for pattern, instead, advice in EXPLANATIONS:
        if re.match(pattern, message):
            if instead == "this already exists":
                instead, at = _repeated(message, at, text)
            message, remedy = instead or message, advice
            break
    return Diagnostic("error", "broken-toml", f"not valid TOML: {message}", remedy, at)


def explain_number(name: str, text: str) -> Diagnostic:
    """Return the diagnostic for a number of more than 4300 digits, which Python does not parse."""
    runs = re.finditer(r"[0-9_]+", text)
    start = next((run.start() for run in runs if run.end() - run.start() >= 4300), 0)
    at = _position(name, text, start)
    message = "a number has too many digits"
    return Diagnostic("error", "broken-toml", message, "write it as a string, between quotes", at)


def _place(message: str, name: str, text: str) -> tuple[str, Position]:
    """Split tomli's message into the problem and its place."""
    found = re.search(r" \(at line (\d+), column (\d+)\)$", message)
    if found:
        return message[: found.start()], Position(name, int(found[1]), int(found[2]))
    last = text.rstrip("\n")
    return message.replace(" (at end of document)", ""), _position(name, text, len(last))


def _position(name: str, text: str, offset: int) -> Position:
    line = text.count("\n", 0, offset) + 1
    return Position(name, line, offset - text.rfind("\n", 0, offset))


def _repeated(message: str, at: Position, text: str) -> tuple[str, Position]:
    """Name the duplicate, and place it at the start of its line. tomli reports the end."""
    line = text.split("\n")[at.line - 1]
    column = len(line) - len(line.lstrip()) + 1
    found = re.fullmatch(r"Cannot declare (\(.*\)) twice", message)
    if found:
        message = f"the table [{'.'.join(ast.literal_eval(found[1]))}] already exists"
    else:
        message = "this key, or its table, already has a value"
    width = (
        len(line.rstrip()) - column + 1 if found else len(line.strip().partition("=")[0].rstrip())
    )
    return message, Position(at.file, at.line, column, max(1, width))
