"""Origin: the process and the event loop that connections were opened in, and are used in alone.

After fork() two processes have the same connections, and each would take the other's answers. The
child lets go of its copies at once: a write to the socket, which garbage collection alone may
cause, would reach the server as the parent's.
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

#: Returns None where no loop runs, as in a process that was forked within one.
running_loop = asyncio._get_running_loop


class Origin:
    """Where an engine was made."""

    __slots__ = ("_is_left", "_process", "loop")

    def __init__(self) -> None:
        self._process = os.getpid()
        self.loop: Any = asyncio.get_running_loop()
        self._is_left = False

    def leave(self) -> None:
        """Take no loop for one's own from here on."""
        self._is_left = True
        # What no running loop is.
        self.loop = object()

    def check(self) -> asyncio.AbstractEventLoop:
        """Return the running loop; raises UsageError where it is another one, or a fork's."""
        loop = running_loop()
        if loop is None or loop is not self.loop:
            raise self.refusal()
        return loop

    @property
    def is_over(self) -> bool:
        """True where the loop has ended, or belongs to another process."""
        return self._is_left or bool(self.loop.is_closed())

    def refusal(self) -> UsageError:
        """Return the error for a use from elsewhere."""
        if self._process != os.getpid():
            return UsageError(
                f"the engine was made in process {self._process}, before fork(), and this is "
                f"process {os.getpid()}: on one connection each would take the other's answers; "
                f"call create_engine() in each process, after the fork (gunicorn with preload: "
                f"when the worker starts)"
            )
        return UsageError(
            "the engine was made in another event loop, which its connections belong to: call "
            "create_engine() in each loop, or do everything in one asyncio.run()"
        )


class Severed:
    """Stands in for a connection that was let go of: closed, and of no use to anyone."""

    def __init__(self, error: UsageError) -> None:
        self._error = error

    def __getattr__(self, name: str) -> NoReturn:
        raise copy.copy(self._error)

    def is_connected(self) -> bool:
        return False

    def is_in_transaction(self) -> bool:
        return False

    def terminate(self) -> None:
        """Do nothing: it is closed."""

    async def close(self, timeout: float | None = None) -> None:
        """Do nothing: it is closed."""


class Inherited(Protocol):
    """What a forked process has to let go of."""

    def abandon(self) -> None:
        """Forget the connections without a word to the server."""
        ...


_inherited: weakref.WeakSet[Inherited] = weakref.WeakSet()
#: What was let go of. Collecting it would say goodbye to the server, or warn.
_left: list[object] = []


def abandon_after_fork(owner: Inherited) -> None:
    """Let a process that is forked from this one call the owner's `abandon` first of all."""
    _inherited.add(owner)


def keep(*abandoned: object) -> None:
    """Keep what was let go of from being collected."""
    _left.extend(abandoned)


def let_go(error: UsageError, raw: Any, *held: object) -> Any:
    """Return what stands in for a connection of asyncpg, which keeps no socket."""
    keep(raw, *held)
    detach(transport_of(raw))
    return Severed(error)


def detach(transport: Any) -> None:
    """Put nothing in the place of a transport's socket, without a word to its other end."""
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
