"""File locks, shared or exclusive, that the system releases when a process ends."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

_POLL_SECONDS = 0.02


class FileLock:
    """An open file with a lock; locks of one process are independent of each other too."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)

    def try_shared(self) -> bool:
        """Try to take the shared lock; False where another holds the exclusive lock."""
        return _lock_shared(self._file)

    def try_exclusive(self) -> bool:
        """Try to take the exclusive lock; False where another holds any lock."""
        return _lock_exclusive(self._file)

    def close(self) -> None:
        """Release the lock, also for forked processes that inherited it."""
        _unlock(self._file)
        os.close(self._file)


def hold_shared(path: Path) -> FileLock:
    """Return a shared lock; waits while another holds the exclusive lock."""
    lock = FileLock(path)
    while not lock.try_shared():
        time.sleep(_POLL_SECONDS)
    return lock


@contextmanager
def held_alone(path: Path) -> Generator[None]:
    """Hold the exclusive lock during the block; waits for other holders."""
    lock = FileLock(path)
    try:
        while not lock.try_exclusive():
            time.sleep(_POLL_SECONDS)
        yield
    finally:
        lock.close()


def is_held(path: Path) -> bool:
    """Return whether anybody holds the lock."""
    lock = FileLock(path)
    try:
        return not lock.try_exclusive()
    finally:
        lock.close()


if sys.platform == "win32":
    import msvcrt
    from contextlib import suppress

    # Windows' locks on bytes are exclusive only: whoever shares takes one byte, and whoever
    # wants the lock alone takes all of them.
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

    def _unlock(file: int) -> None:
        # Closing the file is what releases there, and no process is forked.
        with suppress(OSError):
            os.lseek(file, 0, os.SEEK_SET)

else:
    import fcntl

    # flock() belongs to the open file, not to the process as lockf() does.
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

    def _unlock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)
