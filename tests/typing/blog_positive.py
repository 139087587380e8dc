"""What the type checkers make of right code. Never run: the checkers read it."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import AsyncIterator
from typing import Any, assert_type

from examples.blog.db import Comment, Post, PostQuery, PostStatus, Profile, Tag, User, UserQuery
from ormkit import (
    AsyncSession,
    Column,
    Condition,
    Engine,
    Order,
    Result,
    ToMany,
    ToOne,
    Transaction,
    current_session,
    joinedload,
    selectinload,
    session_context,
)
from tests.typing.people import Person


def attributes(user: User, post: Post, comment: Comment, profile: Profile) -> None:
    assert_type(user.id, int)
    assert_type(user.age, int | None)
    assert_type(user.settings, Any)
    assert_type(user.created_at, dt.datetime)
    assert_type(user.posts, list[Post])
    assert_type(user.profile, Profile | None)
    assert_type(post.author, User)
    assert_type(post.status, PostStatus)
    assert_type(post.keywords, list[str])
    assert_type(post.published_at, dt.datetime | None)
    assert_type(post.tags, list[Tag])
    assert_type(comment.author, User | None)
    assert_type(profile.user, User)
    user.age = None
    post.author = user


def columns() -> None:
    assert_type(User.id, Column[User, int, int])
    assert_type(User.age, Column[User, int, int | None])
    assert_type(Post.status, Column[Post, PostStatus, PostStatus])
    assert_type(Post.keywords, Column[Post, list[str], list[str]])
    assert_type(User.posts, ToMany[User, Post])
    assert_type(Post.author, ToOne[Post, User])


def conditions() -> None:
    assert_type(User.age >= 18, Condition[User])
    assert_type(User.age == None, Condition[User])  # noqa: E711
    assert_type((User.age > 1) & ~(User.name == "x") | User.name.like("a%"), Condition[User])
    assert_type(User.age.in_([1, 2]), Condition[User])
    assert_type(User.age.between(1, 2), Condition[User])
    assert_type(User.name.icontains("x"), Condition[User])
    assert_type(Post.keywords.contains(["x"]), Condition[Post])
    assert_type(Post.keywords.len() > 2, Condition[Post])
    assert_type(Post.views + 1 > Post.author_id, Condition[Post])
    assert_type(User.posts.any(Post.title == "x", Post.views > 3), Condition[User])
    assert_type(Post.author.has(User.name == "x"), Condition[Post])
    assert_type(User.age.desc().nulls_last(), Order[User])


async def reading(session: AsyncSession) -> None:
    query = session.query(User)
    assert_type(query, UserQuery)
    assert_type(query.filter(age__gte=18, name__in=["a"], email__isnull=True), UserQuery)
    assert_type(query.filter(User.age > 3, status="active").exclude(name="x"), UserQuery)
    assert_type(query.order_by("-age", User.name, User.age.desc()).limit(3).offset(1), UserQuery)
    assert_type(query.options(selectinload("posts"), joinedload(User.profile)), UserQuery)
    assert_type(session.query(Post).filter(status=PostStatus.draft), PostQuery)
    assert_type(await query.all(), list[User])
    assert_type(await query.first(), User | None)
    assert_type(await query.one(), User)
    assert_type(await query.one_or_none(), User | None)
    assert_type(await query.count(), int)
    assert_type(await query.exists(), bool)
    assert_type(await query.delete(), int)
    assert_type(await query.update(age=3, name=User.name), int)
    assert_type(await session.query(Post).update(views=Post.views + 1), int)
    assert_type(await query.values_list(User.id, User.age), list[tuple[int, int | None]])
    assert_type(await query.values_list(User.name).first(), tuple[str] | None)
    assert_type(await session.get(User, 1), User | None)
    assert_type(await session.get_or_raise(Post, 1), Post)


async def writing(session: AsyncSession, user: User) -> None:
    assert_type(await session.insert(user), User)
    assert_type(await session.insert(User(name="Ada", email=None)), User)
    assert_type(await session.insert_all([User(name="a"), User(name="b", id=3)]), list[User])
    assert_type(await session.insert(Post(author=user, title="t")), Post)
    assert_type(await session.insert(Post(author_id=1, title="t", keywords=["k"])), Post)
    await session.update(user, name="Grace", age=None)
    await session.update(user, age=User.age + 1)
    await session.remove(user)
    await session.load([user], User.posts, "profile")


async def transactions(session: AsyncSession, engine: Engine) -> None:
    async with session.begin(isolation="serializable", read_only=True) as tx:
        assert_type(tx, Transaction)
        tx.add(User(name="Ada"))
        assert_type(await tx.query(User).all(), list[User])
    result = await engine.execute("SELECT 1 WHERE $1", [True])
    assert_type(result, Result)
    assert_type(result.all(), list[dict[str, Any]])
    assert_type(result.tuples(), list[tuple[Any, ...]])
    assert_type(result.first(), dict[str, Any] | None)
    assert_type(result.rowcount, int)


async def copies(engine: Engine, session: AsyncSession, tags: AsyncIterator[Tag]) -> None:
    assert_type(await session.copy_in(User, [User(name="a")]), int)
    assert_type(await engine.copy_in(Tag, tags), int)
    assert_type(await engine.copy_in("tags", [("a",)], columns=["name"]), int)
    assert_type(await engine.copy_in(Tag, ((f"{n}",) for n in range(3)), columns=["name"]), int)
    assert_type(await engine.copy_out(User, "users.csv", header=True), int)
    assert_type(await engine.copy_out("SELECT 1", io.BytesIO(), format="binary"), int)


async def repeated(engine: Engine, session: AsyncSession) -> None:
    async def find(tx: Transaction) -> User | None:
        return await tx.get(User, 1)

    assert_type(await session.run(find, isolation="serializable"), User | None)
    assert_type(await engine.run(find, retries=5, settings={"app.tenant": "1"}), User | None)
    assert_type((await engine.execute_many("SELECT $1", [[1], (2,)])).rowcount, int)
    async with engine.transaction(read_only=True) as tx:
        assert_type(await tx.get(User, 1), User | None)
    async with session_context(engine) as bound:
        assert_type(bound, AsyncSession)
    assert_type(current_session(), AsyncSession)


async def objects_as_they_are_read(session: AsyncSession, tx: Transaction) -> None:
    await session.remove(await session.get_or_raise(User, 1))
    await session.force_delete(await session.get_or_raise(User, 1))
    await session.soft_delete(await session.get_or_raise(Person, 1))
    await session.restore(await session.get_or_raise(Person, 1))
    await session.update(await session.get_or_raise(User, 1), name="Ada")
    await session.upsert(await session.get_or_raise(User, 1))
    tx.add(await session.get_or_raise(User, 1))
    tx.attach(await session.get_or_raise(User, 1))
