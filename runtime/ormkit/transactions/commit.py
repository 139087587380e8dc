"""How a transaction ends: what the answers to COMMIT and RELEASE mean, and their absence."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from ..driver.connection import Connection
from ..driver.errors import IN_FAILED_TRANSACTION
from ..errors import (
    AfterCommitError,
    CommitUnknown,
    ConnectionLost,
    DatabaseError,
    TransactionFailed,
)


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


async def run_callbacks(callbacks: Sequence[Callable[[], Awaitable[object] | object]]) -> None:
    """Call what waited for the COMMIT, each one whatever the others raise.

    Raises AfterCommitError once all were called; where the task was cancelled meanwhile, that.
    """
    errors: list[Exception] = []
    cancelled: asyncio.CancelledError | None = None
    for callback in callbacks:
        try:
            answer: Any = callback()
            if isinstance(answer, Awaitable):
                await answer
        except asyncio.CancelledError as error:
            cancelled = error
        except Exception as error:
            errors.append(error)
    failed = after_commit_error(errors) if errors else None
    if cancelled is not None:
        raise cancelled from failed
    if failed is not None:
        raise failed


def after_commit_error(errors: Sequence[Exception]) -> AfterCommitError:
    """Return the error that tells what failed after a COMMIT."""
    kinds = ", ".join(dict.fromkeys(type(error).__name__ for error in errors))
    failed = AfterCommitError(
        f"the transaction is committed, and what ran after its COMMIT failed ({kinds}): do not run "
        f"the transaction again; `errors` holds what was raised"
    )
    failed.errors = tuple(errors)
    several = "what ran after the COMMIT"
    failed.__cause__ = errors[0] if len(errors) == 1 else ExceptionGroup(several, list(errors))
    return failed
