"""Raw SQL: checks before it is sent, its effect on the session, and execution for many rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from ..driver.command import Command
from ..driver.connection import Connection
from ..errors import TransactionEnded, UsageError
from ..postgres.checks import is_encodable
from ..postgres.leading_keywords import declares_cursor_with_hold, leading_keywords
from ..postgres.values import Record
from .result import Result

#: The first two words of a statement, in upper case.
Words = tuple[str, str]

#: Statements that would begin or end a transaction, which only begin() may do.
TAKES_OVER = {"BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE"}
#: The command tags of these statements.
TAKEN_OVER = {
    *("BEGIN", "START TRANSACTION", "COMMIT", "ROLLBACK", "PREPARE TRANSACTION", "SAVEPOINT"),
    "RELEASE",
}
#: Settings that last until the end of the transaction: outside of a block, of the statement.
ENDS_AT_ONCE = {("SET", "LOCAL"), ("SET", "TRANSACTION"), ("SET", "CONSTRAINTS")}
#: COPY from or to the client, whose data a statement cannot carry. A COPY with one of these words
#: in another place is refused as well.
COPIES = re.compile(r"\b(?:STDIN|STDOUT)\b", re.IGNORECASE)
#: The first words of statements that can be pipelined for many rows of parameters. None of them
#: can commit, as a procedure can. All others run one after the other.
PIPELINED = {"SELECT", "VALUES", "TABLE", "WITH", "INSERT", "UPDATE", "DELETE", "MERGE"}
#: Statements whose changed rows can be counted by adding RETURNING.
COUNTABLE = {"INSERT", "UPDATE", "DELETE"}
#: After these, the prepared statements in the driver's cache do not exist any more.
DEALLOCATES = {"DEALLOCATE", "DEALLOCATE ALL", "DISCARD ALL"}
#: A loaded library stays until the session ends.
LOADS = "LOAD"


def check_statement(sql: str, params: object = ()) -> Words:
    """Return the first words of the SQL.

    Raises UsageError for SQL that cannot run as one statement with these parameters. It finds
    common mistakes early. What decides is the server's command tag.
    """
    check_text(sql)
    check_params(params)
    first, second = words = leading_keywords(sql)
    if first in TAKES_OVER or (first, second) == ("PREPARE", "TRANSACTION"):
        raise UsageError(
            f"{first} cannot be sent as a statement: use `async with session.begin() as tx:`"
        )
    if first == "COPY" and COPIES.search(sql):
        raise UsageError(
            "COPY from STDIN or to STDOUT needs a stream of data: use copy_in() or copy_out()"
        )
    return words


def check_params(params: object) -> None:
    """Raise UsageError for parameters that are not a list or tuple."""
    if isinstance(params, (str, bytes)) or not isinstance(params, Sequence):
        raise UsageError(
            "parameters must be a list, one value for each of $1, $2 ..., not "
            f"{type(params).__name__}: write [value]"
        )


def check_lasting(sql: str, words: Words) -> None:
    """Raise UsageError for a statement whose effect ends with it, outside a transaction.

    words: the first words of the SQL.
    """
    if words in ENDS_AT_ONCE:
        what = f"{words[0]} {words[1]} has no effect"
    elif words[0] == "LOCK":
        what = "LOCK TABLE locks nothing"
    elif words[0] == "DECLARE" and not declares_cursor_with_hold(sql):
        what = "a cursor without HOLD is closed at once"
    else:
        return
    advice = "run it inside `async with session.begin() as tx:` with tx.execute_raw()"
    if words == ("SET", "LOCAL"):
        advice += ', or pass begin(settings={"name": "value"})'
    elif words == ("SET", "TRANSACTION"):
        advice = "give begin() the options isolation, read_only and deferrable"
    raise UsageError(f"{what} outside a transaction: {advice}")


def check_text(sql: object) -> None:
    """Raise UsageError for anything but a str that can be encoded and has no NUL.

    NUL ends a string in the protocol: the server would misread the rest and close the connection.
    """
    if not isinstance(sql, str):
        raise UsageError(f"SQL must be a string (str), not {type(sql).__name__}")
    if "\0" in sql or not (sql.isascii() or is_encodable(sql)):
        raise UsageError(
            "the SQL holds the character NUL or half of a surrogate pair, which cannot be sent: "
            "pass values as parameters"
        )


def checked_rows(rows: Any) -> list[Sequence[object]]:
    """Return the rows of parameters as a list; UsageError where one is no list or tuple."""
    kind = type(rows).__name__
    kind = type(rows).__name__
    if isinstance(rows, (str, bytes)) or not isinstance(rows, Iterable):
        raise UsageError(f"rows must be a list of lists of parameters, not {kind}")
    listed: list[Sequence[object]] = list(rows)  # pyright: ignore[reportUnknownArgumentType]
    for row in listed:
        check_params(row)
    return listed


async def run(
    connection: Connection, sql: str, params: Any, timeout: float | None = None
) -> Result:
    """Run raw SQL and return its result; raises what `run_tagged` does."""
    return Result(*await run_tagged(connection, sql, params, timeout))


async def run_tagged(
    connection: Connection, sql: str, params: Any, timeout: float | None = None
) -> tuple[list[Record], str]:
    """Run raw SQL and return its rows and command tag.

    Raises TransactionEnded where it ended or changed the transaction that was open, UsageError
    where it began one.
    """
    was_open = connection.in_transaction
    connection.mark_dirty()
    records, status = await connection.run(Command(sql, is_raw=True), params, timeout)
    tag = (status or b"").decode()  # An empty statement has none.
    if tag in TAKEN_OVER or connection.in_transaction != was_open:
        raise taken_over(tag, was_open, connection)
    if tag in DEALLOCATES:
        await connection.forget_server_statements()
    elif tag == LOADS:
        connection.mark_beyond_reset()
    return records, tag


def taken_over(tag: str, was_open: bool, connection: Connection) -> UsageError:
    """Return the error for raw SQL that began or ended a transaction."""
    advice = "use `async with session.begin() as tx:`, which commits or rolls back at its end"
    if not was_open:
        return UsageError(
            f"{tag} cannot be used outside a transaction block, and the transaction that it "
            f"began was rolled back: {advice}"
        )
    if tag == "COMMIT":
        kept = "the earlier writes of the block are committed, and everything after it is lost"
    elif tag == "PREPARE TRANSACTION":
        kept = (
            "the writes of the block are kept as a prepared transaction, which holds its locks "
            "until COMMIT PREPARED or ROLLBACK PREPARED"
        )
    elif tag in TAKEN_OVER or connection.in_transaction:
        kept = "the writes of the block are lost"
    else:
        kept = "the server does not say whether the writes of the block are kept"
    ended = TransactionEnded(
        f"raw SQL ended the transaction of the block with {tag}: {kept}; {advice}"
    )
    ended.is_committed = tag == "COMMIT"
    return ended


async def run_pipelined(
    connection: Connection, sql: str, verb: str, rows: Sequence[Sequence[object]]
) -> Result | None:
    """Run the statement for each row, all or none, pipelined.

    verb: the first word of the statement.

    None, without running it, where the changed rows could not be counted: the driver drops the
    command tags, so that only returned rows can be counted.
    """
    connection.mark_dirty()
    if verb not in PIPELINED:
        return None
    if await connection.returns_rows(sql):
        records = await run_many(connection, sql, rows)
        return Result(records, f"{verb} {len(records)}")
    counted = with_count(sql) if verb in COUNTABLE else None
    if counted is None or not await connection.supports(counted):
        return None
    records = await run_many(connection, counted, rows)
    return Result([], f"{verb} {len(records)}")


async def run_many(
    connection: Connection, sql: str, rows: Sequence[Sequence[object]]
) -> list[Record]:
    """Run raw SQL for each row of parameters, all or none, and return all that comes back."""
    records, _ = await connection.run(Command(sql, is_raw=True), rows, is_many=True)
    return records


def with_count(sql: str) -> str | None:
    """Return the statement with RETURNING 1, to count the changed rows.

    None where it has a semicolon before its end.
    """
    bare = sql.rstrip().removesuffix(";")
    # On a line of its own, since a comment may end the statement.
    return None if ";" in bare else f"{bare}\nRETURNING 1"


async def run_in_turn(
    connection: Connection, sql: str, verb: str, rows: Sequence[Sequence[object]]
) -> Result:
    """Run the statement for each row, one after the other, in the transaction that is open."""
    results = [await run_tagged(connection, sql, row) for row in rows]
    total = sum(Result(*each).rowcount for each in results)
    records = [record for found, _ in results for record in found]
    return Result(records, f"{verb} {total}")
