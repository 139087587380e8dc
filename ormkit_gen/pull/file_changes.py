"""Writing several files as one change: all of them, or none."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from ormkit_gen.diagnostics.refusal import Refusal, problem
from ormkit_gen.filesystem.safe_paths import first_link

#: The texts of files by their paths from the project's directory; None removes a file.
Texts = Mapping[str, str | None]


def write_texts(root: Path, texts: Texts) -> None:
    """Write the files. Every text is complete beside the others before the first one is replaced.

    Raises:
        Refusal: A directory on the way is a link.
        OSError: The system refused. The files are as they were.
    """
    for name in texts:
        if (link := first_link(root, root / name)) is not None:
            remedy = "name the directory that it leads to"
            raise Refusal(problem("link-in-the-way", f"{link} is a symbolic link", remedy))
    with tempfile.TemporaryDirectory(prefix=".ormkit-pull-", dir=root) as work:
        staged, kept = Path(work, "new"), Path(work, "old")
        for name, text in texts.items():
            if text is not None:
                _create(staged / name, text)
                if (root / name).exists():
                    shutil.copymode(root / name, staged / name)
        done: list[str] = []
        made: list[Path] = []
        try:
            for name, text in texts.items():
                done.append(name)
                _keep(root / name, kept / name)
                if text is not None:
                    made += _make_directory((root / name).parent)
                    os.replace(staged / name, root / name)
                else:
                    (root / name).unlink(missing_ok=True)
        except BaseException:
            _restore(root, kept, done)
            for directory in reversed(made):
                with suppress(OSError):
                    directory.rmdir()
            raise


def _create(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


def _keep(path: Path, place: Path) -> None:
    """Copy a file aside, if there is one."""
    if path.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, place)


def _make_directory(path: Path) -> list[Path]:
    missing = [each for each in (path, *path.parents) if not each.exists()]
    path.mkdir(parents=True, exist_ok=True)
    return missing[::-1]


def _restore(root: Path, kept: Path, names: list[str]) -> None:
    for name in reversed(names):
        if (kept / name).exists():
            os.replace(kept / name, root / name)
        else:
            (root / name).unlink(missing_ok=True)
