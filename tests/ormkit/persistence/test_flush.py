"""The unit of work: what a transaction loaded and the code changed is written back."""

from __future__ import annotations

import asyncio
import pickle
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from examples.blog.db import AuditLog, Comment, Post, PostStatus, Tag, User
from ormkit import (
    AsyncSession,
    Engine,
    MissingValue,
    StaleObject,
    TransactionFailed,
    UniqueViolation,
    UsageError,
    joinedload,
    jsonload,
    selectinload,
)
from tests.generated import models_of
from tests.statements import Statements

ODD = Path(__file__).parents[3] / "schemas/odd.toml"

SCHEMA = """
[models.Note]
table = "notes"
mixins = ["version", "timestamps"]

[models.Note.columns]
id = { type = "bigint", primary_key = true }
title = "text"
price = "numeric?"
ratio = "double precision?"
payload = { type = "jsonb", default = {} }
marks = { type = "integer[]", default = [] }
drafts = "jsonb[]?"
place = "vector(2)?"
size = { type = "integer", generated = "length(title)" }

[models.Part]
table = "parts"

[models.Part.columns]
kind = { type = "text", primary_key = true }
number = { type = "integer", primary_key = true }
name = "text?"
"""


@pytest.fixture
async def users(session: AsyncSession) -> list[User]:
    return await session.insert_all([User(name=name, age=n) for n, name in enumerate("abcde")])


@pytest.fixture(scope="module")
def models() -> Any:
    return models_of("notes", SCHEMA)


@pytest.fixture
async def notes(engine: Engine, models: Any) -> list[Any]:
    await engine.create_all(models.SCHEMA)
    return await AsyncSession(engine).insert_all(
        [models.Note(title=f"note {n}", payload={"n": n}, marks=[n]) for n in range(4)]
    )


def updates(sent: list[str]) -> list[str]:
    return [text for text in sent if text.startswith("UPDATE")]


async def test_a_changed_column_is_written_at_the_end_and_no_other(
    session: AsyncSession, engine: Engine, users: list[User]
) -> None:
    with Statements(engine) as sent:
        async with session.begin() as tx:
            user = await tx.get_or_raise(User, users[0].id)
            user.age = 99
            assert updates(sent) == []
    assert updates(sent) == ["UPDATE users SET age = $1 WHERE id = $2 RETURNING id"]
    assert (await session.get_or_raise(User, users[0].id)).age == 99


async def test_nothing_is_written_where_nothing_changed(
    session: AsyncSession, engine: Engine, users: list[User]
) -> None:
    with Statements(engine) as sent:
        async with session.begin() as tx:
            for user in await tx.query(User).options(selectinload("posts")).all():
                user.name = str(user.name)
                user.age = user.age
                user.settings = dict(user.settings)
    assert updates(sent) == []


async def test_many_objects_with_the_same_columns_are_one_statement(
    session: AsyncSession, engine: Engine, users: list[User]
) -> None:
    with Statements(engine) as sent:
        async with session.begin() as tx:
            found = await tx.query(User).order_by("id").all()
            for user in found[:4]:
                user.age = 10 * user.id
            found[3].name = "other"
            found[4].settings["plan"] = "pro"
    assert len(updates(sent)) == 3
    stored = await session.query(User).order_by("id").all()
    assert [user.age for user in stored] == [*(10 * user.id for user in users[:4]), 4]
    assert (stored[3].name, stored[4].settings) == ("other", {"plan": "pro"})


async def test_what_is_changed_in_place_is_seen(
    session: AsyncSession, models: Any, notes: list[Any]
) -> None:
    async with session.begin() as tx:
        first, second, third, _ = await tx.query(models.Note).order_by("id").all()
        first.payload["deep"] = [1, {"x": True}]
        second.marks.append(7)
        third.place = [1.0, 2.0]
    async with session.begin() as tx:
        first, second, third, _ = await tx.query(models.Note).order_by("id").all()
        assert (first.payload, second.marks, third.place) == (
            {"n": 0, "deep": [1, {"x": True}]},
            [1, 7],
            [1.0, 2.0],
        )
        first.payload["deep"][1]["x"] = 1
        third.place[0] = 5.0
    first, _, third, last = await session.query(models.Note).order_by("id").all()
    assert type(first.payload["deep"][1]["x"]) is int
    assert (third.place, last.version) == ([5.0, 2.0], 1)


