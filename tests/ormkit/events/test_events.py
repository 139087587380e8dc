"""Listeners hear of everything that goes out, once, and change nothing."""

from __future__ import annotations

import asyncio
import linecache
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from examples.blog.db import SCHEMA, Post, User
from ormkit import (
    AsyncSession,
    ConfigurationError,
    ConnectionEvent,
    DatabaseError,
    Engine,
    SlowQueries,
    StatementError,
    StatementEvent,
    TransactionEvent,
    UniqueViolation,
    capture_statements,
    create_engine,
    joinedload,
    selectinload,
)
from ormkit.driver.connection import Connection
from ormkit.events.observed import CONTROL
from tests.statements import Statements

Work = Callable[[AsyncSession, Engine], Awaitable[Any]]


async def read_some_of_a_stream(session: AsyncSession, engine: Engine) -> None:
    async with session.begin() as tx:
        stream = tx.query(User).order_by("id").stream(batch_size=1)
        async for _ in stream:
            break
        await stream.aclose()


async def stream(session: AsyncSession, engine: Engine) -> None:
    assert [user.id async for user in session.query(User).order_by("id").stream()] == [1, 2]


async def nested(session: AsyncSession, engine: Engine) -> None:
    async with session.begin() as tx:
        await tx.get(User, 1)
        async with tx.begin() as inner:
            await inner.get(User, 2)


async def violate(session: AsyncSession, engine: Engine) -> None:
    with pytest.raises(UniqueViolation):
        await session.insert(User(name="x", email="ada@example.com"))


async def fail_within(session: AsyncSession, engine: Engine) -> None:
    with pytest.raises(StatementError):
        async with session.begin() as tx:
            await tx.get(User, 1)
            await tx.execute_raw("SELECT nowhere")


async def export(session: AsyncSession, engine: Engine) -> None:
    async def write(data: bytes) -> None:
        return None

    await engine.copy_out("SELECT * FROM users", write)


async def write_all(session: AsyncSession, engine: Engine) -> None:
    users = await session.insert_all([User(name="b"), User(name="c")])
    await session.bulk_update([*users], ["name"])
    await session.remove_all(users)


WORKS: dict[str, tuple[Work, list[str]]] = {
    "get": (lambda session, _: session.get(User, 1), ["SELECT users"]),
    "filter": (lambda session, _: session.query(User).filter(age__gt=3).all(), ["SELECT users"]),
    "count": (lambda session, _: session.query(User).count(), ["SELECT users"]),
    "related": (
        lambda session, _: session.query(User).options(selectinload("posts")).all(),
        ["SELECT users", "SELECT posts"],
    ),
    "insert": (lambda session, _: session.insert(User(name="x")), ["INSERT users"]),
    "update": (lambda session, _: session.update(User(id=1, name="a"), age=4), ["UPDATE users"]),
    "change": (
        lambda session, _: session.query(User).filter(id=1).update(age=5),
        ["UPDATE users"],
    ),
    "raw": (lambda _, engine: engine.execute("SELECT $1::int", [1]), ["SELECT"]),
    "raw many": (
        lambda _, engine: engine.execute_many("UPDATE users SET age = $1", [[1], [2]]),
        ["UPDATE"],
    ),
    "copy in": (lambda _, engine: engine.copy_in("users", [("a",)], columns=["name"]), ["COPY"]),
    "copy out": (export, ["COPY"]),
    "stream": (stream, ["SELECT users"]),
    "stream left early": (read_some_of_a_stream, ["SELECT users"]),
    "nested": (nested, ["SELECT users", "SELECT users"]),
    "violation": (violate, ["INSERT users"]),
    "failure within": (fail_within, ["SELECT users", "SELECT"]),
    "many": (write_all, ["MERGE users", "UPDATE users", "DELETE users"]),
}


@pytest.fixture
async def people(session: AsyncSession) -> None:
    await session.insert_all([User(name="Ada", email="ada@example.com"), User(name="Bob")])


