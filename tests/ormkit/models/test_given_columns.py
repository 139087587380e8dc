"""Given columns: upserts and bulk updates write what the code gave, and nothing else."""

from __future__ import annotations

import asyncio
import copy
import pickle
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from examples.blog.db import Comment, Post, PostStatus, Tag, User
from ormkit import AsyncSession, MissingValue, UsageError, create_engine
from tests.generated import import_models

SCHEMA = """
[models.Note]
mixins = ["soft_delete", "version", "timestamps"]

[models.Note.columns]
id = { type = "bigint", primary_key = true }
slug = { type = "text", unique = true }
text = { type = "text", default = "" }
stars = { type = "integer", default = 0 }
price = { type = "numeric", default = "1.0" }
labels = { type = "text[]", default = ["new"] }
data = { type = "jsonb?" }
is_open = { type = "boolean", default = true }
made_by = { type = "text", server_default = "'nobody'" }
"""


@pytest.fixture
def models(tmp_path: Path) -> Any:
    (tmp_path / "notes.toml").write_text(SCHEMA)
    return import_models(tmp_path, tmp_path / "notes.toml")


@pytest.fixture
async def notes(database_url: str, models: Any) -> AsyncIterator[AsyncSession]:
    async with await create_engine(database_url) as engine:
        await engine.create_all(models.SCHEMA)
        yield AsyncSession(engine)


@pytest.fixture
async def ada(session: AsyncSession) -> User:
    """A row that has a value of its own in every column."""
    return await session.insert(
        User(
            name="Ada", email="a@x", age=36, bio="long text", role="admin", status="banned",
            settings={"theme": "dark"},
        )
    )  # fmt: skip


async def row_of(session: AsyncSession, user: User) -> dict[str, Any]:
    (row,) = await session.query(User).filter(id=user.id).values()
    return row


async def test_an_upsert_writes_only_what_was_given(session: AsyncSession, ada: User) -> None:
    before = await row_of(session, ada)
    again = await session.upsert(User(email="a@x", name="A2"), conflict_target=["email"])
    assert await row_of(session, ada) == {**before, "name": "A2"}
    assert (again.bio, again.status, again.settings) == ("long text", "banned", {"theme": "dark"})


async def test_none_that_was_passed_is_given(session: AsyncSession, ada: User) -> None:
    before = await row_of(session, ada)
    user = User(email="a@x", name="Ada", bio=None, status="active", settings={})
    await session.upsert(user, conflict_target=["email"])
    given = {"bio": None, "status": "active", "settings": {}}
    assert await row_of(session, ada) == {**before, **given}


async def test_what_was_assigned_or_changed_in_place_is_given(
    session: AsyncSession, ada: User
) -> None:
    before = await row_of(session, ada)
    user = User(email="a@x", name="Ada")
    user.age = 40
    user.settings["lang"] = "en"
    await session.upsert(user, conflict_target=["email"])
    assert await row_of(session, ada) == {**before, "age": 40, "settings": {"lang": "en"}}


async def test_setting_a_default_again_cannot_be_told(session: AsyncSession, ada: User) -> None:
    user = User(email="a@x", name="Ada")
    user.status = "active"
    await session.upsert(user, conflict_target=["email"])
    assert user.status == "banned"


async def test_arrays_numbers_and_flags_keep_their_values(notes: AsyncSession, models: Any) -> None:
    note = models.Note(slug="a", text="t", stars=5, price=2, labels=["x"], data=[1], is_open=False)
    await notes.insert(note)
    again = await notes.upsert(models.Note(slug="a"), conflict_target=["slug"])
    assert (again.text, again.stars, again.price, again.labels) == ("t", 5, 2, ["x"])
    assert (again.data, again.is_open, again.made_by) == ([1], False, "nobody")
    changed = models.Note(slug="a")
    changed.labels.append("y")
    await notes.upsert(changed, conflict_target=["slug"])
    assert (changed.labels, changed.stars) == (["new", "y"], 5)


async def test_a_softly_deleted_row_stays_deleted(notes: AsyncSession, models: Any) -> None:
    note = await notes.insert(models.Note(slug="a"))
    await notes.soft_delete(note)
    again = await notes.upsert(models.Note(slug="a", text="b"), conflict_target=["slug"])
    assert (again.text, again.deleted_at is not None) == ("b", True)
    back = models.Note(slug="a", deleted_at=None)
    await notes.upsert(back, conflict_target=["slug"])
    assert back.deleted_at is None


async def test_an_object_that_was_read_gives_all_it_holds_and_revives_nothing(
    notes: AsyncSession, models: Any
) -> None:
    await notes.insert(models.Note(slug="a", stars=1))
    read = await notes.query(models.Note).one()
    other = await notes.query(models.Note).one()
    await notes.update(other, stars=9)
    await notes.soft_delete(other)
    read.text = "mine"
    await notes.upsert(read, conflict_target=["slug"])
    assert (read.text, read.stars, read.deleted_at) == ("mine", 1, other.deleted_at)
    assert read.updated_at > other.updated_at
    assert read.version == other.version + 1


