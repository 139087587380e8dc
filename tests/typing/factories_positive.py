"""What the type checkers make of factories of test data. Never run."""

from __future__ import annotations

from typing import assert_type

from examples.blog.db import Post, User
from ormkit.testing import Factory

users = Factory(User, role="admin")
posts = Factory(Post)


async def made() -> None:
    assert_type(users.build(name="Ada", age=36), User)
    assert_type(await users.create(), User)
    ada = await users.create(email=None)
    assert_type(await posts.of(ada).create_many(3, title="t"), list[Post])
