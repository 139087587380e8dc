"""The server of the tests: the one that the project names, or one embedded server for all."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from ..connecting.options import EMBEDDED
from ..embedded.cluster import OWN_FILES, VERSIONS
from ..embedded.locks import held_alone
from ..embedded.server import EmbeddedServer, resolve
from ..embedded.url import parts_of
from ..embedded.warden import GuardedUse
from ..errors import EmbeddedServerError

#: A crash of the machine may destroy what is in the server, which is made anew then. Nothing is
#: written that only a crash, a replica or an archive would need.
SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    # So that little of it stays in memory.
    "min_wal_size": "32MB",
    "max_wal_size": "256MB",
    "wal_recycle": "off",
    "wal_init_zero": "off",
    "max_connections": "300",
    # A database of a test is gone before a vacuum would help it, or a plan that takes long to make.
    "autovacuum": "off",
    "jit": "off",
}
#: The file system in memory of Linux. To copy a database takes a tenth of the time there.
MEMORY = Path("/dev/shm")
#: How many bytes must be free in it: containers often have 64 MB.
ENOUGH = 1 << 30


def server_directory() -> Path:
    """Return the directory for the server of this user's tests, in memory if possible."""
    named = os.environ.get("XDG_CACHE_HOME")
    return (None if named else memory_directory()) or cache_directory() / "ormkit"


def memory_directory() -> Path | None:
    """Return this user's directory in memory; None where there is too little, or no such thing."""
    if sys.platform == "win32":
        return None
    directory = MEMORY / f"ormkit-{os.getuid()}"
    try:
        if shutil.disk_usage(MEMORY).free < ENOUGH:
            return None
        directory.mkdir(mode=0o700, exist_ok=True)
        found = directory.lstat()
    except OSError:
        return None
    # Anybody may create a directory of that name there.
    is_ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
    return directory if is_ours and not found.st_mode & 0o022 else None


def cache_directory() -> Path:
    """Return the directory for the caches of this user."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local")
    if sys.platform == "darwin":
        return Path.home() / "Library/Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


@contextmanager
def server_for(url: str | None) -> Generator[str]:
    """Yield the URL of a running server: the given one, or that of an embedded server.

    All tests of this user share one embedded server. It stops with the last of them, also if they
    are killed.
    """
    if url is not None and not url.startswith(EMBEDDED):
        yield url
        return
    directory = server_directory() / f"tests-{VERSIONS[0]}"
    if url is not None:
        directory = resolve(parts_of(url)[0])
    directory.parent.mkdir(parents=True, exist_ok=True)
    with held_alone(directory.with_suffix(".lock")):
        use = GuardedUse(directory)
        try:
            server = started(directory)
        except BaseException:
            use.close()
            raise
    try:
        yield server.url
    finally:
        use.close()
        server.stop()


def started(directory: Path) -> EmbeddedServer:
    """Start the server, or share it; make a cluster anew that does not start."""
    try:
        return EmbeddedServer.start(directory, settings=SETTINGS)
    except EmbeddedServerError:
        if not (directory / "PG_VERSION").exists():
            raise
        for entry in directory.iterdir():
            if entry.is_dir():
                shutil.rmtree(entry)
            elif entry.name not in OWN_FILES:
                entry.unlink()
        return EmbeddedServer.start(directory, settings=SETTINGS)