async def test_what_is_too_deep_to_be_copied_can_be_read_and_other_columns_written(
    session: AsyncSession, engine: Engine, models: Any, notes: list[Any]
) -> None:
    depth = too_deep_to_be_pickled()
    await engine.execute(
        "UPDATE notes SET drafts = ARRAY[(repeat('[', $1) || repeat(']', $1))::jsonb] "
        "WHERE id = $2",
        [depth, notes[1].id],
    )
    async with session.begin() as tx:
        first, second, *_ = await tx.query(models.Note).order_by("id").all()
        first.marks.append(7)
        second.title = "deep"
    first, second, *_ = await session.query(models.Note).order_by("id").all()
    assert (first.marks, first.drafts, second.title) == ([0, 7], None, "deep")
    (document,) = second.drafts
    for _ in range(depth - 1):
        (document,) = document
    assert document == []


def too_deep_to_be_pickled() -> int:
    """Return a depth of lists that this interpreter can read from JSON and cannot pickle."""
    for depth in (600, 1000, 6000):
        document: list[Any] = []
        for _ in range(depth):
            document = [document]
        try:
            pickle.dumps(document, 2)
        except RecursionError:
            return depth
    raise AssertionError("pickle takes lists of any depth")


async def test_equal_is_not_the_same_for_decimals_and_floats(
    session: AsyncSession, models: Any, notes: list[Any]
) -> None:
    await session.update(notes[0], price=Decimal("1.0"), ratio=0.0)
    async with session.begin() as tx:
        note = await tx.get_or_raise(models.Note, notes[0].id)
        note.price, note.ratio = Decimal("1.00"), -0.0
    (row,) = await session.query(models.Note).filter(id=notes[0].id).values("price", "ratio")
    assert (str(row["price"]), str(row["ratio"])) == ("1.00", "-0.0")


async def test_versions_are_checked_and_what_postgresql_computes_comes_back(
    session: AsyncSession, engine: Engine, models: Any, notes: list[Any]
) -> None:
    before = notes[0].updated_at
    async with session.begin() as tx:
        found = await tx.query(models.Note).order_by("id").all()
        for note in found:
            note.title = note.title + "!"
        await tx.flush()
        assert [note.version for note in found] == [2, 2, 2, 2]
        assert [note.size for note in found] == [7, 7, 7, 7]
        assert found[0].updated_at > before
        found[0].title = "again"
    assert (found[0].version, found[0].size) == (3, 5)

    with pytest.raises(StaleObject):
        async with session.begin() as tx:
            mine = await tx.query(models.Note).order_by("id").all()
            theirs = await AsyncSession(engine).get_or_raise(models.Note, mine[2].id)
            await AsyncSession(engine).update(theirs, title="theirs")
            for note in mine:
                note.title = "mine"
    titles = await session.query(models.Note).order_by("id").scalars(models.Note.title)
    assert titles == ["again", "note 1!", "theirs", "note 3!"]


async def test_a_failed_flush_leaves_nothing_even_where_it_is_caught(
    session: AsyncSession, engine: Engine, models: Any, notes: list[Any]
) -> None:
    with pytest.raises(TransactionFailed, match="writing the added or changed objects failed"):
        async with session.begin() as tx:
            mine = await tx.query(models.Note).order_by("id").all()
            await AsyncSession(engine).query(models.Note).filter(id=mine[2].id).delete()
            for note in mine:
                note.title = "mine"
            with pytest.raises(StaleObject):
                await tx.flush()
    assert "mine" not in await session.query(models.Note).scalars(models.Note.title)


