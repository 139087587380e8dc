"""The EmbeddedServer class: starts, shares and stops a private PostgreSQL server.

The server listens only on a unix socket, or on the loopback address on Windows. It runs while any
process uses it, and stops with the last user. With `stays=True` it runs until shut_down(). Each
user holds a file lock, which the operating system releases if the process is killed. The server of
a killed process keeps running. The next user finds it, and stops it when done.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from ..errors import EmbeddedServerError
from .address import Address
from .cluster import Cluster
from .locks import FileLock, held_alone, hold_shared, is_held
from .throwaway import SETTINGS, server_directory


class EmbeddedServer:
    """A PostgreSQL server on a data directory; `start` or `running` returns it.

    It is also a context manager, which calls stop() at the end of the block.
    """

    def __init__(self, cluster: Cluster, address: Address, use: FileLock | None) -> None:
        self._cluster = cluster
        self._use = use
        self._process = os.getpid()
        #: The server's postgresql:// URL, for create_engine() or psql.
        self.url = address.url
        if use is not None:
            atexit.register(self._stop_at_exit)

    @classmethod
    def start(
        cls,
        path: str | Path,
        *,
        version: int | None = None,
        stays: bool = False,
        settings: Mapping[str, str] | None = None,
    ) -> EmbeddedServer:
        """Start the server of a directory, or share the running one; create a missing directory.

        It blocks for up to a second, or longer if the server recovers from a crash. Asynchronous
        code must call it in a thread.

        path: the data directory; "~" is expanded.
        version: PostgreSQL's major version, 18 or 16; None means the directory's own, or 18.
        stays: whether the server keeps running until shut_down(), even without users.
        settings: run-time parameters of PostgreSQL, if this call starts the server. The default is
            PostgreSQL's own configuration, which is fully durable.

        Raises EmbeddedServerError.
        """
        directory = resolve(path)
        with reported(f"cannot start PostgreSQL in {directory}"):
            Cluster(directory, version)  # Invalid arguments raise before anything is created.
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            with held_alone(lock_file(directory)):
                cluster = Cluster(directory, version)
                address = ensure_running(cluster, settings or {})
                if stays:
                    stays_file(directory).touch()
                return cls(cluster, address, None if stays else hold_shared(users_file(directory)))

    @classmethod
    def scratch(cls, name: str) -> EmbeddedServer:
        """Start a server for what nobody misses, or share the user's running one of that name.

        It writes nothing that only a crash would need, and a crash of the machine may destroy it.
        Its directory is in memory, in /dev/shm, where Linux has 1 GiB free there. Otherwise, and
        with XDG_CACHE_HOME, it is in the user's directory for caches.

        name: the name of the directory, as in "shadow".

        Raises EmbeddedServerError.
        """
        if name in ("", ".", "..") or Path(name).name != name:
            raise EmbeddedServerError(f"{name!r} is no name of a directory: leave out the path")
        with reported(f"cannot start a server for {name}"):
            directory = server_directory(name)
            directory.parent.mkdir(parents=True, exist_ok=True)
        return cls.start(directory, settings=SETTINGS)

    @classmethod
    def running(cls, path: str | Path) -> EmbeddedServer | None:
        """Return the server that runs on the directory; None if no server runs.

        The returned object is no user of the server, which stops with its last user.

        Raises EmbeddedServerError.
        """
        directory = resolve(path)
        with reported(f"cannot find the server of {directory}"):
            if not (directory / "PG_VERSION").exists():
                return None
            cluster = Cluster(directory)
            address = cluster.address()
            return cls(cluster, address, None) if address else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End the use of the server; the last user of all processes also stops it.

        Raises EmbeddedServerError if the server does not stop.
        """
        use, self._use = self._use, None
        # A forked process inherits the object, but does not count as a user.
        if use is None or os.getpid() != self._process:
            return
        atexit.unregister(self._stop_at_exit)
        with reported(f"cannot stop PostgreSQL in {self.directory}"):
            if not self.directory.exists():
                # PostgreSQL notices that its directory is gone within a minute, and stops.
                use.close()
                return
            with held_alone(lock_file(self.directory)):
                use.close()
                shut_down_unused(self._cluster)

    def shut_down(self) -> None:
        """Stop the server now, and close the connections of all its users.

        Raises EmbeddedServerError if the server does not stop.
        """
        what = f"cannot stop PostgreSQL in {self.directory}"
        with reported(what), held_alone(lock_file(self.directory)):
            self._cluster.shut_down()
        self.stop()

    @property
    def directory(self) -> Path:
        """The data directory."""
        return self._cluster.directory

    @property
    def version(self) -> int:
        """PostgreSQL's major version."""
        return self._cluster.version

    @property
    def is_running(self) -> bool:
        """True while the server accepts connections."""
        return self._cluster.address() is not None

    @property
    def psql(self) -> Path:
        """The path of the psql program of the server's installation."""
        return self._cluster.binaries / "psql"

    def _stop_at_exit(self) -> None:
        with suppress(EmbeddedServerError):
            self.stop()


def ensure_running(cluster: Cluster, settings: Mapping[str, str]) -> Address:
    """Return the server's address; create the cluster and start the server where needed."""
    if not cluster.is_made:
        cluster.make(is_durable=settings.get("fsync") != "off")
    address = cluster.address()
    if address is None:
        # The file belongs to an earlier server with stays=True, which no longer runs.
        stays_file(cluster.directory).unlink(missing_ok=True)
        address = cluster.launch(settings)
    return address


def shut_down_unused(cluster: Cluster) -> bool:
    """Stop the server unless others use it, or it stays; return whether nobody uses it.

    The caller holds the lock of starting and stopping.
    """
    if is_held(users_file(cluster.directory)):
        return False
    if not stays_file(cluster.directory).exists():
        cluster.shut_down()
    return True


def lock_file(directory: Path) -> Path:
    """Return the file whose exclusive lock serializes starting and stopping the server."""
    return directory / "ormkit.lock"


def users_file(directory: Path) -> Path:
    """Return the file on which each user of the server holds a shared lock while using it."""
    return directory / "ormkit.users"


def stays_file(directory: Path) -> Path:
    """Return the file that exists while the server must keep running without users."""
    return directory / "ormkit.stays"


def resolve(path: str | Path) -> Path:
    """Return the absolute path of the directory, with ~ expanded; raises EmbeddedServerError."""
    if not str(path).strip():
        raise EmbeddedServerError("embedded:// needs a directory, as in embedded://.pgdata")
    with reported(f"{path!r} is not a path"):
        return Path(path).expanduser().resolve()


@contextmanager
def reported(what: str) -> Generator[None]:
    """Convert OSError to an EmbeddedServerError that names the attempted action."""
    try:
        yield
    except (OSError, ValueError, RuntimeError) as error:
        raise EmbeddedServerError(f"{what}: {error}") from error
