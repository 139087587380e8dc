"""Sends COMMIT and RELEASE SAVEPOINT, and raises an error if they did not take effect."""

from __future__ import annotations

from ..errors import CommitUnknown, ConnectionLost, DatabaseError, TransactionFailed
from .connection import Connection
from .errors import IN_FAILED_TRANSACTION


async def send_commit(connection: Connection) -> None:
    """Send COMMIT.

    Raises TransactionFailed if the server rolled back, CommitUnknown if the connection broke
    before the answer, ConnectionLost if COMMIT was not sent, and the IntegrityError of a deferred
    constraint.
    """
    try:
        tag = await connection.script("COMMIT")
    except ConnectionLost as error:
        if not error.is_sent:
            raise
        raise CommitUnknown(
            "the connection broke during COMMIT: the transaction may have been committed"
        ) from error
    if tag == "ROLLBACK":
        raise TransactionFailed(
            "the transaction was rolled back: an earlier statement failed and its error was "
            "caught inside the block; use a nested begin() around what may fail"
        )


async def send_release(connection: Connection, savepoint: str) -> None:
    """Release the savepoint; raises TransactionFailed if a statement since then had failed."""
    try:
        await connection.script(f"RELEASE {savepoint}")
    except DatabaseError as error:
        if error.sqlstate != IN_FAILED_TRANSACTION:
            raise
        raise TransactionFailed(
            "the nested block was rolled back: a statement in it failed and its error was "
            "caught inside the block; catch the error outside the block instead. The outer "
            "transaction continues"
        ) from None
