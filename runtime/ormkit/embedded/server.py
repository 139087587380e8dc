"""The embedded PostgreSQL: a real server of one's own on a data directory.

The server listens on a unix socket only, and on the loopback address on Windows. It runs while
any process uses it and stops with the last of them; one started to stay runs until it is told to
stop. Who uses it is told by locks, which the system takes away from a process that is killed: the
server that it leaves behind is found by the next one, and stops with that.
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


class EmbeddedServer:
    """A PostgreSQL server on a data directory, from `start` or `running`; `stop` ends its use."""

    def __init__(self, cluster: Cluster, address: Address, use: FileLock | None) -> None:
        self._cluster = cluster
        self._use = use
        self._process = os.getpid()
        #: postgresql:// with the directory of the socket, for create_engine or psql.
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
        """Start the server of a directory, which is made where it does not exist.

        It blocks for up to a second, some more where the server was killed and recovers: call it
        in a thread from asynchronous code. Where the server runs already, it is shared.

        version: PostgreSQL's major version, 18 or 16; None takes the directory's own, or 18.
        stays: leave the server running until shut_down(), whoever stops using it.
        settings: run-time parameters of PostgreSQL for a server that this call starts; without
            any, it is as durable as PostgreSQL is.

        Raises EmbeddedServerError.
        """
        directory = resolve(path)
        with reported(f"cannot start PostgreSQL in {directory}"):
            Cluster(directory, version)  # refuses before anything is made
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            with held_alone(lock_file(directory)):
                cluster = Cluster(directory, version)
                address = ensure_running(cluster, settings or {})
                if stays:
                    stays_file(directory).touch()
                return cls(cluster, address, None if stays else hold_shared(users_file(directory)))

    @classmethod
    def running(cls, path: str | Path) -> EmbeddedServer | None:
        """Return the server that runs on the directory, whoever started it; None without one.

        It does not count as a use: the server stops when those who started it are done.
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
        """End the use of the server; it stops where nothing else uses it, in any process."""
        use, self._use = self._use, None
        # A forked process inherits the object, but not the use.
        if use is None or os.getpid() != self._process:
            return
        atexit.unregister(self._stop_at_exit)
        with reported(f"cannot stop PostgreSQL in {self.directory}"):
            if not self.directory.exists():
                # PostgreSQL notices by itself, within a minute.
                use.close()
                return
            with held_alone(lock_file(self.directory)):
                use.close()
                if not (stays_file(self.directory).exists() or is_held(users_file(self.directory))):
                    self._cluster.shut_down()

    def shut_down(self) -> None:
        """Stop the server now, also for other users, whose connections are closed."""
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
        """True while the server answers."""
        return self._cluster.address() is not None

    @property
    def psql(self) -> Path:
        """The psql that came with the server."""
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
        # What stayed of a server that was to stay ended with it.
        stays_file(cluster.directory).unlink(missing_ok=True)
        address = cluster.launch(settings)
    return address


def lock_file(directory: Path) -> Path:
    """Return the file whose lock serializes starting and stopping."""
    return directory / "ormkit.lock"


def users_file(directory: Path) -> Path:
    """Return the file on which each user of the server holds a shared lock."""
    return directory / "ormkit.users"


def stays_file(directory: Path) -> Path:
    """Return the file that exists while the server is to outlive its users."""
    return directory / "ormkit.stays"


def resolve(path: str | Path) -> Path:
    """Return the directory as an absolute path, ~ expanded; raises EmbeddedServerError."""
    if not str(path).strip():
        raise EmbeddedServerError("embedded:// needs a directory, as in embedded://.pgdata")
    with reported(f"{path!r} is no path"):
        return Path(path).expanduser().resolve()


@contextmanager
def reported(what: str) -> Generator[None]:
    """Convert OSError to an EmbeddedServerError that names the attempted action."""
    try:
        yield
    except (OSError, ValueError, RuntimeError) as error:
        raise EmbeddedServerError(f"{what}: {error}") from error
