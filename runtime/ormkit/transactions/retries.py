"""Retries: run a transaction again after a serialization failure or a deadlock, with backoff."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable
from contextvars import Token
from typing import TypeVar

from ..errors import ConfigurationError, RetryableError, UsageError, shown
from ..events.units import is_repetition
from ..statements.async_callback import awaitable
from .after_commit import after_commit_error
from .transaction import Transaction

T = TypeVar("T")

#: The maximum backoff before the first retry, in seconds. It doubles with each further retry.
FIRST_DELAY = 0.02
#: The upper limit of the backoff, in seconds.
LONGEST_DELAY = 2.0


async def run_with_retries(
    begin: Callable[[], Transaction],
    fn: Callable[[Transaction], Awaitable[T]],
    retries: int,
) -> T:
    """Run the function in a new transaction, commit it, and return the function's result.

    After a RetryableError (a serialization failure or a deadlock, also at COMMIT) the function
    runs again in a new transaction, at most `retries` times. Nothing is retried after a COMMIT.

    Raises ConfigurationError for invalid `retries`, UsageError if `fn` is no async function, the
    last RetryableError, and whatever `fn` raises.
    """
    if type(retries) is not int or retries < 0:
        raise ConfigurationError(f"retries={shown(retries)}: give a whole number, at least 0")
    if not callable(fn):
        raise UsageError(
            f"run() takes an async function that takes a transaction, not {type(fn).__name__}"
        )
    token: Token[bool] | None = None
    try:
        for repetition in itertools.count():
            tx = begin()
            try:
                async with tx:
                    result: T = await awaitable(fn(tx), "run()", "a transaction")
                    return result
            except RetryableError as error:
                if tx.is_committed:
                    # The function itself committed and continued. A retry would commit it twice.
                    raise after_commit_error([error]) from error
                if repetition >= retries:
                    raise
            # The transaction has released its connection before this wait.
            await asyncio.sleep(delay_before(repetition))
            if token is None:
                token = is_repetition.set(True)
    finally:
        if token is not None:
            is_repetition.reset(token)
    raise AssertionError


def delay_before(repetition: int) -> float:
    """Return the backoff in seconds before a retry; the first retry has the number 0.

    The backoff has full jitter, so that transactions that conflicted do not retry in step.
    """
    return random.uniform(0, min(LONGEST_DELAY, FIRST_DELAY * 2 ** min(repetition, 30)))
