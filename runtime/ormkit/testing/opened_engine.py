"""Opens the engine of a test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from ..engine import Engine, create_engine
from .databases import Database
from .sandbox import SANDBOX_OPTIONS, enter_sandbox

#: Where the options of the project say nothing: most tests need one connection.
OPTIONS: dict[str, Any] = {"min_connections": 0, "max_connections": 5}


@asynccontextmanager
async def opened(database: Database, options: Mapping[str, Any]) -> AsyncGenerator[Engine]:
    """Yield an engine for a test, which is a sandbox where other tests use the database too."""
    every = {**OPTIONS, **options}
    if database.is_shared:
        every |= SANDBOX_OPTIONS
    engine = await create_engine(database.url, **every)
    if database.is_shared:
        enter_sandbox(engine, database.deferred, database.kept, every)
    try:
        yield engine
    finally:
        await engine.close()
        await cut_off(engine)


async def cut_off(engine: Engine) -> None:
    """End the connections that tasks of the test still hold, and the locks of their transactions.

    The event loop may go on with the next test, or end before they come back.
    """
    held = engine.pool.held
    for connection in held:
        connection.terminate()
    if held:
        # The loop closes their sockets in its next turn.
        await asyncio.sleep(0)
