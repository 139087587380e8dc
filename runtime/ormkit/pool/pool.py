"""The connection pool: idle connections in a deque, and a first-in, first-out queue of waiters.

`take` and `give` are plain calls, so that a statement on an idle connection costs no extra
coroutine. Only waiting for a connection suspends.

A background task resets a connection that came back in the middle of a statement or transaction,
and closes it where the reset fails. Background tasks also open new connections, a few at once: a
caller that stops waiting cancels none of them. While the server refuses connections, the pool
makes one attempt at a time, with exponential backoff, and waiters stay in the queue.
"""

from __future__ import annotations

import asyncio
import contextvars
import copy
import logging
import time
from collections import Counter, deque
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Literal, TypeVar

from ..driver.affinity import Origin, abandon_after_fork, keep, running_loop
from ..driver.connection import Connection
from ..errors import OperationalError, PoolClosed, PoolTimeout, UsageError
from ..events.event import ConnectionEvent
from ..events.listeners import Listeners
from ..events.observed import leave, observe, tell_lost
from ..postgres.json_hooks import JsonFunctions
from .checkouts import Checkouts, held_by
from .options import PoolOptions
from .reconnect import ConnectBackoff
from .stats import PoolStats

T = TypeVar("T")

#: The seconds that a reset may take before the connection is closed.
RESET_TIMEOUT = 5.0
#: The seconds in which an idle connection must answer a probe, after another one was found dead.
PROBE_TIMEOUT = 2.0
#: The seconds between two looks at whether the pool is drained.
DRAIN_INTERVAL = 0.01
LOGGER = logging.getLogger("ormkit")
#: How many connections the pool opens at the same time.
MOST_OPENING = 3


