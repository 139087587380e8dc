"""Names that other ORMs have for methods of queries."""

from __future__ import annotations

from typing import Any

import pytest

from examples.blog.db import Post, User
from ormkit import AsyncSession, UnknownName, UsageError, selectinload


async def test_filter_by_takes_the_keywords_of_filter(session: AsyncSession) -> None:
    await session.insert_all([User(name="a", age=1), User(name="b", age=2), User(name="b")])
    found = await session.query(User).filter_by(name="b", age__gte=2).filter_by(age=2).one()
    assert (found.name, found.age) == ("b", 2)
    assert await session.query(User).filter_by().count() == 3
    query: Any = session.query(User)
    with pytest.raises(UnknownName, match="User has no column 'nme'"):
        query.filter_by(nme="b")
    with pytest.raises(TypeError, match="positional"):
        query.filter_by(User.age > 1)


async def test_desc_orders_by_all_columns_in_descending_order(session: AsyncSession) -> None:
    ages = {"a": 1, "b": 2, "c": 2}
    await session.insert_all([User(name=name, age=age) for name, age in ages.items()])
    query = session.query(User)
    assert await query.order_by("age", User.name, desc=True).values_list("name", flat=True) == [
        *"cba"
    ]
    assert await query.order_by(User.age + 1, desc=True).order_by("name").scalars(User.name) == [
        *"bca"
    ]
    assert repr(query.order_by("name", desc=True)) == repr(query.order_by("-name"))
    assert repr(query.order_by("name", desc=False)) == repr(query.order_by("name"))
    page = await query.order_by("name", desc=True).limit(2).page()
    assert [each.name for each in page.items] == ["c", "b"]


async def test_a_load_option_takes_both(session: AsyncSession) -> None:
    user = await session.insert(User(name="a"))
    await session.insert_all([Post(title=title, author_id=user.id) for title in "xyz"])
    load = selectinload(User.posts).filter_by(title__ne="y").order_by("title", desc=True)
    (found,) = await session.query(User).options(load).all()
    assert [each.title for each in found.posts] == ["z", "x"]


@pytest.mark.parametrize(
    ("by", "desc", "message"),
    [
        (("-name",), True, "has a direction already"),
        ((User.name.desc(),), True, "has a direction already"),
        (("name",), "yes", r"order_by\(desc=...\) takes True or False, not str"),
        (("name",), None, "takes True or False, not NoneType"),
        ((3,), True, "3 is not a column of User"),
    ],
)
async def test_desc_with_something_wrong_is_refused(
    session: AsyncSession, by: tuple[Any, ...], desc: Any, message: str
) -> None:
    for query in (session.query(User), session.query(User).only("name")):
        with pytest.raises(UsageError, match=message):
            query.order_by(*by, desc=desc)


async def test_a_transaction_adds_objects_in_a_chain(session: AsyncSession) -> None:
    async with session.begin() as tx:
        tx.add(User(name="a")).add(User(name="b")).add_all([User(name="c")])
    assert await session.query(User).order_by("name").scalars(User.name) == [*"abc"]
    async with session.begin() as tx:
        await tx.delete(await tx.query(User).filter_by(name="b").one())
    assert await session.query(User).order_by("name", desc=True).scalars(User.name) == ["c", "a"]
