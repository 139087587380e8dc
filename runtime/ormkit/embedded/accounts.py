"""Chooses the user account of the embedded PostgreSQL if Python runs as root.

PostgreSQL refuses to run as root. The server then runs as the owner of its directory, or as the
user `pgserver`, which is created if it does not exist. No permissions of other directories change.
If the account cannot traverse the parents of its directory, it inherits an open file descriptor of
the directory. Programs that it cannot reach are copied to a place that it can reach.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..errors import EmbeddedServerError

NAME = "pgserver"
#: The directory for copies of programs that the account cannot reach.
COPIES = Path("/var/cache/ormkit" if Path("/var/cache").is_dir() else "/tmp/ormkit-programs")


@dataclass(frozen=True, slots=True)
class Account:
    """A user of the operating system other than root."""

    name: str
    uid: int
    gid: int

    def own(self, path: Path) -> None:
        """Make this account the owner of the file or directory."""
        if sys.platform != "win32":
            os.chown(path, self.uid, self.gid)

    def can_reach(self, path: Path) -> bool:
        """Return whether this account can traverse all parents of the path."""
        return all(self._may_pass(parent.stat()) for parent in path.parents)

    def can_run(self, program: Path) -> bool:
        """Return whether this account can reach and run a program."""
        return self.can_reach(program) and program.stat().st_mode & 0o005 == 0o005

    def _may_pass(self, found: os.stat_result) -> bool:
        if found.st_uid == self.uid:
            return bool(found.st_mode & stat.S_IXUSR)
        if found.st_gid == self.gid:
            return bool(found.st_mode & stat.S_IXGRP)
        return bool(found.st_mode & stat.S_IXOTH)


@contextmanager
def way_to(directory: Path, account: Account | None) -> Generator[tuple[str, tuple[int, ...]]]:
    """Yield a path to the directory for a process of this account that runs in it.

    The second value holds the file descriptors that the process must inherit. An open file has a
    path in /proc, which needs no access to the file's parents.

    Raises EmbeddedServerError if the account cannot reach the directory and there is no /proc.
    """
    if account is None or account.can_reach(directory):
        yield ".", ()
        return
    if not Path("/proc/self/fd").is_dir():
        raise EmbeddedServerError(
            f"PostgreSQL refuses to run as root, and the account {account.name} cannot enter "
            f"the parents of {directory}: use a directory that other users can enter, such as "
            "one below /var/lib, or run as another user"
        )
    handle = os.open(directory, os.O_RDONLY)
    try:
        yield f"/proc/self/fd/{handle}", (handle,)
    finally:
        os.close(handle)


def programs_for(account: Account | None, binaries: Path) -> Path:
    """Return the directory of the programs, or that of a copy if the account cannot run them."""
    if account is None or account.can_run(binaries / "postgres"):
        return binaries
    return copied(binaries)


def copied(binaries: Path) -> Path:
    """Return the directory of programs in a copy of the installation, created if it is missing.

    Every user may run the copy, and only root may write to it.

    Raises EmbeddedServerError if the copy does not belong to root.
    """
    installation = binaries.parent
    package = installation.parent
    found = (binaries / "postgres").stat()
    named = f"{binaries}:{found.st_size}:{found.st_mtime_ns}"
    place = COPIES / f"postgresql-{hashlib.sha256(named.encode()).hexdigest()[:12]}"
    if not place.exists():
        if not COPIES.exists():
            COPIES.mkdir()
            COPIES.chmod(0o755)
        unfinished = Path(tempfile.mkdtemp(dir=COPIES))
        copy_for_all(installation, unfinished / package.name / installation.name)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():
            copy_for_all(libraries, unfinished / libraries.name)
        (unfinished / package.name).chmod(0o755)
        unfinished.chmod(0o755)
        try:
            unfinished.rename(place)
        except OSError:
            # Another process has created the copy meanwhile.
            shutil.rmtree(unfinished)
    for directory in (COPIES, place):
        state = directory.lstat()
        if not stat.S_ISDIR(state.st_mode) or state.st_uid != 0 or state.st_mode & 0o022:
            raise EmbeddedServerError(f"{directory} does not belong to root: remove it")
    return place / package.name / installation.name / binaries.name


def copy_for_all(source: Path, target: Path) -> None:
    """Copy a directory, so that every user may read it and run its programs."""
    shutil.copytree(source, target, symlinks=True)
    for path in (target, *target.rglob("*")):
        if not path.is_symlink():
            mode = stat.S_IMODE(path.stat().st_mode)
            path.chmod(0o755 if mode & stat.S_IXUSR else 0o644)


if sys.platform == "win32":

    def server_account(directory: Path) -> Account | None:
        """Return None, since PostgreSQL drops administrator rights by itself."""
        return None

else:
    import pwd

    def server_account(directory: Path) -> Account | None:
        """Return the account for a directory's server; None for the current user.

        Raises EmbeddedServerError if an account is needed and cannot be created.
        """
        if os.geteuid() != 0:
            return None
        owner = directory.stat().st_uid if directory.exists() else 0
        try:
            entry = pwd.getpwuid(owner) if owner else pwd.getpwnam(NAME)
        except KeyError:
            entry = _made()
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)

    def _made() -> pwd.struct_passwd:
        command = ["useradd", "--system", "--no-create-home", "--shell", "/bin/false", NAME]
        try:
            subprocess.run(command, check=True, capture_output=True, text=True)
            return pwd.getpwnam(NAME)
        except (OSError, subprocess.CalledProcessError, KeyError) as error:
            raise EmbeddedServerError(
                f"PostgreSQL refuses to run as root, and the account {NAME} cannot be created: "
                "run as another user, or make one the owner of the directory (chown)"
            ) from error
