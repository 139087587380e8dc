"""Events are the same by the accelerator and in Python."""

from __future__ import annotations

import asyncio
import gc
import sys
import types
from collections.abc import Generator
from contextvars import ContextVar
from typing import Any, cast

import pytest

from examples.blog.db import User
from ormkit import AsyncSession, Engine, StatementEvent, UniqueViolation
from ormkit.driver.command import Command
from ormkit.driver.connection import Connection
from ormkit.events import observed
from ormkit.events.listeners import Listeners
from ormkit.events.observed_rows import ObservedRows
from ormkit.events.recorder import (
    PythonRecorder,
    PythonStatementRecord,
    Recorder,
    StatementRecord,
    python_told,
    told,
)

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


def tell_in_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observed, "Recorder", PythonRecorder)
    monkeypatch.setattr(observed, "StatementEvent", in_python())
    monkeypatch.setattr(observed.ObservedConnection, "run", python_told(Connection))


@pytest.fixture(params=["accelerator", "python"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "python":
        tell_in_python(monkeypatch)
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
    tell_in_python(monkeypatch)
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


class Plain:
    """What `told()` tells of, in place of the class of connections."""

    watch: Any = None

    async def run(
        self, command: Any, args: Any = (), timeout: Any = None, *, is_many: bool = False
    ) -> Any:
        return command.answer


class Told(Plain):
    run: Any = told(cast("Any", Plain))


class Heard:
    """What a recorder has in place of the listeners."""

    def __init__(self, told: Any) -> None:
        self.told = told

    def bound(self, event: Any, values: Any) -> None:
        raise ValueError("no values")


class Sent:
    shape = ""
    is_lookup = False

    def __init__(self, answer: Any = ([], b"SELECT 0")) -> None:
        self.answer = answer


def test_the_accelerator_refuses_what_it_cannot_use() -> None:
    if Recorder is PythonRecorder:
        pytest.skip("there is no accelerator")
    made: Any = Recorder
    heard = Heard([(), ()])
    with pytest.raises(TypeError, match="StatementRecord"):
        made(int, list, heard, VARIABLE, bool, 1)
    with pytest.raises(TypeError):
        made(StatementEvent, list, heard, None, bool, 1)
    for none in (None, Heard(None), Heard(((), ()))):
        with pytest.raises((TypeError, AttributeError)):
            made(StatementEvent, list, none, VARIABLE, bool, 1)
    recorder = made(StatementEvent, list, heard, VARIABLE, bool, 1)
    for arguments in [(), (1, 2.0, 1, "keys"), (1, "began", 1, 0)]:
        with pytest.raises(TypeError):
            recorder.ended(*arguments)
    connection: Any = Told()
    for watch in (None, 5, PythonRecorder):
        connection.watch = watch
        with pytest.raises(TypeError):
            connection.run(Sent())
    connection.watch = recorder
    assert of(connection.run(Sent())) == ([], b"SELECT 0")
    assert of(connection.run(command=Sent(), args=[1], is_many=True)) == ([], b"SELECT 0")
    answers: list[Any] = [None, (), ([],), (1, 2), [[], b""]]
    for answer in answers:
        with pytest.raises(TypeError):
            of(connection.run(Sent(answer)))
    with pytest.raises(TypeError):
        connection.run()
    with pytest.raises(TypeError):
        connection.run(Sent(), 5, is_many=True)
    lookup = Sent()
    lookup.is_lookup = True
    for wrong in [(), (1,), 5]:
        with pytest.raises((TypeError, IndexError, AttributeError)):
            connection.run(lookup, wrong)
    for few in ([], [()], [(), None], [(5,), ()], [((1, 2),), ()]):
        heard.told[:] = few
        with pytest.raises((TypeError, AttributeError)):
            of(connection.run(Sent()))
    heard.told[:] = [(), ((None, print),)]
    with pytest.raises(ValueError, match="no values"):
        of(connection.run(Sent()))


def of(running: Any) -> Any:
    """Return what a coroutine returns that waits for nothing."""
    with pytest.raises(StopIteration) as ended:
        running.send(None)
    return ended.value.value


@types.coroutine
def waiting() -> Generator[str, Any, Any]:
    return (yield "waits")


class Waiting(Plain):
    async def run(
        self, command: Any, args: Any = (), timeout: Any = None, *, is_many: bool = False
    ) -> Any:
        try:
            return [await waiting()], b"SELECT 1"
        except ZeroDivisionError:
            if (second := await waiting()) is None:
                raise
            return [second], b"SELECT 1"


class ToldInC(Waiting):
    run: Any = told(cast("Any", Waiting))


class ToldInPython(Waiting):
    run: Any = python_told(cast("Any", Waiting))


#: What is done with a coroutine: it is sent a value, or thrown an error, or closed.
STEPS: list[list[Any]] = [
    [None, 5],
    [None, None],
    [None, ZeroDivisionError(), 7],
    [None, ZeroDivisionError(), None],
    [None, ZeroDivisionError(), KeyError("k")],
    [None, KeyError("k"), None],
    [None, asyncio.CancelledError()],
    [None, StopIteration(3)],
    [None, GeneratorExit()],
    [ZeroDivisionError(), None],
    [None, "close", None, "close"],
    ["close", "close", None],
    [None, 5, None, "close", KeyError()],
]


def steps_of(kind: Any, steps: list[Any], *, is_traced: bool) -> list[str]:
    """Return what comes of each step, and what was told of."""
    heard: list[str] = []

    def hear(event: Any) -> None:
        handled = type(sys.exc_info()[1]).__name__
        heard.append(f"told {type(event.error).__name__} {event.rows} while {handled}")

    listeners = Listeners(lambda _: None)
    listeners.add(hear, None, None, values=False)
    record = StatementEvent if kind is ToldInC else in_python()
    recorder: Any = Recorder if kind is ToldInC else PythonRecorder
    connection = kind()
    connection.watch = recorder(record, list, listeners, VARIABLE, bool, 1)

    async def awaits() -> Any:
        return await connection.run(Command("SELECT 1"))

    for running in (connection.run(Command("SELECT 1")), awaits()):
        for step in steps:
            try:
                if step == "close":
                    heard.append(f"closed {running.close()}")
                elif isinstance(step, BaseException):
                    # A new one each time: it keeps its traceback and its context.
                    heard.append(f"yielded {running.throw(type(step)(*step.args))}")
                else:
                    heard.append(f"yielded {running.send(step)}")
            except BaseException as error:
                heard.append(f"raised {error!r}")
        running.close()
    return heard


def trace_nothing(frame: types.FrameType, what: str, _: Any) -> None:
    return None


@pytest.mark.parametrize("steps", STEPS, ids=str)
@pytest.mark.parametrize("is_traced", [False, True])
def test_a_coroutine_that_tells_goes_on_like_one_of_python(
    steps: list[Any], is_traced: bool
) -> None:
    expected = steps_of(ToldInPython, steps, is_traced=is_traced)
    former = sys.gettrace()
    if is_traced:
        # While somebody traces, the interpreter asks for values in another way.
        sys.settrace(trace_nothing)
    try:
        found = steps_of(ToldInC, steps, is_traced=is_traced)
    finally:
        sys.settrace(former)
    assert found == expected


async def test_a_coroutine_that_tells_looks_like_one(session: AsyncSession) -> None:
    if Recorder is PythonRecorder:
        pytest.skip("there is no accelerator")
    with session.engine.listen(on_statement=lambda event: None):
        connection = session.engine.pool.take()
        assert connection is not None
        task = asyncio.create_task(connection.run(Command("SELECT 1")))
        running: Any = task.get_coro()
        await asyncio.sleep(0)
        assert running.cr_code is Connection.run.__code__
        assert running.cr_await is not None
        assert not running.cr_running
        rows, tag = await task
        assert ([tuple(row) for row in rows], tag) == ([(1,)], b"SELECT 1")
        session.engine.pool.give(connection)


async def test_an_event_that_nobody_keeps_holds_nothing(session: AsyncSession) -> None:
    seen: list[tuple[int, str]] = []
    kept: list[StatementEvent] = []

    def listen(event: StatementEvent) -> None:
        seen.append((event.rows, event.sql))
        if event.rows == 2:
            kept.append(event)

    engine = session.engine
    with engine.listen(on_statement=listen):
        for count in (1, 2, 3, 2, 1):
            await engine.execute(f"SELECT generate_series(1, {count})")
        gc.collect()
        idle = [each for each in gc.get_objects() if isinstance(each, StatementRecord)]
        assert all(each in kept or each.__getattribute__("_command") is None for each in idle)
    assert [rows for rows, _ in seen] == [1, 2, 3, 2, 1]
    assert [each.rows for each in kept] == [2, 2]
    assert kept[0].sql == "SELECT generate_series(1, 2)"
    assert kept[0] is not kept[1]
