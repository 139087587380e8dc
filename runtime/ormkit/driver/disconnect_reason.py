"""Parting: why a connection ended, by what the server said or did last."""

from __future__ import annotations

from collections.abc import Callable

from ..errors import ConnectionLost
from .messages import BrokenProtocol, Messages, fields_of

PROTOCOL_VIOLATION = "08P01"
#: The session or its transaction was idle for too long, so that what was sent meanwhile never ran.
WHILE_IDLE = frozenset({"25P03", "57P05"})


def explained(
    lost: ConnectionLost,
    error: BaseException,
    messages: Messages | None,
    terminate: Callable[[], None],
) -> ConnectionLost:
    """Return the error with the reason for the end of the connection, where there is one.

    terminate: closes the connection, where the driver has gone on after a broken protocol.
    """
    if lost.sqlstate == PROTOCOL_VIOLATION:
        terminate()
    if isinstance(error.__cause__, BrokenProtocol):
        told = violation(f"{error.__cause__}")
    elif (fields := last_words(messages)) and lost.sqlstate not in (
        fields.get("C"),
        PROTOCOL_VIOLATION,
    ):
        told = ConnectionLost(f"the server ended the connection: {fields.get('M', '')}")
        told.sqlstate = fields.get("C")
        told.detail, told.hint = fields.get("D"), fields.get("H")
    else:
        return lost
    told.statement = lost.statement
    told.is_sent = lost.is_sent and told.sqlstate not in WHILE_IDLE
    return told


def violation(what: str) -> ConnectionLost:
    """Return the error for a server that broke the protocol, after which nothing is certain."""
    lost = ConnectionLost(f"the connection was closed, since the server broke the protocol: {what}")
    lost.sqlstate = PROTOCOL_VIOLATION
    return lost


def last_words(messages: Messages | None) -> dict[str, str]:
    """Return the fields of the error with which the server ended the session, if it did."""
    failure = None if messages is None else messages.failure
    return {} if failure is None else fields_of(failure)
