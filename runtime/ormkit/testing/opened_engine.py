"""Opens the engine of a test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from ..driver.affinity import Origin
from ..engine import Engine, create_engine
from ..errors import UsageError
from .databases import Database
from .sandbox import SANDBOX_OPTIONS, enter_sandbox

#: Where the options of the project say nothing: most tests need one connection.
OPTIONS: dict[str, Any] = {"min_connections": 0, "max_connections": 5}

#: What runs an application in a thread, whose loop is not the test's.
OTHER_LOOP = (
    "the engine is that of a test: a client that runs the application in a thread of its own, such "
    "as starlette.testclient.TestClient, cannot use it. Use httpx.AsyncClient with "
    "httpx.ASGITransport, or give the application an engine on the fixture database_url"
)


class LoopOfTest(Origin):
    """The event loop of a test."""

    __slots__ = ()

    def refusal(self) -> UsageError:
        """Return the error for a use in another loop, and say where tests come across it."""
        error = super().refusal()
        error.add_note(OTHER_LOOP)
        return error


@asynccontextmanager
async def opened(database: Database, options: Mapping[str, Any]) -> AsyncGenerator[Engine]:
    """Yield an engine for a test, which is a sandbox where other tests use the database too."""
    every = {**OPTIONS, **options}
    if database.is_shared:
        every |= SANDBOX_OPTIONS
    engine = await create_engine(database.url, **every)
    if database.is_shared:
        enter_sandbox(engine, database.deferred, database.kept, every)
    engine.pool.origin.__class__ = LoopOfTest
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
