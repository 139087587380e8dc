"""What is noted of each statement, and how the listeners hear of it.

The accelerator has the same classes in C: they take a third of the time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from sys import getrefcount
from time import perf_counter
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from ..accelerator import accelerator
from ..driver.command import Command
from ..driver.connection import Connection
from ..postgres.values import Record
from .observed_rows import ObservedRows

#: The rows of a statement and its command tag.
Answer: TypeAlias = "tuple[list[Record], bytes | None]"
#: The method run() of connections.
Run: TypeAlias = "Callable[..., Any]"


class PythonStatementRecord:
    """The figures of one statement; the Python implementation of the accelerator's class."""

    __slots__ = (
        "_command",
        "_returned",
        "_tag",
        "_twin",
        "argument_sets",
        "backend",
        "chunks",
        "elapsed",
        "error",
        "in_transaction",
        "keys",
        "making",
        "values",
        "waited",
    )

    def __init__(self, command: Command) -> None:
        self._command = command
        self._tag: bytes | None = None
        self._returned = 0
        #: The event of the same statement without values.
        self._twin: Self | None = None
        #: Seconds until a connection was free. Counted for the first statement on the connection.
        self.waited = 0.0
        #: Seconds from sending the statement until its last row had been received and decoded by
        #: the driver, without making objects. Of a stream, with what the caller did meanwhile.
        self.elapsed = 0.0
        #: Seconds of making objects, of the event without values.
        self.making = 0.0
        #: What the statement failed with; None where it succeeded.
        self.error: BaseException | None = None
        #: How many rows of arguments it ran for; 1 unless they were pipelined.
        self.argument_sets = 1
        #: How many keys of concurrent lookups it looked up; 0 for any other statement.
        self.keys = 0
        #: In how many pieces the rows of a stream were read; 0 for any other statement.
        self.chunks = 0
        #: Whether a transaction was open when it was sent.
        self.in_transaction = False
        #: The process id of the server's backend.
        self.backend = 0
        #: What was bound, for listeners with `values=True` only; for several rows, those of each.
        self.values: Sequence[object] | None = None

    def with_values(self, values: Sequence[object]) -> Self:
        """Return the same record with what was bound."""
        twin = type(self)(self._command)
        for name in PythonStatementRecord.__slots__:
            setattr(twin, name, getattr(self, name))
        twin.values = list(values)
        twin._twin = self
        return twin


class PythonRecorder:
    """What is known of one connection; the Python implementation of the accelerator's class.

    event, rows: the classes of events, and of rows that know their event.
    listeners: the Listeners of the engine.
    is_told: true within a listener, whose statements make no events.
    is_in_transaction: asks the driver.
    """

    __slots__ = (
        "_backend",
        "_event",
        "_is_in_transaction",
        "_rows",
        "began",
        "listeners",
        "savepoints",
        "statements",
        "waited",
    )

    def __init__(
        self,
        event: type[Any],
        rows: type[ObservedRows],
        listeners: Any,
        is_told: ContextVar[bool],
        is_in_transaction: Callable[[], bool],
        backend: int,
    ) -> None:
        self._event = event
        self._rows = rows
        self._is_in_transaction = is_in_transaction
        self._backend = backend
        self.listeners = listeners
        #: How long the holder of the connection waited for it, until its first statement has ended.
        self.waited = 0.0
        #: When the open transaction began; None outside of one.
        self.began: float | None = None
        #: How many statements and savepoints there were in it.
        self.statements = 0
        self.savepoints = 0

    def ended(self, command: Command, began: float, argument_sets: int, keys: int) -> Any:
        """Return the event of a statement that was sent at this time and has ended now."""
        elapsed = perf_counter() - began
        event = self._event(command)
        event.elapsed = elapsed
        event.waited, self.waited = self.waited, 0.0
        event.argument_sets = argument_sets
        event.keys = keys
        event.in_transaction = self._is_in_transaction()
        event.backend = self._backend
        self.statements += 1
        return event

    def failed(
        self,
        command: Command,
        values: Sequence[Any],
        began: float,
        argument_sets: int,
        keys: int,
        error: BaseException,
    ) -> None:
        """Tell of a statement that failed."""
        event = self.ended(command, began, argument_sets, keys)
        event.error = error
        self.listeners.statement(event, values)

    def answered(
        self,
        command: Command,
        values: Sequence[Any],
        began: float,
        argument_sets: int,
        keys: int,
        answer: Answer,
    ) -> Answer:
        """Tell of a statement that was answered, and return the answer.

        If a listener has kept the event, the rows note how long it takes to make objects of them.
        """
        event = self.ended(command, began, argument_sets, keys)
        records, event._tag = answer
        event._returned = len(records)
        before = getrefcount(event)
        self.listeners.statement(event, values)
        if getrefcount(event) == before or not command.shape:
            return answer
        rows = self._rows(records)
        rows.event = event
        return rows, answer[1]


def python_told(plain: type[Connection]) -> Run:
    """Return the method run() of connections that tell of what it does in their plain class.

    The Python implementation of the accelerator's class, which awaits it without a coroutine.
    """

    async def run(
        self: Connection,
        command: Command,
        args: Sequence[Any] = (),
        timeout: float | None = None,
        *,
        is_many: bool = False,
    ) -> Answer:
        # len() of the array itself would have the driver take it for measured.
        keys = len(args[0].values) if command.is_lookup else 0
        sets = len(args) if is_many else 1
        began = perf_counter()
        try:
            answer = await plain.run(self, command, args, timeout, is_many=is_many)
        except BaseException as error:
            self.watch.failed(command, args, began, sets, keys, error)
            raise
        told: Answer = self.watch.answered(command, args, began, sets, keys, answer)
        return told

    return run


if TYPE_CHECKING:
    StatementRecord = PythonStatementRecord
    Recorder = PythonRecorder
    told = python_told
else:
    StatementRecord = getattr(accelerator, "StatementRecord", PythonStatementRecord)
    Recorder = getattr(accelerator, "Recorder", PythonRecorder)
    told = getattr(accelerator, "Told", python_told)
