"""Async callbacks: functions of the caller whose answer is awaited."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from ..errors import OrmKitError, UsageError


def awaitable(
    answer: Any, caller: str, argument: str, error: type[OrmKitError] = UsageError
) -> Awaitable[Any]:
    """Return what a function has returned, to be awaited; raises `error` where it is not async.

    caller: what awaits the function, for the message.
    argument: what the function is called with, for the message.
    """
    if not isinstance(answer, Awaitable):
        raise error(
            f"{caller} awaits the result of its function, and that is {type(answer).__name__}: "
            f"give an async function that takes {argument}"
        )
    return answer  # pyright: ignore[reportUnknownVariableType]
