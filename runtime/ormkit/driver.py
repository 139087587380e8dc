"""The seam to asyncpg: one connection, its prepared statements, and the mapping of its errors.

Nothing else in the runtime imports asyncpg's connections, and no other module catches its errors.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

import asyncpg  # pyright: ignore[reportMissingTypeStubs]

from . import errors
from .columns import json_text
from .errors import DatabaseError, InvalidValue
from .values import Record

#: asyncpg publishes no types.
DRIVER: Any = asyncpg

#: How many prepared statements a connection keeps; PostgreSQL holds a plan for each.
DEFAULT_STATEMENTS = 512

#: What the server and asyncpg say of a prepared statement that the schema has outgrown.
OUTGROWN = (
    asyncpg.InvalidCachedStatementError,
    asyncpg.OutdatedSchemaCacheError,
    asyncpg.InvalidSQLStatementNameError,
    asyncpg.InternalServerError,
)
#: Those of them that come before anything has run.
NOTHING_RAN = (asyncpg.InvalidCachedStatementError, asyncpg.InvalidSQLStatementNameError)


class Connection:
    """A connection that keeps its prepared statements and raises OrmKit's errors."""

    __slots__ = ("_is_dirty", "_limit", "_raw", "_statements")

    def __init__(self, raw: Any, statement_cache_size: int) -> None:
        self._raw = raw
        self._limit = statement_cache_size
        self._is_dirty = False
        self._statements: dict[str, Any] = {}

    @classmethod
    async def open(
        cls, options: Mapping[str, Any], statement_cache_size: int = DEFAULT_STATEMENTS
    ) -> Connection:
        """Connect.

        Raises ConnectionFailed, ConfigurationError, or the error that the server answered with.
        """
        try:
            raw = await DRIVER.connect(**options, statement_cache_size=statement_cache_size)
        except (OSError, asyncpg.PostgresConnectionError) as error:
            raise errors.ConnectionFailed(f"cannot connect: {error}") from error
        except asyncpg.ClientConfigurationError as error:
            raise errors.ConfigurationError(str(error)) from None
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise translate(error, None)
        except ValueError:
            # Its text may show a part of the password.
            raise errors.ConfigurationError(
                "the URL cannot be read: check its host and port, and that characters such as "
                "/ @ : in the password are percent-encoded"
            ) from None
        connection = cls(raw, statement_cache_size)
        try:
            for name in ("json", "jsonb"):
                await raw.set_type_codec(
                    name, schema="pg_catalog", encoder=json_text, decoder=json.loads
                )
        except BaseException:
            raw.terminate()
            raise
        return connection

    async def fetch(
        self, sql: str, args: Sequence[object] = (), timeout: float | None = None
    ) -> list[Record]:
        """Run one statement and return its rows.

        timeout: seconds until QueryCanceled.
        """
        statement = self._statements.get(sql)
        try:
            if statement is None:
                statement = await self._prepare(sql, timeout)
            records: list[Record] = await statement.fetch(*args, timeout=timeout)
            return records
        except BaseException as error:
            if self._forgets(sql, error):
                return await self.fetch(sql, args, timeout)
            raise self._failed(error, sql, statement, args)

    async def run(
        self, sql: str, args: Sequence[object] = (), timeout: float | None = None
    ) -> tuple[list[Record], str]:
        """Run one statement and return its rows and command tag, such as "UPDATE 3"."""
        statement = self._statements.get(sql)
        try:
            if statement is None:
                statement = await self._prepare(sql, timeout)
            rows = await statement.fetch(*args, timeout=timeout)
            return rows, statement.get_statusmsg()
        except BaseException as error:
            if self._forgets(sql, error):
                return await self.run(sql, args, timeout)
            raise self._failed(error, sql, statement, args)

    async def fetch_many(self, sql: str, rows: Sequence[Sequence[object]]) -> list[Record]:
        """Run one statement for each row of arguments, all or none, and return all their rows.

        The arguments go out without waiting for the answers in between.
        """
        statement = self._statements.get(sql)
        try:
            if statement is None:
                statement = await self._prepare(sql, None)
            records: list[Record] = await statement.fetchmany(rows)
            return records
        except BaseException as error:
            if self._forgets(sql, error):
                return await self.fetch_many(sql, rows)
            raise self._failed(error, sql)

    async def stream(
        self, sql: str, args: Sequence[object], chunk: int
    ) -> AsyncGenerator[tuple[Connection, list[Record]], None]:
        """Yield the rows of one statement in chunks, read through a portal of the server.

        The connection must be in a transaction, and may run other statements between chunks.
        """
        statement = None
        try:
            statement = await self._raw.prepare(sql)
            cursor = await statement.cursor(*args, prefetch=None)
            while records := await cursor.fetch(chunk):
                yield self, records
                if len(records) < chunk:
                    break
        except GeneratorExit:
            raise
        except BaseException as error:
            raise self._failed(error, sql, statement, args)

    async def script(self, sql: str, timeout: float | None = None) -> str:
        """Run statements without parameters in one round trip; return the last command tag."""
        try:
            tag: str = await self._raw.execute(sql, timeout=timeout)
            return tag
        except BaseException as error:
            raise self._failed(error, sql)

    def _failed(
        self,
        error: BaseException,
        sql: str,
        statement: Any = None,
        args: Sequence[object] = (),
    ) -> BaseException:
        """Return the error to raise, and note where the connection was left in the middle."""
        if not isinstance(error, Exception):
            self._is_dirty = True
            return error
        self._is_dirty |= isinstance(error, TimeoutError)
        return translate(error, sql, statement, args)

    def _forgets(self, sql: str, error: BaseException) -> bool:
        """Drop a prepared statement that the schema has outgrown; True where it may go out again.

        Inside a transaction it may not: the error has ended that.
        """
        if not isinstance(error, OUTGROWN) or self._statements.pop(sql, None) is None:
            return False
        return isinstance(error, NOTHING_RAN) and not self._raw.is_in_transaction()

    async def _prepare(self, sql: str, timeout: float | None) -> Any:
        statement: Any = await self._raw.prepare(sql, timeout=timeout)
        if not self._limit:
            return statement
        while len(self._statements) >= self._limit:
            del self._statements[next(iter(self._statements))]
        self._statements[sql] = statement
        return statement

    @property
    def is_closed(self) -> bool:
        """True where the connection can no longer be used."""
        return bool(self._raw.is_closed())

    @property
    def in_transaction(self) -> bool:
        """True between BEGIN and its end, also where the transaction has failed."""
        return bool(self._raw.is_in_transaction())

    @property
    def is_clean(self) -> bool:
        """True where the next user would find nothing of this one: no transaction, no SET."""
        return not (self._is_dirty or self._raw.is_in_transaction())

    def mark_dirty(self) -> None:
        """Note that session state may have changed, or that a statement was cut short."""
        self._is_dirty = True

    async def reset(self) -> None:
        """Bring the connection back to the state that it was opened in.

        The first statement waits for a cancelled one to end, since asyncpg queues behind it; only
        then is it known whether a transaction is open. It is not an empty one, whose answer asyncpg
        0.32 cannot read.
        """
        await self.script("SELECT")
        if self._raw.is_in_transaction():
            await self.script("ROLLBACK")
        await self._raw.reset()
        await self.script("DISCARD TEMP")
        self._is_dirty = False

    async def close(self, timeout: float | None = None) -> None:
        """Say goodbye to the server and close."""
        self._statements.clear()
        await self._raw.close(timeout=timeout)

    def terminate(self) -> None:
        """Close at once, without a word to the server."""
        self._statements.clear()
        self._raw.terminate()


