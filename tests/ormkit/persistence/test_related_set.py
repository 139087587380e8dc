"""session.related: adding to and removing from what belongs to an object."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from types import FrameType
from typing import Any

import pytest

from examples.blog.db import Comment, Post, Tag, User
from ormkit import (
    AsyncSession,
    Engine,
    ForeignKeyViolation,
    NotLoaded,
    StaleObject,
    UsageError,
    create_engine,
    selectinload,
)
from tests.generated import import_models
from tests.statements import Statements


@pytest.fixture
async def tags(session: AsyncSession) -> list[Tag]:
    return await session.insert_all([Tag(name=name) for name in "abcd"])


@pytest.fixture
async def post(session: AsyncSession) -> Post:
    ada = await session.insert(User(name="Ada"))
    return await session.insert(Post(author=ada, title="p"))


async def links(engine: Engine) -> list[tuple[Any, ...]]:
    return (await engine.execute("SELECT * FROM post_tags ORDER BY 1, 2")).tuples()


async def test_links_are_added_and_removed_by_one_statement_each(
    session: AsyncSession, engine: Engine, post: Post, tags: list[Tag]
) -> None:
    related = session.related(post, Post.tags)
    with Statements(engine) as sent:
        assert await related.add(tags[0], tags[1], tags[1]) == 2
        assert await related.add(tags[1], tags[2]) == 1
        assert await related.add() == 0
        assert await related.remove(tags[0], tags[3]) == 1
        assert await related.remove() == 0
    assert len(sent) == 3
    assert await links(engine) == [(1, 2), (1, 3)]
    assert await related.clear() == 2
    assert await related.clear() == 0
    assert await links(engine) == []


async def test_related_looks_through_the_package_once(
    session: AsyncSession, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.related(post, Post.tags)

    def calls() -> int:
        count = 0

        def note(frame: FrameType, event: str, _: object) -> None:
            nonlocal count
            count += event in ("call", "c_call")

        sys.setprofile(note)
        try:
            session.related(post, Post.tags)
        finally:
            sys.setprofile(None)
        return count

    before = calls()
    package = sys.modules["examples.blog.db"]
    for number in range(500):
        monkeypatch.setattr(package, f"other_{number}", object(), raising=False)
    assert calls() == before < 100


async def test_set_writes_only_what_differs_by_one_statement(
    session: AsyncSession, engine: Engine, post: Post, tags: list[Tag]
) -> None:
    other = await session.insert(Post(author_id=post.author_id, title="q"))
    await session.related(other, Post.tags).add(tags[0])
    related = session.related(post, Post.tags)
    await related.add(tags[0], tags[1])
    before = (await engine.execute("SELECT xmin FROM post_tags WHERE tag_id = 2")).scalar()
    with Statements(engine) as sent:
        assert await related.set([tags[1], tags[2], tags[3]]) == (2, 1)
        change = await related.set([tags[1], tags[2], tags[3]])
    assert (change.added, change.removed) == (0, 0)
    assert len(sent) == 2
    assert await links(engine) == [(1, 2), (1, 3), (1, 4), (2, 1)]
    assert (await engine.execute("SELECT xmin FROM post_tags WHERE tag_id = 2")).scalar() == before
    assert await related.set([]) == (0, 3)
    assert await links(engine) == [(2, 1)]


async def test_tasks_that_add_the_same_links_do_not_stand_in_each_other_s_way(
    session: AsyncSession, engine: Engine, post: Post
) -> None:
    tags = await session.insert_all([Tag(name=f"t{n}") for n in range(500)])
    related = session.related(post, Post.tags)
    for _ in range(10):
        counts = await asyncio.gather(related.add(*tags), related.add(*reversed(tags)))
        assert sum(counts) == 500
        assert await related.clear() == 500


async def test_the_other_side_writes_the_same_links(
    session: AsyncSession, engine: Engine, post: Post, tags: list[Tag]
) -> None:
    await session.related(tags[2], Tag.posts).add(post)
    await session.related(post, Post.tags).add(tags[2])
    assert await links(engine) == [(1, 3)]


async def test_a_loaded_list_follows_and_no_other_is_made(
    session: AsyncSession, post: Post, tags: list[Tag]
) -> None:
    related = session.related(post, Post.tags)
    await related.add(tags[0])
    with pytest.raises(NotLoaded):
        hasattr(post, "tags")
    await session.load(post, Post.tags)
    again = await session.query(Tag).order_by("id").all()
    await related.add(again[0], again[1])
    assert [tag.name for tag in post.tags] == ["a", "b"]
    await related.remove(again[0])
    assert [tag.name for tag in post.tags] == ["b"]
    await related.set([again[3], again[2]])
    assert [tag.name for tag in post.tags] == ["d", "c"]
    await related.clear()
    assert post.tags == []


async def test_writing_takes_part_in_the_transaction_that_is_open(
    session: AsyncSession, engine: Engine, post: Post, tags: list[Tag]
) -> None:
    with pytest.raises(ZeroDivisionError):
        async with session.begin() as tx:
            await session.related(post, Post.tags).add(*tags)
            assert await tx.related(post, Post.tags).set(tags[:1]) == (0, 3)
            raise ZeroDivisionError
    assert await links(engine) == []


async def test_objects_that_cannot_be_related_are_refused_by_name(
    session: AsyncSession, engine: Engine, post: Post, tags: list[Tag]
) -> None:
    related = session.related(post, Post.tags)
    with Statements(engine) as sent:
        with pytest.raises(
            UsageError, match=r"argument 1 of Post\.tags add\(\) has no id yet: insert it first"
        ):
            await related.add(tags[0], Tag(name="new"))
        with pytest.raises(UsageError, match=r"argument 0 of Post\.tags set\(\) must be a Tag"):
            await related.set([post])  # type: ignore[list-item]  # pyright: ignore
        with pytest.raises(UsageError, match="Post has no id yet: insert it first"):
            session.related(Post(author_id=1, title="x"), Post.tags)
        with pytest.raises(UsageError, match=r"Post\.author is a to-one relationship"):
            session.related(post, Post.author)  # type: ignore[arg-type]  # pyright: ignore
    assert not sent
    gone = tags[3]
    await session.remove(gone)
    with pytest.raises(ForeignKeyViolation):
        await related.add(tags[0], gone)
    assert await links(engine) == []


async def test_a_one_to_many_is_written_by_its_foreign_key(
    session: AsyncSession, engine: Engine, post: Post
) -> None:
    grace = await session.insert(User(name="Grace"))
    await session.load(grace, User.posts)
    more = await session.insert_all([Post(author_id=post.author_id, title=t) for t in "xy"])
    with Statements(engine) as sent:
        assert await session.related(grace, User.posts).add(post, *more) == 3
    assert len(sent) == 1
    assert [each.title for each in grace.posts] == ["p", "x", "y"]
    assert post.author_id == grace.id
    assert post.author is grace
    assert await session.query(Post).filter(author_id=grace.id).count() == 3
    for write in (
        session.related(grace, User.posts).remove(post),
        session.related(grace, User.posts).clear(),
    ):
        with pytest.raises(
            UsageError, match=r"Post\.author_id cannot be NULL.*add\(\) it to another User"
        ):
            await write
    with pytest.raises(UsageError, match=r"Post\.author_id cannot be NULL"):
        await session.related(grace, User.posts).set([post])
    assert await session.related(grace, User.posts).add(post, *more) == 0


async def test_rows_that_refer_to_others_as_well_follow_their_owner(
    session: AsyncSession, post: Post
) -> None:
    ada = await session.get_or_raise(User, post.author_id)
    other = await session.insert(Post(author=ada, title="other"))
    comments = [Comment(post=other, author=ada, body=body) for body in "xy"]
    await session.insert_all(comments)
    assert await session.related(post, Post.comments).add(*comments) == 2
    assert [(each.post_id, each.post, each.author) for each in comments] == [(1, post, ada)] * 2
    assert await session.query(Comment).filter(post_id=post.id).count() == 2


async def test_nothing_is_written_where_one_row_of_a_one_to_many_is_gone(
    session: AsyncSession, post: Post
) -> None:
    grace = await session.insert(User(name="Grace"))
    gone = await session.insert(Post(author_id=post.author_id, title="gone"))
    await session.query(Post).filter(id=gone.id).delete()
    with pytest.raises(StaleObject):
        await session.related(grace, User.posts).add(post, gone)
    assert post.author_id != grace.id
    assert await session.query(Post).filter(author_id=grace.id).count() == 0


SCHEMA = """
[models.Node]
mixins = ["version", "timestamps"]

