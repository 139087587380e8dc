"""A lock for one writer at a time. It ends with its process."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

_POLL_SECONDS = 0.02
#: Windows does not have this flag.
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)


class LockTimeout(Exception):
    """Another process held the lock until the timeout."""


@contextmanager
def locked(directory: Path, timeout_seconds: float) -> Generator[None]:
    """Create `directory`, lock it, and remove it at the end if it is empty.

    The operating system locks a file inside it, so a killed process leaves no lock behind.
    """
    file = _acquire(directory, time.monotonic() + timeout_seconds)
    try:
        yield
    finally:
        _release(file, directory)


def _acquire(directory: Path, deadline: float) -> int:
    path = directory / "lock"
    while True:
        file = _open(path)
        if file is not None:
            # The previous holder has removed the file. A lock on a removed file
            # has no effect.
            if try_lock(file) and _is_same_file(file, path):
                return file
            os.close(file)
        if time.monotonic() > deadline:
            raise LockTimeout(str(directory))
        time.sleep(_POLL_SECONDS)


def _open(path: Path) -> int | None:
    with suppress(FileExistsError):
        path.parent.mkdir()
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | _NO_LINK, 0o644)
    except FileNotFoundError:  # the holder removed the directory in the meantime
        return None


def _release(file: int, directory: Path) -> None:
    if sys.platform == "win32":  # Windows cannot remove an open file
        os.close(file)
    # A waiting process may already have opened the file or begun to work.
    with suppress(OSError):
        (directory / "lock").unlink()
    with suppress(OSError):
        directory.rmdir()
    if sys.platform != "win32":
        os.close(file)


def _is_same_file(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False


if sys.platform == "win32":
    import msvcrt

    def try_lock(file: int) -> bool:
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def try_lock(file: int) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
