"""Connection pooling: the size of the pool, and one engine for the application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from ormkit import Engine, create_engine
from tests.guide.snippets import run


@pytest.fixture
async def connect(database_url: str) -> AsyncIterator[Any]:
    """create_engine() for snippets, whose URL leads to the test's own server."""
    opened: list[Engine] = []

    async def stand_in(url: object, **options: Any) -> Engine:
        assert url in ("postgresql://localhost/mydb", ...)
        opened.append(await create_engine(database_url, **options))
        return opened[-1]

    yield stand_in
    for engine in opened:
        await engine.close()


async def test_a_pool_has_the_size_it_was_told(connect: Any) -> None:
    names = await run(
        """
        engine = await create_engine(
            "postgresql://localhost/mydb",
            min_connections=5,    # Minimum idle connections
            max_connections=20,   # Maximum total connections
        )
        """,
        create_engine=connect,
    )
    engine: Engine = names["engine"]
    assert engine.pool.size == engine.pool.idle == 5
    await asyncio.gather(*(engine.execute("SELECT pg_sleep(0.2)") for _ in range(30)))
    assert engine.pool.size == 20


async def test_one_engine_serves_the_application(connect: Any) -> None:
    names = await run(
        """
        # Good: Single engine for the app
        engine = await create_engine("postgresql://localhost/mydb")

        # Bad: Creating engine per request
        async def handle_request():
            engine = await create_engine(...)  # Don't do this!
        """,
        create_engine=connect,
    )
    assert (await names["engine"].execute("SELECT 1")).scalar() == 1
    await names["handle_request"]()
