"""What the type checkers make of right queries. Never run: the checkers read it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple, TypedDict, assert_type

from examples.blog.db import Post, PostStatus, User, UserQuery
from examples.blog.db.user import PartialUser
from ormkit import (
    Aggregate,
    AsyncSession,
    Change,
    Condition,
    Cursor,
    Expression,
    Interval,
    JsonPath,
    Page,
    Q,
    Range,
    Rows,
    Subquery,
    case,
    cast,
    exists,
    func,
    literal,
    selectinload,
    to_tsvector,
)

Span = Interval | dt.timedelta


def functions() -> None:
    assert_type(func.count(), Aggregate[Any, int, int])
    assert_type(func.count(User.id), Aggregate[User, int, int])
    assert_type(func.sum(User.age), Aggregate[User, int, int | None])
    assert_type(func.avg(User.age), Aggregate[User, Decimal, Decimal | None])
    assert_type(func.max(Post.status), Aggregate[Post, PostStatus, PostStatus | None])
    row = func.row_number().over(partition_by=User.role, order_by=User.age.desc())
    assert_type(row, Expression[Any, int, int])
    assert_type(User.age + 1 > 3, Condition[User])
    assert_type(1 + User.age, Expression[User, int, int | None])
    assert_type(User.name + "x", Expression[User, str, str])
    assert_type(Post.created_at + dt.timedelta(1), Expression[Post, dt.datetime, dt.datetime])
    assert_type(Post.created_at + Interval(1), Expression[Post, dt.datetime, dt.datetime])
    assert_type(Post.created_at - Post.created_at, Expression[Post, Span, Interval])
    age = Post.created_at - Post.created_at
    assert_type(Post.created_at - age, Expression[Post, dt.datetime, dt.datetime])
    assert_type(cast(User.name, dt.timedelta), Expression[User, Span, Interval])
    assert_type(literal(dt.timedelta(1)), Expression[Any, Span, Interval])
    assert_type(dt.datetime(2026, 1, 1) + Interval(1), dt.datetime)
    assert_type(dt.timedelta(1) + Interval(1), Interval)
    assert_type(Interval.of(dt.timedelta(1)), Interval)
    assert_type(cast(User.id, str), Expression[User, str, str])
    assert_type(cast(User.age, str), Expression[User, str, str | None])
    assert_type(literal(3), Expression[Any, int, int])
    assert_type(User.settings["plan"], JsonPath[User])
    assert_type(User.settings["plan"] == "pro", Condition[User])
    assert_type(Post.author.value(User.name), Expression[Post, str, str | None])
    assert_type(User.posts.count(Post.views > 3), Expression[User, int, int])
    assert_type(User.posts.value(func.max(Post.views)), Expression[User, int, int | None])


async def reading(session: AsyncSession) -> None:
    query = session.query(User)
    assert_type(query.filter(Q(posts__title="x") | (User.age > 3), name="x"), UserQuery)
    assert_type(query.filter(~Q(name="x") & (User.age > 3)), UserQuery)
    assert_type(query.filter(exists(session.query(Post).filter(Post.views > 3))), UserQuery)
    assert_type(query.filter(to_tsvector(User.bio).matches("x")), UserQuery)
    assert_type(query.filter(settings__has_key="plan", settings__has_keys=["a"]), UserQuery)
    groups = query.group_by(User.role, "status").having(func.count() > 3).filter(age__gt=3)
    assert_type(await groups.values(), list[dict[str, Any]])
    assert_type(await groups.values_list(User.role, func.count()), list[tuple[str, int]])
    assert_type(await groups.annotate(n=func.count()).order_by("-n", "role").count(), int)
    assert_type(await groups.into(UserOut), list[UserOut])
    named = query.annotate(n=func.count()).distinct().distinct_on("role").filter(age__gt=3)
    assert_type(named, UserQuery[str])
    assert_type(await named.order_by("n", "-age").all(), list[User])
    assert_type(await named.group_by("n").order_by("-n").values("n"), list[dict[str, Any]])
    query = query.annotate(n=func.count())
    query.order_by("n")
    query = session.query(User)
    part = query.only("name", User.age).for_share().filter(User.age > 3, role="x").order_by("-age")
    assert_type(await part.all(), list[PartialUser])
    assert_type(await part.first(), PartialUser | None)
    partial = await part.options(selectinload(User.posts)).one()
    assert_type(partial.name, str)
    assert_type(partial.age, int | None)
    assert_type(partial.posts, list[Post])
    partial.age = 3
    assert_type((await part.limit(2).page()).items, list[PartialUser])
    assert_type(await session.update(partial, age=3), PartialUser)
    await session.load(partial, User.posts)
    await session.load([partial], User.posts)
    assert_type(query.order_by(User.posts.count().desc(), func.lower(User.name)), UserQuery)
    assert_type(await query.scalars(User.age), list[int | None])
    assert_type(await query.scalars(func.coalesce(User.age, 0)), list[int])
    assert_type(await query.scalars(func.coalesce(User.bio, User.email)), list[str | None])
    assert_type(await query.scalars(func.length(User.name)), list[int])
    assert_type(await query.scalars(func.length(User.bio)), list[int | None])
    assert_type(await query.scalars(func.lower(User.bio)), list[str | None])
    assert_type(await query.scalars(func.array_agg(User.name)), list[list[str] | None])
    assert_type(await query.values("name"), list[dict[str, Any]])
    assert_type(await query.values_list("name", "age"), list[tuple[Any, ...]])
    assert_type(
        await query.group_by(User.role).values_list(User.role, func.count(), func.sum(User.age)),
        list[tuple[str, int, int | None]],
    )
    assert_type(query.with_values(User.posts.count()), Rows[tuple[User, int]])
    assert_type(query.subquery(User.id), Subquery[int])
    session.query(Post).filter(Post.author_id.in_(query.subquery(User.id)))
    assert_type(await query.get(1), User | None)
    assert_type(await query.explain(analyze=True), str)
    page = await query.limit(3).page()
    assert_type(page, Page[User])
    assert_type(page.next, Cursor[User] | None)
    assert_type(await query.after(page.next).all(), list[User])
    async for user in query.stream(chunk=10):
        assert_type(user, User)
    async for name, age in query.values_list(User.name, User.age).stream():
        assert_type((name, age), tuple[str, int | None])
    size = case((User.age < 18, "minor"), (User.age < 65, "adult"), else_="senior")
    assert_type(await query.scalars(size), list[str])


async def changing(session: AsyncSession) -> None:
    query = session.query(Post)
    assert_type(query.update(views=func.coalesce(Post.views, 0) + 1), Change[Post])
    assert_type(await query.update(views=3), int)
    assert_type(await query.delete().returning(), list[Post])
    assert_type(await query.delete().returning(Post.id), list[tuple[int]])
    assert_type(
        await query.update(views=1).returning(Post.id, Post.status), list[tuple[int, PostStatus]]
    )


def times(
    due: Expression[User, dt.date, dt.date],
    until: Expression[User, dt.date, dt.date | None],
    at: Expression[User, dt.datetime, dt.datetime],
    clock: Expression[User, dt.time, dt.time],
    ages: Expression[User, Range[int], Range[int]],
) -> None:
    day = dt.timedelta(1)
    assert_type(due + day, Expression[User, dt.datetime, dt.datetime])
    assert_type(day + due, Expression[User, dt.datetime, dt.datetime])
    assert_type(until - day, Expression[User, dt.datetime, dt.datetime | None])
    assert_type(due - due, Expression[User, int, int])
    assert_type(due - dt.date(2030, 1, 1), Expression[User, int, int])
    assert_type(until - due, Expression[User, int, int | None])
    assert_type(due + 1, Expression[User, dt.date, dt.date])
    assert_type(due + User.age, Expression[User, dt.date, dt.date])
    assert_type(at + day, Expression[User, dt.datetime, dt.datetime])
    assert_type(clock + day, Expression[User, dt.time, dt.time])
    assert_type(due + clock, Expression[User, dt.datetime, dt.datetime])
    assert_type(
        ages.contains(3) & ages.contains(Range(1, 2)) & ages.contains(User.age), Condition[User]
    )
    assert_type(User.age.contained_by(Range(1, 2)), Condition[User])
    assert_type(func.ceil(User.id) > 3.0, Condition[User])


@dataclass
class UserOut:
    id: int


class UserTuple(NamedTuple):
    id: int


class UserDict(TypedDict):
    id: int


async def shapes(session: AsyncSession) -> None:
    query = session.query(User)
    assert_type(await query.into(UserOut), list[UserOut])
    assert_type(await query.into(UserTuple).first(), UserTuple | None)
    assert_type(await query.into(UserDict).all(), list[UserDict])
    assert_type(await query.filter(age__gt=3).into(UserOut).one(), UserOut)
    assert_type(
        await query.into(UserOut).filter(User.age > 3).order_by("-id").get(3), UserOut | None
    )
    assert_type((await query.limit(3).into(UserOut).page()).items, list[UserOut])
    async for each in query.into(UserOut).stream():
        assert_type(each, UserOut)
    assert_type((await session.execute_raw("SELECT 1 AS id")).into(UserDict), list[UserDict])
    assert_type((await session.execute_raw("SELECT 1 AS id")).to_models(User), list[User])
