"""Result format selection: tuples, one column, one row."""

from __future__ import annotations

import pytest

from examples.blog.db import User
from ormkit import AsyncSession, Engine
from tests.guide.snippets import run


@pytest.fixture
async def users(session: AsyncSession) -> list[User]:
    return await session.insert_all(
        [
            User(name="Alice", email="alice@example.com"),
            User(name="Bob", email="bob@example.com"),
            User(name="Eve", email="eve@example.com", status="inactive"),
        ]
    )


async def test_tuples_unpack_into_names(engine: Engine, users: list[User]) -> None:
    seen: list[tuple[object, ...]] = []
    await run(
        """
        result = await engine.execute("SELECT id, name, email FROM users", [])

        # 15% faster than dicts
        for id, name, email in result.tuples():
            process(id, name, email)
        """,
        engine=engine,
        process=lambda *row: seen.append(row),
    )
    assert seen == [(user.id, user.name, user.email) for user in users]


async def test_a_column_is_a_list_of_its_values(engine: Engine, users: list[User]) -> None:
    names = await run(
        """
        result = await engine.execute("SELECT email FROM users WHERE status = $1", ["active"])
        emails = result.column("email")  # ["alice@example.com", "bob@example.com"]
        """,
        engine=engine,
    )
    assert names["emails"] == ["alice@example.com", "bob@example.com"]


async def test_the_first_row_is_one_dict(engine: Engine, users: list[User]) -> None:
    snippet = """
        result = await engine.execute(
            "SELECT * FROM users WHERE id = $1", [user_id]
        )
        user = result.first()  # Single dict, not a list
        """
    names = await run(snippet, engine=engine, user_id=users[1].id)
    assert names["user"]["name"] == "Bob"
    assert set(names["user"]) == {column.name for column in User.__table__.columns}
    assert (await run(snippet, engine=engine, user_id=-1))["user"] is None
