"""Bulk operations: one INSERT for many rows, one DELETE for many."""

from __future__ import annotations

from examples.blog.db import User
from ormkit import AsyncSession, Engine
from tests.guide.snippets import run
from tests.statements import Statements

PEOPLE = [{"name": f"u{n}", "email": f"u{n}@example.com"} for n in range(7)]


async def test_insert_all_is_one_statement_and_fills_in_the_objects(
    session: AsyncSession, engine: Engine
) -> None:
    with Statements(engine) as sent:
        names = await run(
            """
            # Good: Single INSERT with multiple VALUES
            users = await session.insert_all([
                User(name="Alice", email="alice@example.com"),
                User(name="Bob", email="bob@example.com"),
                User(name="Charlie", email="charlie@example.com"),
            ])
            """,
            session=session,
        )
    assert len(sent) == 1
    stored = await session.query(User).order_by("id").values_list(User.id, User.name)
    assert stored == [(user.id, user.name) for user in names["users"]]
    assert all(user.created_at for user in names["users"])


async def test_an_insert_for_each_row_works_too(session: AsyncSession, engine: Engine) -> None:
    with Statements(engine) as sent:
        await run(
            """
            # Bad: Multiple INSERT statements
            for data in user_data:
                await session.insert(User(**data))
            """,
            session=session,
            user_data=PEOPLE,
        )
    assert len(sent) == len(PEOPLE)
    rows = await session.query(User).order_by("id").values("name", "email")
    assert rows == PEOPLE


async def test_a_bulk_delete_is_one_statement_and_counts(
    session: AsyncSession, engine: Engine
) -> None:
    for status in ("inactive", "active"):
        await session.insert_all([User(name="x", status=status) for _ in range(4)])
    with Statements(engine) as sent:
        names = await run(
            """
            # Good: Single DELETE statement
            deleted = await session.query(User).filter(status="inactive").delete()
            """,
            session=session,
        )
    assert sent == ["DELETE FROM users WHERE status = $1"]
    assert names["deleted"] == 4
    assert await session.query(User).scalars(User.status) == ["active"] * 4


async def test_a_delete_for_each_row_works_too(session: AsyncSession, engine: Engine) -> None:
    await session.insert_all([User(name="x", status="inactive") for _ in range(4)])
    await session.insert(User(name="stays"))
    with Statements(engine) as sent:
        await run(
            """
            # Bad: Delete one by one
            users = await session.query(User).filter(status="inactive").all()
            for user in users:
                await session.remove(user)
            """,
            session=session,
        )
    assert len(sent) == 1 + 4
    assert await session.query(User).scalars(User.name) == ["stays"]
