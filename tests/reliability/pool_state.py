"""What a pool must look like when nobody uses it."""

from __future__ import annotations

import asyncio

from ormkit import Engine


async def settled(engine: Engine, seconds: float = 5) -> None:
    """Wait until every connection is idle; fail where one stays away."""
    pool = engine.pool
    try:
        async with asyncio.timeout(seconds):
            while pool.idle != pool.size:
                await asyncio.sleep(0.001)
    except TimeoutError:
        raise AssertionError(f"{pool.size - pool.idle} connections did not come back") from None


async def assert_all_usable(engine: Engine) -> None:
    """Take every connection there is, and see that it is clean and answers."""
    await settled(engine)
    pool = engine.pool
    taken = [await pool.acquire() for _ in range(pool.idle)]
    try:
        for connection in taken:
            assert connection.is_reusable
            assert [tuple(row) for row in await connection.fetch("SELECT 7 AS seven")] == [(7,)]
    finally:
        for connection in taken:
            pool.give(connection)
    open_ones = (
        "SELECT state, query FROM pg_stat_activity WHERE datname = current_database() "
        "AND pid <> pg_backend_pid() AND state <> 'idle' AND backend_type = 'client backend'"
    )
    # The backend of a connection that was closed in the middle takes a moment to see that.
    for _ in range(200):
        if not (found := (await engine.execute(open_ones)).tuples()):
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"backends are left at work: {found}")