async def test_what_came_from_the_database_is_not_given(session: AsyncSession, ada: User) -> None:
    user = User(email="a@x", name="Ada")
    await session.upsert(user, conflict_target=["email"])
    assert user.bio == "long text"
    await session.update(ada, bio="newer", settings={"theme": "light"}, age=50)
    user.settings["mine"] = 1
    await session.upsert(user, conflict_target=["email"])
    assert (user.bio, user.age) == ("newer", 50)
    assert user.settings == {"theme": "dark", "mine": 1}


async def test_an_inserted_object_gives_what_it_was_given(notes: AsyncSession, models: Any) -> None:
    note = models.Note(slug="a", stars=1)
    await notes.insert(note)
    other = await notes.query(models.Note).one()
    await notes.update(other, text="theirs", stars=7, made_by="them")
    await notes.upsert(note, conflict_target=["slug"])
    assert (note.text, note.stars, note.made_by) == ("theirs", 1, "them")
    assert note.updated_at > other.updated_at
    many = await notes.insert_all([models.Note(slug="b"), models.Note(slug="c")])
    await notes.execute_raw("UPDATE note SET made_by = 'them', updated_at = 'yesterday'")
    many[0].made_by = "me"
    await notes.upsert_all(many, conflict_target=["slug"])
    assert [each.made_by for each in many] == ["me", "them"]
    assert (await notes.query(models.Note).filter(slug="b").one()).made_by == "me"


async def test_a_refresh_within_a_transaction_gives_nothing(
    session: AsyncSession, ada: User
) -> None:
    async with session.begin() as tx:
        user = await tx.insert(User(email="b@x", name="Bob"))
        await tx.execute_raw("UPDATE users SET bio = 'fresh' WHERE email = 'b@x'")
        assert await tx.get(User, user.id) is user
        assert user.bio == "fresh"
        await tx.execute_raw("UPDATE users SET bio = 'fresher' WHERE email = 'b@x'")
        await tx.upsert(user, conflict_target=["email"])
        assert user.bio == "fresher"


async def test_values_that_a_nested_block_undid_are_not_given(
    session: AsyncSession, ada: User
) -> None:
    async with session.begin() as tx:
        user = await tx.insert(User(email="b@x", name="Bob"))
        with pytest.raises(ZeroDivisionError):
            async with tx.begin():
                await tx.execute_raw("UPDATE users SET bio = 'undone' WHERE email = 'b@x'")
                await tx.upsert(user, conflict_target=["email"])
                assert user.bio == "undone"
                1 / 0  # noqa: B018
        assert user.bio is None
        await tx.execute_raw("UPDATE users SET bio = 'kept' WHERE email = 'b@x'")
        await tx.upsert(user, conflict_target=["email"])
        assert user.bio == "kept"


async def test_many_with_different_columns_are_written_each_with_its_own(
    session: AsyncSession, ada: User
) -> None:
    bob = await session.insert(User(name="Bob", email="b@x", bio="bob", age=1))
    users = [
        User(name="A2", email="a@x", age=1),
        User(name="B2", email="b@x", bio=None),
        User(name="C2", email="c@x"),
        User(name="D2", email="d@x", age=4),
    ]
    await session.upsert_all(users, conflict_target=["email"])
    found = await session.query(User).order_by("email").all()
    assert [(u.name, u.age, u.bio) for u in found] == [
        ("A2", 1, "long text"),
        ("B2", 1, None),
        ("C2", None, None),
        ("D2", 4, None),
    ]
    assert [u.id for u in users] == [u.id for u in found]
    assert users[1].id == bob.id


async def test_many_with_different_columns_are_all_or_nothing(
    session: AsyncSession, ada: User
) -> None:
    wrong: Any = None
    users = [User(name="A2", email="a@x"), User(name=wrong, email="b@x", age=4)]
    with pytest.raises(Exception, match="name"):
        await session.upsert_all(users, conflict_target=["email"])
    assert (await session.get_or_raise(User, ada.id)).name == "Ada"
    with pytest.raises(UsageError, match="same email"):
        await session.upsert_all(
            [User(name="A2", email="a@x"), User(name="A3", email="a@x", age=1)],
            conflict_target=["email"],
        )


async def test_update_fields_takes_only_what_was_given(session: AsyncSession, ada: User) -> None:
    user = User(name="A2", email="a@x", age=1)
    with pytest.raises(MissingValue, match=r"User\.bio, and no object was given it"):
        await session.upsert(user, conflict_target=["email"], update_fields=["age", "bio"])
    users = [user, User(name="B", email="b@x", bio="b")]
    await session.upsert_all(users, conflict_target=["email"], update_fields=["age", "bio"])
    assert (user.name, user.age, user.bio) == ("Ada", 1, "long text")


