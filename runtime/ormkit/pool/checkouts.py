"""Who holds which connection of a pool: the task, since when, and what it does there.

Taking notes costs a reference and a look at the clock; all else is found out when somebody asks.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import time
import traceback
from pathlib import Path
from typing import Any

from ..driver.connection import Connection

LOGGER = logging.getLogger("ormkit")
#: Frames of our own and of asyncio, which say nothing of who holds a connection.
PASSED_OVER = (str(Path(__file__).parent), str(Path(asyncio.__file__).parent))
#: How many holders an error names, and how many characters of each one's SQL.
NAMED = 5
SHOWN = 80

Stack = traceback.StackSummary
#: A hold: the task (None outside of one), and the moment, by time.monotonic(), that it began.
Hold = tuple[asyncio.Task[Any] | None, float]


class Holders:
    """The holders of a pool's connections; with a threshold, also where each one took its own.

    The pool writes `holds` itself: it is on the way of every statement.
    """

    __slots__ = ("_reported", "_stacks", "_threshold", "holds")

    def __init__(self, threshold: float | None) -> None:
        """Note nothing yet; threshold: the seconds after which a hold is reported as a leak."""
        self.holds: dict[Connection, Hold] = {}
        self._threshold = threshold
        self._stacks: dict[Connection, Stack] = {}
        self._reported: set[Connection] = set()

    @property
    def is_tracing(self) -> bool:
        """True where `trace` and `forget` want to be called for each hold."""
        return self._threshold is not None

    def trace(self, connection: Connection) -> None:
        """Note the stack that takes the connection."""
        self._stacks[connection] = current_stack()

    def forget(self, connection: Connection, hold: Hold) -> None:
        """Note that the connection of this hold came back."""
        self._stacks.pop(connection, None)
        if connection in self._reported:
            self._reported.remove(connection)
            LOGGER.warning(
                "the connection held by %s came back after %.1f s: it was held long, and not lost",
                name_of(hold[0]),
                time.monotonic() - hold[1],
            )

    def described(self) -> list[str]:
        """Return a line about each holder, those of the longest hold first."""
        holds = sorted(self.holds.items(), key=lambda item: item[1][1])
        return [description(connection, hold) for connection, hold in holds]

    def report_leaks(self) -> None:
        """Log each hold beyond the threshold, once, with the stack that took the connection."""
        oldest = time.monotonic() - (self._threshold or 0)
        for connection, stack in self._stacks.items():
            hold = self.holds[connection]
            if hold[1] > oldest or connection in self._reported:
                continue
            self._reported.add(connection)
            LOGGER.warning(
                "a connection may be leaking: %s; it was taken here:\n%s",
                description(connection, hold),
                "".join(stack.format()),
            )


def described(lines: list[str]) -> str:
    """Return a sentence that names the first holders, or nothing where there are none."""
    if not lines:
        return ""
    more = f"; and {len(lines) - NAMED} more" if len(lines) > NAMED else ""
    return f"; held by {'; '.join(lines[:NAMED])}{more}"


def name_of(task: asyncio.Task[Any] | None) -> str:
    """Return the task's name, and whether it is still there."""
    if task is None:
        return "code outside a task"
    return f"{task.get_name()}{', which has ended,' if task.done() else ''}"


def description(connection: Connection, hold: Hold) -> str:
    """Return who holds the connection, for how long, where, and the statement under way."""
    task, since = hold
    line = f"{name_of(task)} for {time.monotonic() - since:.1f} s"
    if task is None or task.done():
        return line
    place, sql = activity(task, connection)
    shown = " ".join(sql.split()) if sql is not None else ""
    cut = f"{shown[:SHOWN]}..." if len(shown) > SHOWN else shown
    return f"{line}{f' at {place}' if place else ''} ({cut or 'no statement under way'})"


def activity(task: asyncio.Task[Any], connection: Connection) -> tuple[str | None, str | None]:
    """Return where the application's code is suspended, and the SQL that it awaits from there."""
    place = None
    awaited: Any = task.get_coro()
    while awaited is not None:
        frame = getattr(awaited, "cr_frame", None) or getattr(awaited, "gi_frame", None)
        if frame is not None and frame.f_locals.get("self") is connection:
            return place, frame.f_locals.get("sql")
        if frame is not None and not frame.f_code.co_filename.startswith(PASSED_OVER):
            place = f"{frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_name}"
        awaited = getattr(awaited, "cr_await", None) or getattr(awaited, "gi_yieldfrom", None)
    return place, None


def current_stack() -> Stack:
    """Return the stack of the caller, without frames of the runtime, its source unread."""
    frames = [
        (frame, line)
        for frame, line in traceback.walk_stack(inspect.currentframe())
        if not frame.f_code.co_filename.startswith(PASSED_OVER)
    ]
    stack = Stack.extract(iter(frames), lookup_lines=False)
    stack.reverse()
    return stack
