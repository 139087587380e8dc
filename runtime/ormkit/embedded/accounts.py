"""The account that the embedded PostgreSQL runs under where Python runs as root.

PostgreSQL refuses to run as root. The server then runs as the owner of its directory, or as
`pgserver`, which is made where it does not exist. That account must reach the directory: parents
it cannot pass are opened for passing (o+x), never for reading.
"""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from ..errors import EmbeddedServerError

NAME = "pgserver"


@dataclass(frozen=True, slots=True)
class Account:
    """A user of the operating system other than root."""

    name: str
    uid: int
    gid: int

    def own(self, path: Path) -> None:
        """Make the file or directory this account's own."""
        if sys.platform != "win32":
            os.chown(path, self.uid, self.gid)

    def admit(self, path: Path) -> None:
        """Open the parents that this account could not pass on its way to the path."""
        for parent in path.parents:
            found = parent.stat()
            if not self._may_pass(found):
                parent.chmod(stat.S_IMODE(found.st_mode) | stat.S_IXOTH)

    def admit_readers(self, directory: Path, probe: Path) -> None:
        """Open a directory of programs for everybody, where the account cannot run `probe`."""
        self.admit(directory / "file")
        if probe.stat().st_mode & 0o005 == 0o005:
            return
        for path in directory.rglob("*"):
            mode = stat.S_IMODE(path.stat().st_mode)
            path.chmod(mode | (0o005 if mode & stat.S_IXUSR else 0o004))

    def _may_pass(self, found: os.stat_result) -> bool:
        if found.st_uid == self.uid:
            return bool(found.st_mode & stat.S_IXUSR)
        if found.st_gid == self.gid:
            return bool(found.st_mode & stat.S_IXGRP)
        return bool(found.st_mode & stat.S_IXOTH)


if sys.platform == "win32":

    def server_account(directory: Path) -> Account | None:
        """Return None: PostgreSQL gives up an administrator's rights by itself."""
        return None

else:
    import pwd

    def server_account(directory: Path) -> Account | None:
        """Return the account for a directory's server; None where it can be our own.

        Raises EmbeddedServerError where there is none and none can be made.
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
                f"PostgreSQL does not run as root, and the account {NAME} cannot be made: run as "
                f"another user, or give the directory to one (chown)"
            ) from error
