"""The way from a listener to the caller is the same by the accelerator and in Python."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from types import FrameType
from typing import Any

import pytest

from examples.blog.db import User
from ormkit import AsyncSession, StatementEvent
from ormkit.events import callers
from ormkit.events.callers import Caller, Walked, kind_of, line_of, python_walk, walk, way_here

NAMES = frozenset({"run", "get", "flush", "stream", "write_changes", "_load"})


async def read(session: AsyncSession) -> None:
    await session.get(User, 1)


async def read_in_tasks(session: AsyncSession) -> None:
    await asyncio.gather(read(session), session.query(User).count())
    await asyncio.create_task(read(session))


async def read_at_once(session: AsyncSession) -> None:
    await asyncio.gather(*(session.get(User, n) for n in range(9)))


async def write(session: AsyncSession) -> None:
    async with session.begin() as tx:
        tx.add(User(name="Ada"))
        await tx.flush()
        tx.add(User(name="Bob"))


async def stream(session: AsyncSession) -> None:
    assert [user async for user in session.query(User).stream()]


WORKS: list[Callable[[AsyncSession], Awaitable[None]]] = [
    *(read, read_in_tasks, read_at_once, write, stream)
]


@pytest.mark.parametrize("work", WORKS, ids=lambda work: work.__name__)
async def test_python_walks_the_same_way(session: AsyncSession, work: Any) -> None:
    if walk is python_walk:
        pytest.skip("there is no accelerator")
    found: list[tuple[Walked, Walked]] = []

    def listen(event: StatementEvent) -> None:
        found.append((walk({}, kind_of, NAMES), python_walk({}, kind_of, NAMES)))

    await session.insert(User(name="Eve"))
    with session.engine.listen(on_statement=listen):
        await work(session)
    assert found
    for in_c, in_python in found:
        assert in_c == in_python
        application, is_task, noted, last = in_c
        assert (application is None) == is_task
        assert last is not None
        assert {each.f_code.co_name for each in noted} <= NAMES
    assert any(noted for (_, _, noted, _), _ in found)


async def test_the_way_ends_at_the_line_of_the_application(session: AsyncSession) -> None:
    found: list[tuple[Caller | None, Caller | None, list[str], str]] = []

    def listen(event: StatementEvent) -> None:
        frame, noted, last = way_here(NAMES)
        line = None if frame is None else line_of(frame)
        names = [each.f_code.co_name for each in noted]
        found.append((line, event.caller(), names, last.f_code.co_qualname if last else ""))

    with session.engine.listen(on_statement=listen):
        await read(session)
        await asyncio.create_task(session.get(User, 1))
    line = Caller(__file__, read.__code__.co_firstlineno + 1, "read")
    sent_from, caller, names, last = found[0]
    assert (sent_from, caller, last) == (line, line, "AsyncSession.get")
    # Without the accelerator, the run() that tells is one more on the way.
    assert names[-3:] == ["run", "get", "get"]
    assert found[1][:2] == (None, None)


def test_lines_are_told_apart_and_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callers, "_lines", {})
    monkeypatch.setattr(callers, "MOST_LINES", 2)

    def here() -> FrameType:
        return sys._getframe(1)  # pyright: ignore[reportPrivateUsage]

    lines = [line_of(here()).line for _ in range(2)]
    lines += [line_of(here()).line, line_of(here()).line]
    assert lines[0] == lines[1] < lines[2] == lines[3]
    assert len(callers.__dict__["_lines"]) <= 2


async def test_the_accelerator_walks_only_by_what_it_can_use(session: AsyncSession) -> None:
    if walk is python_walk:
        pytest.skip("there is no accelerator")
    made: Any = walk
    wrong: list[Any] = [(), ([], kind_of, NAMES), ({}, kind_of, set[str]()), ({}, kind_of)]
    for arguments in wrong:
        with pytest.raises(TypeError):
            made(*arguments)
    for find in (str.upper, "x".index, None):
        with pytest.raises((TypeError, ValueError)):
            made({}, find, NAMES)
    kinds: Any
    for kinds in ({__name__: "text"}, {__name__: -1}):
        with pytest.raises((TypeError, ValueError)):
            made(kinds, kind_of, NAMES)
    assert made({__name__: 0}, len, NAMES)[1:3] == (False, [])
