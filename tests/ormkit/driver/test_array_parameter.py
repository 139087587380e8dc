"""Arrays of one dimension: what the driver makes of them, and what it does not look at."""

from __future__ import annotations

import sys
from abc import ABCMeta
from types import FrameType
from typing import Any

import pytest

from examples.blog.db import Post, Tag, User
from ormkit import AsyncSession, DataError, Engine, InvalidValue
from ormkit.postgres.array_parameter import FlatArray, plain

#: asyncpg asks by an abstract base class whether something is a list.
QUESTION = ABCMeta.__instancecheck__.__code__


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("integer", [1, None, -3]),
        ("text", ["", 'a "quoted", {one}', None, "NULL"]),
        ("boolean", [True, False]),
        ("jsonb", [{"a": 1}, {"b": [2]}]),
        ("tsquery", ["'a' & 'b'"]),
        ("text", []),
    ],
)
async def test_it_arrives_as_the_list_does(engine: Engine, kind: str, values: list[Any]) -> None:
    sql = f"SELECT $1::{kind}[]"
    as_list = (await engine.execute(sql, [values])).scalar()
    as_array = (await engine.execute(sql, [FlatArray(values)])).scalar()
    assert as_array == as_list


async def test_a_list_within_it_is_a_wrong_value_and_no_dimension(engine: Engine) -> None:
    with pytest.raises(InvalidValue, match=r"\$1 .* this list"):
        await engine.execute("SELECT $1::text[]", [FlatArray([["a"], ["b"]])])


async def test_it_can_be_sent_again_also_after_a_refusal(engine: Engine) -> None:
    array = FlatArray([1, "two", 3])
    with pytest.raises(InvalidValue):
        await engine.execute("SELECT $1::integer[]", [array])
    array.values[1] = 2
    for _ in range(2):
        assert (await engine.execute("SELECT $1::integer[]", [array])).scalar() == [1, 2, 3]


async def test_the_driver_asks_no_element_whether_it_is_a_list(session: AsyncSession) -> None:
    async def questions(count: int) -> int:
        asked = 0

        def note(frame: FrameType, event: str, _: object) -> None:
            nonlocal asked
            asked += event == "call" and frame.f_code is QUESTION

        users = [User(name=f"user {n}", email=f"{count}-{n}@x") for n in range(count)]
        sys.setprofile(note)
        try:
            await session.insert_all(users)
            await session.bulk_update(users, ["name"])
        finally:
            sys.setprofile(None)
        return asked

    await questions(2)
    few, many = await questions(10), await questions(300)
    assert few > 0
    assert (few == many) is FlatArray.hides_elements


@pytest.mark.parametrize("place", [0, 1])
async def test_a_list_among_the_values_of_a_column_is_named(
    session: AsyncSession, place: int
) -> None:
    users = [User(name="Ada"), User(name="Grace")]
    await session.insert_all(users)
    users[place].name = ["Ada", "Grace"]  # type: ignore[assignment]
    for refused in (
        session.insert_all([User(name=user.name) for user in users]),
        session.bulk_update(users, ["name"]),
        session.upsert_all(users, conflict_target=["id"]),
    ):
        with pytest.raises(InvalidValue, match=rf"User\.name .* \(value {place + 1}\)"):
            await refused
    posts = [Post(title=["a"], author_id=users[0].id)]  # type: ignore[arg-type]
    with pytest.raises(InvalidValue, match=r"Post\.title"):
        await session.insert_all(posts)
    assert await session.query(User).order_by("id").values_list(User.name) == [("Ada",), ("Grace",)]
    assert await session.query(Post).count() == 0
    assert await session.query(Tag).count() == 0


async def test_a_value_that_the_server_refuses_is_named(session: AsyncSession) -> None:
    users = [User(name="Grace"), User(name="nul \0")]
    with pytest.raises(DataError, match=r"User\.name \(value 2\)"):
        await session.insert_all(users)


def test_what_a_parameter_was_made_of_is_at_hand() -> None:
    assert plain(FlatArray([1])) == [1]
    assert plain([1]) == [1]
