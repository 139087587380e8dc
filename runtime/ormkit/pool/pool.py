"""The pool: idle connections in a deque, waiters served first in, first out.

`take` and `give` are plain calls, so that a statement on an idle connection pays for no extra
coroutine; only the wait for a connection suspends. What a connection needs before it can serve
again after trouble (a cancelled statement, an open transaction) happens in the background, and
it is closed where that fails. New ones are opened in the background too, a few at once, so that
a task that gives up waiting stops none of them; while the server refuses, one attempt at a time
is made, with growing pauses, and those in line wait for it.
"""

from __future__ import annotations

import asyncio
import contextvars
import copy
import time
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from ..driver.affinity import Origin, abandon_after_fork, keep, running_loop
from ..driver.connection import Connection
from ..errors import (
    OperationalError,
    PoolClosed,
    PoolTimeout,
    UsageError,
)
from .checkouts import Holders, described
from .options import PoolOptions
from .reconnect import Outage

T = TypeVar("T")

#: Seconds that a connection may take to become usable again before it is closed.
RESET_TIMEOUT = 5.0
#: Seconds in which an idle connection must answer, where another one was found dead.
PROBE_TIMEOUT = 2.0
#: How many connections are opened at once.
MOST_OPENING = 3


class Pool:
    """Connections to one database, at most `max_connections` of them."""

    def __init__(
        self, connect: Callable[[], Coroutine[Any, Any, Connection]], options: PoolOptions
    ) -> None:
        self._connect = connect
        self.options = options
        self._idle: deque[tuple[Connection, float]] = deque()
        self._waiters: deque[asyncio.Future[Connection]] = deque()
        self._born: dict[Connection, float] = {}
        self._holders = Holders(options.leak_threshold)
        self._holds = self._holders.holds
        self._is_tracing = self._holders.is_tracing
        self._opening: set[asyncio.Task[Connection]] = set()
        #: How many connections are being reset that wait for nothing, so that no others are
        #: opened for those in line.
        self._soon_back = 0
        self._outage = Outage()
        self._facts: dict[Any, Any] = {}
        self._retry: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._timers: dict[Callable[[], None], asyncio.TimerHandle] = {}
        self.is_closed = False
        self.origin = Origin()
        abandon_after_fork(self)

    @property
    def size(self) -> int:
        """How many connections there are, those being opened included."""
        return len(self._born) + len(self._opening)

    @property
    def idle(self) -> int:
        """How many connections wait for work, those included that are being reset for it."""
        return len(self._idle) + self._soon_back

    async def start(self) -> None:
        """Open the first connections; raises what connecting raises, and then leaves none open.

        A server that is not up yet is waited for, up to `reconnect_timeout`.
        """
        try:
            for _ in range(self.options.min_connections):
                connection = await self._first()
                self._admit(connection)
                self._serve(connection)
        except BaseException:
            await self.close()
            raise
        self._every(self.options.idle_lifetime, self._sweep)
        self._every(self.options.leak_threshold, self._holders.report_leaks)

    async def _first(self) -> Connection:
        """Open a connection, trying again while waiting for the server may help."""
        outage = Outage()
        deadline = time.monotonic() + self.options.reconnect_timeout
        while True:
            try:
                return await self._connect()
            except OperationalError as error:
                delay = outage.note(error)
                if not outage.may_pass or time.monotonic() + delay >= deadline:
                    raise
            await asyncio.sleep(delay)

    def take(self) -> Connection | None:
        """Return an idle connection, or None where `acquire` has to wait for one.

        Raises UsageError in another process or event loop than that of the engine.
        """
        if running_loop() is not self.origin.loop:
            raise self.origin.refusal()
        while self._idle and not self._waiters:
            connection, _ = self._idle.pop()
            # It was clean when it came back; only its end can have come since.
            if connection.wire.is_connected():
                return self._held(connection)
            self._discard(connection)
        return None

    async def acquire(self) -> Connection:
        """Return a connection, waiting in line for one where none is idle.

        Raises PoolTimeout after `acquire_timeout`, PoolClosed, and what connecting raises where no
        connection is left that could come back.
        """
        loop = self.origin.check()
        if self.is_closed:
            raise PoolClosed("the engine is closed")
        if connection := self.take():
            return connection
        waiter: asyncio.Future[Connection] = loop.create_future()
        self._waiters.append(waiter)
        self._fill()
        try:
            async with asyncio.timeout(self.options.acquire_timeout):
                connection = await waiter
        except TimeoutError:
            self._forsake(waiter)
            raise self._timed_out() from self._outage.error
        except BaseException:
            self._forsake(waiter)
            raise
        return self._held(connection)

    def give(self, connection: Connection) -> None:
        """Take a connection back; one that is not clean is mended in the background first.

        Raises UsageError where it was given back before.
        """
        hold = self._holds.pop(connection, None)
        if hold is None:
            raise UsageError("the connection was given back already: give it back once")
        if self._is_tracing:
            self._holders.forget(connection, hold)
        if connection.is_reusable:
            self._pass_on(connection)
        elif connection.is_closed:
            # What ended it may have ended the others, and the idle ones do not know yet.
            self._suspect()
            self._discard(connection)
        else:
            is_quick = not connection.is_cut
            self._soon_back += is_quick
            self._spawn(self._mend(connection, is_quick))

    async def close(self) -> None:
        """Close every connection; those in use are closed when they come back.

        Where the loop has ended, or in a forked process, nothing is said to the server.
        """
        if running_loop() is not self.origin.loop:
            if not self.origin.is_over:
                raise self.origin.refusal()
            self.abandon()
        self.is_closed = True
        for timer in self._timers.values():
            timer.cancel()
        if self._retry is not None:
            self._retry.cancel()
        for task in self._opening:
            task.cancel()
        self._fail_line(PoolClosed("the engine was closed while waiting"))
        while self._idle:
            self._discard(self._idle.popleft()[0])
        # What is being mended is discarded in turn, by another task.
        while self._tasks:
            await asyncio.wait(self._tasks)

    def abandon(self) -> None:
        """Let go of every connection without a word to the server, and serve no one any more."""
        self.is_closed = True
        self._soon_back = 0
        self.origin.leave()
        for connection in self._born:
            connection.sever(self.origin.refusal())
        keep(*self._tasks, *self._waiters)
        for each in (self._idle, self._born, self._tasks, self._opening, self._waiters):
            each.clear()

    def _held(self, connection: Connection) -> Connection:
        """Note that the current task holds the connection, and return it."""
        self._holds[connection] = (asyncio.current_task(self.origin.loop), time.monotonic())
        if self._is_tracing:
            self._holders.trace(connection)
        return connection

    def _serve(self, connection: Connection) -> None:
        """Pass the connection on where it can be of use, or drop it."""
        if connection.is_closed:
            self._discard(connection)
        else:
            self._pass_on(connection)

    def _pass_on(self, connection: Connection) -> None:
        """Hand the connection to whoever waits longest, or put it with the idle ones."""
        now = time.monotonic()
        limit = self.options.max_lifetime
        if self.is_closed or (limit is not None and now - self._born[connection] > limit):
            self._discard(connection)
            return
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return
        self._idle.append((connection, now))

    def _forsake(self, waiter: asyncio.Future[Connection]) -> None:
        """Leave the line; a connection that arrived in the same moment goes to the next."""
        if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
            self._serve(waiter.result())
        elif waiter in self._waiters:
            self._waiters.remove(waiter)

    def _timed_out(self) -> PoolTimeout:
        held = self._holders.described()
        refused = f"; the server refuses more: {self._outage.error}" if self._outage.error else ""
        error = PoolTimeout(
            f"no connection came free within {self.options.acquire_timeout} s: {len(held)} of at "
            f"most {self.options.max_connections} are in use; raise max_connections, or look for "
            f"transactions that stay open{refused}{described(held)}"
        )
        error.holders = tuple(held)
        return error

    def _admit(self, connection: Connection) -> None:
        self._born[connection] = time.monotonic()
        connection.facts = self._facts
        connection.on_close(self._bury)
        connection.on_outdated(self._forget_statements)

    def _forget_statements(self, connection: Connection) -> None:
        """Let no other connection find out by an error what this one has."""
        for each in self._born:
            each.forget_statements()

    def _bury(self, connection: Connection) -> None:
        """Strike out a connection that ended while it was idle."""
        for entry in self._idle:
            if entry[0] is connection:
                self._idle.remove(entry)
                self._discard(connection)
                return

    def _discard(self, connection: Connection) -> None:
        self._born.pop(connection, None)
        if not connection.is_closed:
            self._spawn(self._close(connection))
        self._fill()

    def _fill(self) -> None:
        """Open connections for those in line, and up to the minimum, where there is room."""
        if self._retry is not None or self.is_closed:
            return
        room = min(
            MOST_OPENING if self._outage.error is None else 1,
            self.options.max_connections - len(self._born),
            max(
                len(self._waiters) - self._soon_back, self.options.min_connections - len(self._born)
            ),
        )
        while len(self._opening) < room:
            task = self._spawn(self._connect())
            self._opening.add(task)
            task.add_done_callback(self._opened)

    def _opened(self, task: asyncio.Task[Connection]) -> None:
        self._opening.discard(task)
        if task.cancelled():
            return
        if error := task.exception():
            self._refused(error)
            return
        self._outage.end()
        self._admit(task.result())
        self._serve(task.result())
        self._fill()

    def _refused(self, error: BaseException) -> None:
        """Ask again later; give up for those in line where nothing can come back to them."""
        delay = self._outage.note(error)
        is_over = self._outage.seconds >= self.options.reconnect_timeout
        # What is no word of the server, as an `init` that raised, is a mistake that waiting hides.
        is_mistake = not isinstance(error, OperationalError)
        if is_mistake or (not self.size and (is_over or not self._outage.may_pass)):
            self._fail_line(error)
        if self._retry is None and not self.is_closed:
            self._retry = asyncio.get_running_loop().call_later(delay, self._try_again)

    def _try_again(self) -> None:
        self._retry = None
        self._fill()
        if not self._opening:
            self._outage.end()

    def _fail_line(self, error: BaseException) -> None:
        """Raise the error for everyone in line, each with an exception of their own."""
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                own = copy.copy(error)
                own.__cause__ = error.__cause__
                waiter.set_exception(own)

    def _suspect(self) -> None:
        """Ask each idle connection whether it lives."""
        while self._idle:
            self._spawn(self._probe(self._idle.popleft()[0]))

    async def _probe(self, connection: Connection) -> None:
        try:
            async with asyncio.timeout(PROBE_TIMEOUT):
                await connection.script("SELECT")
        except Exception:
            connection.terminate()
        self._serve(connection)

    async def _mend(self, connection: Connection, is_quick: bool) -> None:
        try:
            async with asyncio.timeout(RESET_TIMEOUT):
                await connection.reset()
        except Exception:
            connection.terminate()
            self._suspect()
        finally:
            self._soon_back -= is_quick
        self._serve(connection)

    async def _close(self, connection: Connection) -> None:
        try:
            await connection.close(timeout=RESET_TIMEOUT)
        except Exception:
            connection.terminate()

    def _spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        # Not in the caller's context, whose transaction and variables it would keep alive.
        task = asyncio.create_task(work, context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _every(self, seconds: float | None, work: Callable[[], None]) -> None:
        """Do the work again and again, often enough to miss the limit by half at most."""
        if seconds is None or self.is_closed:
            return

        def tick() -> None:
            work()
            self._every(seconds, work)

        self._timers[work] = asyncio.get_running_loop().call_later(seconds / 2, tick)

    def _sweep(self) -> None:
        """Close the connections that were idle too long, down to the minimum."""
        oldest = time.monotonic() - (self.options.idle_lifetime or 0)
        while (
            self._idle
            and self._idle[0][1] < oldest
            and len(self._born) > self.options.min_connections
        ):
            self._discard(self._idle.popleft()[0])
