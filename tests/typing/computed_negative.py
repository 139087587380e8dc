"""Code with computed attributes that type checkers must reject, each line for itself."""

from __future__ import annotations

from examples.blog.db import Post, Tag, User
from ormkit import AsyncSession, jsonload


async def wrong(session: AsyncSession) -> None:
    query = session.query(User)
    query.with_computed("posts_count")  # expect-error
    query.with_computed("name")  # expect-error
    query.with_computed(User.name)  # expect-error
    query.with_computed(Post.headline)  # expect-error
    query.with_computed(User.posts)  # expect-error
    session.query(Tag).with_computed("post_count")  # expect-error
    session.query(Tag).with_computed(User.post_count)  # expect-error
    query.filter(post_count="x")  # expect-error
    query.filter(post_count__like="x")  # expect-error
    query.filter(User.post_count == "x")  # expect-error
    query.filter(Post.headline == "x")  # expect-error
    query.order_by("posts_count")  # expect-error
    query.update(post_count=3)  # expect-error
    User(name="x", post_count=3)  # expect-error
    query.options(jsonload(User.posts).with_computed(User.post_count))  # expect-error
    query.options(jsonload(User.posts).with_computed(Post.title))  # expect-error
    await session.load(User(name="x"), Post.headline)  # expect-error
    user = await query.one()
    user.post_count = 3  # expect-error
    text: str = user.post_count  # expect-error
    print(text, user.posts_count)  # expect-error
