"""How transactions begin: settings of their own, and row-level security that builds on them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from ormkit import (
    AsyncSession,
    ConfigurationError,
    Engine,
    StatementError,
    Transaction,
    create_engine,
)
from tests.statements import Statements

TENANT = "SELECT current_setting('app.tenant', true)"
POLICIES = """
CREATE TABLE notes (tenant int NOT NULL, body text NOT NULL);
ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON notes USING (
    tenant = nullif(current_setting('app.tenant', true), '')::int
);
GRANT SELECT, INSERT, UPDATE, DELETE ON notes TO tenant_role;
INSERT INTO notes VALUES (1, 'of 1'), (2, 'of 2');
"""


@pytest.fixture
async def tenants(database_url: str) -> AsyncIterator[Engine]:
    """An engine of a role that sees through policies only, on two tenants' notes."""
    async with await create_engine(database_url) as admin:
        await admin.execute("DROP ROLE IF EXISTS tenant_role")
        await admin.execute("CREATE ROLE tenant_role LOGIN")
        for statement in POLICIES.strip().removesuffix(";").split(";\n"):
            await admin.execute(statement)
        url = database_url.replace("postgres@", "tenant_role@")
        async with await create_engine(url, max_connections=2) as engine:
            yield engine
        await admin.execute("DROP OWNED BY tenant_role")
        await admin.execute("DROP ROLE tenant_role")


async def test_no_tenant_sees_or_writes_another_ones_rows(tenants: Engine) -> None:
    session = AsyncSession(tenants)

    async def seen_by(tenant: int) -> list[Any]:
        async with session.begin(settings={"app.tenant": f"{tenant}"}) as tx:
            changed = await tx.execute_raw("UPDATE notes SET body = body")
            assert changed.rowcount == 1
            return (await tx.execute_raw("SELECT body FROM notes")).column()

    seen = await asyncio.gather(*(seen_by(1 + number % 2) for number in range(20)))
    assert seen == [["of 1"], ["of 2"]] * 10
    with pytest.raises(StatementError, match="row-level security"):
        async with session.begin(settings={"app.tenant": "1"}) as tx:
            await tx.execute_raw("INSERT INTO notes VALUES (2, 'forged')")


async def test_without_the_setting_nothing_is_seen_also_on_a_used_connection(
    tenants: Engine,
) -> None:
    async with tenants.transaction(settings={"app.tenant": "1"}) as tx:
        await tx.execute_raw("SELECT 1")
    assert (await tenants.execute("SELECT * FROM notes")).rowcount == 0


async def test_a_setting_ends_with_its_transaction(session: AsyncSession) -> None:
    for is_undone in (False, True):
        async with session.begin(settings={"app.tenant": "1", "lock_timeout": "9s"}) as tx:
            assert (await tx.execute_raw(TENANT)).scalar() == "1"
            assert (await tx.execute_raw("SHOW lock_timeout")).scalar() == "9s"
            if is_undone:
                await tx.rollback()
        assert not (await session.execute_raw(TENANT)).scalar()
        assert (await session.execute_raw("SHOW lock_timeout")).scalar() == "0"


async def test_any_number_of_settings_is_one_statement_behind_begin(
    session: AsyncSession, engine: Engine
) -> None:
    texts: set[str] = set()
    for settings in ({"app.a": "1"}, {"app.a": "1", "app.b": "2", "app.c": "3"}):
        with Statements(engine) as sent:
            async with session.begin(settings=settings) as tx:
                await tx.execute_raw("SELECT 1")
        assert len(sent) == 4
        texts.add(sent[1])
    assert len(texts) == 1


async def test_a_value_of_any_text_is_bound(session: AsyncSession) -> None:
    value = "'; DROP TABLE users; -- \\ \" é"
    async with session.begin(settings={"app.tenant": value}) as tx:
        assert (await tx.execute_raw(TENANT)).scalar() == value


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"app.tenant; DROP TABLE users": "1"}, "not a PostgreSQL parameter"),
        ({"": "1"}, "not a PostgreSQL parameter"),
        ({"app.": "1"}, "not a PostgreSQL parameter"),
        ({1: "1"}, "not a PostgreSQL parameter"),
        ({"app.tenant": 42}, r"must be a string \(str\), not int: pass str"),
        ({"app.tenant": None}, r"must be a string \(str\), not NoneType"),
        ({"app.tenant": "a\0b"}, "NUL"),
    ],
)
async def test_settings_that_cannot_be_are_refused_before_anything_is_sent(
    session: AsyncSession, engine: Engine, settings: Any, message: str
) -> None:
    with (
        Statements(engine) as sent,
        pytest.raises(ConfigurationError, match=message),
    ):
        async with session.begin(settings=settings) as tx:
            await tx.execute_raw("SELECT 1")
    assert sent == []


async def test_a_setting_that_the_server_refuses_leaves_no_transaction_open(
    blog_url: str,
) -> None:
    async with await create_engine(blog_url, max_connections=1) as engine:
        with pytest.raises(StatementError, match="unrecognized configuration parameter"):
            async with engine.transaction(settings={"wrok_mem": "1MB"}) as tx:
                await tx.execute_raw("SELECT 1")
        count = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in%' "
        count += "AND datname = current_database()"
        assert (await engine.execute(count)).scalar() == 0


async def test_a_savepoint_takes_no_settings(session: AsyncSession) -> None:
    async with session.begin():
        with pytest.raises(ConfigurationError, match="takes no options"):
            async with session.begin(settings={"app.tenant": "1"}):
                pass


async def test_run_takes_settings(engine: Engine) -> None:
    async def work(tx: Transaction) -> Any:
        return (await tx.execute_raw(TENANT)).scalar()

    assert await engine.run(work, settings={"app.tenant": "7"}) == "7"
