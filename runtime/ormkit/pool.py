"""The pool: idle connections in a deque, waiters served first in, first out.

`take` and `give` are plain calls, so that a statement on an idle connection pays for no extra
coroutine; only the wait for a connection suspends. What a connection needs before it can serve
again after trouble (a cancelled statement, an open transaction) happens in the background, and
it is closed where that fails.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from .driver import Connection
from .errors import ConfigurationError, PoolClosed, PoolTimeout

#: Seconds that a connection may take to become usable again before it is closed.
RESET_TIMEOUT = 5.0


@dataclass(frozen=True, slots=True)
class PoolOptions:
    """How many connections a pool holds and for how long; times are in seconds."""

    min_connections: int = 1
    max_connections: int = 10
    #: How long to wait for a connection before PoolTimeout; None waits for ever.
    acquire_timeout: float | None = 30.0
    #: A connection idle for longer is closed, down to min_connections; None keeps it.
    idle_lifetime: float | None = 600.0
    #: A connection older than this is replaced when it comes back; None keeps it.
    max_lifetime: float | None = 3600.0

    def __post_init__(self) -> None:
        if not 0 <= self.min_connections <= self.max_connections or self.max_connections < 1:
            raise ConfigurationError(
                f"min_connections={self.min_connections}, max_connections={self.max_connections}: "
                f"give 0 <= min_connections <= max_connections, and at least 1 for the latter"
            )
        for name in ("acquire_timeout", "idle_lifetime", "max_lifetime"):
            seconds = getattr(self, name)
            if seconds is not None and not seconds > 0:
                raise ConfigurationError(f"{name}={seconds!r}: give seconds above 0, or None")


class Pool:
    """Connections to one database, at most `max_connections` of them."""

    def __init__(self, connect: Callable[[], Awaitable[Connection]], options: PoolOptions) -> None:
        self._connect = connect
        self.options = options
        self._idle: deque[tuple[Connection, float]] = deque()
        self._waiters: deque[asyncio.Future[Connection]] = deque()
        self._born: dict[Connection, float] = {}
        self._opening = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self.is_closed = False

    @property
    def size(self) -> int:
        """How many connections there are, those being opened included."""
        return len(self._born) + self._opening

    @property
    def idle(self) -> int:
        """How many connections wait for work."""
        return len(self._idle)

    async def start(self) -> None:
        """Open the first connections; raises what connecting raises, and then leaves none open."""
        try:
            for _ in range(self.options.min_connections):
                self._idle.append((await self._open(), time.monotonic()))
        except BaseException:
            await self.close()
            raise
        self._schedule_sweep()

    def take(self) -> Connection | None:
        """Return an idle connection, or None where `acquire` has to wait for one."""
        while self._idle and not self._waiters:
            connection, _ = self._idle.pop()
            if not connection.is_closed:
                return connection
            self._born.pop(connection, None)
        return None

    async def acquire(self) -> Connection:
        """Return a connection, waiting in line for one where all are in use.

        Raises PoolTimeout after `acquire_timeout`, PoolClosed, and what connecting raises.
        """
        if self.is_closed:
            raise PoolClosed("the engine is closed")
        if connection := self.take():
            return connection
        if not self._waiters and self.size < self.options.max_connections:
            return await self._open()
        waiter: asyncio.Future[Connection] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        # Those in front may all have given up, with no connection left to come back.
        self._replace()
        try:
            async with asyncio.timeout(self.options.acquire_timeout):
                return await waiter
        except TimeoutError:
            self._forsake(waiter)
            raise PoolTimeout(
                f"no connection came free within {self.options.acquire_timeout} s: all "
                f"{self.options.max_connections} are in use; raise max_connections, or look for "
                f"transactions that stay open"
            ) from None
        except BaseException:
            self._forsake(waiter)
            raise

    def give(self, connection: Connection) -> None:
        """Take a connection back; one that is not clean is mended in the background first."""
        if connection.is_clean:
            self._serve(connection)
        else:
            self._spawn(self._mend(connection))

    async def close(self) -> None:
        """Close every connection; those in use are closed when they come back."""
        self.is_closed = True
        if self._timer is not None:
            self._timer.cancel()
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_exception(PoolClosed("the engine was closed while waiting"))
        self._waiters.clear()
        while self._idle:
            self._discard(self._idle.popleft()[0])
        # What is being mended is discarded in turn, by another task.
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _open(self) -> Connection:
        self._opening += 1
        try:
            connection = await self._connect()
        except BaseException:
            self._opening -= 1
            self._replace()
            raise
        self._opening -= 1
        self._born[connection] = time.monotonic()
        return connection

    def _serve(self, connection: Connection) -> None:
        """Hand the connection to whoever waits longest, or put it with the idle ones."""
        if connection.is_closed or self.is_closed or self._is_old(connection):
            self._discard(connection)
            return
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return
        self._idle.append((connection, time.monotonic()))

    def _forsake(self, waiter: asyncio.Future[Connection]) -> None:
        """Leave the line; a connection that arrived in the same moment goes to the next."""
        if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
            self._serve(waiter.result())
        elif waiter in self._waiters:
            self._waiters.remove(waiter)

    def _is_old(self, connection: Connection) -> bool:
        limit = self.options.max_lifetime
        return limit is not None and time.monotonic() - self._born[connection] > limit

    def _discard(self, connection: Connection) -> None:
        self._born.pop(connection, None)
        if not connection.is_closed:
            self._spawn(self._close(connection))
        self._replace()

    def _replace(self) -> None:
        """Open a connection for the first in line, where one was lost that it waited for."""
        if self.size >= self.options.max_connections:
            return
        waiting = sum(not waiter.done() for waiter in self._waiters)
        if waiting > self._opening:
            # Counted before the task runs, or whoever comes first would open one too many.
            self._opening += 1
            self._spawn(self._open_for_waiter())

    async def _open_for_waiter(self) -> None:
        try:
            connection = await self._connect()
        except Exception as error:
            self._opening -= 1
            self._fail_waiter(error)
            return
        except BaseException:
            self._opening -= 1
            raise
        self._opening -= 1
        self._born[connection] = time.monotonic()
        self._serve(connection)

    def _fail_waiter(self, error: Exception) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_exception(error)
                break
        self._replace()

    async def _mend(self, connection: Connection) -> None:
        try:
            async with asyncio.timeout(RESET_TIMEOUT):
                await connection.reset()
        except Exception:
            connection.terminate()
        self._serve(connection)

    async def _close(self, connection: Connection) -> None:
        self._born.pop(connection, None)
        try:
            await connection.close(timeout=RESET_TIMEOUT)
        except Exception:
            connection.terminate()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _schedule_sweep(self) -> None:
        """Look for connections idle too long, often enough to miss the limit by half at most."""
        limit = self.options.idle_lifetime
        if limit is not None and not self.is_closed:
            self._timer = asyncio.get_running_loop().call_later(limit / 2, self._sweep)

    def _sweep(self) -> None:
        oldest = time.monotonic() - (self.options.idle_lifetime or 0)
        while (
            self._idle
            and self._idle[0][1] < oldest
            and len(self._born) > self.options.min_connections
        ):
            self._discard(self._idle.popleft()[0])
        self._schedule_sweep()
