"""The functions that listen to one engine, and how an event reaches them."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from types import TracebackType
from typing import Protocol, Self, TypeAlias, TypeVar

from ..errors import ConfigurationError
from ..postgres.array_parameter import plain
from .event import ConnectionEvent, StatementEvent, TransactionEvent

E = TypeVar("E")

LOGGER = logging.getLogger("ormkit")

#: Who listens, each with the function to call.
Each: TypeAlias = "tuple[tuple[Listening, Callable[[E], None]], ...]"

#: True within a listener, and in the tasks that it starts: their statements make no events.
is_told: ContextVar[bool] = ContextVar("ormkit_is_told", default=False)


@contextmanager
def untold() -> Generator[None]:
    """Send the block's statements without events, as a listener's."""
    token = is_told.set(True)
    try:
        yield
    finally:
        is_told.reset(token)


class Listened(Protocol):
    """What tells listeners of its statements: an engine."""

    def listen(
        self,
        *,
        on_statement: Callable[[StatementEvent], None] | None = None,
        on_transaction: Callable[[TransactionEvent], None] | None = None,
        values: bool = False,
    ) -> Listening:
        """Call functions with each statement and each transaction that ends."""
        ...


class Listening:
    """What `engine.listen()` returns: close it, or use it as a block, to stop listening."""

    def __init__(
        self,
        listeners: Listeners,
        on_statement: Callable[[StatementEvent], None] | None,
        on_transaction: Callable[[TransactionEvent], None] | None,
        on_connection: Callable[[ConnectionEvent], None] | None,
        *,
        values: bool,
    ) -> None:
        self._listeners = listeners
        self.on_statement = on_statement
        self.on_transaction = on_transaction
        self.on_connection = on_connection
        self.wants_values = values
        #: The functions that have raised, which is logged once for each.
        self._failed: set[Callable[..., None]] = set()

    def close(self) -> None:
        """Stop listening; closing again does nothing."""
        self._listeners.remove(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def log_failure(self, listener: Callable[..., None], error: Exception) -> None:
        """Log the error that a function raised, the first one only."""
        if listener not in self._failed:
            self._failed.add(listener)
            message = "a listener of the engine failed; it goes on being called"
            LOGGER.error(message, exc_info=error)


class Listeners:
    """All that listen to one engine.

    on_change is called when the first one comes and when the last one has gone.
    """

    def __init__(self, on_change: Callable[[bool], None]) -> None:
        self._all: tuple[Listening, ...] = ()
        #: Who is told of statements: those without and those with the values. The accelerator's
        #: recorders hold this list, and call them without asking here.
        self.told: list[Each[StatementEvent]] = [(), ()]
        self._on_transaction: Each[TransactionEvent] = ()
        self._on_connection: Each[ConnectionEvent] = ()
        #: What is called with the seconds that a connection was in use, as it comes back. Each
        #: statement passes here: no event is made of it.
        self.on_use: tuple[Callable[[float], None], ...] = ()
        self._on_change = on_change

    def __bool__(self) -> bool:
        return bool(self._all)

    def add(
        self,
        on_statement: Callable[[StatementEvent], None] | None,
        on_transaction: Callable[[TransactionEvent], None] | None,
        on_connection: Callable[[ConnectionEvent], None] | None,
        *,
        values: bool,
    ) -> Listening:
        """Call these functions with each event from now on.

        Raises ConfigurationError for an async function, and where there is no function at all.
        """
        given = {
            "on_statement": on_statement,
            "on_transaction": on_transaction,
            "on_connection": on_connection,
        }
        if not any(given.values()):
            raise ConfigurationError(f"listen() needs one of {', '.join(given)}")
        for name, function in given.items():
            if function is not None:
                check_listener(name, function)
        listening = Listening(self, on_statement, on_transaction, on_connection, values=values)
        self._change((*self._all, listening))
        return listening

    def note_use(self, note: Callable[[float], None]) -> None:
        """Call a function with the seconds of each use of a connection from now on."""
        self.on_use = (*self.on_use, note)

    def forget_use(self, note: Callable[[float], None]) -> None:
        """Call the function of note_use() no more."""
        self.on_use = tuple(each for each in self.on_use if each != note)

    def remove(self, listening: Listening) -> None:
        """Call the functions of one that listens no more."""
        if listening in self._all:
            self._change(tuple(each for each in self._all if each is not listening))

    def _change(self, now: tuple[Listening, ...]) -> None:
        was, self._all = self._all, now
        statements = [(each, each.on_statement) for each in now if each.on_statement]
        self.told[0] = tuple(each for each in statements if not each[0].wants_values)
        self.told[1] = tuple(each for each in statements if each[0].wants_values)
        self._on_transaction = tuple(
            (each, each.on_transaction) for each in now if each.on_transaction
        )
        self._on_connection = tuple(
            (each, each.on_connection) for each in now if each.on_connection
        )
        if bool(was) is not bool(now):
            self._on_change(bool(now))

    def statement(self, event: StatementEvent, values: Sequence[object]) -> None:
        """Tell of a statement that has ended; only who wants the values gets them."""
        self._tell(self.told[0], event)
        if self.told[1]:
            self._tell(self.told[1], self.bound(event, values))

    def bound(self, event: StatementEvent, values: Sequence[object]) -> StatementEvent:
        """Return the event with what was bound, for those that want the values."""
        return event.with_values(list(map(plain, values)))

    def failed(self, pair: tuple[Listening, Callable[..., None]], error: Exception) -> None:
        """Log the error that one of those who listen has raised."""
        pair[0].log_failure(pair[1], error)

    def transaction(self, event: TransactionEvent) -> None:
        """Tell of a transaction that has ended."""
        self._tell(self._on_transaction, event)

    def connection(self, event: ConnectionEvent) -> None:
        """Tell of a connection that was opened, reset or closed."""
        self._tell(self._on_connection, event)

    def _tell(self, all_: Each[E], event: E) -> None:
        """Call the listeners in a copy of the context, in which nothing is told of."""
        if not all_ or is_told.get():
            return
        context = copy_context()
        context.run(is_told.set, True)
        context.run(self._tell_each, all_, event)

    def _tell_each(self, all_: Each[E], event: E) -> None:
        for pair in all_:
            try:
                pair[1](event)
            except Exception as error:
                self.failed(pair, error)


def check_listener(name: str, function: object) -> None:
    """Raise ConfigurationError for what cannot be called, and for an async function."""
    if not callable(function):
        raise ConfigurationError(f"{name}={function!r}: give a function that takes the event")
    called = function if inspect.isroutine(function) else type(function).__call__
    if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(called):
        raise ConfigurationError(
            f"{name} is an async function, and the statement does not wait for its listeners: give "
            "a plain function; it may put the event into an asyncio.Queue"
        )
