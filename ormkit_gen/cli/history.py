"""The lines that were typed at the prompt of `ormkit shell`, kept for the next time."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from ormkit_gen.cli.secrets import masked

#: How many lines are kept.
MOST_LINES = 1_000


def history_file() -> Path:
    """Return the file of the user, outside of all projects."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "ormkit" / "shell_history"


@contextmanager
def history() -> Generator[None]:
    """Offer the lines of before at the prompt, and keep those of now.

    A prompt works as well without a history: where Python has no readline, or the file cannot be
    read or written, there is none.
    """
    readline: Any = None
    with suppress(ImportError):
        readline = import_module("readline")
    if readline is None:
        yield
        return
    with suppress(OSError, UnicodeError):
        for line in history_file().read_text(encoding="utf-8").splitlines():
            readline.add_history(line)
    try:
        yield
    finally:
        count = readline.get_current_history_length()
        with suppress(OSError):
            keep(readline.get_history_item(number) or "" for number in range(1, count + 1))


def keep(lines: Iterable[str]) -> None:
    """Write lines to the file, which only the user can read; those with a password are left out."""
    kept = [line for line in lines if line and masked(line) == line][-MOST_LINES:]
    file = history_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_name(f"{file.name}.{os.getpid()}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w", encoding="utf-8", errors="replace") as written:
        written.writelines(f"{line}\n" for line in kept)
    new.replace(file)
