"""A note of what a write is about to change, for whoever has to finish it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ormkit_gen.manifest import content_hash
from ormkit_gen.plan import Change

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
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, work / _NAME)


def read_journal(work: Path) -> Journal | None:
    """Return the note of a write that has not ended; None where there is none.

    A note that a power failure has spoilt names no files, so that whatever lies beside the package
    is taken for someone's and kept.
    """
    try:
        document = json.loads((work / _NAME).read_bytes())
    except FileNotFoundError:
        return None
    except ValueError:
        return Journal("exchange", {})
    files = {name: (before, after) for name, (before, after) in document["files"].items()}
    return Journal(document["mode"], files)


def remove_journal(work: Path) -> None:
    """Declare the write ended."""
    (work / _NAME).unlink(missing_ok=True)


def _hash(content: bytes | None) -> str | None:
    return None if content is None else content_hash(content)
