"""Right operands of functions and of contains(), contained_by() and overlaps()."""

from __future__ import annotations

from typing import assert_type

from examples.blog.db import Post, User
from ormkit import AsyncSession, Range, func
from tests.typing.people import Account, Person
from tests.typing.settings import Settings


async def functions(session: AsyncSession) -> None:
    query = session.query(User)
    assert_type(await query.scalars(func.coalesce(User.age, 0)), list[int])
    assert_type(await query.scalars(func.coalesce(User.bio, User.email)), list[str | None])
    assert_type(await query.scalars(func.coalesce(User.bio, User.email, "x")), list[str | None])
    assert_type(await query.scalars(func.coalesce(User.bio, User.name)), list[str])
    assert_type(await query.scalars(func.nullif(User.name, "x")), list[str | None])
    assert_type(await query.scalars(func.greatest(User.age, 1)), list[int | None])
    assert_type(await query.scalars(func.greatest(User.id, 1)), list[int])
    assert_type(await query.scalars(func.least(User.id, User.age)), list[int])
    assert_type(await query.scalars(func.coalesce(User.posts.count(), 0)), list[int])
    assert_type(await query.scalars(func.coalesce(func.lower(User.bio), "x")), list[str])
    assert_type(await query.scalars(func.lower(func.coalesce(User.bio, "x"))), list[str])
    query.filter(func.coalesce(User.age, 1) > 3)
    query.filter(func.coalesce(User.age, 1) > 3)
    query.order_by(func.coalesce(User.age, 1), func.coalesce(User.age, 1).desc())
    query.annotate(x=func.coalesce(User.age, 1))
    query.values_list(func.coalesce(User.age, 1), User.name)
    query.update(age=func.coalesce(User.age, 0) + 1)
    session.query(Post).update(views=func.coalesce(Post.views, 0) + 1)
    session.query(Post).update(views=func.greatest(Post.views, 0))


async def containment(session: AsyncSession, person: Person) -> None:
    query, posts = session.query(User), session.query(Post)
    posts.filter(Post.keywords.contains(["x"]), Post.keywords.overlaps(Post.keywords))
    posts.filter(Post.keywords.contains(Post.keywords), Post.keywords.contained_by(["x", "y"]))
    query.filter(User.settings.contains({"a": 1}), User.settings.contained_by(User.settings))
    query.filter(User.settings["a"].contains([1]), User.settings["a"].contained_by({}))
    query.filter(User.name.contains("x"), User.age.contained_by(Range(1, 3)))
    session.query(Account).filter(Account.settings.contains(Settings()))
    assert_type(await session.soft_delete(person), Person)
    assert_type((await session.execute_raw("SELECT 1")).to_models(User), list[User])
