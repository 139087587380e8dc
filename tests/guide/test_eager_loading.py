"""Eager loading: selectinload for collections, joinedload for single objects, no N+1."""

from __future__ import annotations

import pytest

from examples.blog.db import Post, User
from ormkit import AsyncSession, Engine, NotLoaded
from tests.guide.snippets import run
from tests.statements import Statements


@pytest.fixture
async def users(session: AsyncSession) -> list[User]:
    users = await session.insert_all([User(name=f"u{n}") for n in range(5)])
    await session.insert_all(
        [Post(author=user, title=f"{user.name} {n}") for user in users[:4] for n in range(3)]
    )
    return users


async def test_selectinload_takes_one_query_for_all_collections(
    session: AsyncSession, engine: Engine, users: list[User]
) -> None:
    with Statements(engine) as sent:
        names = await run(
            """
            # Good: One query for users, one for all their posts
            users = await session.query(User).options(selectinload("posts")).all()
            """,
            session=session,
        )
    assert len(sent) == 2
    assert [len(user.posts) for user in names["users"]] == [3, 3, 3, 3, 0]


async def test_joinedload_takes_a_single_query(
    session: AsyncSession, engine: Engine, users: list[User]
) -> None:
    with Statements(engine) as sent:
        names = await run(
            """
            # Good: Single query with JOIN
            posts = await session.query(Post).options(joinedload("author")).all()
            """,
            session=session,
        )
    assert len(sent) == 1
    assert "JOIN users" in sent[0]
    assert {post.author.name for post in names["posts"]} == {"u0", "u1", "u2", "u3"}


async def test_two_queries_do_the_work_of_one_for_each_row(
    session: AsyncSession, engine: Engine, users: list[User], capsys: pytest.CaptureFixture[str]
) -> None:
    with Statements(engine) as slow:
        bad = await run(
            """
            # Bad: N+1 queries (1 for users + N for posts)
            users = await session.query(User).all()
            for user in users:
                posts = await session.query(Post).filter(author_id=user.id).all()
            """,
            session=session,
        )
    assert len(slow) == 1 + 5
    with pytest.raises(NotLoaded, match=r"selectinload\('posts'\)"):
        _ = bad["users"][0].posts
    with Statements(engine) as fast:
        await run(
            """
            # Good: 2 queries total
            users = await session.query(User).options(selectinload("posts")).all()
            for user in users:
                for post in user.posts:
                    print(post.title)
            """,
            session=session,
        )
    assert len(fast) == 2
    expected = [f"u{user} {n}" for user in range(4) for n in range(3)]
    assert sorted(capsys.readouterr().out.splitlines()) == expected
