"""The Connection class: runs statements, streams and COPY on one asyncpg connection.

errors.py translates its errors. asyncpg_internals.py holds every use of asyncpg's private parts.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    Awaitable,
    Callable,
    Hashable,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import aclosing
from typing import Any

import asyncpg  # pyright: ignore[reportMissingTypeStubs]

from ..errors import ConnectionLost, InvalidValue, UnreadableValue, UsageError
from ..postgres.identifiers import quote
from ..postgres.json_hooks import PYTHONS, JsonFunctions
from ..postgres.text_values import Write
from ..postgres.values import Record
from .affinity import let_go
from .asyncpg_internals import PublicAccess, access_to, cannot_copy, transport_of
from .command import Command
from .copy_lines import pieces, writers
from .copy_rows import Copied, copy_sql
from .disconnect_reason import explained
from .errors import (
    NEEDS_NEW_STATEMENT,
    copied_row,
    is_before_running,
    is_outdated,
    is_unencodable,
    refused_row,
    translate,
)
from .messages import binding, whole_answer
from .open_connection import open_raw
from .prepared_statements import Prepared, PreparedStatements
from .read_buffer import messages_of
from .reset import ResettableSession
from .unreadable import Unreadable, readable

#: The default number of prepared statements per connection. The server keeps a plan for each.
DEFAULT_STATEMENTS = 512

#: A future that completes when the cancel request is sent, and the timer that closes the
#: connection if the COPY does not end in time.
Ending = tuple["asyncio.Future[None]", asyncio.TimerHandle]
#: Seconds until that timer closes the connection.
ENDING_TIMEOUT = 5.0


class Connection(ResettableSession):
    """A connection that keeps its prepared statements and raises OrmKit's errors."""

    __slots__ = (
        "_marks",
        "_on_close",
        "_on_outdated",
        "backend",
        "facts",
        "messages",
        "opened_in",
        "sandbox",
        "server_version",
        "watch",
    )

    def __init__(self, raw: Any, statement_cache_size: int, marks: list[Unreadable]) -> None:
        access = access_to(raw)
        super().__init__(raw, access, PreparedStatements(raw, access, statement_cache_size))
        #: Cached facts about tables, which the connections of a pool share.
        self.facts: dict[Any, Any] = {}
        self.messages = messages_of(raw)
        #: The marks of undecodable values since the last check of rows.
        self._marks = marks
        #: The major version of the server.
        self.server_version: int = raw.get_server_version().major
        self._on_close: Callable[[Connection], None] | None = None
        self._on_outdated: Callable[[Connection], None] = Connection.forget_statements
        #: The process id of the server's backend; 0 if the connection has broken already.
        self.backend: int = 0 if raw.is_closed() else raw.get_server_pid()
        #: Seconds that opening took.
        self.opened_in = 0.0
        #: What the subclass of an observed connection notes of it.
        self.watch: Any = None
        #: What the subclass of a connection whose work is rolled back notes of it.
        self.sandbox: Any = None

    @classmethod
    async def open(
        cls,
        options: Mapping[str, Any],
        statement_cache_size: int = DEFAULT_STATEMENTS,
        functions: JsonFunctions = PYTHONS,
    ) -> Connection:
        """Open a connection.

        options: arguments of asyncpg.connect(), and `keepalives` for libpq's keepalive options.
        statement_cache_size: the maximum number of prepared statements; 0 keeps none.
        functions: what writes and reads JSON.

        Raises ConnectionFailed, ConfigurationError, or the error that the server reported.
        """
        marks: list[Unreadable] = []
        began = time.perf_counter()
        raw = await open_raw(options, statement_cache_size, marks, functions)
        opened = cls(raw, statement_cache_size, marks)
        opened.opened_in = time.perf_counter() - began
        return opened

    async def run(
        self,
        command: Command,
        args: Sequence[Any] = (),
        timeout: float | None = None,
        *,
        is_many: bool = False,
    ) -> tuple[list[Record], bytes | None]:
        """Run one statement and return its rows and command tag, such as b"UPDATE 3".

        Every statement that does not stream its rows goes through this method. The command adds
        what it knows about its values to an error.

        args: the values of the parameters.
        timeout: seconds until QueryCanceled is raised; None sets no limit.
        is_many: whether `args` are rows of arguments. The statement then runs for all rows or for
            none. The result holds the returned rows of all runs, and no tag.

        Raises a DatabaseError, UnreadableValue or UsageError.
        """
        if command.is_foreign:
            self.mark_dirty()
        sql = command.sql
        kept = prepared = self.prepared.at_hand.get(sql)
        try:
            if prepared is None:
                prepared = await self.prepared.find(sql, timeout)
            if is_many:
                records, tag = await self._run_many(prepared, args), None
            else:
                records, tag, _ = await self.wire.bind_execute(
                    prepared[0], args, "", 0, True, timeout
                )
        except BaseException as error:
            may_repeat = await self._forgets(sql, error) and kept is not None
            if may_repeat and not (is_many and command.is_raw):
                return await Connection.run(self, command, args, timeout, is_many=is_many)
            if not is_many:
                raise command.explained(self._failed(error, sql, prepared, args), (args,))
            failed = self._failed(error, sql, prepared, *refused_row(error, prepared, args))
            raise command.explained(failed, args)
        if self._marks:
            self._check_readable(command, records)
        return records, tag

    async def _run_many(self, prepared: Prepared, rows: Sequence[Any]) -> list[Record]:
        with whole_answer(self.messages, len(rows)):
            records: list[Record] = await prepared[1].fetchmany(rows)
        return records

    def _check_readable(self, command: Command, records: list[Record]) -> None:
        """Raise UnreadableValue for the first value of the rows that could not be decoded."""
        try:
            readable(records, self._marks)
        except UnreadableValue as error:
            raise command.explained(error, ())

    async def fetch(
        self, sql: str, args: Sequence[object] = (), timeout: float | None = None
    ) -> list[Record]:
        """Run one internal statement of the runtime and return its rows."""
        records, _ = await self.run(Command(sql), args, timeout)
        return records

    async def returns_rows(self, sql: str) -> bool:
        """Return whether the statement has result columns, even if it returns no rows."""
        try:
            prepared = self.prepared.at_hand.get(sql) or await self.prepared.find(sql, None)
            return bool(prepared[1].get_attributes())
        except BaseException as error:
            raise self._failed(error, sql)

    async def introspect(self, sql: str, *args: object) -> Record:
        """Return the single row of a catalog query, which runs through asyncpg's fetchrow()."""
        try:
            row: Record = await self._raw.fetchrow(sql, *args)
            return row
        except BaseException as error:
            raise self._failed(error, sql)

    async def supports(self, sql: str) -> bool:
        """Return whether the server can prepare the statement; False for "not supported".

        A savepoint keeps an open transaction usable after that error.
        """
        if sql in self.prepared.at_hand:
            return True
        is_open = self.in_transaction
        if is_open:
            await self.script("SAVEPOINT ormkit_try")
        try:
            await self.prepared.find(sql, None)
        except asyncpg.FeatureNotSupportedError:
            if is_open:
                await self.script("ROLLBACK TO ormkit_try; RELEASE ormkit_try")
            return False
        except BaseException as error:
            raise self._failed(error, sql)
        if is_open:
            await self.script("RELEASE ormkit_try")
        return True

    def stream(
        self, command: Command, args: Sequence[object], chunk: int
    ) -> AsyncGenerator[list[Record], None]:
        """Yield the rows of one statement in chunks of `chunk` rows, read through a portal.

        The connection must be in a transaction. It may run other statements between chunks.
        """
        if command.is_foreign:
            self.mark_dirty()
        return self._chunks(command, args, chunk)

    async def _chunks(
        self, command: Command, args: Sequence[object], chunk: int
    ) -> AsyncGenerator[list[Record], None]:
        prepared = None
        try:
            statement = await self._raw.prepare(command.sql)
            prepared = statement, statement, False
            with binding(self.messages):
                cursor = await statement.cursor(*args, prefetch=None)
            while records := await cursor.fetch(chunk):
                yield readable(records, self._marks) if self._marks else records
                if len(records) < chunk:
                    break
        except GeneratorExit:
            raise
        except BaseException as error:
            raise command.explained(self._failed(error, command.sql, prepared, args), (args,))

    async def copy_in(self, cells: Copied, records: Iterable[Any] | AsyncIterable[Any]) -> int:
        """Insert rows with COPY, all or none, and return the number of rows.

        The format is binary, or text where the driver has no binary format for a column's type.

        records: the rows, whose cells the driver reads one by one. `cells.is_reading` is true
            while the source produces the next row. Errors that are raised then propagate unchanged.
        """
        if cells.is_raw:
            self.mark_dirty()
        sql = copy_sql(cells)
        write: list[Write] | None = None
        try:
            schema = cells.schema or await self.prepared.schema_of(quote(cells.table))
            write = await writers(cells, schema, self._raw.fetch)
            if write is None:
                tag: str = await self._raw.copy_records_to_table(
                    cells.table, schema_name=schema, columns=cells.names, records=records
                )
            else:
                async with aclosing(pieces(cells, records, write)) as source:
                    tag = await self._raw.copy_to_table(
                        cells.table,
                        schema_name=schema,
                        columns=cells.names,
                        source=source,
                        format="text",
                    )
        except BaseException as error:
            # The driver sends a cancel request, which may take a while.
            self.mark_cut()
            if cells.is_reading or (write is not None and isinstance(error, InvalidValue)):
                raise
            if is_unencodable(error):
                raise InvalidValue(cells.described()) from None
            if cannot_copy(error, cells.has_rows):
                raise UsageError(f"COPY: {error}; use insert_all(), or execute_many()") from error
            raise copied_row(self._failed(error, sql), error, cells.table, cells.names)
        return int(tag.rpartition(" ")[2])

    async def copy_out(
        self,
        query: str,
        write: Callable[[bytes], Awaitable[object]],
        *,
        is_raw: bool,
        options: Mapping[str, object],
    ) -> int:
        """Export the rows of a query with COPY ... TO STDOUT and return the number of rows.

        write: an async function that receives the data in pieces.
        is_raw: whether the caller wrote the query.
        options: the options of COPY, under asyncpg's names.

        Errors that `write` raises propagate unchanged.
        """
        sql = f"COPY ({query}) TO STDOUT"
        if is_raw:
            self.mark_dirty()
            await self._check_single(sql)
        raised: list[BaseException] = []
        ending: Ending | None = None
        tag = ""

        async def guarded(data: bytes) -> None:
            nonlocal ending
            if raised:
                return
            try:
                await write(data)
            except BaseException as error:
                raised.append(error)
                ending = self._end_copy()

        try:
            tag = await self._raw.copy_from_query(query, output=guarded, **self._quotable(options))
        except BaseException as error:
            self.mark_cut()
            if not raised:
                self._cut_copy(error)
                raise self._failed(error, sql)
        finally:
            if ending is not None:
                is_asked, deadline = ending
                try:
                    await is_asked
                finally:
                    deadline.cancel()
        if raised:
            self.mark_cut()
            raise raised[0]
        return int(tag.rpartition(" ")[2])

    def _quotable(self, options: Mapping[str, object]) -> Mapping[str, object]:
        """Return the options of COPY with backslashes doubled if the server treats them as escapes.

        asyncpg quotes the options, but never doubles a backslash.
        """
        settings = self._raw.get_settings()
        if getattr(settings, "standard_conforming_strings", "on") == "on":
            return options
        return {
            name: value.replace("\\", "\\\\") if isinstance(value, str) else value
            for name, value in options.items()
        }

    async def _check_single(self, sql: str) -> None:
        """Raise an error if the text holds more than one statement, by preparing it.

        COPY uses the simple query protocol, which accepts many statements. Prepare accepts one.
        """
        try:
            await self._raw.prepare(sql, name="")
        except BaseException as error:
            raise self._failed(error, sql)

    def _end_copy(self) -> Ending:
        """Send a cancel request for a COPY whose output is no longer needed.

        asyncpg does this itself if its sink raises, but it then waits for ever if the COPY has
        already ended.
        """
        loop = asyncio.get_running_loop()
        is_asked = loop.create_future()
        self.access.cancel(is_asked)
        return is_asked, loop.call_later(ENDING_TIMEOUT, self._raw.terminate)

    def _cut_copy(self, error: BaseException) -> None:
        """Close the connection if a COPY was interrupted between two pieces of its data.

        asyncpg cancels a COPY only while it waits for data. Otherwise the next statement would
        read the remaining data as its answer.
        """
        if isinstance(error, asyncio.CancelledError) and not self.access.is_cancelling():
            self.terminate()

    async def script(self, sql: str, timeout: float | None = None) -> str:
        """Run statements without parameters in one round trip; return the last command tag."""
        try:
            return await self.wire.query(sql, timeout)
        except BaseException as error:
            raise self._failed(error, sql)

    def _failed(
        self,
        error: BaseException,
        sql: str,
        prepared: Prepared | None = None,
        args: Sequence[object] = (),
        row: int = 0,
    ) -> BaseException:
        """Return the translated error, and record whether a statement was interrupted."""
        if not isinstance(error, Exception):
            self.mark_cut()
            return error
        if isinstance(error, TimeoutError):
            self.mark_cut()
        reported: Exception = error
        if isinstance(error, AttributeError) and self.is_closed:
            # Some calls of asyncpg take several round trips, and miss the protocol of a connection
            # that closes in between.
            lost = "connection was closed in the middle of operation"
            reported = asyncpg.ConnectionDoesNotExistError(lost)
        translated = translate(reported, sql, prepared and prepared[1], args, row)
        if isinstance(translated, ConnectionLost):
            return explained(translated, reported, self.messages, self.terminate)
        return translated

    async def _forgets(self, sql: str, error: BaseException) -> bool:
        """Discard stale prepared statements; return whether the statement can be retried.

        It cannot be retried inside a transaction, which the error has aborted, nor if it has run
        in part.
        """
        self.prepared.doubt(sql, error)
        if is_outdated(error) or isinstance(error, asyncpg.OutdatedSchemaCacheError):
            # Other statements may be stale too, also on other connections.
            self._on_outdated(self)
            if has_run := isinstance(error, asyncpg.OutdatedSchemaCacheError):
                await self._raw.reload_schema_state()
        elif isinstance(error, NEEDS_NEW_STATEMENT):
            self.prepared.forget(sql)
            has_run = isinstance(error, asyncpg.InternalServerError)
        else:
            return False
        return not (has_run or self.wire.is_in_transaction()) and is_before_running(sql, error)

    def forget_statements(self) -> None:
        """Discard all prepared statements and the cached facts about tables."""
        self.prepared.clear()
        self.facts.clear()

    def enter_namespace(self, namespace: Hashable) -> None:
        """Switch the namespace of the prepared statements; None is the default one."""
        self.prepared.enter(namespace)

    @property
    def transport(self) -> Any:
        """The transport of the driver; None if it is unknown."""
        return transport_of(self._raw)

    @property
    def is_closed(self) -> bool:
        """True if the connection can no longer be used."""
        return not self.wire.is_connected()

    def on_close(self, callback: Callable[[Connection], None]) -> None:
        """Call this function soon after the connection has ended, for any reason.

        It replaces the one of an earlier call.
        """
        if self._on_close is None:
            self._raw.add_termination_listener(self._ended)
        self._on_close = callback

    def _ended(self, raw: object) -> None:
        if self._on_close is not None:
            self._on_close(self)

    def on_outdated(self, callback: Callable[[Connection], None]) -> None:
        """Call this function when a prepared statement is stale, to discard them all."""
        self._on_outdated = callback

    def mark_dirty(self) -> None:
        super().mark_dirty()
        if self.wire.is_in_transaction():
            self.prepared.unsettle()

    async def close(self, timeout: float | None = None) -> None:
        """Close gracefully with a Terminate message; `timeout` is in seconds."""
        self.prepared.clear()
        await self._raw.close(timeout=timeout)

    def terminate(self) -> None:
        """Close the socket at once, without a message to the server."""
        self.prepared.clear()
        self._raw.terminate()

    def sever(self, error: UsageError) -> None:
        """Abandon the connection without a message to the server; its use raises the error."""
        held = (self.access, self.wire, self.prepared)
        self._raw = self.wire = severed = let_go(error, self._raw, *held)
        self.access = PublicAccess(severed)
        self.prepared = PreparedStatements(severed, self.access, 0)
