"""Running a transaction again where the server ended it in favour of another one."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from ..errors import ConfigurationError, RetryableError, UsageError, shown
from ..statements.async_callback import awaitable
from .after_commit import after_commit_error
from .transaction import Transaction

T = TypeVar("T")

#: Seconds of the longest wait before the first repetition; it doubles with each further one.
FIRST_DELAY = 0.02
#: Seconds of the longest wait there is.
LONGEST_DELAY = 2.0


async def run_with_retries(
    begin: Callable[[], Transaction],
    fn: Callable[[Transaction], Awaitable[T]],
    retries: int,
) -> T:
    """Run the function in a transaction of its own and return its result once that is committed.

    Where the server ended the transaction for another one's sake, also at COMMIT, it is run again
    from the start, `retries` times at most. Nothing is run again after a COMMIT.
    """
    if type(retries) is not int or retries < 0:
        raise ConfigurationError(f"retries={shown(retries)}: give a whole number from 0")
    if not callable(fn):
        raise UsageError(f"run() takes an async function of a transaction, not {type(fn).__name__}")
    for repetition in itertools.count():
        tx = begin()
        try:
            async with tx:
                result: T = await awaitable(fn(tx), "run()", "a transaction")
                return result
        except RetryableError as error:
            if tx.is_committed:
                # By the function itself, which went on: to run it again would commit it twice.
                raise after_commit_error([error]) from error
            if repetition >= retries:
                raise
        # Here, no connection is held any more.
        await asyncio.sleep(delay_before(repetition))
    raise AssertionError


def delay_before(repetition: int) -> float:
    """Return the seconds to wait before a repetition, counted from 0.

    Any time up to the longest one, so that those which collided do not collide again in step.
    """
    return random.uniform(0, min(LONGEST_DELAY, FIRST_DELAY * 2 ** min(repetition, 30)))
