"""The plan of a slow statement is logged, without values, and without running the statement."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import AsyncGenerator
from functools import partial
from typing import Any

import pytest

from examples.blog.db import User
from ormkit import (
    AsyncSession,
    ConfigurationError,
    Engine,
    SlowQueries,
    StatementError,
    TransactionEvent,
    capture_statements,
    create_engine,
)
from ormkit.statements.generic_plans import GenericPlans

pytestmark = pytest.mark.one_interpreter


@pytest.fixture
async def slow_engine(blog_url: str) -> AsyncGenerator[Engine]:
    """An engine to which everything is slow, on a server that computes ids of queries."""
    settings = {"compute_query_id": "on"}
    options: dict[str, Any] = {"slow_query": 0, "server_settings": settings}
    async with await create_engine(blog_url, max_connections=2, **options) as engine:
        yield engine


SENTINELS = itertools.count()


async def plan_of(caplog: pytest.LogCaptureFixture, sql: str) -> logging.LogRecord:
    """Wait for the plan of a statement, and return its record."""
    while sql not in (found := {sql_of(each): each for each in planned(caplog)}):
        await asyncio.sleep(0.01)
    return found[sql]


async def plans(caplog: pytest.LogCaptureFixture, engine: Engine) -> list[object]:
    """Return what plans were logged of until that of one more statement, which is not named."""
    last = f"SELECT 'sentinel {next(SENTINELS)}'"
    await engine.execute(last)
    await plan_of(caplog, last)
    return [sql_of(each) for each in planned(caplog) if sql_of(each) != last]


def planned(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [each for each in caplog.records if hasattr(each, "ormkit.plan")]


def sql_of(record: logging.LogRecord) -> object:
    return record.__dict__["db.query.text"]


async def test_a_plan_is_logged_once_for_a_text(
    slow_engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    session = AsyncSession(slow_engine)
    await session.insert(User(name="a secret"))
    with capture_statements(slow_engine) as captured:
        for _ in range(2):
            await session.query(User).filter(name="a secret").update(age=3)
        record = await plan_of(caplog, captured[0].sql)
    assert [event.summary for event in captured] == ["UPDATE users", "UPDATE users"]
    assert (await plans(caplog, slow_engine)).count(captured[0].sql) == 1
    fields = record.__dict__
    assert fields["ormkit.plan"].startswith("Update on")
    assert "$" in fields["ormkit.plan"]
    assert "secret" not in record.getMessage()
    assert int(fields["ormkit.query_id"])
    assert fields["ormkit.fingerprint"] == captured[0].fingerprint
    left = "SELECT FROM pg_prepared_statements WHERE name = 'ormkit_plan'"
    assert len((await slow_engine.execute(left)).all()) == 0


async def test_what_has_no_plan_is_left_alone(
    slow_engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(StatementError):
        await slow_engine.execute("SELECT nowhere")
    await slow_engine.execute("SET work_mem = 1000")
    await slow_engine.copy_in("users", [("a",)], columns=["name"])
    assert await plans(caplog, slow_engine) == []
    counted = "SELECT count(*) FROM users WHERE name = $1::text; -- all"
    await slow_engine.execute(counted, ["a"])
    await plan_of(caplog, counted)
    caplog.clear()
    async with slow_engine.transaction() as tx:
        await tx.execute_raw("CREATE TEMPORARY TABLE gone ON COMMIT DROP AS SELECT 1 AS n")
        await tx.execute_raw("SELECT n FROM gone")
    assert await plans(caplog, slow_engine) == []
    assert (await slow_engine.execute("SHOW statement_timeout")).column() == ["0"]


async def test_a_plan_waits_for_a_connection_and_takes_none_from_callers(
    blog_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with await create_engine(blog_url, max_connections=1, slow_query=0) as engine:
        session = AsyncSession(engine)
        async with session.begin() as tx:
            await tx.query(User).count()
            await asyncio.sleep(0)
            assert planned(caplog) == []
            sql = sql_of(caplog.records[0])
        await plan_of(caplog, str(sql))
        assert engine.pool_stats().opened == 1


async def test_plans_can_be_turned_off(blog_url: str, caplog: pytest.LogCaptureFixture) -> None:
    without = SlowQueries(0, plan="off")
    async with await create_engine(blog_url, slow_query=without) as engine:
        await AsyncSession(engine).query(User).count()
        with engine.listen(
            on_statement=partial(SlowQueries(0).note, explain=GenericPlans(engine.pool).explain)
        ):
            assert await plans(caplog, engine) == []
    wrong: Any = "analyze"
    with pytest.raises(ConfigurationError, match='plan=\'analyze\': give "generic" or "off"'):
        SlowQueries(0, plan=wrong)


async def test_the_transaction_of_a_plan_is_not_told_of(
    blog_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    ended: list[TransactionEvent] = []
    async with await create_engine(blog_url, max_connections=1, slow_query=0) as engine:
        engine.listen(on_transaction=ended.append)
        await plans(caplog, engine)
    # The connection is closed: what was open on it would be lost.
    assert ended == []
