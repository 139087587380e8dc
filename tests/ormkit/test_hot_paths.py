"""What common pieces of work cost, counted in calls and statements, never in seconds."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import ormkit
from examples.blog.db import User
from ormkit import AsyncSession, Engine, StatementEvent, selectinload
from ormkit.events.recorder import PythonRecorder, Recorder
from ormkit.statements.select import Select
from tests.statements import Statements

RUNTIME = str(Path(ormkit.__file__).parent)
#: What the accelerator does in C, where there is one.
RECEIVING = {str(Path(RUNTIME, "receiving.py")), str(Path(RUNTIME, "messages.py"))}

Work = Callable[[AsyncSession], Awaitable[Any]]


async def page(session: AsyncSession) -> None:
    active = session.query(User).filter(status="active")
    await active.order_by("-created_at").limit(10).all()


async def change(session: AsyncSession) -> None:
    async with session.begin() as tx:
        user = await tx.get(User, 1)
        assert user is not None
        user.age = (user.age or 0) + 1


async def update(session: AsyncSession) -> None:
    user = User(id=1, name="Ada")
    await session.update(user, age=37)


async def compare(session: AsyncSession) -> None:
    session.query(User).filter(User.age > 3)


async def list_keys(session: AsyncSession) -> None:
    session.query(User).filter(id__in=[1, 2])


async def exclude(session: AsyncSession) -> None:
    session.query(User).exclude(User.age > 3)


async def calls_of(work: Work, session: AsyncSession) -> Counter[str]:
    """Return the functions of the runtime that a piece of work enters, resumptions included."""
    calls: Counter[str] = Counter()

    def note(frame: FrameType, event: str, _: object) -> None:
        file = frame.f_code.co_filename
        if event == "call" and file.startswith(RUNTIME) and file not in RECEIVING:
            calls[frame.f_code.co_qualname] += 1

    for _ in range(3):
        await work(session)
    sys.setprofile(note)
    try:
        await work(session)
    finally:
        sys.setprofile(None)
    return calls


#: Each piece of work with the calls that it may take. More is a step put in everyone's way; less
#: is a figure to write down here.
BUDGETS: dict[str, tuple[Work, int]] = {
    "get": (lambda session: session.get(User, 1), 22),
    "get alone": (lambda session: session.get(User, 1, coalesce=False), 22),
    "exists": (lambda session: session.query(User).filter(id=1).exists(), 16),
    "page": (page, 24),
    "filter(User.age > 3)": (compare, 13),
    "filter(id__in=[1, 2])": (list_keys, 18),
    "exclude(User.age > 3)": (exclude, 23),
    "insert": (lambda session: session.insert(User(name="Grace")), 30),
    "update": (update, 26),
    "read, change, commit": (change, 89),
}


@pytest.mark.parametrize("name", BUDGETS)
async def test_a_piece_of_work_takes_few_calls(session: AsyncSession, name: str) -> None:
    work, budget = BUDGETS[name]
    await session.insert(User(name="Ada"))
    calls = await calls_of(work, session)
    assert calls.total() <= budget, dict(calls)


#: What a listener adds for each statement: nothing but itself, and without the accelerator what
#: that does in C.
LISTENER = 0 if Recorder is not PythonRecorder else 9


async def test_a_listener_takes_no_further_call_for_a_statement(session: AsyncSession) -> None:
    await session.insert(User(name="Ada"))
    alone = await calls_of(lambda session: session.get(User, 1), session)
    heard: list[int] = []

    def listen(event: StatementEvent) -> None:
        heard.append(event.keys)

    with session.engine.listen(on_statement=listen):
        told = await calls_of(lambda session: session.get(User, 1), session)
    assert len(heard) == 4
    assert told.total() - alone.total() <= LISTENER, dict(told - alone)
    after = await calls_of(lambda session: session.get(User, 1), session)
    assert after == alone


async def test_four_coroutines_lie_between_a_lookup_and_the_driver(session: AsyncSession) -> None:
    await session.insert(User(name="Ada"))
    await session.get(User, 1)
    lookup: Any = session.get(User, 1)
    task = asyncio.create_task(lookup)
    await asyncio.sleep(0)
    layers = []
    while lookup is not None and getattr(lookup, "cr_code", None):
        if lookup.cr_code.co_filename.startswith(RUNTIME):
            layers.append(lookup.cr_code.co_qualname)
        lookup = lookup.cr_await
    assert await task is not None
    assert layers == ["AsyncSession.get", "Lookup.get", "PoolExecutor.run", "Connection.run"]


async def test_a_query_of_a_known_shape_writes_no_text(
    session: AsyncSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []
    for name in [each for each in vars(Select) if each.startswith("_write")] + ["_text"]:
        original = getattr(Select, name)

        def counted(self: Select, *args: Any, _name: str = name, _original: Any = original) -> Any:
            written.append(_name)
            return _original(self, *args)

        monkeypatch.setattr(Select, name, counted)

    async def read(status: str, age: int, limit: int) -> None:
        users = session.query(User).filter(User.age > age, status=status)
        await users.order_by("name").limit(limit).options(selectinload("posts")).all()
        await users.filter(id__in=list(range(limit))).count()
        await users.exists()
        await users.values_list(User.id, User.name)

    await session.insert(User(name="Ada", age=36))
    await read("active", 1, 2)
    assert written
    written.clear()
    await read("gone", 5, 7)
    assert written == []


async def test_a_read_that_is_repeated_prepares_nothing(
    session: AsyncSession, engine: Engine
) -> None:
    await session.insert(User(name="Ada"))
    await session.get(User, 1)
    connection: Any = engine.pool.take()
    engine.pool.give(connection)
    prepared = len(connection.prepared.at_hand)
    with Statements(engine) as sent:
        for key in range(10):
            await session.get(User, key)
    assert len(sent) == 10
    assert len(connection.prepared.at_hand) == prepared
