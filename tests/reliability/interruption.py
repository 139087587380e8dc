"""Cancels a coroutine at a chosen one of its suspensions, every time at the same one."""

from __future__ import annotations

import asyncio
import types
from collections.abc import Callable, Coroutine, Generator
from itertools import count
from typing import Any


@types.coroutine
def _stepped(
    work: Coroutine[Any, Any, object], number: int, *, is_late: bool
) -> Generator[Any, Any, bool]:
    """Run the coroutine; cancel the task at its suspension of that number, from 0."""
    task = asyncio.current_task()
    assert task is not None

    def answered(future: asyncio.Future[Any]) -> None:
        task.cancel()

    step: Callable[[], Any] = lambda: work.send(None)  # noqa: E731
    for place in count():
        try:
            future = step()
        except StopIteration:
            return place > number
        if place == number:
            if is_late and future is not None:
                # It is called before the task's own callback: the answer is there, unread.
                future.add_done_callback(answered)
            else:
                task.cancel()
        try:
            yield future
            step = lambda: work.send(None)  # noqa: E731
        except BaseException as error:
            raised = error
            step = lambda raised=raised: work.throw(raised)  # noqa: E731
    raise AssertionError


async def interrupt(
    work: Coroutine[Any, Any, object], number: int, *, is_late: bool = False
) -> bool:
    """Run the coroutine, cancelled at its suspension of that number; False where it has fewer.

    is_late: cancel it when what it waits for has come, and before it could read it.
    """

    async def stepped() -> bool:
        return await _stepped(work, number, is_late=is_late)

    try:
        return await asyncio.create_task(stepped())
    except asyncio.CancelledError:
        return True
