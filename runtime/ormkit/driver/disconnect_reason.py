"""Finds the reason for a lost connection in the server's last error, or in a protocol error."""

from __future__ import annotations

from collections.abc import Callable

from ..errors import ConnectionLost
from .messages import BrokenProtocol, Messages, fields_of

PROTOCOL_VIOLATION = "08P01"
#: The SQLSTATEs of an idle timeout. The server did not run what was sent after it.
WHILE_IDLE = frozenset({"25P03", "57P05"})


def explained(
    lost: ConnectionLost,
    error: BaseException,
    messages: Messages | None,
    terminate: Callable[[], None],
) -> ConnectionLost:
    """Return the error with the reason for the lost connection, if the reason is known.

    terminate: closes the connection; called if the driver kept it open after a protocol error.
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
    """Return the error for a protocol violation by the server."""
    lost = ConnectionLost(f"the connection was closed, since the server broke the protocol: {what}")
    lost.sqlstate = PROTOCOL_VIOLATION
    return lost


def last_words(messages: Messages | None) -> dict[str, str]:
    """Return the fields of the fatal error that ended the session; empty if there was none."""
    failure = None if messages is None else messages.failure
    return {} if failure is None else fields_of(failure)
