"""Transactions: short ones, and many writes in one."""

from __future__ import annotations

import asyncio
from typing import Any

from examples.blog.db import AuditLog, User
from ormkit import AsyncSession, Engine
from tests.guide.snippets import run
from tests.statements import Statements

PEOPLE = [{"name": f"u{n}"} for n in range(20)]


async def stored(session: AsyncSession) -> tuple[list[str], list[str]]:
    return (
        await session.query(User).scalars(User.name),
        await session.query(AuditLog).scalars(AuditLog.action),
    )


async def test_a_quick_transaction_writes_both_or_none(
    session: AsyncSession, engine: Engine
) -> None:
    with Statements(engine) as sent:
        await run(
            """
            # Good: Quick transaction
            async with session.begin() as tx:
                tx.add(User(name="Alice"))
                tx.add(AuditLog(action="user_created"))
            """,
            session=session,
        )
    assert [text.partition(" ")[0] for text in sent] == ["BEGIN", "INSERT", "INSERT", "COMMIT"]
    assert await stored(session) == (["Alice"], ["user_created"])


async def test_a_transaction_around_other_work_holds_no_connection_before_its_first_statement(
    session: AsyncSession, engine: Engine
) -> None:
    idle: list[bool] = []

    async def send_welcome_email() -> None:
        await asyncio.sleep(0)
        idle.append(engine.pool.idle == engine.pool.size)

    await run(
        """
        # Bad: Long transaction with external I/O
        async with session.begin() as tx:
            tx.add(User(name="Alice"))
            await send_welcome_email()  # Holds transaction open!
            tx.add(AuditLog(action="email_sent"))
        """,
        session=session,
        send_welcome_email=send_welcome_email,
    )
    assert idle == [True]
    assert await stored(session) == (["Alice"], ["email_sent"])


async def test_a_batch_is_one_insert_and_one_commit(session: AsyncSession, engine: Engine) -> None:
    with Statements(engine) as sent:
        await run(
            """
            # Good: Batch operations in one transaction
            async with session.begin() as tx:
                for user_data in users_to_create:
                    tx.add(User(**user_data))
            # Single COMMIT at the end
            """,
            session=session,
            users_to_create=PEOPLE,
        )
    assert [text.partition(" ")[0] for text in sent] == ["BEGIN", "MERGE", "COMMIT"]
    assert (await stored(session))[0] == [person["name"] for person in PEOPLE]


async def test_a_transaction_for_each_insert_works_too(
    session: AsyncSession, engine: Engine
) -> None:
    with Statements(engine) as sent:
        await run(
            """
            # Slower: Each insert is its own transaction
            for user_data in users_to_create:
                await session.insert(User(**user_data))
            # N separate COMMITs
            """,
            session=session,
            users_to_create=PEOPLE,
        )
    assert len(sent) == len(PEOPLE)
    names: Any = (await stored(session))[0]
    assert names == [person["name"] for person in PEOPLE]
