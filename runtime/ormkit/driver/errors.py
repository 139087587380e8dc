"""What asyncpg and the server report, as errors of our own tree: one class a kind of SQLSTATE."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import asyncpg  # pyright: ignore[reportMissingTypeStubs]

from .. import errors
from ..connecting.options import UNREADABLE
from ..errors import DatabaseError, InvalidValue
from ..postgres.first_words import first_words
from ..postgres.mismatch import misfit
from .array_parameter import plain
from .asyncpg_internals import (
    cannot_decode,
    is_not_sent,
    is_short_value,
    refused_parameter,
    refused_row_number,
)
from .disconnect_reason import violation
from .messages import BrokenProtocol
from .parameter_errors import named_by_number, refused
from .redaction import is_about_search, may_hold_value, redacted

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
    # Whether the transaction was completed is not known, so that it must not be repeated.
    "40003": errors.OperationalError,
    "40001": errors.SerializationFailure,
    "40P01": errors.DeadlockDetected,
    "42": errors.StatementError,
    "53": errors.OperationalError,
    "54": errors.StatementError,
    "55P03": errors.LockNotAvailable,
    "57014": errors.QueryCanceled,
    "57P": errors.OperationalError,
    "57P01": errors.ConnectionLost,
    "57P02": errors.ConnectionLost,
    "57P05": errors.ConnectionLost,
}

#: That of a statement in a transaction that an error has ended.
IN_FAILED_TRANSACTION = "25P02"

#: After these, whatever their reason, a prepared statement may not serve again.
NEEDS_NEW_STATEMENT = (asyncpg.InvalidSQLStatementNameError, asyncpg.InternalServerError)

#: What comes of answers that the driver cannot read.
BROKEN = (BrokenProtocol, BufferError, asyncpg.InternalClientError)

#: What the driver raises where there is no connection, or none that answers as it must.
UNREACHABLE = (OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError, *BROKEN)

#: Where the server makes values of a statement's parameters, before it runs.
MAKES_VALUES = ("getTypeBinaryInputInfo", "getTypeInputInfo")

#: How many parameters asyncpg sends at most.
MOST_PARAMETERS = 32_767
#: What the driver raises for an answer that it cannot read, whose values it was still to make.
READING = (ValueError, TypeError, ArithmeticError, LookupError, RecursionError)
#: What the driver may raise while it shows a value that it refuses.
SHOWING = (ValueError, TypeError, AttributeError, ArithmeticError, LookupError, RuntimeError)


def translate(
    error: Exception,
    sql: str | None,
    statement: Any = None,
    args: Sequence[object] = (),
    row: int = 0,
) -> Exception:
    """Return the error of our own tree that stands for one of asyncpg's; others come back as is.

    A traceback never shows asyncpg's error where that one's text may hold a value, as the server's
    DETAIL does; where the connection broke it is the cause.

    row: which of many rows the arguments are, from 1.
    """
    if isinstance(error, errors.OrmKitError):
        return error
    args = list(map(plain, args))
    if is_refused_value(error) or (isinstance(error, SHOWING) and unshown(args)):
        translated: Exception = refused_value(error, statement, args, row)
    elif isinstance(error, asyncpg.InterfaceError) and is_miscounted(statement, args):
        translated = errors.UsageError(str(error).partition("\n")[0])
    elif cannot_decode(error, statement):
        translated = errors.UsageError(f"{error}: name its columns, or cast it to text")
    else:
        translated = counterpart(error, sql, bool(args))
    if isinstance(translated, errors.DataError) and statement is not None:
        translated = named_by_number(translated, type_names(statement), args)
    is_lost = isinstance(error, asyncpg.PostgresConnectionError)
    if isinstance(error, asyncpg.PostgresError) and not is_lost:
        translated.__suppress_context__ = True
    elif translated is not error:
        translated.__cause__ = error
    return translated


def refused_connection(error: Exception) -> Exception:
    """Return the error of our own tree for a connection that could not be made."""
    if isinstance(error, asyncpg.ClientConfigurationError):
        refused: Exception = errors.ConfigurationError(str(error))
    elif isinstance(error, UNREACHABLE):
        # The text of a timeout is empty.
        refused = errors.ConnectionFailed(f"cannot connect: {str(error) or 'no answer in time'}")
        refused.__cause__ = error
    elif isinstance(error, asyncpg.PostgresError):
        refused = refused_by_server(error)
    elif isinstance(error, ValueError):
        # Its text may show a part of the password.
        refused = errors.ConfigurationError(UNREADABLE)
    else:
        refused = error
    refused.__suppress_context__ = True
    return refused


def refused_by_server(error: Exception) -> DatabaseError | errors.ConfigurationError:
    """Return the error for what the server said to a new connection."""
    reported = server_error(error, None, has_values=False)
    if reported.sqlstate == "42501":
        failed = errors.ConnectionFailed(str(reported))
        failed.sqlstate, failed.detail = reported.sqlstate, reported.detail
        return failed
    if isinstance(reported, errors.StatementError | errors.DataError):
        return errors.ConfigurationError(
            f"a word of the URL or a setting of the connection is refused: {reported}"
        )
    return reported


def counterpart(error: Exception, sql: str | None, has_values: bool) -> Exception:
    """Return our error for one of asyncpg's that is no refusal of a value."""
    if isinstance(error, asyncpg.PostgresError):
        return server_error(error, sql, has_values)
    if isinstance(error, asyncpg.OutdatedSchemaCacheError):
        unreadable = DatabaseError(
            f"the statement has run, and its answer cannot be read, since a type changed: {error}"
        )
        unreadable.statement = sql
        return unreadable
    if isinstance(error, TimeoutError):
        canceled = errors.QueryCanceled("the statement took longer than its timeout")
        canceled.statement = sql
        return canceled
    if isinstance(error, UnicodeEncodeError):
        return errors.UsageError(
            "the SQL holds half of a surrogate pair, which is no character of any text"
        )
    if isinstance(error, BROKEN) or is_short_value(error):
        lost = violation(str(error))
        lost.statement = sql
        lost.is_sent = not is_not_sent(error)
        return lost
    if isinstance(error, (OSError, asyncpg.InterfaceError)):
        lost = errors.ConnectionLost(f"the connection broke: {error}")
        lost.statement = sql
        lost.is_sent = not is_not_sent(error)
        return lost
    return unreadable_answer(error) if isinstance(error, READING) else error