@pytest.mark.parametrize("name", WORKS)
async def test_each_statement_is_one_event(
    name: str, session: AsyncSession, engine: Engine, people: None
) -> None:
    work, expected = WORKS[name]
    # What the server has to be asked once is not what is counted.
    await work(session, engine)
    await engine.execute("UPDATE users SET email = NULL WHERE id > 2")
    with capture_statements(engine) as captured, Statements(engine) as sent:
        await work(session, engine)
    assert [event.summary for event in captured] == expected
    assert all(event.elapsed > 0 and event.backend for event in captured)
    # Streams and COPY have ways of their own to the driver.
    statements = [sql for sql in sent if sql.split()[0] not in CONTROL]
    assert [e.sql for e in captured if e.operation != "COPY" and not e.chunks] == statements


async def test_an_event_says_what_came_of_it(session: AsyncSession, people: None) -> None:
    engine = session.engine
    with capture_statements(engine, values=True) as captured:
        await session.query(User).filter(name="Ada").all()
        await engine.execute_many("SELECT $1::int", [[1], [2], [3]])
        await engine.execute("DELETE FROM users WHERE name = 'Bob'")
        async with session.begin() as tx:
            async for _ in tx.query(User).stream(batch_size=1):
                pass
        with pytest.raises(StatementError) as raised:
            await engine.execute("SELECT nowhere")
    found, many, deleted, streamed, failed = captured
    assert (found.rows, found.error, found.tables, found.is_raw) == (1, None, ("users",), False)
    assert found.values == ["Ada"]
    assert found.fingerprint != many.fingerprint
    assert (many.argument_sets, many.rows, many.is_raw) == (3, 3, True)
    assert (deleted.operation, deleted.rows, deleted.argument_sets) == ("DELETE", 1, 1)
    assert (streamed.in_transaction, streamed.rows, streamed.chunks) == (True, 1, 1)
    assert (failed.error, failed.operation) == (raised.value, "SELECT")
    assert not found.in_transaction


NAMES: list[tuple[Callable[[AsyncSession], Awaitable[Any]], str]] = [
    (lambda session: session.get(User, 1), "User.get"),
    (
        lambda session: session.query(User).filter(age__gte=3, name="Ada").order_by("-age").all(),
        "User.filter(age__gte, name).order_by(-age).all",
    ),
    (
        lambda session: session.query(User).filter((User.age > 3) & (User.age < 9)).first(),
        "User.filter(age__gt, age__lt).order_by(id).limit().all",
    ),
    (
        lambda session: session.query(User).filter((User.age > 3) | (User.age < 1)).count(),
        "User.filter(...).count",
    ),
    (lambda session: session.query(User).filter(id__in=[1]).exists(), "User.filter(id__in).exists"),
    (lambda session: session.query(User).sum(User.age), "User.sum"),
    (lambda session: session.query(User).values_list(User.id), "User.values"),
    (
        lambda session: session.query(User).distinct().limit(2).offset(1).all(),
        "User.distinct().limit().offset().all",
    ),
    (lambda session: session.load([User(id=1, name="x")], User.posts), "User.posts.load"),
    (lambda session: session.insert(User(name="x")), "User.insert"),
    (lambda session: session.update(User(id=1, name="x"), age=3), "User.update"),
    (lambda session: session.query(User).filter(id=0).delete(), "User.filter(id).delete"),
    (lambda session: session.execute_raw("SELECT 'secret'"), "raw"),
]


@pytest.mark.parametrize(("work", "name"), NAMES, ids=[name for _, name in NAMES])
async def test_a_statement_has_the_name_of_the_call(
    work: Callable[[AsyncSession], Awaitable[Any]],
    name: str,
    session: AsyncSession,
    people: None,
) -> None:
    with capture_statements(session.engine) as captured:
        await work(session)
    assert captured[-1].name == name


