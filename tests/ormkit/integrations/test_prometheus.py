"""A registry of prometheus_client shows what the statements and the pool of an engine do."""

from __future__ import annotations

from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from examples.blog.db import User
from ormkit import (
    AsyncSession,
    ConfigurationError,
    StatementError,
    UsageError,
    create_engine,
)
from ormkit.integrations.prometheus import register


async def test_statements_and_pools_are_shown(session: AsyncSession, blog_url: str) -> None:
    registry = CollectorRegistry()
    registered = register(session.engine, registry, name="main")
    await session.query(User).count()
    await session.query(User).all()
    await session.engine.execute_many("SELECT $1::int", [[1], [2]])
    with pytest.raises(StatementError):
        await session.execute_raw("SELECT nowhere")
    sample = registry.get_sample_value
    count = "db_client_operation_duration_seconds_count"

    def labels(operation: str, table: str, error: str = "") -> dict[str, str]:
        return {
            "db_client_connection_pool_name": "main",
            "db_operation_name": operation,
            "db_collection_name": table,
            "error_type": error,
        }

    assert sample(count, labels("SELECT", "users")) == 2
    assert sample(count, labels("BATCH SELECT", "")) == 1
    assert sample(count, labels("SELECT", "", "StatementError")) == 1
    pool = {"db_client_connection_pool_name": "main"}
    assert sample("db_client_connection_max", pool) == 5
    assert sample("db_client_connection_count", {**pool, "db_client_connection_state": "used"}) == 0
    assert sample("db_client_connection_timeouts_total", pool) == 0
    with pytest.raises(ConfigurationError, match="an engine of the name 'main' already"):
        register(session.engine, registry, name="main")
    async with await create_engine(blog_url) as other:
        register(other, registry, name="other")
        assert b'"other"' in generate_latest(registry)
    # A closed engine is shown no more.
    assert b'"other"' not in generate_latest(registry)
    registered.close()
    await session.query(User).count()
    assert sample(count, labels("SELECT", "users")) == 2
    assert sample("db_client_connection_max", pool) is None


def test_only_an_engine_is_registered() -> None:
    wrong: Any = object()
    with pytest.raises(UsageError, match=r"register\(\) takes an engine, not object"):
        register(wrong, CollectorRegistry())
