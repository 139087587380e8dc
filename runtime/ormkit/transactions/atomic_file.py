"""A file that takes the place of another one, once it is written as a whole."""

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
    """Yield a file that takes the place of the one at the path where the block succeeds.

    Where it raises, that one stays as it is, and nothing else is left. What is no ordinary file,
    such as a pipe or a terminal, is written to as it stands.
    """
    # As open() does, it follows links, so that these stay what they are.
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
    """Open a new file beside the target, with its permissions; the target itself where it is none.

    Raises PermissionError where the target is there and must not be written to.
    """
    name = os.path.join(os.path.dirname(target), f".ormkit-{secrets.token_hex(8)}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    try:
        there = os.stat(target)
    except FileNotFoundError:
        return open_descriptor(os.open(name, flags, 0o666), name)
    if not stat.S_ISREG(there.st_mode):
        return open(target, "wb")
    # Refused where open() would be; it neither creates nor cuts anything.
    os.close(os.open(target, os.O_WRONLY))
    # Nobody may read it who may not read the target.
    file = open_descriptor(os.open(name, flags, 0o600), name)
    try:
        take_after(file, there)
    except BaseException:
        discard(file, target)
        raise
    return file


def open_descriptor(descriptor: int, name: str) -> BinaryIO:
    """Return the file of a descriptor, by its own name."""
    return open(name, "wb", opener=lambda name, flags: descriptor)


def take_after(file: BinaryIO, there: os.stat_result) -> None:
    """Give the file the owner, where the process may, and the permissions of another one."""
    change_owner: Any = getattr(os, "fchown", None)
    own = os.fstat(file.fileno())
    if change_owner is not None and (own.st_uid, own.st_gid) != (there.st_uid, there.st_gid):
        with suppress(PermissionError):
            change_owner(file.fileno(), there.st_uid, there.st_gid)
    os.chmod(file.name, stat.S_IMODE(there.st_mode))


def put_in_place(file: BinaryIO, target: str) -> None:
    """Let the file take the target's place, whole on the disk before it does."""
    file.flush()
    if file.name != target:
        os.fsync(file.fileno())
    file.close()
    if file.name != target:
        os.replace(file.name, target)


def discard(file: BinaryIO, target: str) -> None:
    """Close the file, and remove it where it is not the target itself."""
    with suppress(OSError):
        file.close()
    if file.name != target:
        with suppress(FileNotFoundError):
            os.unlink(file.name)