async def test_the_time_of_making_objects_is_counted(session: AsyncSession, people: None) -> None:
    await session.insert(Post(author_id=1, title="x"))
    with capture_statements(session.engine) as captured:
        await session.query(User).all()
        await session.get(User, 1)
        await session.query(Post).options(joinedload("author")).all()
        await session.query(User).values_list(User.id, User.name)
        async with session.begin() as tx:
            await tx.get(User, 1)
        await session.query(User).count()
    *made, counted = captured
    assert all(event.decoded > 0 for event in made)
    assert counted.decoded == 0


async def test_values_are_for_those_who_ask_for_them(session: AsyncSession) -> None:
    engine = session.engine
    with capture_statements(engine) as plain, capture_statements(engine, values=True) as whole:
        await session.query(User).filter(name="a secret").all()
    assert plain[0].values is None
    assert whole[0].values == ["a secret"]
    assert "a secret" not in f"{plain} {whole}"
    with capture_statements(engine, values=True) as whole:
        await session.query(User).filter(id__in=[1, 2]).all()
    assert whole[0].values == [[1, 2]]


async def test_lookups_that_share_a_statement_say_so(session: AsyncSession, people: None) -> None:
    await asyncio.gather(*(session.get(User, n) for n in range(1, 10)))
    with capture_statements(session.engine) as captured:
        found = await asyncio.gather(*(session.get(User, n) for n in range(1, 10)))
    assert [user is not None for user in found] == [True] * 2 + [False] * 7
    assert sorted(event.keys for event in captured) == [0, 0, 7]
    shared = next(event for event in captured if event.is_shared)
    assert (shared.rows, shared.argument_sets, shared.is_pipelined) == (0, 1, False)
    assert "7 lookups by key in one statement" in repr(shared)
    await session.insert(User(name="Cy"))
    with capture_statements(session.engine) as captured:
        await session.engine.execute_many("SELECT $1::int", [[1], [2]])
    assert captured[0].is_pipelined
    assert "pipelined for 2 rows of arguments" in repr(captured[0])


async def test_a_transaction_is_one_event(session: AsyncSession, people: None) -> None:
    heard: list[TransactionEvent] = []
    with session.engine.listen(on_transaction=heard.append):
        await nested(session, session.engine)
        await fail_within(session, session.engine)
        async with session.begin():
            pass
    ended, failed = heard
    assert (ended.how, ended.statements, ended.savepoints) == ("commit", 2, 1)
    assert (failed.how, failed.statements, failed.savepoints) == ("rollback", 2, 0)
    assert ended.held > 0
    assert ended.error is None


async def test_a_deferred_constraint_fails_the_commit(engine: Engine) -> None:
    heard: list[TransactionEvent] = []
    await engine.execute("CREATE TABLE more (id int UNIQUE DEFERRABLE INITIALLY DEFERRED)")
    with engine.listen(on_transaction=heard.append), pytest.raises(UniqueViolation) as raised:
        async with engine.transaction() as tx:
            await tx.execute_raw("INSERT INTO more VALUES (1), (1)")
    assert [(event.how, event.error) for event in heard] == [("rollback", raised.value)]


async def test_a_transaction_ends_with_its_connection(engine: Engine) -> None:
    heard: list[TransactionEvent] = []
    with engine.listen(on_transaction=heard.append), pytest.raises(Exception, match=r"clos|term"):
        async with engine.transaction() as tx:
            await tx.execute_raw("SELECT pg_terminate_backend(pg_backend_pid())")
    assert [event.how for event in heard] == ["lost"]


