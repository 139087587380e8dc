"""The journal of a write: what it is about to change, so that another process can complete it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ormkit_gen.filesystem.safe_paths import is_bare_name
from ormkit_gen.output.manifest import content_hash
from ormkit_gen.output.plan import Change

_NAME = "journal.json"

#: exchange  the directories are exchanged; the one beside the package is rubbish afterwards
#: replace   the files are replaced one by one; a process that finds the journal completes that
Mode = Literal["exchange", "replace"]


@dataclass(frozen=True, slots=True)
class Journal:
    """The files of one write, with their hashes before and after it. None means no file."""

    mode: Mode
    files: Mapping[str, tuple[str | None, str | None]]

    @classmethod
    def of(cls, mode: Mode, changes: Iterable[Change]) -> Journal:
        """Return the journal of these changes."""
        files = {item.name: (_hash(item.before), _hash(item.after)) for item in changes}
        return cls(mode, files)

    def save(self, work: Path) -> None:
        """Write the journal, completely or not at all."""
        text = json.dumps({"mode": self.mode, "files": self.files})
        temporary = work / f"{_NAME}.new"
        temporary.unlink(missing_ok=True)
        # "x" does not follow a link that exists under this name.
        with temporary.open("x", encoding="utf-8") as file:
            file.write(text)
        os.replace(temporary, work / _NAME)


def read_journal(work: Path) -> Journal | None:
    """Return the journal of an unfinished write, or None.

    A journal that cannot be read, or that names files outside the package, counts as one without
    files. The files beside the package then belong to someone else and are kept.
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
    """Mark the write as finished."""
    (work / _NAME).unlink(missing_ok=True)


def _hash(content: bytes | None) -> str | None:
    return None if content is None else content_hash(content)
