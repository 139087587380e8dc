"""Translates errors of asyncpg and the server to OrmKit's errors, by SQLSTATE."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import asyncpg  # pyright: ignore[reportMissingTypeStubs]

from .. import errors
from ..connecting.options import UNREADABLE_URL
from ..errors import DatabaseError, InvalidValue
from ..postgres.array_parameter import plain
from ..postgres.leading_keywords import leading_keywords
from ..postgres.type_mismatch import mismatch
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
    # The outcome of the transaction is unknown, so that a retry is not safe.
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

#: The SQLSTATE of a statement in a transaction that an earlier error has aborted.
IN_FAILED_TRANSACTION = "25P02"

#: After these errors a prepared statement is discarded, whatever the reason was.
NEEDS_NEW_STATEMENT = (asyncpg.InvalidSQLStatementNameError, asyncpg.InternalServerError)

#: What the driver raises for an answer that breaks the protocol.
BROKEN = (BrokenProtocol, BufferError, asyncpg.InternalClientError)

#: What the driver raises if the connection fails or breaks the protocol.
UNREACHABLE = (OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError, *BROKEN)

#: The server's functions that decode the parameters of a statement before it runs.
MAKES_VALUES = ("getTypeBinaryInputInfo", "getTypeInputInfo")

#: The maximum number of parameters that asyncpg sends.
MOST_PARAMETERS = 32_767
#: What the driver raises if it fails to decode the values of an answer.
READING = (ValueError, TypeError, ArithmeticError, LookupError, RecursionError)
#: What the driver may raise while it formats a refused value for its own message.
SHOWING = (ValueError, TypeError, AttributeError, ArithmeticError, LookupError, RuntimeError)


def translate(
    error: Exception,
    sql: str | None,
    statement: Any = None,
    args: Sequence[object] = (),
    row: int = 0,
) -> Exception:
    """Return the OrmKit error for an error of asyncpg; return other errors unchanged.

    A server error is suppressed as context, since its text may hold a value (as DETAIL does). The
    error of a broken connection becomes the cause.

    row: the number of the arguments' row, from 1; 0 for a single row.
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


#: The end of the name of a database whose tests are rolled back, which ormkit.testing makes.
ROLLED_BACK = "_rolled_back"
OF_TESTS = (
    "its tests are rolled back, so a second connection would not see what they write, and what it "
    "commits would stay for the other tests. Give the code the test's engine, or mark the test "
    'with @pytest.mark.ormkit(isolation="database"), or take the fixture database_url'
)


def refused_connection(error: Exception, hosts: Sequence[object] = ()) -> Exception:
    """Return the OrmKit error for a failed connection attempt, which names the hosts tried."""
    if isinstance(error, asyncpg.ClientConfigurationError):
        refused: Exception = errors.ConfigurationError(str(error))
    elif isinstance(error, UNREACHABLE):
        # The text of a timeout is empty.
        tried = f"; tried {', '.join(map(str, hosts))}" if any(hosts) else ""
        text = str(error) or "no answer in time"
        refused = errors.ConnectionFailed(f"cannot connect: {text}{tried}")
        refused.__cause__ = error
    elif isinstance(error, asyncpg.PostgresError):
        refused = refused_by_server(error)
    elif isinstance(error, ValueError):
        # Its text may show a part of the password.
        refused = errors.ConfigurationError(UNREADABLE_URL)
    else:
        refused = error
    refused.__suppress_context__ = True
    return refused


def refused_by_server(error: Exception) -> DatabaseError | errors.ConfigurationError:
    """Return the error for a server error during a connection attempt."""
    reported = server_error(error, None, has_values=False)
    if reported.sqlstate == "55000" and ROLLED_BACK in str(reported):
        failed = errors.ConnectionFailed(f"{reported}: {OF_TESTS}")
        failed.sqlstate = reported.sqlstate
        return failed
    if reported.sqlstate == "42501":
        failed = errors.ConnectionFailed(str(reported))
        failed.sqlstate, failed.detail = reported.sqlstate, reported.detail
        return failed
    if isinstance(reported, errors.StatementError | errors.DataError):
        return errors.ConfigurationError(
            f"the server refused a parameter of the URL or a connection setting: {reported}"
        )
    return reported


def counterpart(error: Exception, sql: str | None, has_values: bool) -> Exception:
    """Return the OrmKit error for an asyncpg error that is not about an argument's value."""
    if isinstance(error, asyncpg.PostgresError):
        return server_error(error, sql, has_values)
    if isinstance(error, asyncpg.OutdatedSchemaCacheError):
        unreadable = DatabaseError(
            f"the statement ran, but its result cannot be read, because a type changed: {error}"
        )
        unreadable.statement = sql
        return unreadable
    if isinstance(error, TimeoutError):
        canceled = errors.QueryCanceled("the statement took longer than its timeout")
        canceled.statement = sql
        return canceled
    if isinstance(error, UnicodeEncodeError):
        return errors.UsageError("the SQL holds half of a surrogate pair, which is not a character")
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
    """Return the error for an answer that the driver failed to decode, at an unknown column."""
    is_text = isinstance(error, UnicodeDecodeError)
    reason = (
        "it is not valid UTF-8"
        if is_text
        else f"the driver cannot convert it to a Python value ({type(error).__name__}): "
        "cast it to text"
    )
    return errors.UnreadableValue.of("the result", reason)


