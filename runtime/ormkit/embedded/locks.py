"""File locks, shared or exclusive, which the operating system releases when a process ends."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

_POLL_SECONDS = 0.02


class FileLock:
    """An open file with a lock; several locks in one process are independent of each other."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)

    def try_shared(self) -> bool:
        """Try to take the shared lock; return False if another holds the exclusive lock."""
        return _lock_shared(self._file)

    def try_exclusive(self) -> bool:
        """Try to take the exclusive lock; return False if another holds any lock."""
        return _lock_exclusive(self._file)

    def wait_exclusive(self) -> None:
        """Take the exclusive lock; wait until nobody else holds any lock."""
        _wait_exclusive(self._file)

    def close(self) -> None:
        """Release the lock, even if a forked process has inherited it."""
        _unlock(self._file)
        os.close(self._file)


def hold_shared(path: Path) -> FileLock:
    """Return a held shared lock; wait while another holds the exclusive lock."""
    lock = FileLock(path)
    while not lock.try_shared():
        time.sleep(_POLL_SECONDS)
    return lock


@contextmanager
def held_alone(path: Path) -> Generator[None]:
    """Hold the exclusive lock during the block; wait for other holders first."""
    lock = FileLock(path)
    try:
        while not lock.try_exclusive():
            time.sleep(_POLL_SECONDS)
        yield
    finally:
        lock.close()


def is_held(path: Path) -> bool:
    """Return whether any process holds the lock."""
    lock = FileLock(path)
    try:
        return not lock.try_exclusive()
    finally:
        lock.close()


if sys.platform == "win32":
    import msvcrt
    from contextlib import suppress

    # Byte locks on Windows are exclusive only. A shared lock takes one byte, and the exclusive
    # lock takes all of them.
    _BYTES = 256

    def _lock_bytes(file: int, start: int, count: int) -> bool:
        os.lseek(file, start, os.SEEK_SET)
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, count)
        except OSError:
            return False
        return True

    def _lock_shared(file: int) -> bool:
        return any(_lock_bytes(file, start, 1) for start in range(_BYTES))

    def _lock_exclusive(file: int) -> bool:
        return _lock_bytes(file, 0, _BYTES)

    def _wait_exclusive(file: int) -> None:
        while not _lock_exclusive(file):
            time.sleep(_POLL_SECONDS)

    def _unlock(file: int) -> None:
        # Closing the file releases the lock on Windows, which has no fork().
        with suppress(OSError):
            os.lseek(file, 0, os.SEEK_SET)

else:
    import fcntl

    # A lock of flock() belongs to the open file. A lock of lockf() belongs to the process.
    def _flock(file: int, operation: int) -> bool:
        try:
            fcntl.flock(file, operation | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _lock_shared(file: int) -> bool:
        return _flock(file, fcntl.LOCK_SH)

    def _lock_exclusive(file: int) -> bool:
        return _flock(file, fcntl.LOCK_EX)

    def _wait_exclusive(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX)

    def _unlock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)
