"""UPDATE and DELETE by query, what they return, and queries within queries."""

from __future__ import annotations

from typing import Any

import pytest

from examples.blog.db import Comment, Post, PostStatus, User
from ormkit import (
    AsyncSession,
    Change,
    Engine,
    LockNotAvailable,
    UnknownName,
    UsageError,
    case,
    exists,
    func,
    joinedload,
)
from tests.statements import Statements


@pytest.fixture
async def posts(session: AsyncSession) -> list[Post]:
    ada, grace, linus = await session.insert_all(
        [User(name="Ada", age=36), User(name="Grace", age=45), User(name="Linus")]
    )
    del linus
    return await session.insert_all(
        [
            Post(author=ada, title="one", views=10),
            Post(author=ada, title="two", views=20, status=PostStatus.published),
            Post(author=grace, title="three", views=30),
        ]
    )


async def test_a_change_is_sent_when_it_is_awaited_and_counts(
    session: AsyncSession, engine: Engine, posts: list[Post]
) -> None:
    change = session.query(Post).filter(views__gt=10).update(views=Post.views * 2)
    assert isinstance(change, Change)
    assert await session.query(Post).sum(Post.views) == 60
    assert await change == 2
    assert await session.query(Post).order_by("id").scalars(Post.views) == [10, 40, 60]
    assert await session.query(Post).filter(views=10).delete() == 1


async def test_a_change_returns_the_rows_as_objects_or_values(
    session: AsyncSession, engine: Engine, posts: list[Post]
) -> None:
    query = session.query(Post).filter(views__lt=30)
    with Statements(engine) as sent:
        changed = await query.update(status=PostStatus.archived).returning()
    assert len(sent) == 1
    assert {(post.title, post.status) for post in changed} == {
        ("one", PostStatus.archived),
        ("two", PostStatus.archived),
    }
    rows = await query.update(views=Post.views + 1).returning(
        Post.title, Post.status, Post.views * 10
    )
    assert sorted(rows) == [("one", PostStatus.archived, 110), ("two", PostStatus.archived, 210)]
    deleted = await query.delete().returning(Post.title)
    assert sorted(deleted) == [("one",), ("two",)]
    assert await query.delete().returning() == []
    limited = session.query(Post).order_by("-views").limit(1)
    assert await limited.delete().returning(Post.title) == [("three",)]


async def test_a_change_that_is_never_awaited_warns(
    session: AsyncSession, posts: list[Post]
) -> None:
    with pytest.warns(RuntimeWarning, match="change of Post rows was never awaited"):
        session.query(Post).delete()
    assert await session.query(Post).count() == 3


async def test_a_wrong_returning_is_refused_before_anything_is_sent(
    session: AsyncSession, engine: Engine, posts: list[Post]
) -> None:
    wrong: Any = "title"
    with Statements(engine) as sent, pytest.raises(UsageError, match="returning"):
        await session.query(Post).delete().returning(wrong)
    assert sent == []


async def test_a_subquery_is_a_list_or_a_single_value(
    session: AsyncSession, engine: Engine, posts: list[Post]
) -> None:
    authors = session.query(Post).filter(views__gte=20).subquery(Post.author_id)
    users = session.query(User).order_by("id")
    assert await users.filter(User.id.in_(authors)).scalars(User.name) == ["Ada", "Grace"]
    assert await users.filter(User.id.notin(authors)).scalars(User.name) == ["Linus"]
    average = session.query(Post).subquery(func.avg(Post.views))
    above: Any = Post.views > average  # type: ignore[operator]
    assert await session.query(Post).filter(above).scalars(Post.title) == ["three"]
    oldest = session.query(User).order_by("-age").filter(User.age > 1).limit(1)
    assert await users.values_list(User.name, oldest.subquery(User.name)) == [
        ("Ada", "Grace"),
        ("Grace", "Grace"),
        ("Linus", "Grace"),
    ]