[models.Node.columns]
id = { type = "bigint", primary_key = true }
parent_id = { type = "bigint?", foreign_key = "node.id" }

[models.Node.relationships]
parent = { target = "Node", back_populates = "children", many = false }
children = { target = "Node", back_populates = "parent", many = true }
friends = { target = "Node", secondary = "friends" }
seats = { target = "Seat", secondary = "booking", back_populates = "nodes" }
places = { target = "Seat", secondary = "enrollment" }

[models.Seat.columns]
row = { type = "integer", primary_key = true }
number = { type = "text", primary_key = true }

[models.Seat.relationships]
nodes = { target = "Node", secondary = "booking", back_populates = "seats" }

[models.Invoice.columns]
id = { type = "bigint", primary_key = true }

[models.Invoice.relationships]
lines = { target = "Line", back_populates = "invoice", many = true }

[models.Line]
mixins = ["version"]

[models.Line.columns]
invoice_id = { type = "bigint", primary_key = true, foreign_key = "invoice.id" }
number = { type = "integer", primary_key = true }

[models.Line.relationships]
invoice = { target = "Invoice", back_populates = "lines", many = false }

[models.Booking]
table = "booking"

[models.Booking.columns]
id = { type = "bigint", primary_key = true }
node_id = { type = "bigint", foreign_key = "node.id" }
seat_row = "integer"
seat_number = "text"
note = "text?"

