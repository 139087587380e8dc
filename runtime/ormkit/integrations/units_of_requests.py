"""Units of web applications: a request, or the work on one message of a WebSocket."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from ..events.units import current_unit


def by_message(receive: Callable[[], Awaitable[Any]]) -> Callable[[], Awaitable[Any]]:
    """Return what receives the messages of a request, and judges the work on each WebSocket's.

    Without that, a socket that answers many messages would look like a loop of statements.
    """
    unit = current_unit()

    async def receive_next() -> Any:
        message = await receive()
        if unit is not None and message["type"] == "websocket.receive":
            unit.begin_anew()
        return message

    return receive_next
