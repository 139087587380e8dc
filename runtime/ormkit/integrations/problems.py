"""Errors as answers of an HTTP API: problem details (RFC 9457).

An answer has neither the server's text nor values, which may be secrets or tell of the schema.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .. import errors
from ..errors import (
    AfterCommitError,
    CheckViolation,
    CommitUnknown,
    ConnectionLost,
    DatabaseError,
    DataError,
    ExclusionViolation,
    ForeignKeyViolation,
    InvalidValue,
    LockNotAvailable,
    MissingValue,
    MultipleFound,
    NotFound,
    NotNullViolation,
    OperationalError,
    OrmKitError,
    PoolError,
    QueryCanceled,
    RetryableError,
    StaleObject,
    UniqueViolation,
    ValidationError,
)

LOGGER = logging.getLogger("ormkit.web")
MEDIA_TYPE = "application/problem+json"
#: Seconds after which a client may try again.
RETRY_AFTER = "1"

#: The status and the title of each error; the first class that fits counts.
TABLE: tuple[tuple[type[OrmKitError], int, str], ...] = (
    (NotFound, 404, "Not found"),
    (UniqueViolation, 409, "It exists already"),
    (ForeignKeyViolation, 409, "It refers to something that is not there, or is referred to"),
    (ExclusionViolation, 409, "It conflicts with something that exists"),
    (LockNotAvailable, 409, "Somebody else is changing it"),
    (MultipleFound, 409, "There is more than one"),
    (StaleObject, 409, "It was changed meanwhile"),
    (CheckViolation, 422, "A value is not allowed"),
    (NotNullViolation, 422, "A value is missing"),
    (DataError, 422, "A value is not valid"),
    (ValidationError, 422, "It is not valid"),
    (InvalidValue, 422, "A value is not valid"),
    (MissingValue, 422, "A value is missing"),
    (QueryCanceled, 504, "It took too long"),
    (PoolError, 503, "The service is busy"),
    (RetryableError, 503, "The service is busy"),
    (CommitUnknown, 500, "It may have been saved, or not"),
    (AfterCommitError, 500, "It was saved, and what follows failed"),
    (OperationalError, 503, "The database cannot be reached"),
)


class InvalidParameter(InvalidValue):
    """A query parameter of a request cannot be used; the answer names it."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name} {reason}")
        self.errors = {name: reason}


@dataclass(frozen=True, slots=True)
class Problem:
    """An answer about an error."""

    status: int
    title: str
    #: Tells the kind of error, as a URN.
    type: str
    #: A message for each field of the request that is known to be wrong.
    errors: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the answer."""
        return {"Retry-After": RETRY_AFTER} if self.status == 503 else {}

    @property
    def close_code(self) -> int:
        """The code that closes a WebSocket: try again later, internal error or policy violation."""
        if self.status == 503:
            return 1013
        return 1011 if self.status >= 500 else 1008

    def body(self) -> dict[str, Any]:
        """Return the answer as a JSON document."""
        found: dict[str, Any] = {"type": self.type, "title": self.title, "status": self.status}
        if self.errors:
            found["errors"] = dict(self.errors)
        return found


def problem_of(
    error: OrmKitError,
    constraints: Mapping[str, tuple[str, str]],
    *,
    has_if_match: bool = False,
) -> Problem:
    """Return the answer for an error.

    constraints: for the name of a constraint, the field of requests that it is about, and what to
        say of it.
    has_if_match: whether the request asked for a version of what it changes.
    """
    status, title = 500, "Internal error"
    for kind, number, text in TABLE:
        if isinstance(error, kind):
            status, title = number, text
            break
    if isinstance(error, StaleObject) and has_if_match:
        status = 412
    if type(error) is ConnectionLost and error.is_sent:
        # The statement may have run.
        status = 500
    if status >= 500:
        # While a database is away, each request has the same traceback, which tells nothing.
        trace = error if status == 500 else None
        LOGGER.error("a request failed: %s: %s", type(error).__name__, error, exc_info=trace)
    return Problem(status, title, f"urn:ormkit:{name_of(error)}", fields_of(error, constraints))


def name_of(error: OrmKitError) -> str:
    """Return the name of the error's class; for one of the application, that of its base."""
    return next(kind.__name__ for kind in type(error).__mro__ if hasattr(errors, kind.__name__))


def fields_of(error: OrmKitError, constraints: Mapping[str, tuple[str, str]]) -> Mapping[str, str]:
    """Return what is known to be wrong with fields of the request."""
    if isinstance(error, ValidationError | InvalidParameter):
        return error.errors
    if isinstance(error, DatabaseError) and (known := constraints.get(error.constraint or "")):
        return {known[0]: known[1]}
    return {}