async def test_one_row_has_one_object_however_it_is_read(
    session: AsyncSession, users: list[User]
) -> None:
    post = await session.insert(Post(author=users[0], title="t"))
    await session.insert(Comment(post=post, author=users[0], body="c"))
    async with session.begin() as tx:
        user = await tx.get_or_raise(User, users[0].id)
        assert await tx.get(User, users[0].id) is user
        assert (await tx.query(User).order_by("id").all())[0] is user
        assert await session.query(User).filter(name="a").one() is user
        (joined,) = await tx.query(Post).options(joinedload("author")).all()
        assert joined.author is user
        (loaded,) = await tx.query(Post).options(selectinload("author")).all()
        assert loaded is joined
        assert loaded.author is user
        tree = await tx.query(User).options(jsonload("posts").jsonload("comments")).all()
        assert tree[0] is user
        assert user.posts == [joined]
        ((pair, _),) = await tx.query(User).filter(name="a").with_values(User.age)
        assert pair is user
        (changed,) = await tx.query(User).filter(name="a").update(age=50).returning()
        assert changed is user
        assert user.age == 50
    assert await session.get(User, users[0].id) is not user


async def test_a_second_read_refreshes_what_the_code_did_not_change(
    session: AsyncSession, engine: Engine, users: list[User]
) -> None:
    async with session.begin() as tx:
        user = await tx.get_or_raise(User, users[0].id)
        user.age = 50
        await AsyncSession(engine).query(User).update(age=7, name="theirs")
        again = await tx.query(User).filter(id=user.id).for_update().one()
        assert again is user
        assert (user.age, user.name) == (50, "theirs")
    stored = await session.get_or_raise(User, users[0].id)
    assert (stored.age, stored.name) == (50, "theirs")


async def test_inserted_objects_are_held_and_changes_after_it_are_written(
    session: AsyncSession, engine: Engine
) -> None:
    async with session.begin() as tx:
        one = await tx.insert(User(name="one"))
        two, three = await tx.insert_all([User(name="two"), User(name="three")])
        four = User(name="four")
        tx.add(four)
        assert await tx.query(User).count() == 4
        tx.add(four)
        (tag,) = await tx.upsert_all([Tag(name="x")], conflict_target=["name"])
        for user in (one, two, three, four):
            user.age = 9
        tag.name = "y"
        assert await tx.get(User, four.id) is four
    assert await session.query(User).scalars(User.age) == [9, 9, 9, 9]
    assert await session.query(Tag).scalars(Tag.name) == ["y"]


async def test_updates_removals_and_changes_do_not_meet_twice(
    session: AsyncSession, engine: Engine, users: list[User]
) -> None:
    with Statements(engine) as sent:
        async with session.begin() as tx:
            a, b, c, *_ = await tx.query(User).order_by("id").all()
            await tx.update(a, age=50)
            b.age = 60
            await tx.update(b, name="bb")
            c.age = 70
            await tx.remove(c)
    assert len(updates(sent)) == 3
    assert await session.query(User).order_by("id").values_list(User.name, User.age) == [
        ("a", 50),
        ("bb", 60),
        ("d", 3),
        ("e", 4),
    ]


async def test_a_change_goes_out_before_a_change_by_query_or_raw_sql(
    session: AsyncSession, users: list[User]
) -> None:
    async with session.begin() as tx:
        user = await tx.get_or_raise(User, users[0].id)
        user.age = 50
        await tx.query(User).filter(age=50).update(age=51)
        await tx.query(User).filter(id=user.id).one()
        assert user.age == 51
        user.age = 60
        await tx.execute_raw("UPDATE users SET age = age + 1 WHERE age = 60")
    assert (await session.get_or_raise(User, users[0].id)).age == 61


async def test_an_update_with_an_expression_computes_from_what_was_set_before(
    session: AsyncSession, models: Any, notes: list[Any], users: list[User]
) -> None:
    async with session.begin() as tx:
        user = await tx.get_or_raise(User, users[0].id)
        user.age = 50
        await tx.update(user, age=User.age + 1)
        assert user.age == 51
        note = await tx.get_or_raise(models.Note, notes[0].id)
        note.title = "a"
        await tx.update(note, title=models.Note.title + "b")
        assert (note.title, note.version) == ("ab", 3)


