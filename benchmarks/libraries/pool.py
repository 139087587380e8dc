"""asyncpg's own pool and SQL by hand."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import asyncpg

from benchmarks.libraries.bare import Bare
from benchmarks.libraries.library import POOL_SIZE


class Pool(Bare):
    """The same statements, each on a connection of the pool."""

    key = "pool"
    title = "asyncpg.Pool"
    unavailable: ClassVar = {}

    async def open(self, url: str) -> None:
        self.source = await asyncpg.create_pool(url, min_size=POOL_SIZE, max_size=POOL_SIZE)

    @asynccontextmanager
    async def connection(self) -> AsyncGenerator[Any]:
        async with self.source.acquire() as connection:
            yield connection
