"""Writing several files of a project as one change: all of them, or none.

Every new text is complete in the directory ``.ormkit-pull`` before the first file is replaced. An
error restores the files. After a kill, the next command that reads the project's settings
completes the change before it does anything else, except for files that were edited since.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from ormkit_gen.diagnostics.refusal import Refusal, problem
from ormkit_gen.filesystem.lock import LockTimeout, locked
from ormkit_gen.filesystem.safe_paths import first_link, is_link, remove_tree
from ormkit_gen.output.manifest import content_hash

#: The texts of files by their paths from the project's directory; None removes a file.
Texts = Mapping[str, str | None]
#: Where the texts are that a change puts in place: the new ones, or those that it restores.
Source = Literal["new", "old"]

_WORK = ".ormkit-pull"
_JOURNAL = "journal.json"
_WAIT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class _Journal:
    """The hashes of each file before and after a change. None means no file."""

    source: Source
    files: Mapping[str, tuple[str | None, str | None]]

    def save(self, work: Path) -> None:
        """Write the journal, completely or not at all. From then on the change will happen."""
        text = json.dumps({"source": self.source, "files": self.files})
        (work / f"{_JOURNAL}.new").write_text(text, encoding="utf-8")
        os.replace(work / f"{_JOURNAL}.new", work / _JOURNAL)


def write_texts(root: Path, texts: Texts) -> None:
    """Write the files as one change.

    Raises:
        Refusal: A directory on the way is a link, or another process does not finish.
        OSError: The system refused. The files are as they were.
    """
    _refuse_links(root, texts)
    if not texts:
        return
    with _working(root) as work:
        _finish(root, work)
        _clear(work)
        try:
            _stage(root, texts, work)
            _change(root, texts, work)
        finally:
            _clear(work)


def finish_change(root: Path) -> None:
    """Complete the change of a killed process, if there is one below this directory.

    Raises:
        Refusal: Another process does not finish, or a directory on the way is a link.
        OSError: The system refused.
    """
    if os.path.lexists(root / _WORK):
        with _working(root) as work:
            _finish(root, work)
            _clear(work)


@contextmanager
def _working(root: Path) -> Generator[Path]:
    """Yield the directory in which texts are complete before they replace others."""
    work = root / _WORK
    if is_link(work):
        remedy = "remove the link; OrmKit creates a directory in its place"
        raise Refusal(problem("link-in-the-way", f"{work} is a symbolic link", remedy))
    try:
        with locked(work, _WAIT_SECONDS):
            yield work
    except LockTimeout as error:
        message = f"another process has been writing below {root} for {_WAIT_SECONDS:.0f} seconds"
        remedy = "wait until it ends, or stop it; a killed process holds no lock"
        raise Refusal(problem("busy", message, remedy)) from error


def _stage(root: Path, texts: Texts, work: Path) -> None:
    for name, text in texts.items():
        staged = work / "new" / name
        if text is not None:
            staged.parent.mkdir(parents=True, exist_ok=True)
            staged.write_text(text, encoding="utf-8", newline="\n")
        if (root / name).exists():
            kept = work / "old" / name
            kept.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, kept)
            if text is not None:
                shutil.copymode(kept, staged)


def _change(root: Path, texts: Texts, work: Path) -> None:
    """Replace the files, or restore them. Either happens, here or in the next process."""
    hashes = {name: (_hash(root / name), _hash(work / "new" / name)) for name in texts}
    made = dict.fromkeys(each for name in texts for each in _missing((root / name).parent))
    _Journal("new", hashes).save(work)
    try:
        _finish(root, work)
    except BaseException:
        _Journal("old", {name: (new, old) for name, (old, new) in hashes.items()}).save(work)
        _finish(root, work)
        for directory in reversed(made):
            with suppress(OSError):
                directory.rmdir()
        raise


def _finish(root: Path, work: Path) -> None:
    """Do what is left of a change, as its journal says."""
    journal = _read_journal(work)
    _refuse_links(root, journal.files)
    for name, (before, after) in journal.files.items():
        # A file that is in place already, or that somebody edited since, stays.
        if before != after and _hash(root / name) == before:
            _put(root, name, work / journal.source)


def _put(root: Path, name: str, source: Path) -> None:
    """Move a file to its place, or remove that one if there is none to move."""
    if (source / name).exists():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        os.replace(source / name, root / name)
    else:
        (root / name).unlink(missing_ok=True)


def _read_journal(work: Path) -> _Journal:
    """Return the journal; one without files if there is none that OrmKit wrote."""
    try:
        document: dict[str, Any] = json.loads((work / _JOURNAL).read_bytes())
        files = {name: (before, after) for name, (before, after) in document["files"].items()}
        source: Source = "old" if document["source"] == "old" else "new"
    except FileNotFoundError:
        return _Journal("new", {})
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return _Journal("new", {})
    return _Journal(source, files if all(map(_is_inside, files)) else {})


def _clear(work: Path) -> None:
    """Remove everything but the lock; the journal first, since the rest means nothing without."""
    for name in (_JOURNAL, f"{_JOURNAL}.new", "new", "old"):
        if os.path.lexists(work / name):
            remove_tree(work / name)


def _refuse_links(root: Path, names: Iterable[str]) -> None:
    for name in names:
        if (link := first_link(root, root / name)) is not None:
            remedy = "name the directory that it leads to"
            raise Refusal(problem("link-in-the-way", f"{link} is a symbolic link", remedy))


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return bool(path.parts) and not path.is_absolute() and not {"..", "\0"} & set(path.parts)


def _missing(directory: Path) -> list[Path]:
    return [each for each in (directory, *directory.parents) if not each.exists()][::-1]


def _hash(path: Path) -> str | None:
    try:
        return content_hash(path.read_bytes())
    except FileNotFoundError:
        return None
