"""Define the exceptions of OrmKit, in one tree.

    OrmKitError
    ├── ConfigurationError            a URL or an option that cannot be used
    ├── EmbeddedServerError           the embedded PostgreSQL cannot be started, stopped or found
    ├── UsageError                    the call is wrong, whatever the database holds
    │   ├── UnknownName               no such column, relationship, operator or option
    │   ├── InvalidValue              a value the column's type cannot hold
    │   ├── MissingValue              a column that must be given was not
    │   ├── ValidationError           an object failed the validators of its model
    │   ├── NotLoaded                 a relationship read before it was loaded
    │   ├── TransactionClosed         a transaction used after its end
    │   └── TransactionEnded          raw SQL ended the transaction of a block
    ├── TransactionFailed             COMMIT of a transaction that an error had already ended
    ├── AfterCommitError              the transaction is committed; what came after it failed
    ├── UnreadableValue               a row holds a value that Python cannot represent
    ├── SchemaMismatch                the database differs from the generated package
    ├── MigrationError                migrations are no single chain, or one cannot be run
    ├── NotFound                      get_or_raise or one() found no row
    ├── MultipleFound                 one() found more than one row
    ├── StaleObject                   the row changed, or went, since the object was read
    ├── PoolError
    │   ├── PoolTimeout               no connection came free in time
    │   └── PoolClosed                the engine was closed
    └── DatabaseError                 the server reported an error
        ├── IntegrityError            23xxx, and below it one class a kind of constraint
        │   ├── UniqueViolation, ForeignKeyViolation, NotNullViolation
        │   └── CheckViolation, ExclusionViolation
        ├── DataError                 22xxx: a value out of range or of the wrong form
        ├── StatementError            42xxx, 54xxx: the SQL is wrong, names what is not there, or is
        │                             more than the server takes
        ├── RetryableError            run the transaction again
        │   └── SerializationFailure, DeadlockDetected, OutdatedStatement
        ├── LockNotAvailable          55P03: NOWAIT or lock_timeout
        ├── QueryCanceled             57014: statement_timeout or a cancel request
        └── OperationalError          08xxx, 53xxx, 57Pxx: the server is not in a state to answer
            ├── ConnectionFailed      no connection could be made
            └── ConnectionLost        the connection broke; the statement may or may not have run
                └── CommitUnknown     it broke during COMMIT

``driver/errors.py`` alone maps errors of the server to these. Messages never contain values.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, Self


class OrmKitError(Exception):
    """Base of every error OrmKit raises on purpose."""


class ConfigurationError(OrmKitError, ValueError):
    """A connection URL or an option cannot be used."""


class EmbeddedServerError(OrmKitError):
    """The embedded PostgreSQL cannot be found, started or stopped."""


class UsageError(OrmKitError):
    """The call cannot be right, whatever the database holds."""


class UnknownName(UsageError, AttributeError):
    """A column, relationship, operator or option of that name does not exist."""


class InvalidValue(UsageError, ValueError):
    """A value that the column, parameter or option cannot hold."""

    #: Number of the statement's parameter, from 1, where one was refused.
    parameter: int | None = None
    #: Number of the row of parameters, from 1, where there were many.
    row: int | None = None


class MissingValue(UsageError, ValueError):
    """A column that has no default was not given a value."""


class ValidationError(UsageError, ValueError):
    """An object failed the validators of its model; nothing was sent."""

    #: A message for each field; one about the object as a whole has the key "__all__".
    errors: dict[str, str]
    #: The object that failed; None in an error that a validator raises.
    instance: object | None

    def __init__(self, errors: Mapping[str, str] | str, instance: object | None = None) -> None:
        """Take a message for each field, or a message about the object as a whole."""
        self.errors = {"__all__": errors} if isinstance(errors, str) else dict(errors)
        self.instance = instance
        super().__init__(self.errors)

    def __str__(self) -> str:
        texts = [
            text if field == "__all__" else f"{field}: {text}"
            for field, text in self.errors.items()
        ]
        if self.instance is None:
            return "; ".join(texts)
        return f"this {type(self.instance).__name__} is not valid: {'; '.join(texts)}"


class NotLoaded(UsageError):
    """A relationship, a computed attribute or a column of a partial object was not loaded.

    It is not an AttributeError: hasattr(), getattr() with a default, match and pydantic would treat
    what was not loaded as what does not exist.
    """


class TransactionClosed(UsageError):
    """A transaction was used after its end."""


class TransactionEnded(UsageError):
    """Raw SQL ended the transaction of a block, which only the block itself may do.

    The message says what was kept.
    """

    #: True where the server had committed what the block wrote before.
    is_committed = False


class TransactionFailed(OrmKitError):
    """The transaction could not be committed: a statement in it had failed, or was cut short.

    Nothing was kept.
    """


class AfterCommitError(OrmKitError):
    """The transaction is committed, and what ran after its COMMIT failed: do not run it again.

    `__cause__` is what was raised, an ExceptionGroup where several callbacks raised.
    """

    #: What was raised, in the order of the callbacks.
    errors: tuple[Exception, ...] = ()


class UnreadableValue(OrmKitError, ValueError):
    """A row holds a value that Python has none for, or an enum's label that the code does not know.

    The statement has run: what it changed is changed. The connection can be used.
    """

    #: The table and the column; the table is None where a raw statement was run.
    table: str | None = None
    column: str | None = None
    #: Why it cannot be read.
    reason: str = ""
    #: Number of the row among those that came, from 1; None where it is not known.
    row: int | None = None
    #: Where the value stands in that row, and then in the records nested there.
    place: tuple[int, ...] = ()

    @classmethod
    def of(cls, where: str, reason: str) -> Self:
        """Return the error for a value, by what to call its column."""
        error = cls(f"{where} holds a value that cannot be read: {reason}")
        error.reason = reason
        return error


#: What a difference of a schema is about.
DifferenceKind = Literal[
    "table", "column", "type", "nullability", "labels", "primary key", "unique", "foreign key"
]


@dataclass(frozen=True, slots=True)
class SchemaDifference:
    """One difference between a generated package and the database."""

    #: The table or the enum, as SQL names it.
    object: str
    kind: DifferenceKind
    #: The column or the columns; empty for the whole object.
    name: str
    #: What the package has; None where it has nothing.
    expected: str | None
    #: What the database has; None where it has nothing.
    found: str | None
    #: Whether statements of the package may fail. What the database has in addition breaks none,
    #: unless it is a NOT NULL column without a default, or a label that the package cannot read.
    breaks: bool = True

    def __str__(self) -> str:
        what = f"{self.object}: {self.kind} {self.name}".rstrip() if self.name else self.object
        if not self.name and self.kind != "table":
            what = f"{self.object}: {self.kind}"
        if self.found is None:
            return f"{what} is missing"
        if self.expected is None:
            return f"{what} is in the database only"
        return f"{what} is {self.found}, not {self.expected}"


class MigrationError(OrmKitError):
    """Migrations cannot be run: their files, their order or the database do not allow it.

    The message names the migration, and says what to do.
    """

    def __init__(
        self,
        text: str,
        *,
        code: str = "migration",
        migrations: tuple[str, ...] = (),
        step: int | None = None,
        sqlstate: str | None = None,
    ) -> None:
        super().__init__(text)
        #: A word for what is wrong, such as `edited-migration`; docs/migrations/failures.md
        #: lists them.
        self.code = code
        #: The IDs of the migrations that the message is about.
        self.migrations = migrations
        #: The number of the step that failed, and what the server said of it.
        self.step = step
        self.sqlstate = sqlstate


class SchemaMismatch(OrmKitError):
    """The database differs from a generated package, in what the package's statements need.

    `create_engine(..., check="raise")` raises it.
    """

    def __init__(self, text: str, differences: tuple[SchemaDifference, ...]) -> None:
        super().__init__(text)
        #: What `engine.check()` returns.
        self.differences = differences


class SchemaMismatchWarning(UserWarning):
    """The database differs from a generated package; `create_engine(..., check="warn")` warns."""

    def __init__(self, text: str, differences: tuple[SchemaDifference, ...]) -> None:
        super().__init__(text)
        #: What `engine.check()` returns.
        self.differences = differences


class QueryBudgetExceeded(OrmKitError):
    """A block sent more statements than query_budget() allows; the message lists their lines."""


class RepeatedStatement(OrmKitError):
    """A line of the application sent the same statement again and again (N+1).

    The message names the line, and what to write in place of the loop.
    """


class NotFound(OrmKitError, LookupError):
    """No row answers where one was asked for."""


class MultipleFound(OrmKitError, LookupError):
    """More than one row answers where one was asked for."""


class StaleObject(OrmKitError):
    """The row changed, or went, since the object was read; nothing was written."""


class PoolError(OrmKitError):
    """The pool could not give a connection."""


class PoolTimeout(PoolError, TimeoutError):
    """No connection came free within the acquire timeout."""

    #: Who held the connections: the task, for how long, where, and its statement; longest first.
    holders: tuple[str, ...] = ()


class PoolClosed(PoolError):
    """The engine was closed."""


class DatabaseError(OrmKitError):
    """An error that PostgreSQL reported, with the details that it gave.

    Each attribute is None where the server left the field out; see "Error and Notice Message
    Fields" in PostgreSQL's documentation of its protocol.
    """

    sqlstate: str | None = None
    detail: str | None = None
    hint: str | None = None
    schema: str | None = None
    table: str | None = None
    column: str | None = None
    constraint: str | None = None
    #: The SQL text, with $1 in the place of values.
    statement: str | None = None


class IntegrityError(DatabaseError):
    """A constraint refused the change (SQLSTATE class 23)."""


class UniqueViolation(IntegrityError):
    """A row with that key exists already (23505)."""


class ForeignKeyViolation(IntegrityError):
    """The row referred to does not exist, or is still referred to (23503)."""


class NotNullViolation(IntegrityError):
    """A column that must have a value was given NULL (23502)."""


class CheckViolation(IntegrityError):
    """A CHECK constraint refused the row (23514)."""


class ExclusionViolation(IntegrityError):
    """An EXCLUDE constraint refused the row (23P01)."""


class DataError(DatabaseError):
    """A value is out of range or of the wrong form (SQLSTATE class 22)."""

    #: The same error in the server's words alone, where this one names what it is about.
    unnamed: DataError | None = None


class StatementError(DatabaseError):
    """The SQL is wrong, or names what is not there or not permitted (SQLSTATE class 42).

    Or it is more than the server takes, such as expressions nested too deeply (class 54).
    """


class RetryableError(DatabaseError):
    """The transaction lost against another one; run it again from its start (class 40)."""


class SerializationFailure(RetryableError):
    """A concurrent update broke the snapshot (40001)."""


class DeadlockDetected(RetryableError):
    """The server ended this transaction to break a deadlock (40P01)."""


class OutdatedStatement(RetryableError):
    """A table or type changed since the statement was prepared (0A000, XX000).

    Outside a transaction it is prepared anew and sent again: this is for one that it has ended.
    """


class LockNotAvailable(DatabaseError):
    """A lock was not to be had: NOWAIT or lock_timeout (55P03)."""


class QueryCanceled(DatabaseError):
    """The statement was stopped: statement_timeout or a cancel request (57014)."""


class OperationalError(DatabaseError):
    """The server is not in a state to answer (SQLSTATE classes 08, 53, 57P)."""


class ConnectionFailed(OperationalError):
    """No connection could be made."""


class ConnectionLost(OperationalError):
    """The connection broke; a statement under way may or may not have run.

    Where the server ended it, `sqlstate` and the message are the server's; where it broke the
    protocol, `sqlstate` is 08P01.
    """

    #: False where the connection had ended before the statement was sent.
    is_sent = True


class CommitUnknown(ConnectionLost):
    """The connection broke during COMMIT: the transaction may have been committed, or not."""


def shown(value: object) -> str:
    """Return the repr of a wrong option, shortened; its type where repr() fails."""
    try:
        text = repr(value)
    except Exception:
        return f"this {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:60]}..."


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """Return a sentence that suggests the nearest known names, or lists a few of them."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=3) if isinstance(name, str) else []
    if near:
        return f"did you mean {' or '.join(map(repr, near))}?"
    return f"there are: {', '.join(names[:20])}" if names else "there are none"