def unreadable_answer(error: Exception) -> errors.UnreadableValue:
    """Return the error for an answer of which the driver cannot tell what it could not read."""
    is_text = isinstance(error, UnicodeDecodeError)
    reason = (
        "it is no text in UTF-8"
        if is_text
        else f"the driver has no value for it ({type(error).__name__}): cast it to text"
    )
    return errors.UnreadableValue.of("the answer", reason)


def is_miscounted(statement: Any, args: Sequence[object]) -> bool:
    """Return whether these are not as many arguments as the statement has parameters."""
    if len(args) > MOST_PARAMETERS:
        return True
    return statement is not None and len(args) != len(statement.get_parameters())


def is_outdated(error: BaseException) -> bool:
    """Return whether a table or type has changed since the statement was prepared.

    Of a type that was dropped, or dropped and made anew, the server says that it finds it no more
    (XX000), and does so while it takes the parameters. In either case nothing has run.
    """
    if isinstance(error, asyncpg.InternalServerError):
        return getattr(error, "server_source_function", None) in MAKES_VALUES
    return isinstance(error, asyncpg.InvalidCachedStatementError)


def is_before_running(sql: str, error: BaseException) -> bool:
    """Return whether an error about a plan came before anything of the statement had run.

    What runs within the statement, a function or a procedure, leaves its trace in the error's
    context. A type that is gone (XX000) is missed while the parameters are taken, and the context
    tells which of them. A procedure may have committed, so that CALL and DO are out in any case.
    """
    is_within = not isinstance(error, asyncpg.InternalServerError) and error_context(error)
    return not is_within and first_words(sql)[0] not in ("CALL", "DO")


def error_context(error: BaseException) -> str | None:
    """Return where within a statement the server met an error; None where it was not within."""
    return getattr(error, "context", None)


def is_refused_value(error: Exception) -> bool:
    """Return whether asyncpg could not encode an argument, so that nothing was sent."""
    return isinstance(error, asyncpg.DataError) and getattr(error, "severity", None) is None


def is_unencodable(error: BaseException) -> bool:
    """Return whether a codec refused a value, outside of a statement's parameters."""
    if isinstance(error, asyncpg.PostgresError):
        return is_refused_value(error)
    return isinstance(error, (*SHOWING, BufferError))


