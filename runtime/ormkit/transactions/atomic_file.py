"""Atomic file replacement: write a temporary file, then rename it over the target."""

from __future__ import annotations

import asyncio
import os
import secrets
import stat
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any, BinaryIO


@asynccontextmanager
async def replacing(path: str) -> AsyncGenerator[BinaryIO]:
    """Yield a file that replaces the file at `path` if the block succeeds.

    If the block raises, the file at `path` stays unchanged and the temporary file is removed.
    A pipe, a terminal or another special file is written to directly.

    Raises OSError if the file cannot be opened, written or renamed.
    """
    # Like open(), this follows symbolic links, so that the link itself stays.
    target: str = await asyncio.to_thread(lambda: os.path.realpath(path))
    opening = asyncio.create_task(asyncio.to_thread(open_for, target))
    try:
        file = await asyncio.shield(opening)
    except asyncio.CancelledError:
        # The thread goes on, and may open the file only now.
        opening.add_done_callback(lambda opened: discard(opened.result(), target))
        raise
    try:
        yield file
        await asyncio.to_thread(put_in_place, file, target)
    except BaseException:
        await asyncio.to_thread(discard, file, target)
        raise


def open_for(target: str) -> BinaryIO:
    """Open a temporary file beside the target with its permissions, or a special target itself.

    Raises PermissionError if the target exists and is not writable.
    """
    name = os.path.join(os.path.dirname(target), f".ormkit-{secrets.token_hex(8)}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    try:
        there = os.stat(target)
    except FileNotFoundError:
        return open_descriptor(os.open(name, flags, 0o666), name)
    if not stat.S_ISREG(there.st_mode):
        return open(target, "wb")
    # This fails if open() would fail. It neither creates nor truncates the target.
    os.close(os.open(target, os.O_WRONLY))
    # Only the owner may read the temporary file until it has the target's permissions.
    file = open_descriptor(os.open(name, flags, 0o600), name)
    try:
        take_after(file, there)
    except BaseException:
        discard(file, target)
        raise
    return file


def open_descriptor(descriptor: int, name: str) -> BinaryIO:
    """Return a file object for the descriptor, with `name` as its name."""
    return open(name, "wb", opener=lambda name, flags: descriptor)


def take_after(file: BinaryIO, there: os.stat_result) -> None:
    """Copy the permissions of another file, and its owner if the process has the right."""
    change_owner: Any = getattr(os, "fchown", None)
    own = os.fstat(file.fileno())
    if change_owner is not None and (own.st_uid, own.st_gid) != (there.st_uid, there.st_gid):
        with suppress(PermissionError):
            change_owner(file.fileno(), there.st_uid, there.st_gid)
    os.chmod(file.name, stat.S_IMODE(there.st_mode))


def put_in_place(file: BinaryIO, target: str) -> None:
    """Flush the file to disk, then rename it over the target."""
    file.flush()
    if file.name != target:
        os.fsync(file.fileno())
    file.close()
    if file.name != target:
        os.replace(file.name, target)


def discard(file: BinaryIO, target: str) -> None:
    """Close the file, and remove it unless it is the target itself."""
    with suppress(OSError):
        file.close()
    if file.name != target:
        with suppress(FileNotFoundError):
            os.unlink(file.name)
