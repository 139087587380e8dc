"""A listener that keeps no event costs no memory, however many there are."""

from __future__ import annotations

import gc
import sys

import pytest

from examples.blog.db import User
from ormkit import AsyncSession, StatementEvent
from tests.lengths import IS_NIGHTLY

#: How many blocks of memory may differ by chance, such as caches that fill.
CHANCE = 1_000
#: How many events are enough to tell whether they are kept.
FEW = 2_000


async def growth(session: AsyncSession, count: int, kept: list[StatementEvent] | None) -> int:
    """Return how many more blocks of memory there are after so many events."""
    heard = 0

    def listen(event: StatementEvent) -> None:
        nonlocal heard
        heard += 1
        if kept is not None:
            kept.append(event)

    for values in (False, True):
        with session.engine.listen(on_statement=listen, values=values):
            for _ in range(500):
                await session.get(User, 1)
            gc.collect()
            before = sys.getallocatedblocks()
            for _ in range(count // 2):
                await session.get(User, 1)
            gc.collect()
            grown = sys.getallocatedblocks() - before
    assert heard == count // 2 * 2 + 1000
    return grown


@pytest.mark.one_interpreter
@pytest.mark.nightly
async def test_events_that_nobody_keeps_take_no_memory(session: AsyncSession) -> None:
    kept: list[StatementEvent] = []
    assert await growth(session, FEW, kept) > CHANCE
    kept.clear()
    assert await growth(session, 1_000_000 if IS_NIGHTLY else FEW, None) < CHANCE
