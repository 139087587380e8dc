"""The ends of a transaction: what the answers to COMMIT and RELEASE mean, and their absence."""

from __future__ import annotations

from ..errors import CommitUnknown, ConnectionLost, DatabaseError, TransactionFailed
from .connection import Connection
from .errors import IN_FAILED_TRANSACTION


async def send_commit(connection: Connection) -> None:
    """Commit; raises TransactionFailed, CommitUnknown, and what a deferred constraint raises."""
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
            "nothing was committed: an earlier statement of the transaction had failed, and "
            "its error was caught inside the block; use a nested begin() around what may fail"
        )


async def send_release(connection: Connection, savepoint: str) -> None:
    """Keep what was done since the savepoint; raises TransactionFailed."""
    try:
        await connection.script(f"RELEASE {savepoint}")
    except DatabaseError as error:
        if error.sqlstate != IN_FAILED_TRANSACTION:
            raise
        raise TransactionFailed(
            "nothing of this nested block was kept: a statement in it had failed, and its "
            "error was caught inside the block; catch it around the block instead. The "
            "transaction around it goes on"
        ) from None
