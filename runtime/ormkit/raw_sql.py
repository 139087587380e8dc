"""Raw SQL: what is refused of it, what it leaves behind, and one statement over many rows."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from .driver import Connection
from .errors import ConfigurationError, ConnectionFailed, UsageError
from .fitting import is_encodable
from .result import Result

#: Raw SQL that may change what the next user of the connection would find. A false alarm, as for
#: whatever follows a comment, only costs a reset.
LEAVES_TRACES = re.compile(
    r"\s*(?:--|/\*|(?:SET|RESET|DISCARD|LISTEN|UNLISTEN|PREPARE|DEALLOCATE|DECLARE|LOAD|CALL|DO)\b)"
    r"|.*\b(?:TEMP|TEMPORARY|set_config|pg_(?:try_)?advisory_\w*lock\w*)\b",
    re.IGNORECASE | re.DOTALL,
)
#: Statements that would take the transaction out of the hands of begin().
TAKES_OVER = re.compile(
    r"(?:\s|--[^\n]*\n|/\*.*?\*/)*"
    r"(BEGIN|START\s+TRANSACTION|COMMIT|END|ROLLBACK|ABORT|SAVEPOINT|RELEASE)\b",
    re.IGNORECASE | re.DOTALL,
)
#: COPY from or to the client, which would wait for data that a statement cannot carry.
COPIES = re.compile(r"\s*COPY\b.*\b(?:STDIN|STDOUT)\b", re.IGNORECASE | re.DOTALL)
#: A statement that can be made to tell how many rows it changed by RETURNING one thing for each.
COUNTABLE = re.compile(r"\s*(INSERT|UPDATE|DELETE)\b[^;]*;?\s*\Z", re.IGNORECASE)


def leaves_traces(sql: str) -> bool:
    """Return whether raw SQL may change session state, so that its connection needs a reset."""
    return LEAVES_TRACES.match(sql) is not None


def check_statement(sql: str, params: object = ()) -> None:
    """Raise UsageError for what cannot be run as one statement with parameters."""
    check_text(sql)
    if isinstance(params, (str, bytes)) or not isinstance(params, Sequence):
        raise UsageError(
            f"parameters are a list, one value for each of $1, $2 ..., not "
            f"{type(params).__name__}: write [value]"
        )
    if found := TAKES_OVER.match(sql):
        raise UsageError(
            f"{found.group(1).upper()} cannot be sent as a statement: use "
            f"`async with session.begin() as tx:`"
        )
    if COPIES.match(sql):
        raise UsageError(
            "COPY from STDIN or to STDOUT has data beside its statement: use copy_in() or "
            "copy_out()"
        )


def check_text(sql: object) -> None:
    """Raise UsageError for what is no text that could be sent.

    The protocol ends a text at a NUL: the server would take the rest for something else, and
    close the connection.
    """
    if not isinstance(sql, str):
        raise UsageError(f"SQL is a text, not {type(sql).__name__}")
    if "\0" in sql or not (sql.isascii() or is_encodable(sql)):
        raise UsageError(
            "the SQL holds the character NUL or half of a surrogate pair, which cannot be sent: "
            "pass values as parameters"
        )


def checked_rows(sql: str, rows: Iterable[Sequence[object]]) -> list[Sequence[object]]:
    """Return the rows of parameters as a list; UsageError where one is no list or tuple."""
    if isinstance(rows, (str, bytes)) or not isinstance(rows, Iterable):
        raise UsageError(f"rows are a list of lists of parameters, not {type(rows).__name__}")
    check_statement(sql)
    listed = list(rows)
    for row in listed:
        check_statement("", row)
    return listed


class NewConnection:
    """What the `init` of an engine gets: a connection before its first use, for raw SQL."""

    def __init__(self, connection: Connection) -> None:
        self._connection: Connection | None = connection

    async def execute(self, sql: str, params: Sequence[object] = ()) -> Result:
        """Run one SQL statement, with $1, $2 ... standing for the parameters in their order."""
        check_statement(sql, params)
        if self._connection is None:
            raise UsageError("init has ended: its connection belongs to the pool now")
        return Result(*await self._connection.fetch_tagged(sql, params))

    def end(self) -> None:
        """Let nothing more be sent."""
        self._connection = None


Init = Callable[[NewConnection], Awaitable[object]]


def initializer(init: Init, timeout: float | None) -> Callable[[Connection], Awaitable[None]]:
    """Return what runs `init` on a connection, for that many seconds at most."""

    async def initialize(connection: Connection) -> None:
        new = NewConnection(connection)
        limit = asyncio.timeout(timeout)
        try:
            async with limit:
                await init_of(new, init)
        except TimeoutError:
            if not limit.expired():
                raise
            raise ConnectionFailed(
                f"init took longer than connect_timeout, {timeout} s: the connection was closed"
            ) from None
        finally:
            new.end()

    return initialize


async def init_of(connection: NewConnection, init: Init) -> None:
    """Await what `init` returns; raises ConfigurationError for a function that is not async."""
    answer: Any = init(connection)
    if not isinstance(answer, Awaitable):
        raise ConfigurationError(
            f"init returned {type(answer).__name__}: give an async function of a new connection"
        )
    await answer


async def run_pipelined(
    connection: Connection, sql: str, rows: Sequence[Sequence[object]]
) -> Result | None:
    """Run the statement for each row, all or none, without waiting for the answers in between.

    None, with nothing run, where that would not tell how many rows were changed: the driver keeps
    no count for each row, so that only rows that come back can be counted.
    """
    verb = first_word(sql)
    if await connection.returns_rows(sql):
        records = await connection.fetch_many(sql, rows, is_raw=True)
        return Result(records, f"{verb} {len(records)}")
    if not COUNTABLE.match(sql):
        return None
    # On a line of its own, since a comment may end the statement.
    counted = f"{sql.rstrip().removesuffix(';')}\nRETURNING 1"
    records = await connection.fetch_many(counted, rows, is_raw=True)
    return Result([], f"{verb} {len(records)}")


async def run_in_turn(connection: Connection, sql: str, rows: Sequence[Sequence[object]]) -> Result:
    """Run the statement for each row, one after the other, in the transaction that is open."""
    results = [Result(*await connection.fetch_tagged(sql, row)) for row in rows]
    total = sum(result.rowcount for result in results)
    return Result([], f"{first_word(sql)} {total}")


def first_word(sql: str) -> str:
    """Return what the statement begins with, "INSERT"; nothing for an empty one."""
    return sql.split(None, 1)[0].upper() if sql.strip() else ""