class Pool:
    """Connections to one database, at most `max_connections` of them."""

    def __init__(
        self,
        connect: Callable[[], Coroutine[Any, Any, Connection]],
        options: PoolOptions,
        json: JsonFunctions | None = None,
    ) -> None:
        self._connect = connect
        self.options = options
        #: The engine's functions that write and read JSON; None for Python's.
        self.json = json
        self._idle: deque[tuple[Connection, float]] = deque()
        self._waiters: deque[asyncio.Future[Connection]] = deque()
        self._opened_at: dict[Connection, float] = {}
        self._checkouts = Checkouts(options.leak_threshold)
        self._active = self._checkouts.active
        self._is_tracing = self._checkouts.is_tracing
        self._opening: set[asyncio.Task[Connection]] = set()
        #: How many connections will be back after a short reset. The pool opens no connection for
        #: as many waiters.
        self._resetting = 0
        self._backoff = ConnectBackoff()
        self._facts: dict[Any, Any] = {}
        self._retry_timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._timers: dict[Callable[[], None], asyncio.TimerHandle] = {}
        self.is_closed = False
        self._counts = Counter[str]()
        self._waited = 0.0
        self.listeners = Listeners(self._observe)
        self.origin = Origin()
        abandon_after_fork(self)

    @property
    def size(self) -> int:
        """The number of connections, including those that are being opened."""
        return len(self._opened_at) + len(self._opening)

    @property
    def idle(self) -> int:
        """The number of idle connections, including those that a short reset will free."""
        return len(self._idle) + self._resetting

    @property
    def held(self) -> list[Connection]:
        """The connections that are in use."""
        return list(self._active)

    def stats(self) -> PoolStats:
        """Return what the pool holds now, and what it has done since it was opened."""
        counts = self._counts
        return PoolStats(
            size=self.size,
            max_size=self.options.max_connections,
            idle=self.idle,
            in_use=len(self._active),
            opening=len(self._opening),
            waiting=sum(not waiter.done() for waiter in self._waiters),
            waits=counts["waits"],
            waited=self._waited,
            timeouts=counts["timeouts"],
            opened=counts["opened"],
            reset=counts["reset"],
            closed=counts["closed"],
        )

    async def start(self) -> None:
        """Open `min_connections` connections; where one fails, close all and raise its error.

        While the server does not accept connections yet, retry for up to `reconnect_timeout`.
        """
        try:
            for _ in range(self.options.min_connections):
                connection = await self._connect_with_retries()
                self._register(connection)
                self._release(connection)
        except BaseException:
            await self.close()
            raise
        self._repeat(self.options.idle_lifetime, self._close_expired)
        self._repeat(self.options.leak_threshold, self._checkouts.report_leaks)

    async def open_apart(self) -> Connection:
        """Open a connection that is none of the pool's; the caller closes it.

        Raises UsageError in a process or event loop other than the engine's.
        """
        self.origin.check()
        connection = await self._connect_with_retries()
        if self.listeners:
            observe(connection, self.listeners)
        return connection

    async def _connect_with_retries(self) -> Connection:
        """Open a connection; retry with backoff while the error is one that may pass."""
        backoff = ConnectBackoff()
        deadline = time.monotonic() + self.options.reconnect_timeout
        while True:
            try:
                return await self._connect()
            except OperationalError as error:
                delay = backoff.add_failure(error)
                if not backoff.is_retryable or time.monotonic() + delay >= deadline:
                    raise
            await asyncio.sleep(delay)

    def take(self) -> Connection | None:
        """Check out an idle connection, or return None where `acquire` has to wait for one.

        Raises UsageError in a process or event loop other than the engine's.
        """
        if running_loop() is not self.origin.loop:
            raise self.origin.refusal()
        while self._idle and not self._waiters:
            connection, _ = self._idle.pop()
            # It was clean when it came back. Since then it can only have been closed.
            if connection.wire.is_connected():
                return self._check_out(connection)
            self._discard(connection)
        return None

    async def acquire(self) -> Connection:
        """Check out a connection; wait in the queue where none is idle.

        Raises PoolTimeout after `acquire_timeout`, PoolClosed, or the error of connecting where
        the pool has no connection left that could come back.
        """
        loop = self.origin.check()
        if self.is_closed:
            raise PoolClosed("the engine is closed")
        if connection := self.take():
            return connection
        waiter: asyncio.Future[Connection] = loop.create_future()
        self._waiters.append(waiter)
        self._open_missing()
        self._counts["waits"] += 1
        began = time.perf_counter()
        try:
            async with asyncio.timeout(self.options.acquire_timeout):
                connection = await waiter
        except TimeoutError:
            self._counts["timeouts"] += 1
            self._leave_queue(waiter)
            raise self._timeout_error() from self._backoff.error
        except BaseException:
            self._leave_queue(waiter)
            raise
        finally:
            waited = time.perf_counter() - began
            self._waited += waited
        if self.listeners:
            connection.watch.waited = waited
        return self._check_out(connection)

    def give(self, connection: Connection) -> None:
        """Return a connection to the pool; one that is not clean is reset in the background first.

        Raises UsageError where it was returned before.
        """
        checkout = self._active.pop(connection, None)
        if checkout is None:
            raise UsageError("the connection was returned to the pool already: return it once")
        if self._is_tracing:
            self._checkouts.forget(connection, checkout)
        for note in self.listeners.on_use:
            note(time.monotonic() - checkout[1])
        if connection.is_reusable:
            self._hand_over(connection)
        elif connection.is_closed:
            # The cause may have closed idle connections too, and nothing has read from them since.
            self._probe_idle()
            self._discard(connection)
        else:
            is_quick = not connection.is_cut
            self._resetting += is_quick
            self.spawn(self._reset(connection, is_quick))

    @asynccontextmanager
    async def connection(self) -> AsyncGenerator[Connection]:
        """Hold a connection for the block."""
        connection = self.take() or await self.acquire()
        try:
            yield connection
        finally:
            self.give(connection)

    async def drain(self, seconds: float) -> None:
        """Wait until no connection is in use and nobody waits for one, or so long at most."""
        deadline = time.monotonic() + seconds
        while self._active or any(not waiter.done() for waiter in self._waiters):
            if time.monotonic() >= deadline:
                held = self._checkouts.described()
                message = "%d connections were still in use %s s after close() began%s"
                LOGGER.warning(message, len(held), seconds, held_by(held))
                return
            # A connection that comes back calls nobody: that would cost every statement.
            await asyncio.sleep(DRAIN_INTERVAL)

    async def close(self) -> None:
        """Close every connection; those in use are closed when they are returned.

        In a forked process, or where the event loop has ended, nothing is sent to the server.
        """
        if running_loop() is not self.origin.loop:
            if not self.origin.is_over:
                raise self.origin.refusal()
            self.abandon()
        self.is_closed = True
        for timer in self._timers.values():
            timer.cancel()
        if self._retry_timer is not None:
            self._retry_timer.cancel()
        for task in self._opening:
            task.cancel()
        self._fail_waiters(PoolClosed("the engine was closed while waiting"))
        while self._idle:
            self._discard(self._idle.popleft()[0])
        # A connection that is being reset is closed by one more task.
        while self._tasks:
            await asyncio.wait(self._tasks)

    def abandon(self) -> None:
        """Drop every connection without sending anything to the server, and close the pool."""
        self.is_closed = True
        self._resetting = 0
        self.origin.leave()
        for connection in self._opened_at:
            connection.sever(self.origin.refusal())
        keep(*self._tasks, *self._waiters)
        for each in (self._idle, self._opened_at, self._tasks, self._opening, self._waiters):
            each.clear()

    def _check_out(self, connection: Connection) -> Connection:
        """Record that the current task holds the connection, and return it."""
        self._active[connection] = (asyncio.current_task(self.origin.loop), time.monotonic())
        if self._is_tracing:
            self._checkouts.trace(connection)
        return connection

    def _release(self, connection: Connection) -> None:
        """Make a connection available again, or discard it where it is closed."""
        if connection.is_closed:
            self._discard(connection)
        else:
            self._hand_over(connection)

    def _hand_over(self, connection: Connection) -> None:
        """Give the connection to the first waiter, or put it among the idle ones.

        One that is older than `max_lifetime` is discarded.
        """
        now = time.monotonic()
        limit = self.options.max_lifetime
        if self.is_closed or (limit is not None and now - self._opened_at[connection] > limit):
            self._discard(connection)
            return
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return
        self._idle.append((connection, now))

    def _leave_queue(self, waiter: asyncio.Future[Connection]) -> None:
        """Remove a waiter; a connection that it was just given goes to the next one."""
        if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
            self._release(waiter.result())
        elif waiter in self._waiters:
            self._waiters.remove(waiter)

    def _timeout_error(self) -> PoolTimeout:
        held = self._checkouts.described()
        refused = f"; the server refuses more: {self._backoff.error}" if self._backoff.error else ""
        error = PoolTimeout(
            f"no connection came free within {self.options.acquire_timeout} s: {len(held)} of at "
            f"most {self.options.max_connections} are in use; raise max_connections, or look for "
            f"transactions that stay open{refused}{held_by(held)}"
        )
        error.holders = tuple(held)
        return error

    def _register(self, connection: Connection) -> None:
        self._opened_at[connection] = time.monotonic()
        self._counts["opened"] += 1
        if self.listeners:
            observe(connection, self.listeners)
            self._tell("opened", connection)
        connection.facts = self._facts
        connection.on_close(self._remove_dead)
        connection.on_outdated(self._forget_statements)

    def _forget_statements(self, connection: Connection) -> None:
        """Discard stale prepared statements of every connection, once one of them met one."""
        for each in self._opened_at:
            each.forget_statements()

    def _remove_dead(self, connection: Connection) -> None:
        """Remove a connection that was closed while it was idle."""
        for entry in self._idle:
            if entry[0] is connection:
                self._idle.remove(entry)
                self._discard(connection)
                return

    def _observe(self, is_on: bool) -> None:
        """Have every connection tell the listeners what it sends, or none."""
        for connection in self._opened_at:
            if is_on:
                observe(connection, self.listeners)
            else:
                leave(connection)

    def _tell(self, what: Literal["opened", "reset", "closed"], connection: Connection) -> None:
        """Tell the listeners what became of a connection."""
        age = time.monotonic() - self._opened_at[connection]
        took = connection.opened_in if what == "opened" else 0.0
        event = ConnectionEvent(what=what, backend=connection.backend, age=age, took=took)
        self.listeners.connection(event)

    def _discard(self, connection: Connection) -> None:
        if connection in self._opened_at:
            self._counts["closed"] += 1
            if self.listeners:
                tell_lost(connection)
                self._tell("closed", connection)
            del self._opened_at[connection]
        if not connection.is_closed:
            self.spawn(self._close(connection))
        self._open_missing()

    def _open_missing(self) -> None:
        """Open connections for waiters and up to `min_connections`, within `max_connections`."""
        if self._retry_timer is not None or self.is_closed:
            return
        room = min(
            MOST_OPENING if self._backoff.error is None else 1,
            self.options.max_connections - len(self._opened_at),
            max(
                len(self._waiters) - self._resetting,
                self.options.min_connections - len(self._opened_at),
            ),
        )
        while len(self._opening) < room:
            task = self.spawn(self._connect())
            self._opening.add(task)
            task.add_done_callback(self._on_opened)

    def _on_opened(self, task: asyncio.Task[Connection]) -> None:
        self._opening.discard(task)
        if task.cancelled():
            return
        if error := task.exception():
            self._on_connect_error(error)
            return
        self._backoff.clear()
        self._register(task.result())
        self._release(task.result())
        self._open_missing()

    def _on_connect_error(self, error: BaseException) -> None:
        """Schedule the next attempt; fail the waiters where no connection can come back to them."""
        delay = self._backoff.add_failure(error)
        is_over = self._backoff.seconds >= self.options.reconnect_timeout
        # Any other error, as one that `init` raised, is a mistake, and retrying would hide it.
        is_mistake = not isinstance(error, OperationalError)
        if is_mistake or (not self.size and (is_over or not self._backoff.is_retryable)):
            self._fail_waiters(error)
        if self._retry_timer is None and not self.is_closed:
            self._retry_timer = asyncio.get_running_loop().call_later(delay, self._retry_connecting)

    def _retry_connecting(self) -> None:
        self._retry_timer = None
        self._open_missing()
        if not self._opening:
            self._backoff.clear()

    def _fail_waiters(self, error: BaseException) -> None:
        """Raise the error for every waiter, each with a copy of its own."""
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                own = copy.copy(error)
                own.__cause__ = error.__cause__
                waiter.set_exception(own)

    def _probe_idle(self) -> None:
        """Check each idle connection, and discard the dead ones."""
        while self._idle:
            self.spawn(self._probe(self._idle.popleft()[0]))

    async def _probe(self, connection: Connection) -> None:
        try:
            async with asyncio.timeout(PROBE_TIMEOUT):
                await connection.script("SELECT")
        except Exception:
            connection.terminate()
        self._release(connection)

    async def _reset(self, connection: Connection, is_quick: bool) -> None:
        try:
            async with asyncio.timeout(RESET_TIMEOUT):
                await connection.reset()
        except Exception:
            connection.terminate()
            self._probe_idle()
        else:
            self._counts["reset"] += 1
            if self.listeners and connection in self._opened_at:
                self._tell("reset", connection)
        finally:
            self._resetting -= is_quick
        self._release(connection)

    async def _close(self, connection: Connection) -> None:
        try:
            await connection.close(timeout=RESET_TIMEOUT)
        except Exception:
            connection.terminate()

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Do work in the background, which close() waits for."""
        # In an empty context: the caller's would keep its transaction and variables alive.
        task = asyncio.create_task(work, context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _repeat(self, seconds: float | None, work: Callable[[], None]) -> None:
        """Call `work` every `seconds / 2`, so that it is late by half the limit at most."""
        if seconds is None or self.is_closed:
            return

        def tick() -> None:
            work()
            self._repeat(seconds, work)

        self._timers[work] = asyncio.get_running_loop().call_later(seconds / 2, tick)

    def _close_expired(self) -> None:
        """Close connections that were idle for longer than `idle_lifetime`, down to the minimum."""
        oldest = time.monotonic() - (self.options.idle_lifetime or 0)
        while (
            self._idle
            and self._idle[0][1] < oldest
            and len(self._opened_at) > self.options.min_connections
        ):
            self._discard(self._idle.popleft()[0])
