"""Staging: the complete new package beside the old one, before anything changes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from ormkit_gen.filesystem.safe_paths import is_real_directory, remove_tree
from ormkit_gen.output.manifest import content_hash, read_normalised
from ormkit_gen.output.plan import Change

BYTECODE = "__pycache__"


def stage_changes(changes: Iterable[Change], package: Path, twin: Path) -> None:
    """Write each new text into the directory `twin`, with the mode of the file that it replaces."""
    for change in changes:
        if change.after is not None:
            (twin / change.name).write_bytes(change.after)
            if change.before is not None:
                shutil.copymode(package / change.name, twin / change.name)


def complete_twin(changes: Iterable[Change], package: Path, twin: Path) -> bool:
    """Link all unchanged files into `twin`. Return False if `twin` cannot be complete.

    Links are used because a file that is open or written elsewhere must stay the same file. They
    are not possible across file systems, and on some systems not for files of other users.
    """
    names = [change.name for change in changes]
    try:
        _link_entries(package, twin, left_out=lambda name: name in names)
        bytecode = package / BYTECODE
        if is_real_directory(bytecode):
            (twin / BYTECODE).mkdir()
            _link_entries(bytecode, twin / BYTECODE, left_out=is_bytecode_of(names))
    except (OSError, NotImplementedError):
        return False
    return True


def is_bytecode_of(names: Iterable[str]) -> Callable[[str], bool]:
    """Return a test for bytecode files of modules with these names.

    Python considers such a file current if the module has the old size and modification second.
    """
    stems = {name.partition(".")[0] for name in names}
    return lambda compiled: compiled.partition(".")[0] in stems


def settle(twin: Path, package: Path, dispensable: Collection[str]) -> None:
    """Remove the directory beside the package, before or after the exchange.

    Generated content is recognized by its hash in `dispensable`, and links are also in the package.
    Any other file was created during the write and moves to the package.
    """
    twin.chmod(0o700)
    with os.scandir(twin) as entries:
        found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    for name, is_directory in found:
        if name == BYTECODE:
            remove_tree(twin / name)
        elif is_directory and is_real_directory(package / name):
            settle(twin / name, package / name, dispensable=())
        elif is_directory or not _is_dispensable(twin / name, package / name, dispensable):
            os.rename(twin / name, _free_path(package / name))
        else:
            (twin / name).unlink()
    twin.rmdir()


def _link_entries(source: Path, target: Path, left_out: Callable[[str], bool]) -> None:
    with os.scandir(source) as entries:
        for entry in entries:
            is_directory = entry.is_dir(follow_symlinks=False)
            if (entry.name == BYTECODE and is_directory) or left_out(entry.name):
                continue
            if is_directory:
                (target / entry.name).mkdir()
                _link_entries(Path(entry.path), target / entry.name, left_out=lambda _: False)
            else:
                os.link(entry.path, target / entry.name, follow_symlinks=False)
    _resemble(target, source)


def _resemble(directory: Path, other: Path) -> None:
    shutil.copymode(other, directory)
    wanted, made = other.stat(), directory.stat()
    if (wanted.st_uid, wanted.st_gid) != (made.st_uid, made.st_gid):
        os.chown(directory, wanted.st_uid, wanted.st_gid)


def _is_dispensable(path: Path, other: Path, dispensable: Collection[str]) -> bool:
    try:
        if os.path.samestat(path.lstat(), other.lstat()):
            return True
    except FileNotFoundError:
        pass
    return path.is_file() and content_hash(read_normalised(path)) in dispensable


def _free_path(path: Path) -> Path:
    number = 0
    free = path
    while os.path.lexists(free):
        number += 1
        free = path.with_name(f"{path.name}.kept{number}")
    return free
