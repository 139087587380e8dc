"""The wire: what runs a prepared statement, and knows in which state the connection is.

asyncpg's statements pass each call through four functions to the protocol beneath their connection,
which do nothing for us: without them a lookup takes nine tenths of the time. The protocol is no
public part of asyncpg, so that it is taken for releases only that were looked at.
"""

from __future__ import annotations

import re
from typing import Any, Protocol

import asyncpg  # pyright: ignore[reportMissingTypeStubs]

#: The first release of asyncpg whose protocol was looked at, and the first that was not.
KNOWN_FROM, KNOWN_BEFORE = (0, 32), (0, 33)


class Wire(Protocol):
    """The part of asyncpg's protocol that is used, under its names."""

    async def bind_execute(
        self,
        state: Any,
        args: Any,
        portal_name: str,
        limit: int,
        return_extra: bool,
        timeout: float | None,
    ) -> Any:
        """Run a statement and return its rows, or with `return_extra` a tuple: them and its tag."""
        ...

    async def query(self, query: str, timeout: float | None) -> str:
        """Run statements without parameters and return the last tag."""
        ...

    def is_connected(self) -> bool: ...
    def is_in_transaction(self) -> bool: ...
    def _is_cancelling(self) -> bool: ...


class PublicWire:
    """The same by asyncpg's public methods."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    async def bind_execute(
        self,
        state: Any,
        args: Any,
        portal_name: str,
        limit: int,
        return_extra: bool,
        timeout: float | None,
    ) -> Any:
        rows = await state.fetch(*args, timeout=timeout)
        # An empty statement has no tag.
        return (rows, (state.get_statusmsg() or "").encode(), True) if return_extra else rows

    async def query(self, query: str, timeout: float | None) -> str:
        tag: str = await self._raw.execute(query, timeout=timeout)
        return tag

    def is_connected(self) -> bool:
        return not self._raw.is_closed()

    def is_in_transaction(self) -> bool:
        return bool(self._raw.is_in_transaction())

    def _is_cancelling(self) -> bool:
        # No public method tells.
        return False


def is_known() -> bool:
    """Return whether the protocol of this asyncpg was looked at."""
    version: str = asyncpg.__version__
    numbers = tuple(map(int, re.findall(r"\d+", version)[:2]))
    return KNOWN_FROM <= numbers < KNOWN_BEFORE


def wire_of(raw: Any) -> Wire:
    """Return what runs the statements of a connection of asyncpg."""
    wire: Wire = raw._protocol if is_known() else PublicWire(raw)
    return wire


def state_of(statement: Any, wire: Wire) -> Any:
    """Return what the wire takes for a prepared statement of asyncpg."""
    return statement if isinstance(wire, PublicWire) else statement._state


def is_cancelling(wire: Wire) -> bool:
    """Return whether the driver waits for a statement to end that it asked the server to cancel.

    False also where that is not known.
    """
    return wire._is_cancelling()  # pyright: ignore[reportPrivateUsage]