[[models.Booking.foreign_keys]]
columns = ["seat_row", "seat_number"]
target = "seat"

[models.Enrollment]
table = "enrollment"

[models.Enrollment.columns]
id = { type = "bigint", primary_key = true }
node_id = { type = "bigint", foreign_key = "node.id" }
seat_row = "integer"
seat_number = "text"
grade = "integer"

[[models.Enrollment.foreign_keys]]
columns = ["seat_row", "seat_number"]
target = "seat"
"""


@pytest.fixture
def models(tmp_path: Any) -> Any:
    (tmp_path / "nodes.toml").write_text(SCHEMA)
    return import_models(tmp_path, tmp_path / "nodes.toml")


@pytest.fixture
async def odd(database_url: str, models: Any) -> AsyncIterator[AsyncSession]:
    async with await create_engine(database_url) as engine:
        await engine.create_all(models.SCHEMA)
        yield AsyncSession(engine)


async def test_children_of_a_tree_come_and_go_with_their_versions(
    odd: AsyncSession, models: Any
) -> None:
    node = models.Node
    root, *nodes = await odd.insert_all([node() for _ in range(4)])
    related = odd.related(root, node.children)
    assert await related.add(*nodes) == 3
    assert [each.version for each in nodes] == [2, 2, 2]
    assert await related.remove(nodes[0], root) == 1
    assert (nodes[0].parent_id, nodes[0].parent, nodes[0].version) == (None, None, 3)
    await odd.load(root, node.children)
    assert [each.id for each in root.children] == [3, 4]
    assert await related.clear() == 2
    assert root.children == []
    assert await odd.query(node).filter(parent_id=root.id).count() == 0
    stale = await odd.get_or_raise(node, nodes[0].id)
    await odd.update(nodes[0], parent_id=None)
    with pytest.raises(StaleObject):
        await related.add(stale, nodes[1])


async def test_a_transaction_does_not_write_again_what_related_wrote(
    odd: AsyncSession, models: Any
) -> None:
    node, line = models.Node, models.Line
    await odd.insert_all([node() for _ in range(4)])
    first, second = await odd.insert_all([models.Invoice(), models.Invoice()])
    await odd.insert_all([line(invoice=first, number=number) for number in range(3)])
    async with odd.begin() as tx:
        root, *nodes = await tx.query(node).order_by("id").all()
        lines = await tx.query(line).order_by("number").all()
        await tx.load(root, node.children)
        children = tx.related(root, node.children)
        with Statements(odd.engine) as sent:
            assert await children.add(*nodes) == 3
            assert await children.set(nodes[1:]) == (0, 1)
            assert await children.remove(nodes[1]) == 1
            assert await children.clear() == 1
            assert await tx.related(second, models.Invoice.lines).add(*lines) == 3
            await tx.flush()
        assert len(sent) == 5
        assert await tx.get(line, (second.id, 1)) is lines[1]
        nodes[1].parent_id = root.id
    assert [(each.parent_id, each.version) for each in nodes[:2]] == [(None, 2), (root.id, 4)]
    assert [(each.invoice_id, each.version) for each in lines] == [(second.id, 2)] * 3


async def test_set_of_a_one_to_many_writes_only_what_differs_by_one_statement(
    odd: AsyncSession, models: Any
) -> None:
    node = models.Node
    root, *nodes = await odd.insert_all([node() for _ in range(5)])
    related = odd.related(root, node.children)
    await related.add(*nodes[:2])
    assert await related.add(*nodes[:2]) == 0
    await odd.load(root, node.children)
    first, second = root.children
    with Statements(odd.engine) as sent:
        assert await related.set([second, nodes[2], nodes[3]]) == (2, 1)
    assert len(sent) == 1
    assert [each.id for each in root.children] == [3, 4, 5]
    assert (first.parent_id, first.parent) == (None, None)
    assert [each.version for each in (second, nodes[2], nodes[3])] == [2, 2, 2]
    found = await odd.query(node).filter(parent_id=root.id).order_by("id").all()
    assert [(each.id, each.version) for each in found] == [(3, 2), (4, 2), (5, 2)]
    await odd.query(node).filter(id=4).update(parent_id=root.id)
    with pytest.raises(StaleObject):
        await related.set([nodes[2]])
    assert await odd.query(node).filter(parent_id=root.id).count() == 3
    assert await related.set([]) == (0, 3)


async def test_rows_whose_key_holds_that_of_their_owner_follow_it(
    odd: AsyncSession, models: Any
) -> None:
    first, second = await odd.insert_all([models.Invoice(), models.Invoice()])
    lines = [models.Line(invoice=first, number=number) for number in range(3)]
    await odd.insert_all(lines)
    assert await odd.related(second, models.Invoice.lines).add(*lines[1:]) == 2
    assert [(each.invoice_id, each.invoice) for each in lines] == [(1, first), *[(2, second)] * 2]
    assert await odd.query(models.Line).filter(invoice_id=second.id).count() == 2


async def test_many_to_many_of_a_table_with_itself_has_a_direction(
    odd: AsyncSession, models: Any
) -> None:
    node = models.Node
    a, b, c = await odd.insert_all([node() for _ in range(3)])
    assert await odd.related(a, node.friends).set([b, c]) == (2, 0)
    assert await odd.related(b, node.friends).add(a) == 1
    found = await odd.query(node).options(selectinload("friends")).order_by("id").all()
    assert [[each.id for each in row.friends] for row in found] == [[2, 3], [1], []]


async def test_links_without_a_unique_key_over_the_pair_are_not_doubled(
    odd: AsyncSession, models: Any
) -> None:
    node, seat = models.Node, models.Seat
    a, b = await odd.insert_all([node(), node()])
    seats = await odd.insert_all([seat(row=1, number=n) for n in "xyz"])
    related = odd.related(a, node.seats)
    assert await related.add(*seats[:2]) == 2
    assert await related.add(*seats) == 1
    assert await odd.related(seats[0], seat.nodes).add(a, b) == 1
    assert await related.set(seats[1:]) == (0, 1)
    assert await related.remove(seats[1], seats[0]) == 1
    await odd.load(a, node.seats)
    assert [(each.row, each.number) for each in a.seats] == [(1, "z")]
    assert await odd.query(models.Booking).count() == 2
    assert await related.clear() == 1


async def test_links_that_need_more_than_keys_are_refused(odd: AsyncSession, models: Any) -> None:
    a = await odd.insert(models.Node())
    with pytest.raises(UsageError, match=r"needs Enrollment\.grade as well: insert Enrollment"):
        odd.related(a, models.Node.places)
