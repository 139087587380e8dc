"""Code with computed attributes that type checkers accept, with the types they see."""

from __future__ import annotations

from decimal import Decimal
from typing import assert_type

from examples.blog.db import Post, User, UserQuery
from ormkit import AsyncSession, Computed, Condition, Rows, func, joinedload, jsonload, selectinload


async def reading(session: AsyncSession) -> None:
    assert_type(User.post_count, Computed[User, int, int])
    assert_type(User.avg_views, Computed[User, Decimal, Decimal | None])
    query = session.query(User).with_computed("post_count", User.avg_views)
    assert_type(query, UserQuery)
    user = await query.one()
    assert_type(user.post_count, int)
    assert_type(user.avg_views, Decimal | None)
    assert_type(User.post_count > 3, Condition[User])
    assert_type(
        query.values_list(User.post_count, User.avg_views), Rows[tuple[int, Decimal | None]]
    )
    assert_type(await query.scalars(User.avg_views), list[Decimal | None])
    assert_type(await query.max(User.post_count), int | None)
    assert_type(query.with_values(func.abs(User.post_count)), Rows[tuple[User, int]])


async def choosing(session: AsyncSession) -> None:
    query = session.query(User)
    query.filter(post_count__gte=3, avg_views__isnull=True).order_by("-post_count", "avg_views")
    query.filter(User.posts.any(Post.headline.contains("x"))).group_by(User.post_count)
    query.options(selectinload(User.posts).with_computed(Post.headline))
    query.options(jsonload(User.posts).with_computed("headline").joinedload(Post.author))
    session.query(Post).options(joinedload(Post.author).with_computed(User.avg_views))
    await session.load(await query.all(), User.post_count, User.posts)
