"""Opens the engine of a test."""

from __future__ import annotations

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
    if not database.is_shared:
        async with await create_engine(database.url, **{**OPTIONS, **options}) as engine:
            yield engine
        return
    every = {**options, **SANDBOX_OPTIONS}
    async with await create_engine(database.url, **every) as engine:
        enter_sandbox(engine, database.deferred, database.kept, every)
        yield engine
