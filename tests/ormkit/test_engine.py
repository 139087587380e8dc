"""The engine: raw SQL, the forms of a result, and the pool behind it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from examples.blog.db import SCHEMA, Tag
from ormkit import (
    ConfigurationError,
    ConnectionFailed,
    DatabaseError,
    Engine,
    InvalidValue,
    MultipleFound,
    NotFound,
    PoolClosed,
    PoolTimeout,
    QueryCanceled,
    StatementError,
    UnknownName,
    UsageError,
    create_engine,
)
from ormkit.driver.connection import Connection
from ormkit.statements.statement import Statement
from tests.reliability.pool_state import settled

THREE = "SELECT n AS id, 'name ' || n AS name FROM generate_series(1, 3) AS n"


async def test_a_result_has_the_form_that_is_asked_for(engine: Engine) -> None:
    result = await engine.execute(THREE)
    assert result.all()[0] == {"id": 1, "name": "name 1"}
    assert result.tuples()[2] == (3, "name 3")
    assert result.column("name") == ["name 1", "name 2", "name 3"]
    assert result.column() == [1, 2, 3]
    assert result.first() == {"id": 1, "name": "name 1"}
    assert result.scalar() == 1
    assert len(result) == 3
    assert result.columns == ("id", "name")


async def test_a_result_without_rows(engine: Engine) -> None:
    result = await engine.execute("SELECT 1 AS id WHERE $1", [False])
    assert (result.all(), result.tuples(), result.column("id")) == ([], [], [])
    assert (result.first(), result.scalar(), result.rowcount) == (None, None, 0)
    with pytest.raises(NotFound):
        result.one()


async def test_one_wants_exactly_one_row(engine: Engine) -> None:
    assert (await engine.execute("SELECT 7 AS n")).one() == {"n": 7}
    with pytest.raises(MultipleFound, match="3 rows"):
        (await engine.execute(THREE)).one()


async def test_an_unknown_column_of_a_result_is_suggested(engine: Engine) -> None:
    with pytest.raises(UnknownName, match="did you mean 'name'"):
        (await engine.execute(THREE)).column("nam")


async def test_column_names_of_any_kind_become_keys(engine: Engine) -> None:
    result = await engine.execute("""SELECT 1 AS "it's", 2 AS "a""b", 3 AS "{x}", 4 AS "\\" """)
    assert result.all() == [{"it's": 1, 'a"b': 2, "{x}": 3, "\\": 4}]


async def test_json_comes_back_as_python_values(engine: Engine) -> None:
    value = {"a": [1, None, True, "ü"]}
    result = await engine.execute("SELECT $1::jsonb, $2::json", [value, [1]])
    assert result.tuples() == [(value, [1])]


async def test_errors_carry_what_the_server_said(engine: Engine) -> None:
    with pytest.raises(StatementError) as caught:
        await engine.execute("SELECT nonsense FROM users WHERE id = $1", [12345])
    assert caught.value.sqlstate == "42703"
    assert caught.value.statement == "SELECT nonsense FROM users WHERE id = $1"
    assert "12345" not in str(caught.value)


async def test_a_parameter_of_the_wrong_type_is_named_by_number(engine: Engine) -> None:
    with pytest.raises(InvalidValue, match=r"parameter \$2 .* this str") as caught:
        await engine.execute("SELECT $1::text, $2::int", ["x", "secret"])
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("params", ["text", 3, {"a": 1}])
async def test_parameters_are_a_list(engine: Engine, params: object) -> None:
    with pytest.raises(UsageError, match="parameters must be a list"):
        await engine.execute("SELECT $1", params)  # type: ignore[arg-type]


async def test_too_few_parameters_are_refused(engine: Engine) -> None:
    with pytest.raises(UsageError, match="2 arguments"):
        await engine.execute("SELECT $1::int, $2::int", [1])


async def test_create_all_may_run_again_and_at_once(database_url: str) -> None:
    async with await create_engine(database_url, max_connections=4) as engine:
        await asyncio.gather(*(engine.create_all(SCHEMA) for _ in range(4)))
        assert (await engine.execute("SELECT count(*) FROM users")).scalar() == 0


async def test_create_all_that_fails_leaves_nothing_and_a_clean_connection(
    database_url: str,
) -> None:
    async with await create_engine(database_url, max_connections=1) as engine:
        await engine.execute("CREATE VIEW tags AS SELECT 1")
        with pytest.raises(DatabaseError):
            await engine.create_all(SCHEMA)
        tables = await engine.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
        assert tables.scalar() == 0


async def test_session_state_of_raw_sql_does_not_reach_the_next_user(database_url: str) -> None:
    async with await create_engine(database_url, max_connections=1) as engine:
        await engine.execute("SET statement_timeout = '7s'")
        await engine.execute("SELECT pg_advisory_lock(1)")
        assert (await engine.execute("SHOW statement_timeout")).scalar() == "0"
        held = await engine.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
        assert held.scalar() == 0


async def test_a_statement_timeout_ends_the_statement(database_url: str) -> None:
    async with await create_engine(database_url, statement_timeout=0.05) as engine:
        with pytest.raises(QueryCanceled):
            await engine.execute("SELECT pg_sleep(5)")
        with pytest.raises(QueryCanceled):
            await engine.execute("SELECT pg_sleep(0.01), pg_sleep(5)", timeout=0.01)
        assert (await engine.execute("SELECT 1")).scalar() == 1


async def test_options_reach_the_connection(database_url: str) -> None:
    engine = await create_engine(
        database_url, application_name="tests", server_settings={"work_mem": "5MB"}
    )
    async with engine:
        assert (await engine.execute("SHOW application_name")).scalar() == "tests"
        assert (await engine.execute("SHOW work_mem")).scalar() == "5MB"


async def test_the_pool_holds_what_was_asked_for(database_url: str) -> None:
    async with await create_engine(database_url, min_connections=2, max_connections=3) as engine:
        assert (engine.pool.size, engine.pool.idle) == (2, 2)
        await asyncio.gather(*(engine.execute("SELECT pg_sleep(0.02)") for _ in range(20)))
        assert engine.pool.size == 3
        assert engine.pool.idle == 3


async def test_waiters_are_served_in_their_order(database_url: str) -> None:
    served: list[int] = []
    async with await create_engine(database_url, max_connections=1) as engine:

        async def work(number: int) -> None:
            await engine.execute("SELECT pg_sleep(0.002)")
            served.append(number)

        await asyncio.gather(*(work(number) for number in range(20)))
    assert served == list(range(20))


@pytest.mark.slow
async def test_a_full_pool_times_out_with_the_remedy(database_url: str) -> None:
    engine = await create_engine(database_url, max_connections=1, acquire_timeout=0.05)
    async with engine:
        holder = asyncio.create_task(engine.execute("SELECT pg_sleep(0.5)"))
        await asyncio.sleep(0.02)
        with pytest.raises(PoolTimeout, match="raise max_connections"):
            await engine.execute("SELECT 1")
        await holder
        assert (await engine.execute("SELECT 1")).scalar() == 1


async def test_a_cancelled_statement_does_not_cost_or_poison_its_connection(
    database_url: str,
) -> None:
    async with await create_engine(database_url, max_connections=1) as engine:
        for _ in range(5):
            task = asyncio.create_task(engine.execute("SELECT pg_sleep(30)"))
            await asyncio.sleep(0.02)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert (await engine.execute("SELECT 1")).scalar() == 1
        assert engine.pool.size == 1


async def test_a_cancelled_waiter_leaves_the_line(database_url: str) -> None:
    async with await create_engine(database_url, max_connections=1) as engine:
        holder = asyncio.create_task(engine.execute("SELECT pg_sleep(0.1)"))
        await asyncio.sleep(0.02)
        waiter = asyncio.create_task(engine.execute("SELECT 1"))
        await asyncio.sleep(0)
        waiter.cancel()
        await holder
        assert (await engine.execute("SELECT 2")).scalar() == 2


async def test_a_connection_the_server_ended_is_replaced(database_url: str) -> None:
    async with await create_engine(database_url, max_connections=2, min_connections=2) as engine:
        me = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
        await engine.execute(
            me + "AND datname = current_database() AND application_name = 'ormkit'"
        )
        await asyncio.sleep(0.05)
        for _ in range(3):
            assert (await engine.execute("SELECT 1")).scalar() == 1


async def test_a_closed_engine_says_so(database_url: str) -> None:
    engine = await create_engine(database_url)
    await engine.close()
    with pytest.raises(PoolClosed):
        await engine.execute("SELECT 1")


@pytest.mark.parametrize(
    ("url", "options", "message"),
    [
        ("mysql://localhost/x", {}, "begins with 'mysql'"),
        ("embedded://x", {"min_connections": 3, "max_connections": 2}, "min_connections=3"),
        ("embedded://x", {"max_connections": 0, "min_connections": 0}, "at least 1"),
        ("embedded://x", {"acquire_timeout": 0}, "acquire_timeout=0"),
    ],
)
async def test_options_that_cannot_be_are_refused_before_anything_starts(
    url: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        await create_engine(url, **options)


@pytest.mark.slow
async def test_a_server_that_is_not_there_is_a_failed_connection(tmp_path: Path) -> None:
    with pytest.raises(ConnectionFailed, match="cannot connect"):
        await create_engine(f"postgresql://postgres@/postgres?host={tmp_path}")


async def test_a_database_that_is_not_there_is_a_failed_connection(database_url: str) -> None:
    with pytest.raises(ConnectionFailed, match="does not exist"):
        await create_engine(database_url.replace("/test_", "/missing_"))


@pytest.mark.slow
async def test_an_embedded_url_starts_and_stops_a_server(server_directory: Path) -> None:
    data = server_directory / "embedded"
    async with await create_engine(f"embedded://{data}") as engine:
        assert (await engine.execute("SELECT 1")).scalar() == 1
        assert (data / "postmaster.pid").exists()
    assert not (data / "postmaster.pid").exists()


async def test_a_transaction_needs_no_session(engine: Engine) -> None:
    async with engine.transaction(isolation="repeatable read") as tx:
        await tx.execute_raw("INSERT INTO tags (name) VALUES ('kept')")
        with pytest.raises(StatementError):
            async with tx.begin():
                await tx.execute_raw("INSERT INTO tags (name) VALUES ('undone')")
                await tx.execute_raw("SELECT nonsense")
        assert (await tx.execute_raw("SHOW transaction_isolation")).scalar() == "repeatable read"
        assert await tx.query(Tag).count() == 1
        assert (await engine.execute("SELECT count(*) FROM tags")).scalar() == 0
    assert (await engine.execute("SELECT name FROM tags")).column() == ["kept"]


async def test_transactions_of_the_engine_stand_side_by_side(engine: Engine) -> None:
    async with engine.transaction() as one, engine.transaction() as two:
        await one.execute_raw("INSERT INTO tags (name) VALUES ('one')")
        assert (await two.execute_raw("SELECT count(*) FROM tags")).scalar() == 0


FOREIGN = Statement("SELECT 1", (), is_foreign=True)


async def streamed(engine: Engine) -> None:
    async for _ in engine.executor().stream(FOREIGN, [], 10):
        pass


@pytest.mark.parametrize(
    "work",
    [
        lambda engine: engine.executor().run(FOREIGN, []),
        lambda engine: engine.executor().run_counted(FOREIGN, []),
        lambda engine: engine.executor().run_many(FOREIGN, [[]]),
        lambda engine: engine.create_all(SCHEMA),
        streamed,
    ],
    ids=["run", "run_counted", "run_many", "create_all", "stream"],
)
async def test_a_failure_before_the_statement_gives_the_connection_back(
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
    work: Callable[[Engine], Awaitable[object]],
) -> None:
    def fail(self: Connection) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(Connection, "mark_dirty", fail)
        with pytest.raises(ZeroDivisionError):
            await work(engine)
    assert engine.pool.idle == engine.pool.size


async def test_a_stream_whose_end_fails_gives_the_connection_back(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def endless(self: Connection, *_: object) -> AsyncGenerator[list[object], None]:
        try:
            while True:
                yield []
        finally:
            raise ZeroDivisionError

    monkeypatch.setattr(Connection, "stream", endless)
    stream = engine.executor().stream(Statement("SELECT 1", ()), [], 10)
    await anext(stream)
    with pytest.raises(ZeroDivisionError):
        await stream.aclose()
    await settled(engine)
    assert engine.pool.idle == engine.pool.size
    assert await engine.executor().use(lambda connection: connection.script("SELECT")) == "SELECT 1"


async def test_an_engine_shows_its_url_without_the_password(database_url: str) -> None:
    url = database_url.replace("postgresql://postgres@", "postgresql://postgres:secret@")
    async with await create_engine(url) as engine:
        assert "secret" not in engine.url
        assert engine.url == url.replace("secret", "***")
