"""Upserts: one statement that inserts a row, or updates the one that is there."""

from __future__ import annotations

import asyncio

import pytest

from examples.blog.db import Post, Tag, User
from ormkit import (
    AsyncSession,
    Engine,
    MissingValue,
    NotNullViolation,
    StatementError,
    UnknownName,
    UsageError,
)


async def test_a_new_row_is_inserted_and_comes_back_whole(session: AsyncSession) -> None:
    user = await session.upsert(User(name="Ada", email="a@x"), conflict_target=["email"])
    assert user.id == 1
    assert user.created_at is not None


async def test_a_row_that_is_there_is_updated(session: AsyncSession) -> None:
    first = await session.insert(User(name="Ada", email="a@x", age=36, bio="kept?"))
    again = User(name="Ada L", email="a@x", age=37)
    await session.upsert(again, conflict_target=["email"])
    assert again.id == first.id
    found = await session.get_or_raise(User, first.id)
    assert (found.name, found.age, found.bio) == ("Ada L", 37, "kept?")


async def test_only_the_named_fields_are_updated(session: AsyncSession) -> None:
    first = await session.insert(User(name="Ada", email="a@x", age=36))
    again = User(name="Eve", email="a@x", age=99)
    await session.upsert(again, conflict_target=["email"], update_fields=["age"])
    assert (again.id, again.name, again.age) == (first.id, "Ada", 99)


async def test_no_fields_leave_the_row_and_bring_it_back(session: AsyncSession) -> None:
    first = await session.insert(User(name="Ada", email="a@x", age=36))
    again = User(name="Eve", email="a@x")
    await session.upsert(again, conflict_target=["email"], update_fields=[])
    assert (again.id, again.name, again.age) == (first.id, "Ada", 36)


async def test_the_primary_key_tells_rows_apart_by_default(session: AsyncSession) -> None:
    await session.insert(User(name="Ada"))
    await session.upsert(User(id=1, name="Grace"))
    assert [user.name for user in await session.query(User).all()] == ["Grace"]


async def test_many_are_upserted_in_their_order(session: AsyncSession) -> None:
    await session.insert(Tag(name="b"))
    tags = [Tag(name=name) for name in "cba"]
    await session.upsert_all(tags, conflict_target=["name"])
    found = {tag.name: tag.id for tag in await session.query(Tag).all()}
    assert {tag.name: tag.id for tag in tags} == found
    assert found["b"] == 1
    assert await session.upsert_all([], conflict_target=["name"]) == []


async def test_many_are_all_or_nothing(session: AsyncSession) -> None:
    users = [User(name="a", email="1"), User(name=None, email="2")]  # type: ignore[arg-type]
    with pytest.raises(NotNullViolation):
        await session.upsert_all(users, conflict_target=["email"])
    assert await session.query(User).count() == 0


async def test_upserts_at_the_same_time_make_one_row(session: AsyncSession, engine: Engine) -> None:
    await asyncio.gather(
        *(
            session.upsert(User(name=f"{n}", email="a@x"), conflict_target=["email"])
            for n in range(20)
        )
    )
    assert await session.query(User).count() == 1


async def test_what_cannot_be_upserted_says_why(session: AsyncSession) -> None:
    with pytest.raises(MissingValue, match=r"User\.id identifies the row"):
        await session.upsert(User(name="Ada"))
    with pytest.raises(UnknownName, match="did you mean 'email'"):
        await session.upsert(User(name="Ada"), conflict_target=["emial"])
    with pytest.raises(UsageError, match="one model at a time"):
        await session.upsert_all([User(id=1, name="a"), Tag(id=1, name="b")])
    with pytest.raises(UsageError, match=r"User\.id identifies the row"):
        await session.upsert_all([User(id=1, name="a"), User(name="b")])
    with pytest.raises(StatementError, match=r"nothing in the database makes \(name\)"):
        await session.upsert(User(name="a"), conflict_target=["name"])


async def test_tables_with_arrays_are_upserted(session: AsyncSession) -> None:
    ada = await session.insert(User(name="Ada"))
    post = await session.upsert(Post(id=5, author=ada, title="t", keywords=["a", "b"]))
    assert (await session.get_or_raise(Post, 5)).keywords == post.keywords == ["a", "b"]


async def test_one_name_is_a_conflict_target_and_rows_are_left_alone(session: AsyncSession) -> None:
    await session.insert(User(name="first", email="a"))
    again = await session.upsert(
        User(name="second", email="a"), conflict_target="email", do_nothing=True
    )
    assert again.name == "first"
    (again,) = await session.upsert_all(
        [User(name="third", email="a", age=3)], conflict_target=User.email, update_fields=[User.age]
    )
    assert (again.name, again.age) == ("first", 3)
    with pytest.raises(UsageError, match="do_nothing=True leaves existing rows unchanged"):
        await session.upsert(
            User(name="x", email="a"),
            conflict_target="email",
            update_fields=["name"],
            do_nothing=True,
        )
