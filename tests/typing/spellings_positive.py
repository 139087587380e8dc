"""Spellings of other ORMs in right code. Never run: the checkers read it."""

from __future__ import annotations

import datetime as dt
from typing import Any, assert_type
from uuid import UUID

from examples.blog.db import Post, User, UserQuery
from ormkit import AsyncSession, Load, OrderKey, Transaction, selectinload
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
