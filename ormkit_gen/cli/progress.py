"""A progress line on standard error for work that takes long."""

from __future__ import annotations

import sys
import time
from typing import TextIO

_TERMINAL_SECONDS = 0.1
#: Logs get fewer lines than terminals, and only for work that takes longer.
_LOG_SECONDS = 2.0


class ProgressLine:
    """Shows a count of files: it updates one line on a terminal and adds lines to a log."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream if stream is not None else sys.stderr
        self._is_terminal = self._stream.isatty()
        self._interval = _TERMINAL_SECONDS if self._is_terminal else _LOG_SECONDS
        self._shown_at = time.monotonic()
        self._is_shown = False

    def __call__(self, done: int, of: int) -> None:
        """Show the count, unless it was shown a short time ago."""
        if done == of:
            self._clear()
        elif time.monotonic() - self._shown_at >= self._interval:
            self._show(f"formatting: {done} of {of} files")

    def _show(self, text: str) -> None:
        self._stream.write(f"\r{text}" if self._is_terminal else f"{text}\n")
        self._stream.flush()
        self._shown_at = time.monotonic()
        self._is_shown = True

    def _clear(self) -> None:
        if self._is_terminal and self._is_shown:
            self._stream.write("\r\x1b[K")
            self._stream.flush()


class StepLine:
    """Shows the step that is running, on a terminal only."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream if stream is not None else sys.stderr

    def __call__(self, step: str) -> None:
        """Show a step in place of the one before; an empty text removes it."""
        if self._stream.isatty():
            self._stream.write(f"\r\x1b[K{step}{'...' if step else ''}")
            self._stream.flush()
