"""The class of connections while somebody listens: each statement tells what came of it.

A connection becomes one by an assignment to its `__class__`, also in the middle of a transaction,
and the other way round. So an engine without listeners runs the same code as if there were none.
"""

from __future__ import annotations

from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    Awaitable,
    Callable,
    Generator,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Literal

from ..driver.command import Command
from ..driver.connection import Connection
from ..driver.copy_rows import Copied, copy_sql
from ..postgres.values import Record
from .event import StatementEvent, TransactionEvent, first_word
from .listeners import Listeners, is_told
from .observed_rows import ObservedRows
from .recorder import Recorder, told

#: The first words of what belongs to a transaction, in the runtime's own scripts.
CONTROL = frozenset({"BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE"})
#: The first words of the parts of a script that do no work of their own.
ENDS = CONTROL | {"SET", ""}
#: What the reset of a connection sends, and the question whether it is alive.
RESETTING = frozenset({"SELECT", "DEALLOCATE ALL"})


@dataclass(slots=True)
class Outcome:
    """What comes of a statement while it runs."""

    tag: bytes | None = None
    returned: int = 0
    chunks: int = 0


class ObservedConnection(Connection):
    """A connection that tells the engine's listeners of what it sends."""

    __slots__ = ()

    run = told(Connection)

    def _tell_of(
        self,
        event: StatementEvent,
        args: Sequence[object],
        tag: bytes | None = None,
        returned: int = 0,
        error: BaseException | None = None,
    ) -> None:
        event.end(tag, returned, error)
        self.watch.listeners.statement(event, args)

    async def introspect(self, sql: str, *args: object) -> Record:
        """Return the single row of a catalog query, and tell of it."""
        with self._told(Command(sql), args) as outcome:
            row = await super().introspect(sql, *args)
            outcome.returned = 1
            return row

    async def _chunks(
        self, command: Command, args: Sequence[object], chunk: int
    ) -> AsyncGenerator[list[Record], None]:
        with self._told(command, args) as outcome:
            outcome.tag = b"SELECT"
            async with aclosing(super()._chunks(command, args, chunk)) as chunks:
                async for records in chunks:
                    outcome.returned += len(records)
                    outcome.chunks += 1
                    yield records

    async def copy_in(self, cells: Copied, records: Iterable[Any] | AsyncIterable[Any]) -> int:
        """Insert rows with COPY, and tell of it."""
        with self._told(Command(copy_sql(cells), is_raw=cells.is_raw)) as outcome:
            outcome.returned = await super().copy_in(cells, records)
            return outcome.returned

    async def copy_out(
        self,
        query: str,
        write: Callable[[bytes], Awaitable[object]],
        *,
        is_raw: bool,
        options: Mapping[str, object],
    ) -> int:
        """Export the rows of a query with COPY, and tell of it."""
        with self._told(Command(f"COPY ({query}) TO STDOUT", is_raw=is_raw)) as outcome:
            outcome.returned = await super().copy_out(query, write, is_raw=is_raw, options=options)
            return outcome.returned

    async def script(self, sql: str, timeout: float | None = None) -> str:
        """Run statements without parameters, and tell of them, or of the transaction's end."""
        # The transaction of a listener, or of a plan that is logged, is not noted: the reset of the
        # connection may end it, which would be told of.
        if sql in RESETTING or is_told.get():
            return await super().script(sql, timeout)
        word = first_word(sql)
        if word not in CONTROL:
            return await self._told_script(Command(sql), timeout)
        works = [each for each in map(first_word, sql.split(";")) if each not in ENDS]
        if not works:
            return await self._control(word, sql, timeout)
        # A transaction in one text, as create_all() sends it.
        self._note_begin()
        try:
            # A lock comes first, by a SELECT.
            operation = "CREATE" if "CREATE" in works else works[0]
            tag = await self._told_script(Command(sql, operation=operation), timeout)
        except BaseException as error:
            tell_end(self, "lost" if self.is_closed else "rollback", error)
            raise
        tell_end(self, "commit")
        return tag

    async def _told_script(self, command: Command, timeout: float | None) -> str:
        """Run the text of a script, and tell of it as one statement."""
        with self._told(command) as outcome:
            tag = await super().script(command.sql, timeout)
            outcome.tag = tag.encode()
            return tag

    def _note_begin(self) -> None:
        watch: Recorder = self.watch
        watch.began, watch.statements, watch.savepoints = perf_counter(), 0, 0

    @contextmanager
    def _told(self, command: Command, args: Sequence[object] = ()) -> Generator[Outcome]:
        """Tell of the statement that the block runs, with the outcome that it notes."""
        outcome = Outcome()
        began = perf_counter()
        failed: BaseException | None = None
        try:
            yield outcome
        except GeneratorExit:
            # The caller wants no more rows of a stream.
            raise
        except BaseException as error:
            failed = error
            raise
        finally:
            event: StatementEvent = self.watch.ended(command, began, 1, 0)
            event.chunks = outcome.chunks
            self._tell_of(event, args, outcome.tag, outcome.returned, failed)

    async def _control(self, word: str, sql: str, timeout: float | None) -> str:
        watch: Recorder = self.watch
        if word == "BEGIN":
            self._note_begin()
        elif word == "SAVEPOINT":
            watch.savepoints += 1
        ends = word == "COMMIT" or sql == "ROLLBACK"
        try:
            tag = await super().script(sql, timeout)
        except BaseException as error:
            if ends:
                tell_end(self, "lost" if self.is_closed else "rollback", error)
            raise
        if ends:
            tell_end(self, "rollback" if tag == "ROLLBACK" else "commit")
        return tag


#: The class of an observed connection, by what it is otherwise.
OBSERVED: dict[type[Connection], type[ObservedConnection]] = {Connection: ObservedConnection}


def tell_end(
    connection: Connection,
    how: Literal["commit", "rollback", "lost"],
    error: BaseException | None = None,
) -> None:
    """Tell of the end of the transaction on a connection, if there was one."""
    watch: Recorder = connection.watch
    began, watch.began = watch.began, None
    if began is None:
        return
    watch.listeners.transaction(
        TransactionEvent(
            how=how,
            held=perf_counter() - began,
            statements=watch.statements,
            savepoints=watch.savepoints,
            error=error,
            backend=connection.backend,
        )
    )


def tell_lost(connection: Connection) -> None:
    """Tell of a transaction that ends with its connection."""
    if isinstance(connection.watch, Recorder):
        tell_end(connection, "lost")


def observe(connection: Connection, listeners: Listeners) -> None:
    """Make a connection tell these listeners of what it sends."""
    watch = connection.watch = Recorder(
        StatementEvent,
        ObservedRows,
        listeners,
        is_told,
        connection.wire.is_in_transaction,
        connection.backend,
    )
    if connection.in_transaction:
        watch.began = perf_counter()
    connection.__class__ = OBSERVED[type(connection)]


def leave(connection: Connection) -> None:
    """Make an observed connection one that tells nobody anything."""
    kind = type(connection)
    connection.__class__ = next(plain for plain in OBSERVED if OBSERVED[plain] is kind)
