"""Spellings of other ORMs in right code. Never run: the checkers read it."""

from __future__ import annotations

from typing import assert_type

from examples.blog.db import Post, User, UserQuery
from ormkit import AsyncSession, Load, OrderKey, Transaction, selectinload


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