async def test_create_all_is_one_statement_in_one_transaction(database_url: str) -> None:
    ended: list[TransactionEvent] = []
    async with await create_engine(database_url) as engine:
        with capture_statements(engine) as captured, engine.listen(on_transaction=ended.append):
            await engine.create_all(SCHEMA)
        made = [event for event in captured if "CREATE TABLE" in event.sql]
        assert [(event.operation, event.error) for event in made] == [("CREATE", None)]
        assert [(event.how, event.statements) for event in ended] == [("commit", 1)]
        for sql in (
            "CREATE TABLE kept (LIKE comments)",
            "DROP TABLE comments",
            "CREATE VIEW comments AS SELECT * FROM kept",
        ):
            await engine.execute(sql)
        ended.clear()
        with (
            capture_statements(engine) as captured,
            engine.listen(on_transaction=ended.append),
            pytest.raises(DatabaseError) as raised,
        ):
            await engine.create_all(SCHEMA)
        assert captured[-1].error is raised.value
        assert [event.how for event in ended] == ["rollback"]


async def test_what_the_pool_asks_for_itself_is_no_statement(engine: Engine) -> None:
    """After a statement that was interrupted, it resets the connection."""
    heard: list[ConnectionEvent] = []
    await engine.execute("SELECT 1")
    with capture_statements(engine) as captured, engine.listen(on_connection=heard.append):
        task = asyncio.create_task(engine.execute("SELECT pg_sleep(60)"))
        while not engine.pool_stats().in_use:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        while engine.pool_stats().idle < 1 or not heard:
            await asyncio.sleep(0.01)
    assert [event.sql for event in captured] == ["SELECT pg_sleep(60)"]
    assert isinstance(captured[0].error, asyncio.CancelledError)


async def test_connections_are_told_of(blog_url: str) -> None:
    heard: list[ConnectionEvent] = []
    async with await create_engine(blog_url, max_connections=2) as engine:
        listening = engine.listen(on_connection=heard.append)
        await asyncio.gather(*(engine.execute("SELECT pg_sleep(0.01)") for _ in range(4)))
        await engine.execute("SET work_mem = 1000")
        await engine.execute("SELECT 1")
        assert {event.what for event in heard} == {"opened", "reset"}
    listening.close()
    assert [event.what for event in heard].count("closed") == 2
    assert all(event.backend > 0 and event.age >= 0 for event in heard)


async def test_the_caller_is_the_line_of_the_application(session: AsyncSession) -> None:
    callers: list[Any] = []
    with session.engine.listen(on_statement=lambda event: callers.append(event.caller())):
        await session.query(User).all()
        async with session.begin() as tx:
            await tx.get(User, 1)
        await asyncio.wait_for(session.query(Post).count(), 5)
        await asyncio.gather(session.query(User).all())
    *named, gathered = callers
    assert [caller.file for caller in named[:2]] == [__file__] * 2
    assert linecache.getline(__file__, named[0].line).strip() == "await session.query(User).all()"
    assert named[0].function == test_the_caller_is_the_line_of_the_application.__qualname__
    assert gathered is None


