"""Reads schemas written in TOML. Nothing in them is ever executed."""

from __future__ import annotations

import re
from pathlib import Path

import tomli

from ormkit_gen.diagnostics import Problems
from ormkit_gen.ir import Position
from ormkit_gen.schema.document import Document
from ormkit_gen.schema.toml_positions import TomlPositions

#: No schema that people write comes near this; a larger file is a mistake or an attack.
MAX_BYTES = 4 * 1024 * 1024


def read_toml(file: Path, name: str, problems: Problems) -> Document | None:
    """Return the file as a document, or None with the problem noted.

    name: what messages call the file.
    """
    text = read_text(file, name, problems)
    if text is None:
        return None
    try:
        data = tomli.loads(text)
        positions = TomlPositions(name, text)
    except tomli.TOMLDecodeError as error:
        message, at = _place(str(error), name, text)
        problems.error(
            "broken-toml", f"not valid TOML: {message}", "mend the syntax: https://toml.io", at
        )
        return None
    except RecursionError:
        problems.error(
            "nested-too-deeply",
            "the file is nested too deeply to be read",
            "a schema needs four levels: models, a model, its columns, a column",
            Position(name, 1, 1),
        )
        return None
    return Document(name, data, positions.keys, positions.values)


def read_text(file: Path, name: str, problems: Problems) -> str | None:
    """Return the file's text with plain line ends, or None with the problem noted."""
    at = Position(name, 1, 1)
    try:
        if file.stat().st_size > MAX_BYTES:
            problems.error(
                "file-too-large",
                f"the file is larger than {MAX_BYTES // 1024 // 1024} MiB",
                "split the schema over several files",
                at,
            )
            return None
        return file.read_text(encoding="utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        problems.error(
            "not-utf8", "the file is not UTF-8 text", "save it as UTF-8", Position(name, line, 1)
        )
    except OSError as error:
        problems.error(
            "unreadable-file", f"cannot read the file: {error.strerror}", "check the path", at
        )
    return None


def _place(message: str, name: str, text: str) -> tuple[str, Position]:
    """Split tomli's message into what is wrong and where."""
    found = re.search(r" \(at line (\d+), column (\d+)\)$", message)
    if found:
        return message[: found.start()], Position(name, int(found[1]), int(found[2]))
    last = text.count("\n") + (not text.endswith("\n"))
    return message.replace(" (at end of document)", " at the end"), Position(name, max(1, last), 1)
