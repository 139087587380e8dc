"""Binds connections to the process and event loop that opened them, and handles fork().

After fork() two processes share the same sockets, and each would read the other's answers. The
child therefore abandons its copies at once. A write to such a socket, which even garbage collection
can cause, would reach the server as if the parent had sent it.
"""

from __future__ import annotations

import asyncio
import copy
import os
import weakref
from contextlib import suppress
from typing import Any, NoReturn, Protocol

from ..errors import UsageError
from .asyncpg_internals import transport_of

#: Returns None if no event loop runs, as in a process that was forked inside one.
running_loop = asyncio._get_running_loop


class Origin:
    """The process and the event loop in which an engine was made."""

    __slots__ = ("_is_left", "_process", "loop")

    def __init__(self) -> None:
        self._process = os.getpid()
        self.loop: Any = asyncio.get_running_loop()
        self._is_left = False

    def leave(self) -> None:
        """Make check() fail in every event loop from now on."""
        self._is_left = True
        # This object differs from every event loop.
        self.loop = object()

    def check(self) -> asyncio.AbstractEventLoop:
        """Return the running loop; raises UsageError in another event loop or process."""
        loop = running_loop()
        if loop is None or loop is not self.loop:
            raise self.refusal()
        return loop

    @property
    def is_over(self) -> bool:
        """True if the event loop is closed, or belongs to another process."""
        return self._is_left or bool(self.loop.is_closed())

    def refusal(self) -> UsageError:
        """Return the error for a use from another process or event loop."""
        if self._process != os.getpid():
            return UsageError(
                f"the engine was created in process {self._process}, before fork(), and this "
                f"is process {os.getpid()}: two processes on one connection would read each "
                "other's results; call create_engine() in each process, after the fork "
                "(gunicorn with preload: when the worker starts)"
            )
        return UsageError(
            "the engine was created in another event loop, and its connections belong to that "
            "loop: call create_engine() in each loop, or do everything in one asyncio.run()"
        )


class Severed:
    """Replaces an abandoned connection: it reports that it is closed, and any use raises."""

    def __init__(self, error: UsageError) -> None:
        self._error = error

    def __getattr__(self, name: str) -> NoReturn:
        raise copy.copy(self._error)

    def is_connected(self) -> bool:
        return False

    def is_in_transaction(self) -> bool:
        return False

    def terminate(self) -> None:
        """Do nothing, since it is closed."""

    async def close(self, timeout: float | None = None) -> None:
        """Do nothing, since it is closed."""


class Inherited(Protocol):
    """An owner of connections that a forked process must abandon."""

    def abandon(self) -> None:
        """Drop the connections without a message to the server."""
        ...


_inherited: weakref.WeakSet[Inherited] = weakref.WeakSet()
#: Abandoned objects. Their garbage collection would write to the server, or warn.
_left: list[object] = []


def abandon_after_fork(owner: Inherited) -> None:
    """Register the owner, so that a forked child process calls its `abandon` at once."""
    _inherited.add(owner)


def keep(*abandoned: object) -> None:
    """Keep references to abandoned objects, so that they are never garbage collected."""
    _left.extend(abandoned)


def let_go(error: UsageError, raw: Any, *held: object) -> Any:
    """Detach an asyncpg connection from its socket, and return its replacement.

    held: further objects to keep from garbage collection.
    """
    keep(raw, *held)
    detach(transport_of(raw))
    return Severed(error)


def detach(transport: Any) -> None:
    """Replace the file descriptor of a transport's socket by /dev/null; send nothing."""
    found = transport.get_extra_info("socket") if transport is not None else None
    number = -1 if found is None else found.fileno()
    if number < 0:
        return
    nothing = os.open(os.devnull, os.O_RDWR)
    try:
        with suppress(OSError):
            os.dup2(nothing, number, inheritable=False)
    finally:
        os.close(nothing)


def _abandon_all() -> None:
    for owner in list(_inherited):
        owner.abandon()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_abandon_all)
