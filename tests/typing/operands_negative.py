"""Wrong operands of functions and of contains(), contained_by() and overlaps()."""

from __future__ import annotations

from examples.blog.db import Post, User
from ormkit import AsyncSession, Range, func
from tests.typing.people import Account


async def functions(session: AsyncSession) -> None:
    query = session.query(User)
    await query.scalars(func.coalesce(User.name, 3))  # expect-error
    await query.values_list(func.coalesce(User.name, 3))  # expect-error
    query.values(func.coalesce(User.name, 3))  # expect-error
    query.annotate(x=func.coalesce(User.name, 3))  # expect-error
    query.order_by(func.coalesce(User.name, 3))  # expect-error
    query.group_by(func.coalesce(User.name, 3))  # expect-error
    query.filter(func.coalesce(User.age, "x") > 3)  # expect-error
    query.order_by(func.coalesce(User.name, User.age))  # expect-error
    query.order_by(func.coalesce(Post.views, 3))  # expect-error
    await query.scalars(func.nullif(User.name, 3))  # expect-error
    query.order_by(func.nullif(User.name, 3))  # expect-error
    query.order_by(func.greatest(User.age, "3"))  # expect-error
    query.annotate(x=func.least(User.age, "3"))  # expect-error
    query.scalars(func.least(User.age, User.name))  # expect-error
    query.scalars(func.coalesce("x", User.name))  # expect-error
    query.scalars(func.coalesce(User.name, None, 3))  # expect-error


async def containment(session: AsyncSession) -> None:
    query, posts = session.query(User), session.query(Post)
    query.filter(User.age.contains(3))  # expect-error
    query.filter(User.created_at.contains(3))  # expect-error
    query.filter(User.age.overlaps(3))  # expect-error
    query.filter(User.age.overlaps([3]))  # expect-error
    query.filter(User.age.contained_by(3))  # expect-error
    query.filter(User.age.contained_by([3]))  # expect-error
    query.filter(User.age.contained_by(Range("a", "b")))  # expect-error
    posts.filter(Post.keywords.contains([3]))  # expect-error
    posts.filter(Post.keywords.contains("x"))  # expect-error
    posts.filter(Post.keywords.contained_by(User.age))  # expect-error
    session.query(Account).filter(Account.settings.contains(3))  # expect-error
    await session.soft_delete(User(name="x"))  # expect-error
    await session.restore(User(name="x"))  # expect-error
    (await session.execute_raw("SELECT 1")).to_models(int)  # expect-error
