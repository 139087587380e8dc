"""Wrong queries: type checkers must report each line marked so, and no other line."""

from __future__ import annotations

from dataclasses import dataclass

from examples.blog.db import Post, User
from ormkit import AsyncSession, cast, exists, func, to_tsvector


async def queries(session: AsyncSession) -> None:
    query = session.query(User)
    query.filter(func.lower(User.age) == "x")  # expect-error
    query.filter(func.lower(User.name) == 3)  # expect-error
    query.filter(func.lower(Post.title) == "x")  # expect-error
    query.filter(func.coalesce(User.age, "x") > 3)  # expect-error
    query.scalars(func.sum(User.name))  # expect-error
    query.scalars(func.avg(User.name))  # expect-error
    query.scalars(func.sum(User.created_at))  # expect-error
    await query.sum(User.name)  # expect-error
    User.created_at * 2  # expect-error
    query.filter(func.lowr(User.name) == "x")  # expect-error
    query.filter(func.extract("days", User.created_at) > 3)  # expect-error
    query.filter(User.name.has_key("x"))  # expect-error
    query.filter(User.name["x"] == 3)  # expect-error
    query.filter(User.name.matches("x"))  # expect-error
    query.filter(User.name.l2_distance([1.0]) < 3)  # expect-error
    query.filter(to_tsvector(User.age).matches("x"))  # expect-error
    query.filter(settings__has_key=3)  # expect-error
    query.filter(exists(Post))  # expect-error
    query.filter(User.age.in_(session.query(User).subquery(User.name)))  # expect-error
    query.filter(User.age)  # expect-error
    query.filter(User.posts.count() > "x")  # expect-error
    query.filter(Post.author.value(User.name) == "x")  # expect-error
    query.order_by(User.posts.value(func.max(User.age)))  # expect-error
    query.order_by(func.row_number())  # expect-error
    query.scalars(func.rank())  # expect-error
    query.scalars(func.date_trunc("dayy", User.created_at))  # expect-error
    query.scalars(cast(User.age, 3))  # expect-error
    query.scalars("age")  # expect-error
    query.scalars(Post.title)  # expect-error
    query.with_values(Post.views)  # expect-error
    query.group_by(Post.views)  # expect-error
    query.having(func.count())  # expect-error
    query.annotate(n=3)  # expect-error
    query.only(Post.title)  # expect-error
    part = await query.only("name").one()
    user: User = part  # expect-error
    await session.insert(part)  # expect-error
    await session.upsert(part)  # expect-error
    await session.remove(part)  # expect-error
    await session.load(part, Post.author)  # expect-error
    Post(title="x", author=part)  # expect-error
    Post(title="x", author_id=1).author = part  # expect-error
    print(user)
    await query.get("x")  # expect-error
    await query.page(3)  # expect-error
    query.after(await session.query(Post).limit(1).page())  # expect-error
    query.after((await session.query(Post).limit(1).page()).next)  # expect-error
    query.stream(chunk="x")  # expect-error
    names: list[str] = await query.scalars(User.age)  # expect-error
    counts: int = await query.delete().returning()  # expect-error
    await query.delete().returning(Post.id)  # expect-error
    await query.update(age=func.lower(User.name))  # expect-error
    await query.update(name=User.age + 1)  # expect-error
    print(names, counts)


@dataclass
class UserOut:
    id: int


@dataclass
class PostOut:
    id: int


async def shapes(session: AsyncSession) -> None:
    query = session.query(User)
    await query.into(UserOut).get("x")  # expect-error
    query.into(UserOut).filter(Post.id == 3)  # expect-error
    query.into(UserOut).filter(age__gt=3)  # expect-error
    query.into(UserOut).order_by(Post.id)  # expect-error
    posts: list[PostOut] = await query.into(UserOut)  # expect-error
    query.into("x")  # expect-error
    query.into(User.id)  # expect-error
    rows: list[PostOut] = (await session.execute_raw("SELECT 1")).into(UserOut)  # expect-error
    print(posts, rows)
