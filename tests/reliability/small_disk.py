"""A disk so small that a test can fill it: a tmpfs, mounted as long as a block lasts."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(directory: Path, megabytes: int) -> Iterator[Path]:
    """Yield the directory, which holds no more than that; skip where nothing can be mounted."""
    directory.mkdir()
    options = f"size={megabytes}m,mode=755"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(directory)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"no disk can be mounted to be filled: {mounted.stderr.strip()}")
    try:
        yield directory
    finally:
        # Lazily: a server that is stopping may still have its files open.
        subprocess.run(["umount", "-l", str(directory)], check=True)
        directory.rmdir()


def free_bytes(directory: Path) -> int:
    """Return how much can still be written there."""
    disk = os.statvfs(directory)
    return disk.f_bavail * disk.f_frsize