#: The class for an SQLSTATE, looked up by the whole code and then by its first two characters.
CLASSES: dict[str, type[DatabaseError]] = {
    "08": errors.ConnectionLost,
    "22": errors.DataError,
    "23": errors.IntegrityError,
    "23502": errors.NotNullViolation,
    "23503": errors.ForeignKeyViolation,
    "23505": errors.UniqueViolation,
    "23514": errors.CheckViolation,
    "23P01": errors.ExclusionViolation,
    "25P03": errors.ConnectionLost,
    "25P04": errors.ConnectionLost,
    "28": errors.ConnectionFailed,
    "3D": errors.ConnectionFailed,
    "40": errors.RetryableError,
    "40001": errors.SerializationFailure,
    "40P01": errors.DeadlockDetected,
    "42": errors.StatementError,
    "53": errors.OperationalError,
    "55P03": errors.LockNotAvailable,
    "57014": errors.QueryCanceled,
    "57P": errors.OperationalError,
    "57P01": errors.ConnectionLost,
    "57P02": errors.ConnectionLost,
    "57P05": errors.ConnectionLost,
}


def translate(
    error: Exception,
    sql: str | None,
    statement: Any = None,
    args: Sequence[object] = (),
) -> Exception:
    """Return the error of our own tree that stands for one of asyncpg's; others come back as is.

    It carries asyncpg's error as its cause, except where that one's text would show a value.
    """
    if is_refused_value(error):
        refused = refused_value(str(error), statement, args)
        refused.__suppress_context__ = True
        return refused
    translated = counterpart(error, sql)
    if translated is not error:
        translated.__cause__ = error
    return translated


