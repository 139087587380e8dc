"""The most common mistakes, one a line: what the checkers say of them is in docs/typing.md."""

from __future__ import annotations

from examples.blog.db import Post, User
from ormkit import AsyncSession


async def mistakes(session: AsyncSession, user: User) -> None:
    query = session.query(User)
    await session.get(User, "1")  # expect-error
    user.age = "3"  # expect-error
    User(name=3)  # expect-error
    Post(title="x")  # expect-error
    Post(title=3, author_id=1)  # expect-error
    query.filter(age__gte="18")  # expect-error
    query.filter(User.age >= "18")  # expect-error
    query.filter(agee=1)  # expect-error
    query.order_by("nmae")  # expect-error
    query.filter(Post.title == "x")  # expect-error
    await session.update(user, age="3")  # expect-error
