"""A process that formats texts. Requests and answers are lines of JSON.

This does not use multiprocessing. A child of multiprocessing runs the caller's main module again,
which breaks scripts without a main guard, and it keeps running if its parent is killed. This
process ends when its standard input is closed.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from types import TracebackType
from typing import IO, Self

from ormkit_gen.formatting.formatter import BrokenCode, format_text


class ProcessGone(Exception):
    """The process could not start, or ended before its work was done."""


class FormattingProcess:
    """The parent's side. It is a context manager that stops the process."""

    def __init__(self) -> None:
        # The child imports the packages from the same places as this process.
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", __name__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
            )
        except OSError as error:
            raise ProcessGone(str(error)) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.process.kill()
        self.process.communicate()

    def format(self, name: str, text: str) -> str:
        """Return the formatted text. Raise BrokenCode, or ProcessGone if there is no answer."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            _send(self.process.stdin, {"name": name, "text": text})
            answer = self.process.stdout.readline()
        except OSError as error:
            raise ProcessGone(str(error)) from error
        if not answer.endswith(b"\n"):
            raise ProcessGone("the process ended without an answer")
        reply: dict[str, str] = json.loads(answer)
        if "reason" in reply:
            raise BrokenCode(name, reply["reason"])
        return reply["text"]


def main() -> None:
    """Answer every line of standard input until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C
    for line in sys.stdin.buffer:
        job: dict[str, str] = json.loads(line)
        _send(sys.stdout.buffer, _answer(job["name"], job["text"]))


def _answer(name: str, text: str) -> dict[str, str]:
    try:
        return {"text": format_text(name, text)}
    except BrokenCode as error:
        return {"reason": error.reason}


def _send(stream: IO[bytes], message: dict[str, str]) -> None:
    stream.write(json.dumps(message).encode() + b"\n")
    stream.flush()


if __name__ == "__main__":
    main()
