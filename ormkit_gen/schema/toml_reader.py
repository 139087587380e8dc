"""Reading TOML schemas. Nothing in them is ever executed."""

from __future__ import annotations

from pathlib import Path

import tomli

from ormkit_gen.diagnostics.diagnostic import Problems
from ormkit_gen.filesystem.line_endings import without_conversion
from ormkit_gen.ir import Position
from ormkit_gen.schema.document import Document
from ormkit_gen.schema.toml_errors import explain, explain_number
from ormkit_gen.schema.toml_positions import MAX_ENTRIES, TomlPositions, TooDeep, TooMany

#: Real schemas are far smaller. A larger file is a mistake or an attack.
MAX_BYTES = 4 * 1024 * 1024


def read_toml(file: Path, name: str, problems: Problems) -> Document | None:
    """Return the file as a document, or record the problem and return None.

    name: the name of the file in messages.
    """
    text = read_text(file, name, problems)
    if text is None:
        return None
    try:
        data = tomli.loads(text)
        positions = TomlPositions(name, text)
    except tomli.TOMLDecodeError as error:
        problems.found.append(explain(str(error), name, text))
        return None
    except ValueError:  # tomli does not catch int()'s error for a long number
        problems.found.append(explain_number(name, text))
        return None
    except (RecursionError, TooDeep) as error:
        at = error.at if isinstance(error, TooDeep) else Position(name, 1, 1)
        problems.error(
            "nested-too-deeply",
            "the file is nested too deeply to be read",
            "a schema needs four levels: models, a model, its columns, a column",
            at,
        )
        return None
    except TooMany as error:
        problems.error(
            "too-many-entries",
            f"the file has more than {MAX_ENTRIES:,} keys and values",
            "split the schema over several files",
            error.at,
        )
        return None
    return Document(name, data, positions.keys, positions.values)


def read_text(file: Path, name: str, problems: Problems) -> str | None:
    """Return the file's text, or record the problem and return None.

    Its line endings are LF. SQL keeps the carriage returns that a checkout did not add.
    """
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
        if file.suffix == ".sql":
            return without_conversion(file.read_bytes()).decode("utf-8-sig")
        return file.read_text(encoding="utf-8-sig")
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
