"""The address of an embedded server: a unix socket, or the loopback interface on Windows."""

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

#: The maximum in bytes. The system's limit is 108 on Linux and 104 on macOS, with a final NUL.
MAX_SOCKET_PATH = 103


@dataclass(frozen=True, slots=True)
class Address:
    """The address of a server; `host` is the directory of a unix socket, or a host name."""

    pid: int
    host: str
    port: int

    @property
    def url(self) -> str:
        """The URL of the server's database `postgres`."""
        host = quote(self.host, safe="/")
        return f"postgresql://postgres@/postgres?host={host}&port={self.port}"

    def answers(self) -> bool:
        """Return whether a server accepts connections at this address now."""
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
    """Return whether the directory can hold the socket: a short path, and no comma for URLs."""
    path = os.fsencode(directory / ".s.PGSQL.65535")
    return len(path) <= MAX_SOCKET_PATH and "," not in str(directory)


def fallback_directory(directory: Path) -> Path:
    """Return the directory of the socket for a data directory that is not fit for one."""
    name = f"ormkit-{hashlib.sha256(os.fsencode(directory)).hexdigest()[:12]}"
    return next(filter(is_fit, (Path(tempfile.gettempdir(), name), Path("/tmp", name))))


def forget_socket(directory: Path) -> None:
    """Remove the socket's lock files of a crashed server."""
    folder = directory if is_fit(directory) else fallback_directory(directory)
    for lock in folder.glob(".s.PGSQL.*.lock"):
        lock.unlink(missing_ok=True)


def remove_socket_directory(directory: Path) -> None:
    """Remove the directory that socket_directory() has created, if it exists."""
    if not is_fit(directory):
        with suppress(OSError):
            fallback_directory(directory).rmdir()


if sys.platform == "win32":

    def unix_socket() -> socket.socket:
        """Raise OSError, since Python has no unix sockets on Windows."""
        raise OSError("no unix sockets")

    def listening(directory: Path, account: Account | None) -> dict[str, str]:
        """Return the server settings for listening on a free port of the loopback address."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return {"listen_addresses": "127.0.0.1", "port": str(probe.getsockname()[1])}

else:

    def unix_socket() -> socket.socket:
        """Return a new unix socket."""
        return socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)

    def listening(directory: Path, account: Account | None) -> dict[str, str]:
        """Return the server settings for listening on a unix socket.

        An account that cannot traverse the directory's parents uses a relative path, ".".
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
        """Return a directory for the socket that the account owns, created if it is missing.

        Raises EmbeddedServerError if another user owns it or the account cannot reach it.
        """
        folder = fallback_directory(directory)
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            if account is not None:
                account.own(folder)
        found = folder.lstat()
        owner = account.uid if account else os.getuid()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or found.st_mode & 0o077:
            raise EmbeddedServerError(f"{folder} belongs to another user: remove it")
        if account is not None and not account.can_reach(folder):
            raise EmbeddedServerError(
                f"the account {account.name} cannot enter the parents of {folder}, which is to "
                "hold the socket: set TMPDIR to a directory that other users can enter, or "
                "shorten the path"
            )
        return folder