async def test_a_listener_that_fails_changes_nothing_and_is_logged_once(
    session: AsyncSession, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[StatementEvent] = []

    def fail(event: StatementEvent) -> None:
        heard.append(event)
        raise ValueError("a listener's own fault")

    with session.engine.listen(on_statement=fail), capture_statements(session.engine) as captured:
        assert await session.query(User).count() == 0
        assert await session.query(User).count() == 0
    assert heard == captured
    assert len(captured) == 2
    assert [record.levelname for record in caplog.records] == ["ERROR"]


async def test_what_a_listener_sends_makes_no_event(session: AsyncSession) -> None:
    tasks: list[asyncio.Task[int]] = []
    heard: list[StatementEvent] = []

    def listen(event: StatementEvent) -> None:
        heard.append(event)
        tasks.append(asyncio.get_running_loop().create_task(session.query(Post).count()))

    with session.engine.listen(on_statement=listen):
        await session.query(User).count()
        await asyncio.gather(*tasks)
        await session.query(User).count()
        await asyncio.gather(*tasks)
    assert [event.summary for event in heard] == ["SELECT users"] * 2


async def test_listening_ends(session: AsyncSession) -> None:
    heard: list[StatementEvent] = []
    first = session.engine.listen(on_statement=heard.append)
    second = session.engine.listen(on_statement=heard.append)
    await session.query(User).count()
    first.close()
    first.close()
    await session.query(User).count()
    second.close()
    await session.query(User).count()
    assert len(heard) == 3
    # The same code as before anyone listened.
    connection = session.engine.pool.take()
    assert connection is not None
    session.engine.pool.give(connection)
    assert type(connection) is Connection


async def test_listening_may_begin_and_end_within_a_transaction(session: AsyncSession) -> None:
    heard: list[TransactionEvent] = []
    async with session.begin() as tx:
        await tx.get(User, 1)
        listening = session.engine.listen(on_transaction=heard.append)
        await tx.get(User, 2)
    async with session.begin() as tx:
        await tx.get(User, 1)
        listening.close()
    assert [(event.how, event.statements) for event in heard] == [("commit", 1)]


async def test_listeners_are_plain_functions(engine: Engine) -> None:
    async def listen(event: StatementEvent) -> None:
        return None

    wrong: Any = listen
    with pytest.raises(ConfigurationError, match="async function"):
        engine.listen(on_statement=wrong)
    wrong = "print"
    with pytest.raises(ConfigurationError, match="give a function"):
        engine.listen(on_connection=wrong)
    with pytest.raises(ConfigurationError, match="needs one of"):
        engine.listen()


async def test_the_wait_for_a_connection_is_told_apart(blog_url: str) -> None:
    async with await create_engine(blog_url, max_connections=1) as engine:
        with capture_statements(engine) as captured:
            await asyncio.gather(*(engine.execute("SELECT pg_sleep(0.02)") for _ in range(2)))
        first, second = captured
        assert first.waited == 0
        assert second.waited > 0.005
        stats = engine.pool_stats()
        assert (stats.waits, stats.timeouts, stats.size, stats.max_size) == (1, 0, 1, 1)
        assert stats.waited == second.waited
        assert (stats.in_use, stats.idle, stats.waiting, stats.opened) == (0, 1, 0, 1)


async def test_slow_statements_are_logged_once_per_text(
    blog_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    slow = "SELECT pg_sleep(0.05), $1::text"
    async with await create_engine(blog_url, slow_query=0.04) as engine:
        for _ in range(3):
            await engine.execute(slow, ["a secret"])
    (record,) = [record for record in caplog.records if record.name == "ormkit.slow"]
    assert record.levelname == "WARNING"
    assert record.getMessage().endswith(slow)
    assert f"{Path(__file__).name}:" in record.getMessage()
    assert "a secret" not in record.getMessage()
    assert record.__dict__["db.query.text"] == slow


async def test_a_slow_statement_is_logged_again_after_a_while(
    session: AsyncSession, caplog: pytest.LogCaptureFixture
) -> None:
    slow = SlowQueries(0, per_shape=600)
    with session.engine.listen(on_statement=slow.note):
        for _ in range(3):
            await session.query(User).count()
        slow.per_shape = 0
        await session.query(User).count()
    first, last = [record.getMessage() for record in caplog.records]
    assert first.startswith("slow query: SELECT users took 0.")
    assert "; 2 more since the last line, 0." in last


@pytest.mark.parametrize("value", [-1, True, "1", float("nan"), float("inf")])
async def test_slow_query_is_a_number_of_seconds(value: Any) -> None:
    with pytest.raises(ConfigurationError, match="number of seconds"):
        await create_engine("postgresql://nowhere/at_all", slow_query=value)


async def test_every_statement_is_logged_for_debugging(
    blog_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "ormkit.sql")
    async with await create_engine(blog_url) as engine:
        await AsyncSession(engine).query(User).count()
    (record,) = [record for record in caplog.records if record.name == "ormkit.sql"]
    assert record.getMessage().startswith("SELECT users took")
