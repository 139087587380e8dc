"""Writing a package as one change.

Guarantees, except after a power failure (nothing is synced to the disk):

- Nothing changes before every text is rendered, formatted and parsed, and every new file is
  complete beside the package, in the directory ``.NAME.ormkit``.
- If the system can exchange two directories (Linux, macOS), the new package replaces the old one in
  a single step. Unchanged files and the user's files are hard links in both directories, so they
  are never missing and never copied. A new package appears in a single step on every system.
- Otherwise (Windows, some file systems, a mount point, a package with files that cannot be linked,
  or the current directory, which would lose its name) the files are replaced one by one, with a
  journal. An error restores the old files. After a kill, the next ``ormkit generate`` completes the
  change before it does anything else.
- Concurrent writers wait for each other.
- A file that was edited by hand, or that is not OrmKit's, is neither overwritten nor removed
  without `force`. If there is such a file, nothing is written at all.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from ormkit_gen.diagnostics.diagnostic import Diagnostic
from ormkit_gen.diagnostics.refusal import Refusal, problem
from ormkit_gen.filesystem.exchange import exchange
from ormkit_gen.filesystem.lock import LockTimeout, locked
from ormkit_gen.filesystem.safe_paths import is_link, is_real_directory, remove_tree
from ormkit_gen.output.journal import Journal, read_journal, remove_journal
from ormkit_gen.output.package import Package
from ormkit_gen.output.plan import Obstacle, ObstacleKind, Plan, make_plan
from ormkit_gen.output.replacement import finish_replacement, replace_files
from ormkit_gen.output.staging import complete_twin, settle, stage_changes

_WAIT_SECONDS = 60.0

#: Code, message and remedy.
_OBSTACLES: dict[ObstacleKind, tuple[str, str, str]] = {
    "edited": (
        "edited-file",
        "has been edited since it was generated",
        "undo the edit and change the schema instead, or {outcome} the file with --force",
    ),
    "stranger": (
        "file-in-the-way",
        "was not generated, but a generated file needs that name",
        "move it away, or overwrite it with --force",
    ),
    "not-a-file": (
        "file-in-the-way",
        "is not a plain file, but a generated file needs that name",
        "move it away",
    ),
}

_PERMISSION = "make the directory and its parent directory writable"
_SPACE = "free some disk space and run the command again"
_SYSTEM_REMEDIES = {
    errno.EACCES: _PERMISSION,
    errno.EPERM: _PERMISSION,
    errno.EROFS: _PERMISSION,
    errno.ENOSPC: _SPACE,
    errno.EDQUOT: _SPACE,
    errno.EFBIG: _SPACE,
}


class WriteError(Refusal):
    """A package cannot be written. It is unchanged."""


def write(package: Package, *, force: bool = False) -> Plan:
    """Bring the package's directory up to date and return what was done.

    Raises:
        WriteError: There is an obstacle, another process does not finish, or the operating system
            reported an error.
    """
    directory = package.directory
    with _writing(directory, package.label) as work:
        _finish_earlier(directory, work)
        plan = make_plan(package, force=force)
        refuse_obstacles([plan])
        if plan.changes:
            try:
                _install(plan, work)
            finally:
                with suppress(OSError):  # the next run tries again
                    _finish_earlier(directory, work)
    return plan


def recover(directory: Path, label: str) -> None:
    """Complete or remove the unfinished write of a killed process."""
    if os.path.lexists(work_directory(directory)):
        with _writing(directory, label) as work:
            _finish_earlier(directory, work)


def is_interrupted(directory: Path) -> bool:
    """Return whether a killed process may have left the package half-written."""
    journal = read_journal(work_directory(directory))
    return journal is not None and journal.mode == "replace"


def refuse_obstacles(plans: list[Plan]) -> None:
    """Raise a WriteError that names every obstacle of these plans."""
    problems = [_obstacle(plan.label, item) for plan in plans for item in plan.obstacles]
    if problems:
        raise WriteError(*problems)


def work_directory(directory: Path) -> Path:
    """Return the directory in which a package is staged. It is beside the package for renames."""
    return directory.with_name(f".{directory.name}.ormkit")


@contextmanager
def _writing(directory: Path, label: str) -> Generator[Path]:
    missing = [parent for parent in directory.parents if not parent.exists()]
    work = work_directory(directory)
    _refuse_links(label, directory, work)
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        with locked(work, _WAIT_SECONDS):
            yield work
    except LockTimeout as error:
        raise WriteError(_busy(label)) from error
    except OSError as error:
        raise WriteError(_system_refusal(label, error)) from error
    finally:
        with suppress(OSError):  # the directory now contains the package
            for parent in missing:
                parent.rmdir()


def _install(plan: Plan, work: Path) -> None:
    package, twin = plan.directory, work / "package"
    twin.mkdir()
    stage_changes(plan.changes, package, twin)
    if not package.exists():
        twin.rename(package)
        return
    if not _stands_inside(package) and complete_twin(plan.changes, package, twin):
        Journal.of("exchange", plan.changes).save(work)
        if exchange(twin, package):
            return
    replace_files(plan.changes, package, twin, work)


def _stands_inside(package: Path) -> bool:
    return Path.cwd().is_relative_to(package)


def _finish_earlier(package: Path, work: Path) -> None:
    journal, twin = read_journal(work), work / "package"
    if journal is not None and is_real_directory(twin):
        if journal.mode == "replace":
            finish_replacement(journal, package, twin)
        else:
            hashes = {item for pair in journal.files.values() for item in pair if item}
            settle(twin, package, hashes)
    remove_journal(work)
    # Without a journal there are only links, and texts that can be rendered again.
    for name in ("package", "before"):
        if os.path.lexists(work / name):
            remove_tree(work / name)


def _refuse_links(label: str, *directories: Path) -> None:
    """Raise WriteError if a directory is a link, because it may lead anywhere."""
    problems = [
        problem(
            "link-in-the-way",
            f"cannot write {label}: {directory} is a symbolic link",
            "remove the link; OrmKit creates a directory in its place",
        )
        for directory in directories
        if is_link(directory)
    ]
    if problems:
        raise WriteError(*problems)


def _obstacle(label: str, obstacle: Obstacle) -> Diagnostic:
    code, what, remedy = _OBSTACLES[obstacle.kind]
    outcome = "overwrite" if obstacle.change.after is not None else "remove"
    return problem(code, f"{label}/{obstacle.name} {what}", remedy.format(outcome=outcome))


def _busy(label: str) -> Diagnostic:
    return problem(
        "busy",
        f"another process has been writing {label} for {_WAIT_SECONDS:.0f} seconds",
        "wait until it ends, or stop it; a killed process holds no lock",
    )


def _place_of(error: OSError) -> str:
    return f": {error.filename}" if isinstance(error.filename, str) else ""


def _system_refusal(label: str, error: OSError) -> Diagnostic:
    return problem(
        "cannot-write",
        f"cannot write {label}: {error.strerror or error}{_place_of(error)}",
        _SYSTEM_REMEDIES.get(error.errno or 0, "fix this and run the command again"),
    )