def is_miscounted(statement: Any, args: Sequence[object]) -> bool:
    """Return whether the number of arguments differs from the number of parameters."""
    if len(args) > MOST_PARAMETERS:
        return True
    parameters = parameters_of(statement)
    return parameters is not None and len(args) != len(parameters)


def parameters_of(statement: Any) -> Sequence[Any] | None:
    """Return the parameters of a prepared statement; None without, and once its connection closed.

    asyncpg raises an error if a closed connection's statement is asked for them.
    """
    if statement is None:
        return None
    try:
        parameters: Sequence[Any] = statement.get_parameters()
    except asyncpg.InterfaceError:
        return None
    return parameters


def is_outdated(error: BaseException) -> bool:
    """Return whether the prepared statement is stale, since a table or type has changed.

    If a type was dropped or recreated, the server reports a failed cache lookup (XX000) while it
    decodes the parameters. In both cases the statement has not run.
    """
    if isinstance(error, asyncpg.InternalServerError):
        return getattr(error, "server_source_function", None) in MAKES_VALUES
    return isinstance(error, asyncpg.InvalidCachedStatementError)


def is_before_running(sql: str, error: BaseException) -> bool:
    """Return whether a stale-statement error occurred before any part of the statement ran.

    An error inside a function or procedure has a context. The error for a dropped type (XX000)
    also has one, which names the parameter, although nothing has run. CALL and DO always return
    False, since a procedure may have committed.
    """
    is_within = not isinstance(error, asyncpg.InternalServerError) and error_context(error)
    return not is_within and leading_keywords(sql)[0] not in ("CALL", "DO")


def error_context(error: BaseException) -> str | None:
    """Return the server's context of an error, such as the function it occurred in, or None."""
    return getattr(error, "context", None)


def is_refused_value(error: Exception) -> bool:
    """Return whether asyncpg failed to encode an argument, so that nothing was sent."""
    return isinstance(error, asyncpg.DataError) and getattr(error, "severity", None) is None


def is_unencodable(error: BaseException) -> bool:
    """Return whether a codec refused a value that is no statement parameter, as in COPY."""
    if isinstance(error, asyncpg.PostgresError):
        return is_refused_value(error)
    return isinstance(error, (*SHOWING, BufferError))


def refused_value(
    error: BaseException, statement: Any | None, args: Sequence[Any], row: int
) -> InvalidValue:
    """Return the error for an argument that could not be encoded; its text omits the value."""
    types = type_names(statement)
    number = refused_parameter(error) or unshown(args) or mismatching(types, args)
    if not 0 < number <= len(args) or statement is None:
        return InvalidValue("a value does not fit the type of its parameter")
    return refused(number, row, types[number - 1], args[number - 1])


def mismatching(types: Sequence[str], args: Sequence[Any]) -> int:
    """Return the number, from 1, of the argument that does not fit its type by OrmKit's rules.

    If only one argument is not None, return its number. Return 0 if every argument fits.
    """
    values = [number for number, value in enumerate(args, 1) if value is not None]
    if len(values) == 1:
        return values[0]
    for number, (type_, value) in enumerate(zip(types, args, strict=False), 1):
        if mismatch(type_, value):
            return number
    return 0


def refused_row(
    error: BaseException, prepared: tuple[Any, Any, bool] | None, rows: Iterable[Sequence[Any]]
) -> tuple[Sequence[Any], int]:
    """Return the row of arguments that could not be encoded, and its number from 1.

    For any other error, return the first row and 0.
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
    """Return whether this row of arguments can be the cause of the driver's error."""
    if isinstance(error, asyncpg.InterfaceError) and is_miscounted(statement, row):
        return True
    if isinstance(error, SHOWING) and unshown(row):
        return True
    is_value = isinstance(error, Exception) and is_refused_value(error)
    return is_value and any(map(mismatch, type_names(statement), map(plain, row)))


def type_names(statement: Any | None) -> list[str]:
    """Return the PostgreSQL type names of a prepared statement's parameters, in order."""
    return [each.name for each in parameters_of(statement) or ()]


def unshown(args: Iterable[Any]) -> int:
    """Return the number, from 1, of the first argument whose repr() fails; 0 if there is none.

    The driver calls repr() in its own error messages. It fails for integers with thousands of
    digits and for deeply nested lists.
    """
    for number, value in enumerate(args, 1):
        try:
            repr(value)
        except Exception:
            return number
    return 0


def server_error(error: Any, sql: str | None, has_values: bool) -> DatabaseError:
    """Return the OrmKit error for a server error, with the fields that the server sent."""
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
    """Return the error of a COPY into these columns, with its row and column added.

    The last line of the context names them, as in "COPY tags, line 3, column name". That line is
    in the server's language. In some languages it starts with the table.
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
    """Return the last of the names before the value, which follows a colon in the text format.

    The word for "column" may be a name too.
    """
    any_name = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    if named := re.search(rf"(?<!\w)({any_name})\s?:\s", text):
        return str(named[1])
    found: list[str] = re.findall(rf"(?<!\w)(?:{any_name})(?!\w)", text)
    return found[-1] if found else None
