"""Checkouts of a pool: which task holds which connection, since when, and where.

A checkout records the task and the time only. The rest is found when a report asks for it.
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
#: Frames of the runtime and of asyncio are left out: they do not tell who holds a connection.
SKIPPED_PATHS = (str(Path(__file__).parents[1]), str(Path(asyncio.__file__).parent))
#: How many checkouts an error names.
MOST_NAMED = 5
#: How many characters of a statement's SQL are shown.
MOST_SQL = 80

Stack = traceback.StackSummary
#: One checkout: the task (None outside of one), and its start by time.monotonic().
Checkout = tuple[asyncio.Task[Any] | None, float]


class Checkouts:
    """The checkouts of a pool; with a threshold, also the stack of each one.

    The pool writes to `active` itself, since every statement passes there.
    """

    __slots__ = ("_reported", "_stacks", "_threshold", "active")

    def __init__(self, threshold: float | None) -> None:
        """Start without checkouts.

        threshold: the seconds after which a checkout is reported as a leak; None reports none.
        """
        self.active: dict[Connection, Checkout] = {}
        self._threshold = threshold
        self._stacks: dict[Connection, Stack] = {}
        self._reported: set[Connection] = set()

    @property
    def is_tracing(self) -> bool:
        """True where `trace` and `forget` are to be called for each checkout."""
        return self._threshold is not None

    def trace(self, connection: Connection) -> None:
        """Record the stack of the caller that checks out the connection."""
        self._stacks[connection] = current_stack()

    def forget(self, connection: Connection, checkout: Checkout) -> None:
        """Forget the stack of a checkout that has ended."""
        self._stacks.pop(connection, None)
        if connection in self._reported:
            self._reported.remove(connection)
            LOGGER.warning(
                "the connection held by %s came back after %.1f s: it was held long, and not lost",
                name_of(checkout[0]),
                time.monotonic() - checkout[1],
            )

    def described(self) -> list[str]:
        """Return a line about each checkout, the oldest first."""
        active = sorted(self.active.items(), key=lambda item: item[1][1])
        return [description(connection, checkout) for connection, checkout in active]

    def report_leaks(self) -> None:
        """Log each checkout older than the threshold, once, with its stack."""
        oldest = time.monotonic() - (self._threshold or 0)
        for connection, stack in self._stacks.items():
            checkout = self.active[connection]
            if checkout[1] > oldest or connection in self._reported:
                continue
            self._reported.add(connection)
            LOGGER.warning(
                "a connection may be leaking: %s; it was taken here:\n%s",
                description(connection, checkout),
                "".join(stack.format()),
            )


def held_by(lines: list[str]) -> str:
    """Return the end of a message that names the oldest checkouts; empty where there are none."""
    if not lines:
        return ""
    more = f"; and {len(lines) - MOST_NAMED} more" if len(lines) > MOST_NAMED else ""
    return f"; held by {'; '.join(lines[:MOST_NAMED])}{more}"


def name_of(task: asyncio.Task[Any] | None) -> str:
    """Return the task's name, and whether it has ended."""
    if task is None:
        return "code outside a task"
    return f"{task.get_name()}{', which has ended,' if task.done() else ''}"


def description(connection: Connection, checkout: Checkout) -> str:
    """Return which task holds the connection, for how long, where, and its current statement."""
    task, since = checkout
    line = f"{name_of(task)} for {time.monotonic() - since:.1f} s"
    if task is None or task.done():
        return line
    place, sql = activity(task, connection)
    shown = " ".join(sql.split()) if sql is not None else ""
    cut = f"{shown[:MOST_SQL]}..." if len(shown) > MOST_SQL else shown
    return f"{line}{f' at {place}' if place else ''} ({cut or 'no statement under way'})"


def activity(task: asyncio.Task[Any], connection: Connection) -> tuple[str | None, str | None]:
    """Return where the application's code is suspended, and the SQL that it awaits there."""
    place = None
    awaited: Any = task.get_coro()
    while awaited is not None:
        frame = getattr(awaited, "cr_frame", None) or getattr(awaited, "gi_frame", None)
        if frame is not None and frame.f_locals.get("self") is connection:
            return place, frame.f_locals.get("sql")
        if frame is not None and not frame.f_code.co_filename.startswith(SKIPPED_PATHS):
            place = f"{frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_name}"
        awaited = getattr(awaited, "cr_await", None) or getattr(awaited, "gi_yieldfrom", None)
    return place, None


def current_stack() -> Stack:
    """Return the stack of the caller, without frames of the runtime; source lines are not read."""
    frames = [
        (frame, line)
        for frame, line in traceback.walk_stack(inspect.currentframe())
        if not frame.f_code.co_filename.startswith(SKIPPED_PATHS)
    ]
    stack = Stack.extract(iter(frames), lookup_lines=False)
    stack.reverse()
    return stack
