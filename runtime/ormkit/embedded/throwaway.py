"""Servers whose contents nobody misses after a crash: their settings, and their place."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from pathlib import Path

#: Nothing is written that only a crash, a replica or an archive would need.
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
    # A database is gone before a vacuum would help it, or a plan that takes long to make.
    "autovacuum": "off",
    "jit": "off",
}
#: The file system in memory of Linux. To copy a database takes a tenth of the time there.
MEMORY = Path("/dev/shm")
#: How many bytes must be free in it: containers often have 64 MB.
ENOUGH = 1 << 30


def server_directory(name: str) -> Path:
    """Return the directory for a server of this user, in memory if possible.

    With XDG_CACHE_HOME it is in the directory for caches.
    """
    named = os.environ.get("XDG_CACHE_HOME")
    return ((None if named else memory_directory()) or cache_directory()) / name


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
    """Return OrmKit's directory for the caches of this user."""
    if sys.platform == "win32":
        caches = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local")
    elif sys.platform == "darwin":
        caches = Path.home() / "Library/Caches"
    else:
        caches = Path.home() / ".cache"
    named = os.environ.get("XDG_CACHE_HOME")
    return (Path(named) if named else caches) / "ormkit"
