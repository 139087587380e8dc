"""Monitoring: slow queries in the log."""

from __future__ import annotations

import pytest

from ormkit import Engine
from tests.guide.snippets import run

LOGGING = """
import time
import logging

logger = logging.getLogger("ormkit")

async def execute_with_logging(sql: str, params: list):
    start = time.perf_counter()
    result = await engine.execute(sql, params)
    elapsed = time.perf_counter() - start

    if elapsed > 0.1:  # Log queries > 100ms
        logger.warning(f"Slow query ({elapsed:.3f}s): {sql[:100]}")

    return result
"""


async def test_a_slow_query_is_logged_and_a_quick_one_is_not(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    names = await run(LOGGING, engine=engine)
    quick = await names["execute_with_logging"]("SELECT $1::int", [7])
    assert quick.scalar() == 7
    assert caplog.messages == []
    await names["execute_with_logging"]("SELECT pg_sleep($1)", [0.15])
    (message,) = caplog.messages
    assert message.startswith("Slow query (0.")
    assert message.endswith("s): SELECT pg_sleep($1)")
