"""What a generation would change in a package's directory, and what stands in its way."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ormkit_gen.header import bears_header, is_as_generated
from ormkit_gen.manifest import (
    MANIFEST_NAME,
    MANIFEST_SIGN,
    Entry,
    content_hash,
    read_manifest,
    read_normalised,
)
from ormkit_gen.package import Package

_BYTECODE = "__pycache__"

#: edited      a generated file that someone has changed since
#: stranger    someone else's file under a name to be written
#: not-a-file  a directory, a symbolic link or the like under such a name
ObstacleKind = Literal["edited", "stranger", "not-a-file"]


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of one file: `before` is None where it is new, `after` where it goes."""

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
    """The difference between a package and its directory; the manifest's change is the last."""

    directory: Path
    label: str
    changes: tuple[Change, ...]
    obstacles: tuple[Obstacle, ...]
    unchanged: tuple[str, ...]
    strangers: tuple[str, ...]  #: What is not OrmKit's and stays; directories end in a slash.


def make_plan(package: Package, *, force: bool = False) -> Plan:
    """Compare a package with what is on disk, and write nothing.

    With `force`, edited files and strangers' files are changed like others.
    """
    recorded = read_manifest(package.directory)
    owned: Mapping[str, Entry] = recorded.files if recorded is not None else {}
    stale = sorted(set(owned) - set(package.files))
    # A module goes once no other one of the package imports it; the manifest comes last.
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
    """Judge one name; None where nothing is to be done."""
    before, is_file = _content(path)
    change = Change(path.name, before, after)
    if not is_file:
        # A stale name that something else has taken since is no longer OrmKit's.
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
    """Return the content, None where there is none, and False for what is not a plain file."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return None, True
    if not stat.S_ISREG(mode):
        return None, False
    return read_normalised(path), True


def _is_ours(before: bytes, after: bytes | None, entry: Entry | None) -> bool:
    """Tell whether nothing is lost with the file: all of it is OrmKit's, or it is empty."""
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
