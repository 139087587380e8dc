"""Query optimization: indexes, limits, counting in the database, and few columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from examples.blog.db import Post, User
from ormkit import AsyncSession, Engine, create_engine
from tests.generated import import_models
from tests.guide.snippets import run
from tests.statements import Statements

INDEXED = """
from datetime import datetime

from ormkit_gen.declarative import Base, Mapped, mapped_column


class User(Base):
    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(unique=True, index=True)  # Indexed
    status: Mapped[str] = mapped_column(index=True)              # Indexed
    created_at: Mapped[datetime] = mapped_column(index=True)     # Indexed
"""


@pytest.fixture
async def users(session: AsyncSession) -> list[User]:
    users = await session.insert_all(
        [User(name=f"u{n}", status="active" if n % 2 else "inactive") for n in range(30)]
    )
    for user in users[:25]:
        await session.insert(Post(author=user, title=user.name))
    return users


async def test_indexes_of_the_class_are_in_the_database(database_url: str, tmp_path: Path) -> None:
    schema = tmp_path / "schema.py"
    schema.write_text(INDEXED, encoding="utf-8")
    models = import_models(tmp_path, schema)
    async with await create_engine(database_url) as engine:
        await engine.create_all(models.SCHEMA)
        found = await engine.execute(
            "SELECT a.attname, bool_or(i.indisunique) AS is_unique FROM pg_index i "
            "JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] "
            "WHERE i.indrelid = 'users'::regclass GROUP BY a.attname ORDER BY a.attname"
        )
    assert found.tuples() == [
        ("created_at", False),
        ("email", True),
        ("id", True),
        ("status", False),
    ]


async def test_a_limit_brings_only_what_is_needed(
    session: AsyncSession, engine: Engine, users: list[User]
) -> None:
    with Statements(engine) as sent:
        good = await run(
            """
            # Good: Only fetch what you need
            recent = await session.query(Post).order_by("-created_at").limit(10).all()
            """,
            session=session,
        )
    assert sent[0].endswith("ORDER BY created_at DESC LIMIT $1")
    bad = await run(
        """
        # Bad: Fetch everything then slice in Python
        all_posts = await session.query(Post).order_by("-created_at").all()
        recent = all_posts[:10]  # Wasteful!
        """,
        session=session,
    )
    assert len(bad["all_posts"]) == 25
    assert [post.id for post in good["recent"]] == [post.id for post in bad["recent"]]


async def test_the_database_counts(
    session: AsyncSession, engine: Engine, users: list[User]
) -> None:
    with Statements(engine) as sent:
        good = await run(
            """
            # Good: Let the database count
            total = await session.query(User).filter(status="active").count()
            """,
            session=session,
        )
    assert sent == ["SELECT count(*) FROM users WHERE status = $1"]
    bad = await run(
        """
        # Bad: Fetch all and count in Python
        users = await session.query(User).filter(status="active").all()
        total = len(users)  # Downloaded all data just to count!
        """,
        session=session,
    )
    assert good["total"] == bad["total"] == 15


@pytest.mark.parametrize("role", ["admin", "member"])
async def test_the_database_looks_whether_there_is_any(
    session: AsyncSession, engine: Engine, users: list[User], role: str
) -> None:
    await session.query(User).update(role=role)
    with Statements(engine) as sent:
        good = await run(
            """
            # Good: Check existence efficiently
            has_admin = await session.query(User).filter(role="admin").exists()
            """,
            session=session,
        )
    assert sent == ["SELECT EXISTS (SELECT FROM users WHERE role = $1)"]
    bad = await run(
        """
        # Bad: Fetch to check
        admins = await session.query(User).filter(role="admin").limit(1).all()
        has_admin = len(admins) > 0
        """,
        session=session,
    )
    assert good["has_admin"] is bad["has_admin"] is (role == "admin")


async def test_raw_sql_selects_some_of_many_columns(
    session: AsyncSession, engine: Engine, users: list[User]
) -> None:
    names: dict[str, Any] = await run(
        """
        # When you only need id and name from a table with 50 columns
        result = await engine.execute(
            "SELECT id, name FROM users WHERE status = $1",
            ["active"]
        )
        """,
        engine=engine,
    )
    assert [set(row) for row in names["result"].all()] == [{"id", "name"}] * 15
    typed = await session.query(User).filter(status="active").values_list(User.id, User.name)
    assert names["result"].tuples() == typed
