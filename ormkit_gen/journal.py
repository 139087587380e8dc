"""A note of what a write is about to change, for whoever has to finish it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ormkit_gen.manifest import content_hash
from ormkit_gen.plan import Change
from ormkit_gen.safe_paths import is_bare_name

_NAME = "journal.json"

#: exchange  the directories change places; what is beside the package afterwards is rubbish
#: replace   file after file takes its place, and a reader of the note completes that
Mode = Literal["exchange", "replace"]


@dataclass(frozen=True, slots=True)
class Journal:
    """The files of one write with the hashes before and after it, None for no file."""

    mode: Mode
    files: Mapping[str, tuple[str | None, str | None]]

    @classmethod
    def of(cls, mode: Mode, changes: Iterable[Change]) -> Journal:
        """Describe the changes."""
        files = {item.name: (_hash(item.before), _hash(item.after)) for item in changes}
        return cls(mode, files)

    def save(self, work: Path) -> None:
        """Write the note, whole or not at all."""
        text = json.dumps({"mode": self.mode, "files": self.files})
        temporary = work / f"{_NAME}.new"
        temporary.unlink(missing_ok=True)
        # "x" follows no link that lies there under this name.
        with temporary.open("x", encoding="utf-8") as file:
            file.write(text)
        os.replace(temporary, work / _NAME)


def read_journal(work: Path) -> Journal | None:
    """Return the note of a write that has not ended; None where there is none.

    A note that cannot be read, or that names files outside of the package, counts as one without
    files: what lies beside the package then belongs to someone else and is kept.
    """
    try:
        return _parse(json.loads((work / _NAME).read_bytes()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return Journal("exchange", {})


def _parse(document: Any) -> Journal:
    mode: Mode = "replace" if document["mode"] == "replace" else "exchange"
    files = {name: (before, after) for name, (before, after) in document["files"].items()}
    if not all(map(is_bare_name, files)):
        raise ValueError("a file outside of the package")
    return Journal(mode, files)


def remove_journal(work: Path) -> None:
    """Declare the write ended."""
    (work / _NAME).unlink(missing_ok=True)


def _hash(content: bytes | None) -> str | None:
    return None if content is None else content_hash(content)