async def test_a_nested_block_that_is_undone_gives_objects_their_values_back(
    session: AsyncSession, users: list[User]
) -> None:
    async with session.begin() as tx:
        user, other, *_ = await tx.query(User).order_by("id").all()
        user.age = 50
        other.settings["kept"] = 1
        with pytest.raises(ZeroDivisionError):
            async with session.begin() as inner:
                user.age = 60
                user.settings["x"] = [1]
                other.settings["lost"] = 1
                await inner.flush()
                other.name = "lost"
                raise ZeroDivisionError
        assert (user.age, user.settings) == (50, {})
        assert (other.name, other.settings) == ("b", {"kept": 1})
        async with session.begin():
            user.name = "kept"
    stored = await session.query(User).order_by("id").all()
    assert (stored[0].age, stored[0].name, stored[0].settings) == (50, "kept", {})
    assert stored[1].settings == {"kept": 1}


async def test_a_block_that_fails_writes_nothing(session: AsyncSession, users: list[User]) -> None:
    with pytest.raises(ZeroDivisionError):
        async with session.begin() as tx:
            (await tx.get_or_raise(User, users[0].id)).age = 50
            raise ZeroDivisionError
    async with session.begin() as tx:
        user = await tx.get_or_raise(User, users[0].id)
        user.age = 50
        await tx.rollback()
    async with session.begin() as tx:
        (await tx.get_or_raise(User, users[1].id)).age = 51
        await tx.commit()
    assert await session.query(User).order_by("id").limit(2).scalars(User.age) == [0, 51]


async def test_keys_can_be_changed_and_references_follow(
    session: AsyncSession, engine: Engine, models: Any, notes: list[Any], users: list[User]
) -> None:
    await session.insert_all([models.Part(kind="a", number=n) for n in range(3)])
    async with session.begin() as tx:
        parts = await tx.query(models.Part).order_by("number").all()
        for part in parts:
            part.number += 10
            part.name = "moved"
        await tx.flush()
        assert await tx.get(models.Part, ("a", 10)) is parts[0]
        parts[0].name = "first"
    rows = (
        session.query(models.Part)
        .order_by("number")
        .values_list(models.Part.number, models.Part.name)
    )
    assert await rows == [(10, "first"), (11, "moved"), (12, "moved")]

    post = await session.insert(Post(author=users[0], title="t"))
    async with session.begin() as tx:
        mine = await tx.query(Post).options(joinedload("author")).one()
        mine.author = await tx.get_or_raise(User, users[1].id)
    assert (await session.get_or_raise(Post, post.id)).author_id == users[1].id
    async with session.begin() as tx:
        mine = await tx.query(Post).one()
        mine.author = User(name="new")
        with pytest.raises(MissingValue, match="no key yet"):
            await tx.flush()
        await tx.rollback()
    async with session.begin() as tx:
        mine = await tx.query(Post).one()
        author = User(name="new")
        tx.add(author)
        mine.author = author
    assert (await session.get_or_raise(Post, post.id)).author_id == author.id


async def test_what_cannot_be_written_back_is_refused_by_name(
    session: AsyncSession, models: Any, notes: list[Any], users: list[User]
) -> None:
    with pytest.raises(UsageError, match=r"User\.age holds an expression"):
        async with session.begin() as tx:
            user: Any = await tx.get_or_raise(User, users[0].id)
            user.age = User.age + 1
    with pytest.raises(UsageError, match=r"Note\.size is filled in by PostgreSQL"):
        async with session.begin() as tx:
            (await tx.get_or_raise(models.Note, notes[0].id)).size = 3
    with pytest.raises(UsageError, match="read-only, and a User was changed"):
        async with session.begin(read_only=True) as tx:
            (await tx.get_or_raise(User, users[0].id)).age = 3
    with pytest.raises(UsageError, match="read-only, and a AuditLog"):
        async with session.begin(read_only=True) as tx:
            tx.add(AuditLog(action="x"))


async def test_objects_from_elsewhere_are_held_once_they_are_attached(
    session: AsyncSession, users: list[User]
) -> None:
    async with session.begin() as tx:
        users[0].age = 50
        tx.attach(users[1])
        users[1].age = 51
        assert await tx.get(User, users[1].id) is users[1]
    assert await session.query(User).order_by("id").limit(2).scalars(User.age) == [0, 51]
    with pytest.raises(UniqueViolation):
        async with session.begin() as tx:
            tx.add(users[0])


