"""Conditions in both spellings: a keyword and the expression that it stands for."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from examples.blog.db import Post, User
from ormkit import AsyncSession, func

pytestmark = pytest.mark.one_interpreter


@pytest.fixture
async def users(session: AsyncSession) -> list[User]:
    users = await session.insert_all(
        [
            User(name="Ada", age=36, settings={"plan": "pro", "n": 1}),
            User(name="Grace", age=45, settings={"plan": "free"}),
            User(name="Linus"),
        ]
    )
    await session.insert_all(
        [
            Post(author=users[0], title="one", keywords=["a", "b"]),
            Post(author=users[1], title="two", keywords=["b"]),
            Post(author=users[1], title="three"),
        ]
    )
    return users


@pytest.mark.parametrize(
    ("keyword", "condition", "expected"),
    [
        ({"age": 36}, User.age == 36, ["Ada"]),
        ({"age__ne": 36}, User.age != 36, ["Grace"]),
        ({"age__gt": 36}, User.age > 36, ["Grace"]),
        ({"age__gte": 36}, User.age >= 36, ["Ada", "Grace"]),
        ({"age__lt": 45}, User.age < 45, ["Ada"]),
        ({"age__lte": 45}, User.age <= 45, ["Ada", "Grace"]),
        ({"age__between": (36, 40)}, User.age.between(36, 40), ["Ada"]),
        ({"age__in": [36, 1]}, User.age.in_([36, 1]), ["Ada"]),
        ({"age__notin": [36]}, User.age.notin([36]), ["Grace"]),
        ({"age__isnull": True}, User.age.isnull(), ["Linus"]),
        ({"name__istartswith": "gR"}, User.name.istartswith("gR"), ["Grace"]),
        ({"name__iendswith": "DA"}, User.name.iendswith("DA"), ["Ada"]),
        ({"settings__has_key": "n"}, User.settings.has_key("n"), ["Ada"]),
        ({"settings__has_keys": ["n", "plan"]}, User.settings.has_keys(["n", "plan"]), ["Ada"]),
        ({"settings__has_any_key": ["n", "x"]}, User.settings.has_any_key(["n", "x"]), ["Ada"]),
    ],
)
async def test_a_keyword_is_the_same_as_its_expression(
    session: AsyncSession, users: list[User], keyword: Any, condition: Any, expected: list[str]
) -> None:
    query = session.query(User).order_by("id")
    assert await query.filter(**keyword).scalars(User.name) == expected
    assert await query.filter(condition).scalars(User.name) == expected


@pytest.mark.parametrize(
    ("keyword", "condition", "expected"),
    [
        ({"keywords__contains": ["b"]}, Post.keywords.contains(["b"]), ["one", "two"]),
        ({"keywords__contained_by": ["b"]}, Post.keywords.contained_by(["b"]), ["two", "three"]),
        ({"keywords__overlaps": ["a", "x"]}, Post.keywords.overlaps(["a", "x"]), ["one"]),
        ({"keywords__len": 0}, Post.keywords.len() == 0, ["three"]),
    ],
)
async def test_arrays_are_asked_for_their_elements(
    session: AsyncSession, users: list[User], keyword: Any, condition: Any, expected: list[str]
) -> None:
    query = session.query(Post).order_by("id")
    assert await query.filter(**keyword).scalars(Post.title) == expected
    assert await query.filter(condition).scalars(Post.title) == expected


class Labelled(list[Any]):
    sql = "a name that a value may have for anything"


async def test_a_value_with_a_name_of_expressions_is_a_value(
    session: AsyncSession, users: list[User]
) -> None:
    keys = Labelled([users[0].id, users[1].id])
    query = session.query(User)
    assert await query.filter(User.id.in_(keys)).count() == 2
    assert await query.filter(User.id.notin(keys)).count() == 1
    words = session.query(Post).filter(Post.keywords.overlaps(Labelled(["a"])))
    assert await words.count() == 1


async def test_columns_are_computed_with(session: AsyncSession, users: list[User]) -> None:
    query = session.query(User).filter(name="Ada")
    assert await query.scalars(User.age - 6) == [30]
    assert await query.scalars(User.age / 5) == [7]
    assert await query.scalars(User.age % 5) == [1]
    assert await query.scalars(User.age * 2) == [72]
    (number,) = await query.scalars(func.random())
    assert 0 <= number < 1


async def test_a_stream_is_closed_by_hand(session: AsyncSession, users: list[User]) -> None:
    stream = session.query(User).order_by("id").stream(chunk=1)
    async for user in stream:
        assert user.name == "Ada"
        break
    await stream.aclose()
    pool = session.engine.pool
    async with asyncio.timeout(5):
        while pool.idle < pool.size:
            await asyncio.sleep(0.01)
    assert [user async for user in stream] == []