def counterpart(error: Exception, sql: str | None) -> Exception:
    """Return our error for one of asyncpg's that is not about a value."""
    if isinstance(error, asyncpg.PostgresError):
        return server_error(error, sql)
    if isinstance(error, TimeoutError):
        canceled = errors.QueryCanceled("the statement took longer than its timeout")
        canceled.statement = sql
        return canceled
    if isinstance(error, asyncpg.InterfaceError) and "for this query" in str(error):
        return errors.UsageError(str(error).partition("\n")[0])
    if isinstance(error, (OSError, asyncpg.InterfaceError, asyncpg.InternalClientError)):
        lost = errors.ConnectionLost(f"the connection broke: {error}")
        lost.statement = sql
        return lost
    return error


def is_refused_value(error: Exception) -> bool:
    """Return whether asyncpg could not encode an argument, so that nothing was sent."""
    return isinstance(error, asyncpg.DataError) and getattr(error, "severity", None) is None


def refused_value(text: str, statement: Any | None, args: Sequence[object]) -> InvalidValue:
    """Return the error for an argument that could not be encoded, without its value."""
    found = re.search(r"\$(\d+)", text)
    number = int(found.group(1)) if found else 0
    if not 0 < number <= len(args) or statement is None:
        return InvalidValue("a value does not fit the type of its parameter")
    wanted = statement.get_parameters()[number - 1].name
    given = type(args[number - 1]).__name__
    error = InvalidValue(f"parameter ${number} is of type {wanted} and cannot hold this {given}")
    error.parameter = number
    return error


def server_error(error: Any, sql: str | None) -> DatabaseError:
    """Return the error for what the server reported, with each field it sent."""
    state: str = error.sqlstate or ""
    kind = CLASSES.get(state) or CLASSES.get(state[:3]) or CLASSES.get(state[:2]) or DatabaseError
    fields: dict[str, str | None] = error.as_dict()
    wrapped = kind(fields.get("message") or str(error))
    wrapped.sqlstate = state or None
    wrapped.statement = sql
    wrapped.detail = fields.get("detail")
    wrapped.hint = fields.get("hint")
    wrapped.schema = fields.get("schema_name")
    wrapped.table = fields.get("table_name")
    wrapped.column = fields.get("column_name")
    wrapped.constraint = fields.get("constraint_name")
    return wrapped