async def test_a_subquery_may_refer_to_the_row_outside(
    session: AsyncSession, engine: Engine, posts: list[Post]
) -> None:
    own = session.query(Post).filter(Post.author_id == User.id)
    users = session.query(User).order_by("id")
    best = own.order_by("-views").limit(1).subquery(Post.title)
    assert await users.values_list(User.name, best) == [
        ("Ada", "two"),
        ("Grace", "three"),
        ("Linus", None),
    ]
    assert await users.filter(exists(own.filter(views__lt=20))).scalars(User.name) == ["Ada"]
    assert await users.filter(~exists(own)).scalars(User.name) == ["Linus"]
    await users.filter(exists(own)).update(age=own.subquery(func.sum(Post.views)))
    assert await users.scalars(User.age) == [30, 30, None]
    status = own.order_by("-views").limit(1).subquery(Post.status)
    assert await users.scalars(status) == [PostStatus.published, PostStatus.draft, None]
    wrong: Any = User
    with pytest.raises(UsageError, match="takes a query"):
        exists(wrong)


async def test_values_keep_their_order_through_all_parts_of_a_statement(
    session: AsyncSession, posts: list[Post]
) -> None:
    label = case((Post.views > 15, "many"), else_="few")
    query: Any = (
        session.query(Post)
        .annotate(label=label, total=func.sum(Post.views + 1))
        .filter(Post.views > 5, Post.author.has(User.age > 30))
        .filter(Post.id.in_(session.query(Post).filter(views__lt=99).subquery(Post.id)))
        .group_by("label")
        .having(func.count() < 9)
        .order_by("label")
        .limit(5)
        .offset(0)
    )
    assert await query.values("label", "total") == [
        {"label": "few", "total": 11},
        {"label": "many", "total": 52},
    ]
    assert await query.values("total", "label") == [
        {"total": 11, "label": "few"},
        {"total": 52, "label": "many"},
    ]


async def test_explain_shows_the_plan_and_with_analyze_what_happened(
    session: AsyncSession, posts: list[Post]
) -> None:
    query = session.query(Post).filter(views__gt=10).order_by("id")
    plan = await query.explain()
    assert "posts" in plan
    assert "actual" not in plan
    ran = await query.explain(analyze=True, buffers=True, verbose=True)
    assert "actual" in ran
    assert "Execution Time" in ran
    assert "Output:" in ran


async def test_a_query_gets_by_key_among_its_own_rows(
    session: AsyncSession, posts: list[Post]
) -> None:
    query = session.query(Post).filter(views__gt=10)
    assert await query.get(posts[0].id) is None
    found = await query.get(posts[1].id)
    assert found is not None
    assert found.title == "two"
    wrong: Any = None
    with pytest.raises(UsageError, match="None"):
        await query.get(wrong)


async def test_for_share_lets_others_share_but_not_change(
    session: AsyncSession, engine: Engine, posts: list[Post]
) -> None:
    other = AsyncSession(engine)
    query = session.query(Post).filter(id=posts[0].id)
    async with session.begin():
        await query.for_share().one()
        async with other.begin():
            assert await other.query(Post).filter(id=posts[0].id).for_share(nowait=True).all()
            free = other.query(Post).order_by("id").for_update(skip_locked=True)
            assert [post.title for post in await free.all()] == ["two", "three"]
    with pytest.raises(UsageError, match="exclude"):
        query.for_share(nowait=True, skip_locked=True)


async def test_a_lock_takes_joined_rows_along(
    session: AsyncSession, engine: Engine, posts: list[Post]
) -> None:
    other = AsyncSession(engine)
    query = session.query(Post).options(joinedload("author")).order_by("id").limit(1)
    assert " LEFT JOIN users AS author " in repr(query.for_update())
    async with session.begin():
        (post,) = await query.for_update(of=[Post.author]).all()
        assert post.author.name == "Ada"
        async with other.begin():
            theirs = other.query(Post).options(joinedload("author"))
            free = other.query(User).order_by("id").for_update(skip_locked=True)
            assert [user.name for user in await free.all()] == ["Grace", "Linus"]
            with pytest.raises(LockNotAvailable):
                async with other.begin():
                    await theirs.for_share(of=["author"], nowait=True).all()


async def test_what_cannot_be_locked_along_is_refused(session: AsyncSession) -> None:
    comments = session.query(Comment).options(joinedload("author"))
    with pytest.raises(UsageError, match=r"Comment\.author may have no row"):
        comments.for_update(of=["author"])
    with pytest.raises(UsageError, match=r"options\(joinedload\('post'\)\)"):
        comments.for_update(of=["post"])
    with pytest.raises(UnknownName, match="author"):
        comments.for_update(of=["autor"])
