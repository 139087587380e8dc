"""Where a server listens: a unix socket, in its data directory where the path is fit for one."""

from __future__ import annotations

import hashlib
import os
import socket
import stat
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from ..errors import EmbeddedServerError
from .accounts import Account

#: A unix socket's path has 108 bytes on Linux, 104 on macOS, its last one a NUL.
MAX_SOCKET_PATH = 103


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens; `host` is a directory for a unix socket."""

    pid: int
    host: str
    port: int

    @property
    def url(self) -> str:
        """The URL of the database `postgres` there."""
        host = quote(self.host, safe="/")
        return f"postgresql://postgres@/postgres?host={host}&port={self.port}"

    def answers(self) -> bool:
        """Return whether a server listens there now."""
        try:
            with self._connected():
                return True
        except OSError:
            return False

    def _connected(self) -> socket.socket:
        if not self.host.startswith("/"):
            return socket.create_connection((self.host, self.port), timeout=5)
        probe = unix_socket()
        try:
            probe.connect(f"{self.host}/.s.PGSQL.{self.port}")
        except OSError:
            probe.close()
            raise
        return probe


def is_fit(directory: Path) -> bool:
    """Return whether a socket in the directory has a short enough path that a URL can name."""
    path = os.fsencode(directory / ".s.PGSQL.65535")
    return len(path) <= MAX_SOCKET_PATH and "," not in str(directory)


def fallback_directory(directory: Path) -> Path:
    """Return the directory of the socket where the data directory's path is too long."""
    name = f"ormkit-{hashlib.sha256(os.fsencode(directory)).hexdigest()[:12]}"
    return next(filter(is_fit, (Path(tempfile.gettempdir(), name), Path("/tmp", name))))


def forget_socket(directory: Path) -> None:
    """Remove the socket that a crashed server has left."""
    folder = directory if is_fit(directory) else fallback_directory(directory)
    for lock in folder.glob(".s.PGSQL.*.lock"):
        lock.unlink(missing_ok=True)


def remove_socket_directory(directory: Path) -> None:
    """Remove the directory that socket_directory() made, if it did."""
    if not is_fit(directory):
        with suppress(OSError):
            fallback_directory(directory).rmdir()


if sys.platform == "win32":

    def unix_socket() -> socket.socket:
        """Raise OSError: Python has no unix sockets there."""
        raise OSError("no unix sockets")

    def listening(directory: Path, account: Account | None) -> dict[str, str]:
        """Return the settings that say where the server listens: the loopback address."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return {"listen_addresses": "127.0.0.1", "port": str(probe.getsockname()[1])}

else:

    def unix_socket() -> socket.socket:
        """Return a new unix socket."""
        return socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)

    def listening(directory: Path, account: Account | None) -> dict[str, str]:
        """Return the settings that say where the server listens: a unix socket.

        An account that cannot pass the directory's parents makes it where it stands, in there.
        """
        folder = Path(".")
        if not is_fit(directory):
            folder = socket_directory(directory, account)
        elif account is None or account.can_reach(directory):
            folder = directory
        # The setting is a list of quoted names.
        quoted = str(folder).replace('"', '""')
        return {
            "listen_addresses": "",
            "unix_socket_directories": f'"{quoted}"',
            "unix_socket_permissions": "0700",
        }

    def socket_directory(directory: Path, account: Account | None) -> Path:
        """Return a directory of the account's own for the socket, made where it is missing."""
        folder = fallback_directory(directory)
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            if account is not None:
                account.own(folder)
        found = folder.lstat()
        owner = account.uid if account else os.getuid()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or found.st_mode & 0o077:
            raise EmbeddedServerError(f"{folder} belongs to somebody else: remove it")
        if account is not None and not account.can_reach(folder):
            raise EmbeddedServerError(
                f"the account {account.name} cannot pass the parents of {folder}, where the socket "
                f"goes: set TMPDIR to a directory that others may pass, or shorten the path"
            )
        return folder