async def test_bulk_update_writes_only_what_was_given(session: AsyncSession, ada: User) -> None:
    bob = await session.insert(User(name="Bob", email="b@x", bio="bob", age=1))
    before = await row_of(session, ada)
    await session.bulk_update([User(id=ada.id, name="A2"), User(id=bob.id, name="B2", age=None)])
    assert await row_of(session, ada) == {**before, "name": "A2"}
    assert (await row_of(session, bob))["age"] is None
    assert (await row_of(session, bob))["bio"] == "bob"
    with pytest.raises(MissingValue, match=r"fields names User\.bio"):
        await session.bulk_update([User(id=ada.id, name="A3")], ["bio"])
    read = await session.get_or_raise(User, ada.id)
    read.bio = None
    await session.bulk_update([read])
    assert (await row_of(session, ada))["bio"] is None


@pytest.mark.parametrize("count", [1, 2])
async def test_a_key_that_was_assigned_stays_given_after_writes(
    session: AsyncSession, ada: User, count: int
) -> None:
    other, post = await session.insert_all([Post(author=ada, title=title) for title in "op"])
    comments = [Comment(post=other, body="b") for _ in range(count)]
    tags = [Tag(name=str(place)) for place in range(count)]
    for written in (comments, tags):
        await session.insert_all([copy.copy(each) for each in written])
        for key, each in enumerate(written, 1):
            each.id = key
    await session.bulk_update(tags, ["name"])
    await session.bulk_update(tags, ["id", "name"])
    assert await session.related(post, Post.comments).add(*comments) == count
    await session.bulk_update(comments, ["id"])


async def test_bulk_update_revives_nothing(notes: AsyncSession, models: Any) -> None:
    note = await notes.insert(models.Note(slug="a"))
    read = await notes.query(models.Note).one()
    await notes.execute_raw("UPDATE note SET deleted_at = now()")
    read.text = "mine"
    await notes.bulk_update([read])
    deleted = await notes.query(models.Note).only_deleted().one()
    assert (deleted.id, deleted.text) == (note.id, "mine")


async def test_bulk_update_needs_something_to_write(session: AsyncSession, models: Any) -> None:
    with pytest.raises(UsageError, match="only for the columns that identify its row"):
        await session.bulk_update([Post(id=1, title="t"), copy_without_title()])


def copy_without_title() -> Post:
    post = Post.__new__(Post)
    post.id = 2
    return post


async def test_a_relationship_gives_its_key(session: AsyncSession, ada: User) -> None:
    post = await session.insert(Post(author=ada, title="t", status=PostStatus.archived))
    comment = await session.insert(Comment(post=post, author=ada, body="b"))
    await session.upsert(Comment(id=comment.id, post=post, body="c"))
    assert (await session.get_or_raise(Comment, comment.id)).author_id == ada.id
    await session.upsert(Comment(id=comment.id, post=post, body="c", author=None))
    assert (await session.get_or_raise(Comment, comment.id)).author_id is None
    await session.update(comment, author_id=ada.id)
    later = Comment(id=comment.id, post=post, body="c")
    later.author = None
    await session.upsert(later)
    assert (await session.get_or_raise(Comment, comment.id)).author_id is None
    again = await session.upsert(Post(id=post.id, author=ada, title="u"))
    assert again.status is PostStatus.archived


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda u: pickle.loads(pickle.dumps(u))]
)
async def test_copies_of_objects_give_the_same(
    session: AsyncSession, ada: User, copied: Any
) -> None:
    before = await row_of(session, ada)
    await session.upsert(copied(User(email="a@x", name="A2")), conflict_target=["email"])
    assert await row_of(session, ada) == {**before, "name": "A2"}


async def test_upserts_of_different_columns_at_once_do_not_undo_each_other(
    session: AsyncSession, ada: User
) -> None:
    await asyncio.gather(
        session.upsert(User(email="a@x", name="Ada", age=1), conflict_target=["email"]),
        session.upsert(User(email="a@x", name="Ada", bio="b"), conflict_target=["email"]),
        session.upsert(User(email="a@x", name="Ada", role="r"), conflict_target=["email"]),
    )
    found = await session.get_or_raise(User, ada.id)
    assert (found.age, found.bio, found.role, found.status) == (1, "b", "r", "banned")


async def test_one_object_twice_is_refused(session: AsyncSession) -> None:
    user = User(email="a@x", name="Ada")
    for write in (session.insert_all, session.upsert_all):
        with pytest.raises(UsageError, match="given twice"):
            await write([user, user])
