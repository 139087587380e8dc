"""Real PostgreSQL servers for tests, and the databases on them."""

from __future__ import annotations

import asyncio
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import asyncpg

#: Begins the names of the directories that servers of tests live in; the process follows.
PREFIX = "ormkit-tests-"
#: Bytes that the servers of a few workers take.
ROOM = 4 << 30
#: What ends each server at once, whoever is connected. PostgreSQL ends its processes, too.
ENDINGS = {"postgres": signal.SIGQUIT, "pgbouncer": signal.SIGKILL}

_numbers = itertools.count(1)


@contextmanager
def server_files() -> Iterator[Path]:
    """Yield a directory with a path short enough for unix sockets; clean up after killed runs.

    It is in memory where there is room: each test's database is some 300 files, whose making takes
    10 ms there and has taken 250 ms on a disk.
    """
    memory = Path("/dev/shm")
    has_room = memory.is_dir() and shutil.disk_usage(memory).free > ROOM
    parent = memory if has_room else Path(tempfile.gettempdir())
    for directory in parent.glob(f"{PREFIX}*"):
        if not is_alive(int(directory.name.removeprefix(PREFIX).partition("-")[0])):
            remove_servers(directory)
    directory = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=parent))
    # PgBouncer runs as the server's own user, who has to pass on the way to the socket.
    directory.chmod(0o711)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def is_alive(pid: int) -> bool:
    """Return whether a process has this number."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def remove_servers(directory: Path) -> None:
    """Stop what a killed run has left running in its directory, and remove the directory."""
    deadline = time.monotonic() + 10
    while (left := processes_in(directory)) and time.monotonic() < deadline:
        for pid, name in left.items():
            with suppress(ProcessLookupError):
                os.kill(pid, ENDINGS[name])
        time.sleep(0.1)
    for disk in mounts_in(directory):
        subprocess.run(["umount", "-l", disk], check=False)
    shutil.rmtree(directory, ignore_errors=True)


def processes_in(directory: Path) -> dict[int, str]:
    """Return the servers that run in a directory or were told of it, as far as /proc says."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (process / "cmdline").read_bytes().decode(errors="replace")
            name = Path(words.partition("\0")[0]).name
            if name in ENDINGS and (
                f"{directory}/" in words or (process / "cwd").readlink().is_relative_to(directory)
            ):
                found[int(process.name)] = name
    return found


def mounts_in(directory: Path) -> list[str]:
    """Return the disks that are mounted within a directory, as far as /proc says."""
    with suppress(OSError):
        lines = Path("/proc/mounts").read_text(encoding="utf-8").splitlines()
        places = [line.split()[1] for line in lines]
        return [place for place in places if Path(place).is_relative_to(directory)]
    return []


class Server:
    """A server, by the URL of its maintenance database."""

    #: Copying files takes half as long as logging each of their pages.
    strategy = "STRATEGY file_copy"

    def __init__(self, url: str) -> None:
        self.url = url
        self._left: list[str] = []
        self._kept: Any = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @contextmanager
    def database(self, template: str | None = None) -> Iterator[str]:
        """Yield the URL of a new database, a copy of the template's where one is given.

        It is dropped when the next one is made.
        """
        url = self.create(template)
        self.drop_left()
        try:
            yield url
        finally:
            self._left.append(urlsplit(url).path[1:])

    def create(self, template: str | None = None) -> str:
        """Return the URL of a new database, a copy of the template's where one is given."""
        name = f"test_{os.getpid()}_{next(_numbers)}"
        source = urlsplit(template).path[1:] if template else "template1"
        self.maintain(f"CREATE DATABASE {name} TEMPLATE {source} {self.strategy}")
        return urlsplit(self.url)._replace(path=f"/{name}").geturl()

    def drop_left(self) -> None:
        """Drop the databases that were done with.

        Just then a connection may be at its end still, for which PostgreSQL waits 0.1 s.
        """
        while self._left:
            self.maintain(f"DROP DATABASE {self._left.pop()} WITH (FORCE)")

    def maintain(self, sql: str) -> None:
        """Run statements on the maintenance database, on a connection that is kept for them."""

        async def execute() -> None:
            if self._kept is None or self._kept.is_closed():
                self._kept = await asyncpg.connect(self.url)
            await self._kept.execute(sql)

        self._loop = self._loop or asyncio.new_event_loop()
        self._loop.run_until_complete(execute())

    def close(self) -> None:
        """Close the connection that was kept."""
        if self._loop is not None:
            if self._kept is not None:
                self._loop.run_until_complete(self._kept.close())
            self._loop.close()

    def run_script(self, url: str, sql: str) -> None:
        """Run statements on a connection of their own."""
        run_on(url, lambda connection: connection.execute(sql))

    def fetch(
        self, url: str, sql: str, *args: object, settings: Mapping[str, str] | None = None
    ) -> list[Any]:
        """Run a query on a connection of its own, with these settings, and return the rows."""
        rows: list[Any] = run_on(url, lambda connection: connection.fetch(sql, *args), settings)
        return rows


def run_on(url: str, work: Any, settings: Mapping[str, str] | None = None) -> Any:
    """Run a coroutine function with a connection, from synchronous code."""

    async def connected() -> Any:
        connection = await asyncpg.connect(url, server_settings=settings)
        try:
            return await work(connection)
        finally:
            await connection.close()

    return asyncio.run(connected())


def contrib_binaries() -> Path | None:
    """Return the directory of an installed PostgreSQL that has contrib's extensions."""
    for binaries in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        version = binaries.parent.name
        extensions = Path(f"/usr/share/postgresql/{version}/extension")
        if (binaries / "postgres").exists() and (extensions / "citext.control").exists():
            return binaries
    return None


class ContribServer(Server):
    """A cluster of an installed PostgreSQL on a unix socket, as long as the block lasts."""

    #: Before PostgreSQL 15 there is one way only.
    strategy = ""

    def __init__(
        self, binaries: Path, directory: Path, settings: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(f"postgresql://postgres@/postgres?host={directory}")
        self._binaries = binaries
        self._settings = [f"--{name}={value}" for name, value in (settings or {}).items()]
        self._directory = directory
        self._data = directory / "data"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._directory.mkdir()
        self._directory.parent.chmod(0o755)
        user = None
        if os.geteuid() == 0:
            # PostgreSQL refuses to run as root; Debian's package brings this user.
            user = "postgres"
            shutil.chown(self._directory, pwd.getpwnam(user).pw_uid)
        initdb: list[str | Path] = [
            self._binaries / "initdb",
            "-A",
            "trust",
            "-U",
            "postgres",
            "-D",
            self._data,
        ]
        subprocess.run(initdb, check=True, capture_output=True, user=user, cwd="/")
        options: list[str | Path] = ["-k", self._directory, "-h", "", "-F", "-D", self._data]
        options += self._settings
        self._process = subprocess.Popen(
            [self._binaries / "postgres", *options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=user,
            cwd="/",
        )
        try:
            self._wait_until_ready()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop()

    def _stop(self) -> None:
        self.close()
        if self._process is not None:
            # A fast shutdown: terminate() would wait for clients.
            self._process.send_signal(signal.SIGINT)
            self._process.wait(10)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + 20
        while True:
            try:
                self.run_script(self.url, "SELECT 1")
                return
            except (OSError, asyncpg.CannotConnectNowError):
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
