"""What a session writes and reads, on a real database."""

from __future__ import annotations

import datetime as dt

import pytest

from examples.blog.db import AuditLog, Post, PostStatus, Profile, Tag, User
from ormkit import (
    AsyncSession,
    DataError,
    Engine,
    ForeignKeyViolation,
    InvalidValue,
    MissingValue,
    NotFound,
    StaleObject,
    UniqueViolation,
    UsageError,
)


async def test_insert_brings_back_what_the_database_filled_in(session: AsyncSession) -> None:
    user = User(name="Ada")
    assert not hasattr(user, "id")
    assert await session.insert(user) is user
    assert user.id == 1
    assert user.created_at.tzinfo is not None
    assert (user.role, user.status, user.settings) == ("member", "active", {})


async def test_insert_keeps_a_key_that_was_given(session: AsyncSession) -> None:
    user = await session.insert(User(id=77, name="Ada"))
    assert user.id == 77
    assert (await session.get_or_raise(User, 77)).name == "Ada"


async def test_insert_of_a_missing_value_names_the_ways_to_give_it(session: AsyncSession) -> None:
    with pytest.raises(MissingValue, match=r"Post\.author_id .* pass author_id=\.\.\. or author="):
        await session.insert(Post(title="nobody's"))


async def test_a_value_of_the_wrong_type_names_the_column_and_not_the_value(
    session: AsyncSession,
) -> None:
    with pytest.raises(InvalidValue, match=r"User\.age is of type integer .* this str") as caught:
        await session.insert(User(name="Ada", age="secret"))  # type: ignore[arg-type]
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


async def test_a_constraint_error_tells_which_constraint(session: AsyncSession) -> None:
    await session.insert(User(name="Ada", email="ada@example.com"))
    with pytest.raises(UniqueViolation) as caught:
        await session.insert(User(name="Eve", email="ada@example.com"))
    assert caught.value.constraint == "users_email_key"
    assert caught.value.table == "users"
    assert caught.value.sqlstate == "23505"
    assert caught.value.statement is not None
    assert "ada@example.com" not in str(caught.value)


async def test_a_related_object_gives_its_key(session: AsyncSession) -> None:
    ada = await session.insert(User(name="Ada"))
    post = await session.insert(Post(author=ada, title="Notes"))
    assert post.author_id == ada.id
    assert post.author is ada


async def test_a_related_object_may_get_its_key_after_it_was_given(session: AsyncSession) -> None:
    ada = User(name="Ada")
    post = Post(author=ada, title="Notes")
    await session.insert(ada)
    await session.insert(post)
    assert post.author_id == ada.id


async def test_insert_all_gives_each_object_its_own_row(
    session: AsyncSession, engine: Engine
) -> None:
    users = [User(name=f"user {number}") for number in range(500)]
    assert await session.insert_all(users) == users
    rows = await engine.execute("SELECT id, name FROM users")
    assert {user.id: user.name for user in users} == dict(rows.tuples())


async def test_insert_all_takes_objects_with_different_columns_given(session: AsyncSession) -> None:
    moment = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    users = [
        User(name="a"),
        User(name="b", created_at=moment),
        User(id=900, name="c"),
        User(name="d"),
    ]
    await session.insert_all(users)
    found = {user.name: user for user in await session.query(User).all()}
    assert found["b"].created_at == moment
    assert found["c"].id == 900
    assert len({user.id for user in users}) == 4
    for user in users:
        assert found[user.name].id == user.id
        assert found[user.name].created_at == user.created_at


async def test_insert_all_takes_models_in_the_order_their_foreign_keys_ask_for(
    session: AsyncSession,
) -> None:
    ada = User(name="Ada")
    await session.insert_all([Post(author=ada, title="Notes"), ada, AuditLog(action="both")])
    assert (await session.query(Post).one()).author_id == ada.id


async def test_insert_all_is_all_or_nothing(session: AsyncSession) -> None:
    users = [User(name="a", email="x"), User(name="b", age=3), User(id=5, name="c", email="x")]
    with pytest.raises(UniqueViolation):
        await session.insert_all(users)
    assert await session.query(User).count() == 0


async def test_insert_all_of_nothing_is_nothing(session: AsyncSession) -> None:
    assert await session.insert_all([]) == []


async def test_insert_all_does_not_cut_text_that_is_too_long(session: AsyncSession) -> None:
    with pytest.raises(InvalidValue, match=r"User\.name .* \(value 1\): it has 101 characters"):
        await session.insert_all([User(name="x" * 101), User(name="y")])


