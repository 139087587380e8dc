"""Spellings of other ORMs in right code. Never run: the checkers read it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, assert_type
from uuid import UUID

from examples.blog.db import Post, User, UserQuery
from ormkit import AsyncSession, Engine, Load, OrderKey, Q, Transaction, selectinload
from tests.typing.people import Account
from tests.typing.settings import Settings


async def queries(session: AsyncSession, key: OrderKey[User]) -> None:
    query = session.query(User)
    assert_type(query.filter_by(name="x", age__gte=3), UserQuery)
    assert_type(query.order_by("name", User.age, User.age + 1, desc=True), UserQuery)
    assert_type(query.order_by(key, User.name.desc().nulls_last()), UserQuery)
    load = selectinload(User.posts).filter_by(title="x").order_by(Post.views, desc=True)
    assert_type(load, Load[User, Post])
    assert_type(await query.only("name").order_by("name", desc=True).count(), int)


async def transactions(session: AsyncSession, user: User) -> None:
    async with session.begin() as tx:
        assert_type(tx.add(user).add(Post(title="x", author=user)), Transaction)
        assert_type(tx.add_all([user]), Transaction)
        tx.add_all([user, Post(title="x", author=user)])
        await tx.insert_all([user, Post(title="x", author=user)])
        assert_type(await tx.delete(user), None)
        assert_type(await tx.update(user, name="x"), User)


async def accounts(session: AsyncSession) -> None:
    account = await session.insert(Account(URL="x", settings=Settings("dark")))
    assert_type(account.ID, UUID)
    assert_type(account.opened_at, dt.datetime)
    assert_type(account.settings.theme, str)
    assert_type(Account.ID.made(), UUID)
    assert_type(account.to_dict(), dict[str, Any])
    assert_type(await session.query(Account).scalars(Account.settings), list[Settings])
    await session.query(Account).filter(
        settings=Settings(), settings__contains={"theme": "x"}
    ).all()
    await session.update(account, settings=Settings(), URL=None)


async def names_of_the_original(engine: Engine, session: AsyncSession) -> None:
    assert_type(engine.url, str)
    async with AsyncSession(engine) as opened, opened.transaction() as tx:
        assert_type(opened, AsyncSession)
        assert_type(tx, Transaction)
    async with await engine.transaction() as alone:
        assert_type(alone, Transaction)
    async for user in session.query(User):
        assert_type(user, User)
    async for post in session.query(Post).stream(batch_size=10):
        assert_type(post, Post)
    result = await session.execute_raw("SELECT * FROM users")
    assert_type(list(result), list[dict[str, Any]])
    assert_type(result.to_models(User), list[User])
    assert_type(await session.query(User).values_list(User.name, flat=True), list[str])
    assert_type(await session.query(User).get(1), User | None)
    assert_type(await session.get(User, 1, include_deleted=True), User | None)
    await session.upsert(User(name="x"), conflict_target="email", do_nothing=True)
    await session.query(User).filter(age__isnull=False).filter(Q(age__isnotnull=True)).all()


T = TypeVar("T")


@dataclass
class Titled:
    title: str


@dataclass
class Holding(Generic[T]):
    name: str
    posts: list[T]


async def generic_classes(session: AsyncSession) -> None:
    assert_type(await session.query(User).into(Holding[Titled]), list[Holding[Titled]])
