"""Spellings of other ORMs in wrong code: checkers must report each line marked so, and no other."""

from __future__ import annotations

from examples.blog.db import Post, User
from ormkit import (
    AsyncSession,
    Engine,
    create_engine,
    detect_repeats,
    query_budget,
    selectinload,
)
from tests.typing.people import Account


async def queries(session: AsyncSession) -> None:
    query = session.query(User)
    query.filter_by(nme="x")  # expect-error
    query.filter_by(name=3)  # expect-error
    query.filter_by(User.age > 1)  # expect-error
    query.order_by("nme", desc=True)  # expect-error
    query.order_by("name", desc="yes")  # expect-error
    query.order_by(3)  # expect-error
    query.order_by(Post.title, desc=True)  # expect-error
    selectinload(User.posts).order_by(User.age, desc=True)  # expect-error
    selectinload(User.posts).filter_by(User.age > 1)  # expect-error


async def transactions(session: AsyncSession, user: User) -> None:
    async with session.begin() as tx:
        tx.add("x")  # expect-error
        print(tx.add(user).name)  # expect-error


async def accounts(session: AsyncSession, account: Account) -> None:
    Account(settings={"theme": "x"})  # expect-error
    Account(settings=3)  # expect-error
    Account(ID="x")  # expect-error
    print(account.settings.them)  # expect-error
    account.settings = {"theme": "x"}  # expect-error
    session.query(Account).filter(settings=3)  # expect-error
    await session.update(account, settings="x")  # expect-error


async def names_of_the_original(engine: Engine, session: AsyncSession) -> None:
    engine.url = "x"  # expect-error
    session.query(User).stream(batch_size="10")  # expect-error
    (await session.execute_raw("SELECT 1")).to_models("User")  # expect-error
    await session.query(User).values_list(User.name, flat="yes")  # expect-error
    await session.get(User, 1, include_deleted="yes")  # expect-error
    AsyncSession(engine, autoflush=False)  # expect-error
    await create_engine("postgresql://localhost/x", pool_size=5)  # expect-error
    query_budget("engine", 3)  # expect-error
    detect_repeats(session)  # expect-error
