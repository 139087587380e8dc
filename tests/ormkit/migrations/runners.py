"""Processes that run migrations, from the side of the tests that kill them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path


class Runners:
    """Starts processes that run migrations, one at a time, and kills them."""

    def __init__(self) -> None:
        self._parent = subprocess.Popen(
            [sys.executable, "-m", "tests.ormkit.migrations.killed"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[3],
        )
        self._pid = 0

    def start(self, url: str, directory: Path, *, is_stepwise: bool = False) -> None:
        """Start a process, which waits after each event if it is stepwise."""
        self._write(f"{url}\t{directory}\t{'stepwise' if is_stepwise else 'quick'}")
        # The number comes before or after the first line of the process.
        self._said: list[str] = []
        while not (line := self._read()).isdigit():
            self._said.append(line)
        self._pid = int(line)

    def event(self) -> str:
        """Return what happens next; empty at the end."""
        line = self._said.pop(0) if self._said else self._read()
        assert not line.startswith("raised"), line
        return "" if line == "ended" else line

    def go_on(self) -> None:
        """Let it go on after an event."""
        self._write("")

    def kill(self) -> None:
        """End it at once."""
        # On a fast machine it may have come to its end since its last event.
        with suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        while self._read() != "ended":
            pass

    def close(self) -> None:
        """End the parent."""
        self._parent.kill()
        self._parent.communicate()

    def _write(self, line: str) -> None:
        assert self._parent.stdin is not None
        self._parent.stdin.write(f"{line}\n".encode())
        self._parent.stdin.flush()

    def _read(self) -> str:
        assert self._parent.stdout is not None
        line = self._parent.stdout.readline().decode().strip()
        assert line, "the parent of the processes has ended"
        return line
