"""Checks that paths stay inside a directory: names without directories, and no links.

A checkout may come from an untrusted source. Its files may name other files, and its directories
may be links, so that a write or a removal would reach outside the checkout.
"""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path, PurePosixPath, PureWindowsPath


def is_bare_name(name: str) -> bool:
    """Return whether the text is a file name without a directory, on every system."""
    return (
        bool(name)
        and name not in (".", "..")
        and PurePosixPath(name).name == name
        and PureWindowsPath(name).name == name
        and "\0" not in name
    )


def is_link(path: Path) -> bool:
    """Return whether the path itself is a symbolic link or a Windows junction."""
    try:
        status = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    is_reparse_point = bool(getattr(status, "st_reparse_tag", 0))
    return stat.S_ISLNK(status.st_mode) or is_reparse_point


def is_real_directory(path: Path) -> bool:
    """Return whether the path is a directory, and not a link to one."""
    return path.is_dir() and not is_link(path)


def first_link(root: Path, path: Path) -> Path | None:
    """Return the first part of `path` below `root` that is a link, or None."""
    below = path.relative_to(root)
    way = [root / each for each in (*reversed(below.parents), below)]
    return next((each for each in way[1:] if is_link(each)), None)


def remove_tree(path: Path) -> None:
    """Remove a directory and its content, even read-only directories; of a link, only the link."""
    if not is_real_directory(path):
        path.unlink()
        return
    _make_writable(path)
    shutil.rmtree(path)


def _make_writable(directory: Path) -> None:
    directory.chmod(0o700)
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                _make_writable(Path(entry.path))
