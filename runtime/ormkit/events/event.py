"""The events: what was sent to the server, how long it took, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import Context, ContextVar
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from itertools import chain
from typing import Any, Literal

from .callers import Caller, line_of, way_here
from .recorder import StatementRecord

#: The futures of the callers whose lookups share the statement that a task sends, by their keys.
shared_by: ContextVar[Iterable[Iterable[Any]]] = ContextVar("ormkit_shared_by", default=())


class StatementEvent(StatementRecord):
    """One statement that was sent to the server, as it has ended.

    A read that was sent again after its connection broke is two statements. A stream is one, and
    so are the rows of `execute_many` and the lookups by key that share a statement. BEGIN, COMMIT,
    ROLLBACK and savepoints belong to a TransactionEvent.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        failed = "" if self.error is None else f", {type(self.error).__name__}"
        how = f", {self.how_sent}" if self.how_sent else ""
        return f"<StatementEvent {self.name}: {self.rows} rows, {self.elapsed:.6f} s{how}{failed}>"

    def end(self, tag: bytes | None, returned: int, error: BaseException | None = None) -> None:
        """Note what came of the statement; the runtime calls this before its listeners."""
        self._tag = tag
        self._returned = returned
        self.error = error

    @property
    def sql(self) -> str:
        """The SQL text. It holds no values, unless raw SQL was written with them."""
        return self._command.sql

    @property
    def name(self) -> str:
        """What the application called, such as `User.filter(age__gte).order_by(-age).all`.

        `raw` for SQL that the application wrote, or a script of the runtime.
        """
        return str(self._command.shape) or "raw"

    @property
    def decoded(self) -> float:
        """Seconds that it took to make objects of the rows.

        That begins when the listeners have been told: it is 0 within a listener, and right in a
        list of `capture_statements()`.
        """
        return (self if self._twin is None else self._twin).making

    @property
    def shape(self) -> object:
        """What the name is made of; an empty text for raw SQL."""
        return self._command.shape

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables that the text names, quoted where SQL needs that; empty for raw SQL."""
        return self._command.tables

    @property
    def operation(self) -> str:
        """What the server says that it did: SELECT, INSERT, UPDATE, DELETE, MERGE, COPY ...

        Of a statement that failed or ran for several rows, the first word of its text.
        """
        done = (self._tag or b"").partition(b" ")[0].decode()
        return self._command.operation or done or first_word(self.sql)

    @property
    def rows(self) -> int:
        """How many rows came back, or were changed where none came back."""
        counted = (self._tag or b"").rpartition(b" ")[2]
        return self._returned or (int(counted) if counted.isdigit() else 0)

    @property
    def is_raw(self) -> bool:
        """True for SQL that the application wrote, or a script of the runtime."""
        return not self.tables

    @property
    def is_internal(self) -> bool:
        """True for what the runtime asks the server for itself, such as facts about a table."""
        return not self._command.shape and not self._command.is_raw

    @property
    def is_shared(self) -> bool:
        """True for a statement that looked up keys for several callers."""
        return self.keys > 0

    @property
    def is_pipelined(self) -> bool:
        """True for a statement that ran for several rows of arguments."""
        return self.argument_sets != 1

    @property
    def how_sent(self) -> str:
        """What several callers or rows share, such as `7 lookups by key in one statement`."""
        if self.is_shared:
            return f"{self.keys} lookups by key in one statement"
        return f"pipelined for {self.argument_sets} rows of arguments" if self.is_pipelined else ""

    @property
    def summary(self) -> str:
        """The operation and the tables, such as `SELECT users`."""
        return " ".join([self.operation, *self.tables])

    @property
    def fingerprint(self) -> str:
        """What tells this text from others: 16 hexadecimal digits of its SHA-256."""
        return fingerprint_of(self.sql)

    def contexts(self) -> list[Context]:
        """Return the contexts of the callers who share the statement; call it in the listener.

        Empty for a statement of one caller, whose context is the listener's own.
        """
        found: dict[int, Context] = {}
        for waiter in chain.from_iterable(shared_by.get()):
            # What wakes the task that waits runs in that task's context.
            for _, context in waiter._callbacks or ():
                found.setdefault(id(context), context)
        return list(found.values())

    def caller(self) -> Caller | None:
        """Return the line of the application that sent the statement.

        Call it in the listener. None where a task of the runtime sent it: for lookups that share a
        statement, and where `asyncio.gather` or another function of asyncio awaits the query.
        """
        frame, _, _ = way_here()
        return None if frame is None else line_of(frame)


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionEvent:
    """A transaction that has ended; a block in which nothing was sent is none."""

    #: `commit`, `rollback`, or `lost` where the connection was closed before the end.
    how: Literal["commit", "rollback", "lost"]
    #: Seconds from BEGIN until the answer to its end.
    held: float
    #: How many statements were sent in it.
    statements: int
    #: How many savepoints were set in it.
    savepoints: int
    #: What its end failed with; None where the server did what was asked.
    error: BaseException | None
    #: The process id of the server's backend.
    backend: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionEvent:
    """A connection of the pool that was opened, reset or closed."""

    what: Literal["opened", "reset", "closed"]
    #: The process id of the server's backend.
    backend: int
    #: Seconds since it was opened.
    age: float
    #: Seconds that opening it took; 0 if it was not opened now.
    took: float = 0.0


@lru_cache(maxsize=4096)
def fingerprint_of(sql: str) -> str:
    """Return 16 hexadecimal digits that tell a text from others."""
    return sha256(sql.encode()).hexdigest()[:16]


def first_word(sql: str) -> str:
    """Return the first word of a text, in capitals."""
    return sql[:80].lstrip("( \n\t").partition(" ")[0].partition("\n")[0].rstrip(";").upper()
