"""create_all(): on databases that lack something, as roles that may create nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from ormkit import DatabaseError, Engine, StatementError, create_engine
from tests.generated import models_of
from tests.servers import Server

models = models_of(
    "created",
    """
[enums.Mood]
values = ["sad", "ok"]

[models.Issue]
table = "Issue list"
comment = "What is wrong."

[models.Issue.columns]
id = { type = "bigint", primary_key = true }
title = "text"
severity = { type = "integer", default = 3, index = true }
mood = { type = "Mood", default = "ok" }
parent_id = { type = "bigint?", foreign_key = "Label.id" }
"order" = { type = "text?", comment = "CREATE TABLE IF NOT EXISTS nothing (" }

[models.Label]
table = "labels"
schema = "other"

[models.Label.columns]
id = { type = "bigint", primary_key = true }
issue_id = { type = "bigint?", foreign_key = "Issue.id" }
name = { type = "text", unique = true, index = false }

[[models.Label.indexes]]
columns = ["name", "id"]
""",
)
searching = models_of(
    "extended",
    """
[models.Person]
table = "people"

[models.Person.columns]
id = { type = "bigint", primary_key = true }
email = "citext"
""",
)


@pytest.fixture
def owned(server18: Server) -> Iterator[tuple[str, str]]:
    """URLs of a database, as its owner and as a role that may create nothing there."""
    server18.maintain("DROP ROLE IF EXISTS visitor")
    server18.maintain("CREATE ROLE visitor LOGIN")
    with server18.database() as url:
        yield url, url.replace("postgres@", "visitor@")
    server18.drop_left()
    server18.maintain("DROP ROLE visitor")


@pytest.fixture
async def owner(owned: tuple[str, str]) -> AsyncIterator[Engine]:
    async with await create_engine(owned[0]) as engine:
        await engine.create_all(models.SCHEMA)
        await engine.execute("GRANT USAGE ON SCHEMA other TO visitor")
        yield engine


@pytest.fixture
async def visitor(owned: tuple[str, str]) -> AsyncIterator[Engine]:
    async with await create_engine(owned[1], max_connections=1) as engine:
        yield engine


async def refusal(engine: Engine, *schemas: Any) -> DatabaseError:
    with pytest.raises(DatabaseError) as caught:
        await engine.create_all(*schemas)
    assert (await engine.execute("SELECT 1")).scalar() == 1
    return caught.value


async def test_a_role_that_may_create_nothing_finds_a_database_complete(
    owner: Engine, visitor: Engine
) -> None:
    for _ in range(2):
        await visitor.create_all(models.SCHEMA)


async def test_a_transaction_that_only_reads_finds_a_database_complete(
    owner: Engine, owned: tuple[str, str]
) -> None:
    for url in owned:
        async with await create_engine(f"{url}&default_transaction_read_only=on") as reading:
            await reading.create_all(models.SCHEMA)
    await owner.execute("DROP TABLE other.labels CASCADE")
    async with await create_engine(f"{owned[0]}&default_transaction_read_only=on") as reading:
        error = await refusal(reading, models.SCHEMA)
        assert "the table other.labels" in str(error)


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        ('DROP TABLE "Issue list" CASCADE', 'the table "Issue list"'),
        ("DROP TABLE other.labels CASCADE", "the table other.labels"),
        ("DROP SCHEMA other CASCADE", "the schema other"),
        ('DROP INDEX "Issue list_severity_idx"', 'the index "Issue list_severity_idx"'),
        ("DROP INDEX other.labels_name_id_idx", "the index labels_name_id_idx"),
        ("ALTER TYPE mood RENAME TO temper", "the type mood"),
        (
            "ALTER TABLE other.labels DROP CONSTRAINT labels_issue_id_fkey",
            "the constraint labels_issue_id_fkey",
        ),
    ],
)
async def test_what_such_a_role_would_have_to_create_is_named(
    owner: Engine, visitor: Engine, change: str, missing: str
) -> None:
    await owner.execute(change)
    error = await refusal(visitor, models.SCHEMA)
    assert type(error) is StatementError
    assert error.sqlstate == "42501"
    assert missing in str(error), str(error)
    assert "grant it CREATE" in str(error)
    assert "nothing" not in str(error)
    await owner.create_all(models.SCHEMA)
    if "DROP SCHEMA" not in change:
        await visitor.create_all(models.SCHEMA)


async def test_a_column_that_a_table_lacks_is_named_with_its_table(
    owner: Engine, visitor: Engine
) -> None:
    await owner.execute('ALTER TABLE "Issue list" DROP COLUMN severity')
    for engine in (owner, visitor):
        error = await refusal(engine, models.SCHEMA)
        assert '"Issue list".severity (Issue.severity)' in str(error)
        assert 'ALTER TABLE "Issue list" ADD COLUMN severity integer' in str(error)
        assert (error.table, error.column) == ("Issue list", "severity")
        assert "run `ormkit migrate apply`" in str(error)
    await owner.execute("ALTER TABLE other.labels DROP COLUMN name, DROP COLUMN issue_id CASCADE")
    error = await refusal(owner, models.SCHEMA)
    assert "other.labels.name (Label.name)" in str(error)
    assert "other.labels.issue_id (Label.issue_id)" in str(error)
    await owner.execute('ALTER TABLE "Issue list" ADD COLUMN severity integer NOT NULL DEFAULT 3')
    await owner.execute("ALTER TABLE other.labels ADD COLUMN name text, ADD COLUMN issue_id bigint")
    await owner.create_all(models.SCHEMA)
    await visitor.create_all(models.SCHEMA)


async def test_a_table_with_more_columns_than_the_package_is_left_alone(owner: Engine) -> None:
    await owner.execute("ALTER TABLE other.labels ADD COLUMN more text")
    await owner.create_all(models.SCHEMA)


async def test_a_lacking_column_that_no_statement_of_the_ddl_names_is_found_before_anything_is_made(
    owner: Engine,
) -> None:
    await owner.execute('ALTER TABLE "Issue list" DROP COLUMN title')
    await owner.execute("DROP TABLE other.labels CASCADE")
    error = await refusal(owner, models.SCHEMA)
    assert (error.table, error.column) == ("Issue list", "title")
    found = await owner.execute("SELECT to_regclass('other.labels')")
    assert found.scalar() is None


async def test_an_extension_that_the_server_does_not_have_is_named(owned: tuple[str, str]) -> None:
    async with await create_engine(owned[0]) as engine:
        available = await engine.execute(
            "SELECT count(*) FROM pg_available_extensions WHERE name = 'citext'"
        )
        if available.scalar():
            await engine.create_all(searching.SCHEMA)
            return
        error = await refusal(engine, searching.SCHEMA)
        assert "the server does not have the extension citext: install it there" in str(error)
        assert "ormkit-pg[embedded]" in str(error)


async def test_create_all_holds_where_transactions_are_serializable(owned: tuple[str, str]) -> None:
    url = f"{owned[0]}&default_transaction_isolation=serializable"
    async with await create_engine(url, max_connections=4) as engine:
        await asyncio.gather(*(engine.create_all(models.SCHEMA) for _ in range(4)))
