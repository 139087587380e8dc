"""Replacing files one by one, if directories cannot be exchanged."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from ormkit_gen.filesystem.safe_paths import is_real_directory
from ormkit_gen.output.journal import Journal, remove_journal
from ormkit_gen.output.manifest import content_hash, read_normalised
from ormkit_gen.output.plan import Change
from ormkit_gen.output.staging import BYTECODE, is_bytecode_of


def replace_files(changes: Sequence[Change], package: Path, twin: Path, work: Path) -> None:
    """Move the staged files into the package. Restore the old files if that fails.

    Once the journal is written, the change will happen: here, or by `finish_replacement` in the
    next process.
    """
    kept = work / "before"
    kept.mkdir()
    twin.chmod(0o700)  # it now has the package's mode, which may be read-only
    for change in changes:
        if change.before is not None:
            shutil.copy2(package / change.name, kept / change.name)
    Journal.of("replace", changes).save(work)
    begun: list[Change] = []
    try:
        for change in changes:
            begun.append(change)
            _put(change.name, change.after is not None, package, twin)
    except BaseException:
        for change in reversed(begun):
            if _hash(package / change.name) != _hash(kept / change.name):
                _put(change.name, change.before is not None, package, kept)
        remove_journal(work)
        raise


def finish_replacement(journal: Journal, package: Path, twin: Path) -> None:
    """Complete the replacement of a killed process, except for files that were edited since."""
    twin.chmod(0o700)
    for name, (before, after) in journal.files.items():
        if _hash(package / name) == before:
            _put(name, after is not None, package, twin)


def _put(name: str, exists: bool, package: Path, source: Path) -> None:
    if not exists:
        (package / name).unlink(missing_ok=True)
    elif (source / name).exists():  # or it is already in place
        os.replace(source / name, package / name)
    is_outdated = is_bytecode_of([name])
    bytecode = package / BYTECODE
    for compiled in bytecode.iterdir() if is_real_directory(bytecode) else ():
        if is_outdated(compiled.name):
            compiled.unlink(missing_ok=True)


def _hash(path: Path) -> str | None:
    try:
        return content_hash(read_normalised(path))
    except FileNotFoundError:
        return None
