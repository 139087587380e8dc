"""insert_all and upsert_all of more objects than one statement carries: in order, all or none."""

from __future__ import annotations

import pytest

from examples.blog.db import AuditLog, Post, Tag, User
from ormkit import AsyncSession, Engine, InvalidValue, NotNullViolation, UniqueViolation, UsageError
from ormkit.persistence.batches import CHUNK
from tests.statements import Statements

MANY = 2 * CHUNK + 7


async def test_each_object_gets_what_its_own_row_was_given(
    session: AsyncSession, engine: Engine
) -> None:
    users = [User(name=f"user {n}", age=n) for n in range(MANY)]
    with Statements(engine) as sent:
        await session.insert_all(users)
    assert len(sent) == 1
    stored = await session.query(User).order_by("id").values_list(User.id, User.name)
    assert stored == [(user.id, user.name) for user in users]
    assert all(user.created_at is not None for user in users)


@pytest.mark.parametrize("place", [0, CHUNK - 1, CHUNK, MANY - 1])
async def test_one_row_that_is_refused_leaves_none(session: AsyncSession, place: int) -> None:
    users = [User(name=f"user {n}", email=f"{n}@x") for n in range(MANY)]
    users[place].name = None  # type: ignore[assignment]
    with pytest.raises(NotNullViolation):
        await session.insert_all(users)
    users[place].name, users[place].email = "again", users[place - 1].email
    with pytest.raises(UniqueViolation):
        await session.insert_all(users)
    assert await session.query(User).count() == 0


@pytest.mark.parametrize("place", [0, CHUNK - 1, CHUNK, MANY - 1])
async def test_a_value_that_cannot_be_sent_is_named_and_leaves_none(
    session: AsyncSession, engine: Engine, place: int
) -> None:
    users = [User(name=f"user {n}", age=n) for n in range(MANY)]
    users[place].age = "old"  # type: ignore[assignment]
    with pytest.raises(InvalidValue, match=r"User\.age"):
        await session.insert_all(users)
    users[place].age = 2**40
    with pytest.raises(InvalidValue, match=r"User\.age"):
        await session.insert_all(users)
    logs = [AuditLog(action="a", details={"n": n}) for n in range(MANY)]
    logs[place].details = float("nan")
    with pytest.raises(InvalidValue, match="JSON"):
        await session.insert_all(logs)
    assert await session.query(User).count() == 0
    assert await session.query(AuditLog).count() == 0
    assert engine.pool.idle == engine.pool.size


async def test_an_upsert_of_many_updates_and_inserts_in_order(
    session: AsyncSession, engine: Engine
) -> None:
    await session.insert_all([Tag(name=f"tag {n}") for n in range(0, MANY, 2)])
    tags = [Tag(name=f"tag {n}") for n in range(MANY)]
    with Statements(engine) as sent:
        await session.upsert_all(tags, conflict_target=["name"])
    assert len(sent) == 1
    found = {tag.name: tag.id for tag in await session.query(Tag).all()}
    assert found == {tag.name: tag.id for tag in tags}
    assert tags[2].id == 2


async def test_an_upsert_of_many_is_all_or_nothing(session: AsyncSession) -> None:
    users = [User(name=f"user {n}", email=f"{n}@x") for n in range(MANY)]
    users[-1].name = None  # type: ignore[assignment]
    with pytest.raises(NotNullViolation):
        await session.upsert_all(users, conflict_target=["email"])
    assert await session.query(User).count() == 0


async def test_two_objects_with_one_conflict_target_are_refused(
    session: AsyncSession, engine: Engine
) -> None:
    users = [User(name="Ada", email="a@x"), User(name="Eve", email="a@x")]
    with Statements(engine) as sent, pytest.raises(UsageError, match="the same email"):
        await session.upsert_all(users, conflict_target=["email"])
    assert sent == []
    nobody = [User(name="Ada", email=None), User(name="Eve", email=None)]
    await session.upsert_all(nobody, conflict_target=["email"])
    assert await session.query(User).count() == 2


async def test_arrays_are_upserted_one_statement_each(session: AsyncSession) -> None:
    ada = await session.insert(User(name="Ada"))
    posts = [Post(id=n + 1, author=ada, title="t", keywords=["a", str(n)]) for n in range(7)]
    await session.upsert_all(posts)
    stored = await session.query(Post).order_by("id").all()
    assert [post.keywords for post in stored] == [["a", str(n)] for n in range(7)]


async def test_objects_given_different_columns_keep_their_own(session: AsyncSession) -> None:
    users = [
        User(id=1000 + n, name=f"with {n}") if n % 3 else User(name=f"without {n}")
        for n in range(9)
    ]
    await session.insert_all(users)
    stored = {user.name: user.id for user in await session.query(User).all()}
    assert stored == {user.name: user.id for user in users}
    assert all((user.id >= 1000) == user.name.startswith("with ") for user in users)
