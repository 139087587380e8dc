"""Callbacks that run once a transaction is committed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from ..errors import AfterCommitError


async def run_callbacks(callbacks: Sequence[Callable[[], Awaitable[object] | object]]) -> None:
    """Call every callback in order, even if an earlier one raises.

    Raises AfterCommitError after the last call if a callback failed. A CancelledError takes
    precedence and has the AfterCommitError as its cause.
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
    """Return the error that holds what the callbacks raised after a COMMIT."""
    kinds = ", ".join(dict.fromkeys(type(error).__name__ for error in errors))
    failed = AfterCommitError(
        f"the transaction is committed, and what ran after its COMMIT failed ({kinds}): do not "
        "run the transaction again; `errors` holds the exceptions"
    )
    failed.errors = tuple(errors)
    several = "what ran after the COMMIT"
    failed.__cause__ = errors[0] if len(errors) == 1 else ExceptionGroup(several, list(errors))
    return failed
