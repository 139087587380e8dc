"""Events are the same by the accelerator and in Python."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from typing import Any

import pytest

from examples.blog.db import User
from ormkit import AsyncSession, Engine, StatementEvent, UniqueViolation
from ormkit.events import observed
from ormkit.events.observed_rows import ObservedRows
from ormkit.events.recorder import PythonRecorder, PythonStatementRecord, Recorder

#: What an event has, beside its time and the process id.
FIGURES = (
    *("sql", "name", "tables", "operation", "rows", "argument_sets", "keys", "chunks"),
    *("in_transaction", "values", "is_raw", "is_internal", "summary", "how_sent"),
)
VARIABLE = ContextVar("variable", default=0)


def in_python() -> type[Any]:
    """Return the class of events over the record in Python."""
    own = {name: each for name, each in vars(StatementEvent).items() if name != "__doc__"}
    return type("StatementEvent", (PythonStatementRecord,), own)


@pytest.fixture(params=["accelerator", "python"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "python":
        monkeypatch.setattr(observed, "Recorder", PythonRecorder)
        monkeypatch.setattr(observed, "StatementEvent", in_python())
    elif Recorder is PythonRecorder:
        pytest.skip("there is no accelerator")
    return str(request.param)


async def work(session: AsyncSession) -> None:
    engine = session.engine
    ada = await session.insert(User(name="Ada", email="ada@example.com"))
    await session.get(User, ada.id)
    await asyncio.gather(*(session.get(User, n) for n in range(1, 10)))
    await engine.execute_many("UPDATE users SET age = $1 WHERE id = $2", [[1, 1], [2, 2]])
    async with session.begin() as tx:
        assert [user async for user in tx.query(User).stream()]
        with pytest.raises(UniqueViolation):
            async with tx.begin() as inner:
                await inner.insert(User(name="Bob", email="ada@example.com"))
    await engine.copy_in("users", [("a",)], columns=["name"])


async def events_of(session: AsyncSession, values: bool) -> list[str]:
    heard: list[Any] = []
    with session.engine.listen(on_statement=heard.append, values=values):
        await work(session)
    assert all(event.elapsed > 0 and event.backend > 0 for event in heard)
    assert [type(each.error).__name__ for each in heard if each.error] == ["UniqueViolation"]
    await session.engine.execute("TRUNCATE users RESTART IDENTITY CASCADE")
    # Concurrent lookups may end in any order.
    return sorted(repr([getattr(event, name) for name in FIGURES]) for event in heard)


@pytest.mark.parametrize("values", [False, True])
async def test_events_say_the_same_in_python(
    session: AsyncSession, monkeypatch: pytest.MonkeyPatch, values: bool
) -> None:
    await work(session)
    await session.engine.execute("TRUNCATE users RESTART IDENTITY CASCADE")
    first = await events_of(session, values)
    monkeypatch.setattr(observed, "Recorder", PythonRecorder)
    monkeypatch.setattr(observed, "StatementEvent", in_python())
    assert await events_of(session, values) == first
    assert len(first) == 9


async def test_rows_know_an_event_that_was_kept(
    session: AsyncSession, engine: Engine, kind: str
) -> None:
    kinds: list[type] = []
    original = User.__decode__

    async def read() -> None:
        connection = engine.pool.take()
        assert connection is not None
        statement = (await told_of(session)).__getattribute__("_command")
        rows, _ = await connection.run(statement, [1])
        kinds.append(type(rows))
        engine.pool.give(connection)

    await session.get(User, 1)
    kept: list[Any] = []
    with engine.listen(on_statement=lambda event: None):
        await read()
    with engine.listen(on_statement=kept.append):
        await read()
    assert kinds == [list, ObservedRows]
    assert User.__decode__ == original


async def told_of(session: AsyncSession) -> Any:
    heard: list[Any] = []
    with session.engine.listen(on_statement=heard.append):
        await session.get(User, 1)
    return heard[0]


async def test_a_listener_runs_in_a_copy_of_the_context(
    session: AsyncSession, engine: Engine, kind: str
) -> None:
    seen: list[int] = []

    def listen(event: StatementEvent) -> None:
        seen.append(VARIABLE.get())
        if len(seen) == 2:
            VARIABLE.set(7)

    with engine.listen(on_statement=listen):
        for _ in range(4):
            await session.get(User, 1)
        assert VARIABLE.get() == 0
        VARIABLE.set(1)
        await session.get(User, 1)
        await session.get(User, 1)
        VARIABLE.set(2)
        await session.get(User, 1)
    assert seen == [0, 0, 0, 0, 1, 1, 2]


async def test_tasks_of_a_listener_make_no_events(
    session: AsyncSession, engine: Engine, kind: str
) -> None:
    heard: list[str] = []
    tasks: list[asyncio.Task[Any]] = []

    async def audit() -> None:
        await session.query(User).count()
        await asyncio.gather(session.query(User).all(), session.get(User, 1))

    def listen(event: StatementEvent) -> None:
        heard.append(event.name)
        tasks.append(asyncio.get_running_loop().create_task(audit()))

    with engine.listen(on_statement=listen):
        for _ in range(3):
            await session.get(User, 1)
            await asyncio.gather(*tasks)
        await asyncio.gather(*(session.query(User).exists() for _ in range(3)))
        await asyncio.gather(*tasks)
    assert heard == ["User.get"] * 3 + ["User.exists"] * 3


async def test_listeners_may_fail_or_leave(
    session: AsyncSession, engine: Engine, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[str] = []

    def leave(event: StatementEvent) -> None:
        heard.append("left")
        leaving.close()

    def fail(event: StatementEvent) -> None:
        heard.append("failed")
        raise ValueError("wrong")

    def stop(event: StatementEvent) -> None:
        raise KeyboardInterrupt

    leaving = engine.listen(on_statement=leave)
    with engine.listen(on_statement=fail), engine.listen(on_statement=lambda _: heard.append("x")):
        await session.get(User, 1)
        await session.get(User, 1)
    assert heard == ["left", "failed", "x", "failed", "x"]
    (record,) = caplog.records
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], ValueError)
    assert record.exc_info[1].__traceback__ is not None
    with engine.listen(on_statement=stop), pytest.raises(KeyboardInterrupt):
        await session.get(User, 1)
    assert await session.query(User).count() == 0


def test_the_accelerator_refuses_what_it_cannot_use() -> None:
    if Recorder is PythonRecorder:
        pytest.skip("there is no accelerator")
    made: Any = Recorder
    with pytest.raises(TypeError, match="StatementRecord"):
        made(int, list, None, VARIABLE, bool, 1)
    with pytest.raises(TypeError):
        made(StatementEvent, list, None, None, bool, 1)
    recorder = made(StatementEvent, list, None, VARIABLE, bool, 1)
    for arguments in [(), (1, 2.0, 1, "keys"), (1, "began", 1, 0)]:
        with pytest.raises(TypeError):
            recorder.ended(*arguments)
    wrong: list[Any] = [None, (), ([],), (1, 2), ([], None)]
    for answer in wrong:
        with pytest.raises((TypeError, AttributeError)):
            recorder.answered(None, (), 0.0, 1, 0, answer)
