"""Raw SQL: how many rows a statement concerned, and one statement over many rows."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from ormkit import (
    AsyncSession,
    Engine,
    InvalidValue,
    UniqueViolation,
    UsageError,
    create_engine,
)
from tests.servers import Server
from tests.statements import Statements

INSERT = "INSERT INTO tags (name) VALUES ($1)"
MERGE = (
    "MERGE INTO tags USING (SELECT $1::text AS name) AS given ON tags.name = given.name "
    "WHEN MATCHED THEN UPDATE SET name = given.name || '!' "
    "WHEN NOT MATCHED THEN INSERT (name) VALUES (given.name)"
)


@pytest.fixture
def any_url(any_server: Server) -> Iterator[str]:
    """The URL of an empty database, on each of the servers."""
    with any_server.database() as url:
        yield url


async def names(engine: Engine) -> list[Any]:
    return (await engine.execute("SELECT name FROM tags ORDER BY id")).column()


async def test_rowcount_tells_what_each_kind_of_statement_did(any_url: str) -> None:
    async with await create_engine(any_url) as engine:

        async def rowcount(sql: str) -> int:
            return (await engine.execute(sql)).rowcount

        assert await rowcount("CREATE TABLE t (n int)") == 0
        assert await rowcount("INSERT INTO t SELECT generate_series(1, 5)") == 5
        assert await rowcount("INSERT INTO t VALUES (6), (7) RETURNING n") == 2
        assert await rowcount("UPDATE t SET n = n + 10 WHERE n < 5") == 4
        assert await rowcount("UPDATE t SET n = n WHERE n = 0") == 0
        assert await rowcount("DELETE FROM t WHERE n = 7") == 1
        assert await rowcount("SELECT * FROM t LIMIT 2") == 2
        assert await rowcount("WITH x AS (SELECT * FROM t) SELECT * FROM x") == 6
        assert await rowcount("VALUES (1), (2), (3)") == 3
        assert await rowcount("TABLE t") == 6
        assert (
            await rowcount(
                "MERGE INTO t USING (VALUES (11), (99)) AS v (n) ON t.n = v.n "
                "WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (v.n)"
            )
            == 2
        )
        assert await rowcount("CREATE TABLE u AS SELECT * FROM t") == 6
        assert await rowcount("CREATE MATERIALIZED VIEW v AS SELECT * FROM t") == 6
        assert await rowcount("COPY t TO '/dev/null'") == 6
        assert await rowcount("EXPLAIN (COSTS OFF) SELECT 1") == 1
        assert await rowcount("SHOW work_mem") == 1
        assert await rowcount("TRUNCATE t") == 0
        assert await rowcount("DO $$BEGIN END$$") == 0
        assert await rowcount("") == 0


async def test_many_rows_go_out_as_one_statement_and_are_counted(engine: Engine) -> None:
    await engine.execute("SELECT 1")
    with Statements(engine) as sent:
        result = await engine.execute_many(INSERT, ([f"tag {n}"] for n in range(100)))
    assert len(sent) == 1
    assert (result.rowcount, len(result)) == (100, 0)
    assert await names(engine) == [f"tag {n}" for n in range(100)]
    result = await engine.execute_many("UPDATE tags SET name = name WHERE id > $1;", [[90], [98]])
    assert result.rowcount == 12
    result = await engine.execute_many("DELETE FROM tags WHERE id = $1 -- one", [[1], [2], [2]])
    assert result.rowcount == 2


async def test_rows_that_come_back_are_all_in_the_result(engine: Engine) -> None:
    result = await engine.execute_many(f"{INSERT} RETURNING id, name", [["a"], ["b"]])
    assert result.tuples() == [(1, "a"), (2, "b")]
    assert result.rowcount == 2
    result = await engine.execute_many("SELECT generate_series(1, $1::int) AS n", [[2], [0], [3]])
    assert (result.column("n"), result.rowcount) == ([1, 2, 1, 2, 3], 5)


@pytest.mark.parametrize(
    "sql", [INSERT, MERGE, f"{INSERT} ; -- and done", f"WITH x AS (SELECT 1) {INSERT}"]
)
async def test_all_rows_are_kept_or_none(any_url: str, sql: str) -> None:
    async with await create_engine(any_url, max_connections=1) as engine:
        await engine.execute("CREATE TABLE tags (id serial, name text CHECK (name > ''))")
        assert (await engine.execute_many(sql, [["a"], ["b"]])).rowcount == 2
        with pytest.raises(Exception, match="violates"):
            await engine.execute_many(sql, [["c"], ["d"], [""]])
        assert await names(engine) == ["a", "b"]
        assert (await engine.execute_many(sql, [])).rowcount == 0


async def test_merge_over_many_rows_counts_them(engine: Engine) -> None:
    await engine.execute_many(INSERT, [["a"], ["b"]])
    result = await engine.execute_many(MERGE, [["a"], ["c"], ["d"]])
    assert result.rowcount == 3
    assert sorted(await names(engine)) == ["a!", "b", "c", "d"]


async def test_many_rows_take_part_in_the_transaction(session: AsyncSession) -> None:
    with pytest.raises(RuntimeError):
        async with session.begin() as tx:
            assert (await session.execute_raw_many(INSERT, [["a"], ["b"]])).rowcount == 2
            assert (await tx.execute_raw_many(MERGE, [["a"], ["c"]])).rowcount == 2
            raise RuntimeError
    assert await names(session.engine) == []
    assert (await session.execute_raw_many(INSERT, [["a"]])).rowcount == 1
    assert await names(session.engine) == ["a"]


async def test_a_refused_row_is_named_without_its_value(engine: Engine) -> None:
    with pytest.raises(InvalidValue, match=r"\$1 of row 3 is of type int4 .* this str") as caught:
        await engine.execute_many(
            "INSERT INTO users (name, age) VALUES ('x', $1)", [[1], [2], ["secret"]]
        )
    assert "secret" not in str(caught.value)
    assert (await engine.execute("SELECT count(*) FROM users")).scalar() == 0


@pytest.mark.parametrize("rows", ["text", 3, [1], ["ab"], [{"a": 1}]])
async def test_rows_of_parameters_are_lists(engine: Engine, rows: Any) -> None:
    with pytest.raises(UsageError, match=r"rows are a list|parameters are a list"):
        await engine.execute_many(INSERT, rows)


async def test_many_rows_cancelled_in_the_middle_leave_a_clean_connection(
    database_url: str,
) -> None:
    async with await create_engine(database_url, max_connections=1) as engine:
        await engine.execute("CREATE TABLE t (n int)")
        sql = "INSERT INTO t SELECT $1 FROM pg_sleep(0.05)"
        task = asyncio.create_task(engine.execute_many(sql, [[n] for n in range(200)]))
        await asyncio.sleep(0.3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await engine.execute("SELECT count(*) FROM t")).scalar() == 0


@pytest.mark.parametrize("sql", ["COPY tags FROM STDIN", "copy tags (name)\nto stdout"])
async def test_copy_that_needs_the_client_is_refused(engine: Engine, sql: str) -> None:
    with pytest.raises(UsageError, match="copy_in"):
        await engine.execute(sql)


async def test_a_unique_key_is_held_over_many_rows(engine: Engine) -> None:
    with pytest.raises(UniqueViolation):
        await engine.execute_many(INSERT, [["a"], ["a"]])
