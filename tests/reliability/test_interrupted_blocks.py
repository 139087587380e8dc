"""What was cut short inside a transaction that goes on: undone, whole, or the transaction fails."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from itertools import count
from typing import Any

import pytest

from examples.blog.db import Tag
from ormkit import AsyncSession, DatabaseError, Engine, TransactionFailed
from ormkit.driver.errors import IN_FAILED_TRANSACTION
from tests.reliability.interruption import interrupt
from tests.reliability.pool_state import assert_all_usable
from tests.reliability.works import (
    copy_in,
    copy_out,
    execute_in_turn,
    execute_many,
    insert,
    insert_all,
    insert_chunks,
    upsert_all,
)


async def stored(session: AsyncSession) -> list[str]:
    """Return the names of all tags, and remove them."""
    names = [name for (name,) in await session.query(Tag).values_list(Tag.name)]
    await session.query(Tag).delete()
    return sorted(names)


async def keep(session: AsyncSession) -> None:
    async with session.begin() as inner:
        await inner.insert(Tag(name="b"))
        inner.add(Tag(name="c"))


async def give_up(session: AsyncSession) -> None:
    with pytest.raises(KeyError):
        async with session.begin() as inner:
            await inner.insert(Tag(name="b"))
            raise KeyError


async def nest_deeper(session: AsyncSession) -> None:
    async with session.begin() as inner:
        await inner.insert(Tag(name="b"))
        await keep_c(session)


async def keep_c(session: AsyncSession) -> None:
    async with session.begin() as innermost:
        await innermost.insert(Tag(name="c"))


@pytest.mark.parametrize("has_company", [False, True], ids=["alone", "taking turns"])
@pytest.mark.parametrize("is_late", [False, True], ids=["waiting", "answered"])
@pytest.mark.parametrize(
    ("block", "kept"), [(keep, ["b", "c"]), (give_up, []), (nest_deeper, ["b", "c"])]
)
async def test_a_nested_block_that_was_cut_is_undone_and_the_transaction_goes_on(
    engine: Engine,
    session: AsyncSession,
    block: Callable[[AsyncSession], Any],
    kept: list[str],
    *,
    is_late: bool,
    has_company: bool,
) -> None:
    failures = 0
    for number in count():
        was_cut = True
        try:
            async with session.begin() as tx:
                await tx.insert(Tag(name="a"))
                company = [tx.execute_raw("SELECT pg_sleep(0.002)")] if has_company else []
                was_cut, *_ = await asyncio.gather(
                    interrupt(block(session), number, is_late=is_late), *company
                )
                await tx.insert(Tag(name="d"))
        except (TransactionFailed, DatabaseError) as error:
            if isinstance(error, DatabaseError) and error.sqlstate != IN_FAILED_TRANSACTION:
                raise
            failures += 1
            assert await stored(session) == []
        else:
            assert await stored(session) == ["a", *([] if was_cut else kept), "d"]
        await assert_all_usable(engine)
        if not was_cut:
            break
    # A RELEASE that was cut short may have been done, and then nothing can be undone.
    assert failures <= 2 < number


@pytest.mark.parametrize("is_late", [False, True], ids=["waiting", "answered"])
@pytest.mark.parametrize(
    ("work", "whole"),
    [
        (insert, ["a"]),
        (insert_all, ["a", "b"]),
        (insert_chunks, ["a", *sorted(f"b{n}" for n in range(1200))]),
        (upsert_all, ["a", "b"]),
        (execute_many, ["a", "b"]),
        (execute_in_turn, ["a", "b"]),
        (copy_in, ["a", "b"]),
        (copy_out, []),
    ],
)
async def test_what_was_cut_in_the_transaction_itself_is_not_committed_by_half(
    engine: Engine,
    session: AsyncSession,
    work: Callable[[AsyncSession], Awaitable[object]],
    whole: list[str],
    *,
    is_late: bool,
) -> None:
    for number in count():
        was_cut = True
        try:
            async with session.begin() as tx:
                await tx.insert(Tag(name="0"))
                was_cut = await interrupt(work(session), number, is_late=is_late)  # type: ignore[arg-type]
        except TransactionFailed:
            assert await stored(session) == []
        else:
            assert not was_cut
            assert await stored(session) == ["0", *whole]
        await assert_all_usable(engine)
        if not was_cut:
            break
    assert number > 0


async def test_a_copy_that_was_cut_between_two_pieces_leaves_none_to_come(
    engine: Engine, session: AsyncSession
) -> None:
    """The pieces come while the transaction's block goes on; nobody is left to take them."""
    failures: list[Mapping[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
    for number in count():
        was_cut = True
        with suppress(TransactionFailed):
            async with session.begin() as tx:
                await tx.insert(Tag(name="never"))
                was_cut = await interrupt(copy_out(session), number, is_late=True)  # type: ignore[arg-type]
                await asyncio.sleep(0.005)
                if not was_cut:
                    break
        assert not failures
        assert await stored(session) == []
        await assert_all_usable(engine)
    assert number > 3


async def test_a_nested_block_that_cannot_be_undone_in_time_takes_the_transaction_with_it(
    session: AsyncSession,
) -> None:
    """Its ROLLBACK TO waits for another task's turn, and is cancelled there."""
    with pytest.raises(TransactionFailed, match="cancelled or timed out"):
        async with session.begin() as tx:
            await tx.insert(Tag(name="a"))
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05), session.begin() as inner:
                    await inner.insert(Tag(name="b"))
                    sleeping = asyncio.create_task(tx.execute_raw("SELECT pg_sleep(0.2)"))
                    await asyncio.sleep(0)
                    raise KeyError
            await sleeping
    assert await stored(session) == []


async def test_no_block_is_nested_in_a_transaction_that_was_cut(session: AsyncSession) -> None:
    with pytest.raises(TransactionFailed, match="use a nested begin"):
        async with session.begin() as tx:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.02):
                    await tx.execute_raw("SELECT pg_sleep(1)")
            async with session.begin() as inner:
                await inner.insert(Tag(name="never"))
    assert await stored(session) == []
