"""Wrong uses of factories: type checkers must report each line marked so, and no other line."""

from __future__ import annotations

from examples.blog.db import Post, User
from ormkit.testing import Factory

users = Factory(User)
posts = Factory(Post)


async def made() -> None:
    Factory(User, nmae="Ada")  # expect-error
    users.build(nmae="Ada")  # expect-error
    users.build(age="x")  # expect-error
    await users.create(name=None)  # expect-error
    await posts.create_many("3")  # expect-error
    await posts.create_many(3, views="x")  # expect-error