def refused_value(
    error: BaseException, statement: Any | None, args: Sequence[Any], row: int
) -> InvalidValue:
    """Return the error for an argument that could not be encoded, without its value."""
    types = type_names(statement)
    number = refused_parameter(error) or unshown(args) or misfitting(types, args)
    if not 0 < number <= len(args) or statement is None:
        return InvalidValue("a value does not fit the type of its parameter")
    return refused(number, row, types[number - 1], args[number - 1])


def misfitting(types: Sequence[str], args: Sequence[Any]) -> int:
    """Return which argument, from 1, is the only value, or does not fit its type by OrmKit's rules.

    0 where there is none.
    """
    values = [number for number, value in enumerate(args, 1) if value is not None]
    if len(values) == 1:
        return values[0]
    for number, (type_, value) in enumerate(zip(types, args, strict=False), 1):
        if misfit(type_, value):
            return number
    return 0


def refused_row(
    error: BaseException, prepared: tuple[Any, Any, bool] | None, rows: Iterable[Sequence[Any]]
) -> tuple[Sequence[Any], int]:
    """Return which of many rows of arguments could not be encoded, and its number from 1.

    Where it is another error, that is the first row and no number.
    """
    statement = None if prepared is None else prepared[1]
    wanted = refused_row_number(error)
    first: Sequence[Any] = ()
    for number, row in enumerate(rows, 1):
        if number == wanted or (wanted is None and may_be_refused(error, statement, row)):
            return row, number
        first = row if number == 1 else first
    return first, 0


def may_be_refused(error: BaseException, statement: Any | None, row: Sequence[Any]) -> bool:
    """Return whether the driver can have refused this row of arguments with this error."""
    if isinstance(error, asyncpg.InterfaceError) and is_miscounted(statement, row):
        return True
    if isinstance(error, SHOWING) and unshown(row):
        return True
    is_value = isinstance(error, Exception) and is_refused_value(error)
    return is_value and any(map(misfit, type_names(statement), map(plain, row)))


def type_names(statement: Any | None) -> list[str]:
    """Return the server's names of the types of a prepared statement's parameters."""
    return [] if statement is None else [each.name for each in statement.get_parameters()]


def unshown(args: Iterable[Any]) -> int:
    """Return which argument, from 1, cannot be shown as text; 0 where all can.

    The driver's own error about a value shows it, and fails where the value does: a number of
    thousands of digits, a list within lists.
    """
    for number, value in enumerate(args, 1):
        try:
            repr(value)
        except Exception:
            return number
    return 0


def server_error(error: Any, sql: str | None, has_values: bool) -> DatabaseError:
    """Return the error for what the server reported, with each field it sent."""
    state: str = error.sqlstate or ""
    kind = CLASSES.get(state) or CLASSES.get(state[:3]) or CLASSES.get(state[:2]) or DatabaseError
    fields: dict[str, str | None] = error.as_dict()
    said = fields.get("message") or str(error)
    if is_about_search(error):
        kind = errors.DataError
    message = redacted(error, said) if may_hold_value(error, has_values) else said
    if is_outdated(error):
        kind = errors.OutdatedStatement
        message = f"a table or type was changed since the statement was prepared: {said}"
    wrapped = kind(message)
    wrapped.sqlstate = state or None
    wrapped.statement = sql
    details = (said if message != said else None, fields.get("detail"))
    wrapped.detail = "\n".join(filter(None, details)) or None
    wrapped.hint = fields.get("hint")
    wrapped.schema = fields.get("schema_name")
    wrapped.table = fields.get("table_name")
    wrapped.column = fields.get("column_name")
    wrapped.constraint = fields.get("constraint_name")
    return wrapped


def copied_row(
    translated: BaseException, error: BaseException, table: str, names: Sequence[str]
) -> BaseException:
    """Return the error of COPY into these columns with the row and the column that it was at.

    Only the last line of the context tells, "COPY tags, line 3, column name" in the server's
    language. In some the line begins with the table.
    """
    if not isinstance(translated, DatabaseError):
        return translated
    context: str = getattr(error, "context", None) or ""
    line = context.rpartition("\n")[2]
    if found := re.match(rf"(?:COPY )?{re.escape(table)}\D*(\d+)(.*)", line):
        row, place = found.groups()
        translated.args = (f"{translated} (row {row})",)
        translated.column = translated.column or last_named(names, place)
    return translated


def last_named(names: Sequence[str], text: str) -> str | None:
    """Return the last of the names in the text; before it a word for "column" may be one too."""
    any_name = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    found: list[str] = re.findall(rf"(?<!\w)(?:{any_name})(?!\w)", text)
    return found[-1] if found else None
