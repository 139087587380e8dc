"""The plan of a generation: its changes in a package's directory, and its obstacles."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ormkit_gen.output.header import bears_header, is_as_generated
from ormkit_gen.output.manifest import (
    MANIFEST_NAME,
    MANIFEST_SIGN,
    Entry,
    content_hash,
    read_manifest,
    read_normalised,
)
from ormkit_gen.output.package import Package

_BYTECODE = "__pycache__"

#: edited      a generated file that was changed by hand
#: stranger    a file that is not OrmKit's, under a name that OrmKit needs
#: not-a-file  a directory, a symbolic link or the like under such a name
ObstacleKind = Literal["edited", "stranger", "not-a-file"]


@dataclass(frozen=True, slots=True)
class Change:
    """The change of one file. `before` is None for a new file, `after` for a removed one."""

    name: str
    before: bytes | None
    after: bytes | None


@dataclass(frozen=True, slots=True)
class Obstacle:
    """A change that would destroy what OrmKit did not write."""

    kind: ObstacleKind
    change: Change

    @property
    def name(self) -> str:
        """The name of the file."""
        return self.change.name


@dataclass(frozen=True, slots=True)
class Plan:
    """The differences between a package and its directory. The manifest is the last change."""

    directory: Path
    label: str
    changes: tuple[Change, ...]
    obstacles: tuple[Obstacle, ...]
    unchanged: tuple[str, ...]
    strangers: tuple[
        str, ...
    ]  #: Files and directories that are not OrmKit's and stay. Directories end in a slash.


def make_plan(package: Package, *, force: bool = False) -> Plan:
    """Compare a package with the files on disk. Write nothing.

    With `force`, edited files and files that are not OrmKit's are changed like others.
    """
    recorded = read_manifest(package.directory)
    owned: Mapping[str, Entry] = recorded.files if recorded is not None else {}
    stale = sorted(set(owned) - set(package.files))
    # A module is removed after the modules that import it are written. The manifest is last.
    wanted: dict[str, bytes | None] = {**package.files, **dict.fromkeys(stale)}
    wanted[MANIFEST_NAME] = wanted.pop(MANIFEST_NAME)
    verdicts = {
        name: _assess(package.directory / name, after, owned.get(name), force)
        for name, after in wanted.items()
    }
    changes = tuple(item for item in verdicts.values() if isinstance(item, Change))
    return Plan(
        directory=package.directory,
        label=package.label,
        changes=changes,
        obstacles=tuple(item for item in verdicts.values() if isinstance(item, Obstacle)),
        unchanged=tuple(name for name in package.files if verdicts[name] is None),
        strangers=_strangers(package, [name for name in stale if verdicts[name] is not None]),
    )


def _assess(
    path: Path, after: bytes | None, entry: Entry | None, force: bool
) -> Change | Obstacle | None:
    """Return the change or the obstacle for one name, or None."""
    before, is_file = _content(path)
    change = Change(path.name, before, after)
    if not is_file:
        # A stale name that something else uses now is no longer OrmKit's.
        return Obstacle("not-a-file", change) if after is not None else None
    if before == after:
        return None
    if before is None or _is_ours(before, after, entry):
        return change
    if after is None and not bears_header(before):
        return None
    if force:
        return change
    is_edited = entry is not None or bears_header(before)
    return Obstacle("edited" if is_edited else "stranger", change)


def _content(path: Path) -> tuple[bytes | None, bool]:
    """Return the content, None if there is no file, and False if it is not a plain file."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return None, True
    if not stat.S_ISREG(mode):
        return None, False
    return read_normalised(path), True


def _is_ours(before: bytes, after: bytes | None, entry: Entry | None) -> bool:
    """Return whether the file may be replaced: OrmKit wrote all of it, or it is empty."""
    if entry is not None and entry.sha256 == content_hash(before):
        return True
    if is_as_generated(before) or MANIFEST_SIGN in before:
        return True
    return after is not None and not before.strip()


def _strangers(package: Package, stale: Iterable[str]) -> tuple[str, ...]:
    known = {*package.files, *stale, _BYTECODE}
    try:
        with os.scandir(package.directory) as entries:
            found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    except FileNotFoundError:
        return ()
    return tuple(
        f"{name}/" if is_directory else name
        for name, is_directory in sorted(found)
        if name not in known
    )