async def test_insert_all_takes_tables_with_arrays(session: AsyncSession) -> None:
    ada = await session.insert(User(name="Ada"))
    posts = [Post(author=ada, title=f"{n}", keywords=["k"] * n) for n in range(5)]
    await session.insert_all(posts)
    found = await session.query(Post).order_by("id").all()
    assert [post.keywords for post in found] == [["k"] * n for n in range(5)]
    assert [post.id for post in found] == [post.id for post in posts]


async def test_get_returns_none_and_get_or_raise_raises_without_a_row(
    session: AsyncSession,
) -> None:
    assert await session.get(User, 1) is None
    with pytest.raises(NotFound, match="no User"):
        await session.get_or_raise(User, 1)


async def test_get_needs_a_key(session: AsyncSession) -> None:
    with pytest.raises(UsageError, match="a value of id"):
        await session.get(User, None)  # type: ignore[arg-type]


async def test_enums_arrays_and_json_come_back_as_they_went_in(session: AsyncSession) -> None:
    settings = {"plan": "pro", "limits": [1, 2.5, None, True], "deep": {"ü": "'\"\\"}}
    ada = await session.insert(User(name="Ada", settings=settings))
    post = await session.insert(
        Post(author=ada, title="t", status=PostStatus.archived, keywords=["a", "b'c", ""])
    )
    assert (await session.get_or_raise(User, ada.id)).settings == settings
    found = await session.get_or_raise(Post, post.id)
    assert found.status is PostStatus.archived
    assert found.keywords == ["a", "b'c", ""]


async def test_update_writes_the_named_columns_only(session: AsyncSession, engine: Engine) -> None:
    ada = await session.insert(User(name="Ada", age=36))
    await engine.execute("UPDATE users SET bio = 'written meanwhile'")
    await session.update(ada, age=37)
    assert ada.age == 37
    found = await session.get_or_raise(User, ada.id)
    assert (found.age, found.bio) == (37, "written meanwhile")


async def test_update_by_an_expression_brings_back_the_result(session: AsyncSession) -> None:
    ada = await session.insert(User(name="Ada", age=36))
    await session.update(ada, age=User.age + 1)
    assert ada.age == 37


async def test_a_failed_update_leaves_the_object_as_it_was(session: AsyncSession) -> None:
    ada = await session.insert(User(name="Ada"))
    with pytest.raises(DataError):
        await session.update(ada, name="x\0")
    assert ada.name == "Ada"


async def test_update_and_remove_of_a_row_that_is_gone_are_stale(session: AsyncSession) -> None:
    ada = await session.insert(User(name="Ada"))
    await session.remove(ada)
    with pytest.raises(StaleObject, match="no longer in the database"):
        await session.update(ada, age=1)
    with pytest.raises(StaleObject):
        await session.remove(ada)


async def test_update_of_an_object_without_a_key_says_to_insert_it(session: AsyncSession) -> None:
    with pytest.raises(UsageError, match="insert it first"):
        await session.update(User(name="Ada"), age=1)


async def test_update_without_columns_is_refused(session: AsyncSession) -> None:
    ada = await session.insert(User(name="Ada"))
    with pytest.raises(UsageError, match="at least one"):
        await session.update(ada)


async def test_remove_respects_foreign_keys(session: AsyncSession, engine: Engine) -> None:
    ada = await session.insert(User(name="Ada"))
    await engine.execute("CREATE TABLE clings (user_id bigint REFERENCES users (id))")
    await engine.execute("INSERT INTO clings VALUES ($1)", [ada.id])
    with pytest.raises(ForeignKeyViolation):
        await session.remove(ada)
    assert await session.get(User, ada.id) is not None


async def test_a_primary_key_that_is_a_foreign_key_is_given(session: AsyncSession) -> None:
    ada = await session.insert(User(name="Ada"))
    profile = await session.insert(Profile(user=ada, website="https://example.com"))
    assert profile.user_id == ada.id
    assert (await session.get_or_raise(Profile, ada.id)).website == "https://example.com"


async def test_what_is_no_model_is_refused(session: AsyncSession) -> None:
    with pytest.raises(UsageError, match="not int"):
        await session.remove(3)  # type: ignore[arg-type]


async def test_the_repr_of_an_object_shows_the_values_it_has() -> None:
    assert repr(Tag(name="a")) == "Tag(name='a')"


async def test_a_session_is_entered_and_begins_transactions_by_either_name(engine: Engine) -> None:
    async with AsyncSession(engine) as session:
        async with session.transaction() as tx:
            tx.add(User(name="a"))
        with pytest.raises(ZeroDivisionError):
            async with session.transaction(isolation="serializable") as tx:
                tx.add(User(name="b"))
                raise ZeroDivisionError
        assert [user.name for user in await session.query(User).all()] == ["a"]
    async with await engine.transaction() as tx:
        assert await tx.query(User).count() == 1
    assert await AsyncSession(engine).query(User).count() == 1