async def test_streams_are_not_held_and_everything_can_be_let_go(
    session: AsyncSession, users: list[User]
) -> None:
    async with session.begin() as tx:
        async for user in tx.query(User).options(selectinload("posts")).stream(chunk=2):
            user.age = 77
        held = await tx.get_or_raise(User, users[0].id)
        tx.expunge_all()
        held.age = 78
        assert await tx.get(User, users[0].id) is not held
    assert await session.query(User).order_by("id").scalars(User.age) == [0, 1, 2, 3, 4]


async def test_tasks_that_share_a_session_hold_objects_of_their_own(
    session: AsyncSession, users: list[User]
) -> None:
    seen: list[User] = []

    async def change(by: int) -> None:
        async with session.begin() as tx:
            user = await tx.query(User).filter(id=users[0].id).for_update().one()
            seen.append(user)
            await asyncio.sleep(0)
            assert user.age is not None
            user.age += by

    await asyncio.gather(*(change(n) for n in range(1, 9)))
    assert len({id(user) for user in seen}) == 8
    assert (await session.get_or_raise(User, users[0].id)).age == sum(range(1, 9))


async def test_enums_are_compared_by_their_members(
    session: AsyncSession, engine: Engine, users: list[User]
) -> None:
    await session.insert(Post(author=users[0], title="t"))
    with Statements(engine) as sent:
        async with session.begin() as tx:
            post = await tx.query(Post).one()
            post.status = PostStatus.draft
    assert updates(sent) == []
    async with session.begin() as tx:
        (await tx.query(Post).one()).status = PostStatus.archived
    assert await session.query(Post).scalars(Post.status) == [PostStatus.archived]


async def test_bulk_update_writes_each_objects_own_values_by_one_statement(
    session: AsyncSession, engine: Engine, users: list[User]
) -> None:
    for user in users:
        user.age, user.name, user.settings = 100 + user.id, "x", {"id": user.id}
    with Statements(engine) as sent:
        assert await session.bulk_update(users, ["age", User.settings]) == users
    assert len(updates(sent)) == 1
    stored = await session.query(User).order_by("id").all()
    assert [user.age for user in stored] == [100 + user.id for user in users]
    assert [user.settings for user in stored] == [{"id": user.id} for user in users]
    assert [user.name for user in stored] == list("abcde")
    await session.bulk_update(users)
    assert await session.query(User).scalars(User.name) == ["x"] * 5
    assert await session.bulk_update([], ["age"]) == []


async def test_bulk_update_checks_versions_and_writes_all_or_nothing(
    session: AsyncSession, models: Any, notes: list[Any]
) -> None:
    for note in notes:
        note.title, note.marks = "new", [9]
    await session.bulk_update(notes, ["title"])
    assert [(note.version, note.size) for note in notes] == [(2, 3)] * 4
    await session.bulk_update(notes, ["marks"])
    assert [note.version for note in notes] == [3] * 4
    await session.update(await session.get_or_raise(models.Note, notes[3].id), title="theirs")
    for fields in (["title"], ["marks"], None):
        with pytest.raises(StaleObject):
            await session.bulk_update(notes, fields)
    versions = await session.query(models.Note).order_by("id").scalars(models.Note.version)
    assert versions == [3, 3, 3, 4]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda users: ([users[0], users[0]], ["age"]), "given twice"),
        (lambda users: ([users[0], Tag(name="x")], ["age"]), "one model"),
        (lambda users: ([User(name="new")], ["age"]), "insert it first"),
        (lambda users: (users, ["agee"]), "did you mean 'age'"),
        (lambda users: (users, [Post.title]), "no column"),
        (lambda users: (users, "age"), "list of at least one column"),
        (lambda users: (users, []), "at least one"),
        (lambda users: ([3], ["age"]), "generated model"),
    ],
)
async def test_a_wrong_bulk_update_is_refused_before_anything_is_sent(
    session: AsyncSession, engine: Engine, users: list[User], make: Any, words: str
) -> None:
    with Statements(engine) as sent, pytest.raises(UsageError, match=words):
        await session.bulk_update(*make(users))
    assert sent == []
