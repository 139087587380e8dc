"""The atomic exchange of two directories, on systems that support it."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2  # linux/fs.h
_RENAME_SWAP = 2  # sys/stdio.h of macOS


def exchange(left: Path, right: Path) -> bool:
    """Exchange two paths of one file system atomically. Return False if that is not possible.

    This uses renameat2(2) on Linux and renamex_np(2) on macOS. Windows and some file systems do not
    support it, and it fails for a mount point. If the result is False, nothing has changed.
    """
    call = _system_call()
    if call is None:
        return False
    sys.audit("ormkit.exchange", str(left), str(right))
    return call(os.fsencode(left), os.fsencode(right)) == 0


def _linux_arguments(left: bytes, right: bytes) -> tuple[object, ...]:
    return (_AT_FDCWD, left, _AT_FDCWD, right, ctypes.c_uint(_RENAME_EXCHANGE))


def _macos_arguments(left: bytes, right: bytes) -> tuple[object, ...]:
    return (left, right, ctypes.c_uint(_RENAME_SWAP))


#: The C function of each system, and its arguments.
_CALLS = {"linux": ("renameat2", _linux_arguments), "darwin": ("renamex_np", _macos_arguments)}


@cache
def _system_call() -> Callable[[bytes, bytes], int] | None:
    if sys.platform not in _CALLS:
        return None
    name, arguments = _CALLS[sys.platform]
    function = getattr(ctypes.CDLL(None), name, None)
    if function is None:  # a C library from before 2018
        return None
    return lambda left, right: int(function(*arguments(left, right)))
