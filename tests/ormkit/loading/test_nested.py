"""jsonload: a tree of related rows within the rows of their parents, in one statement."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from examples.blog.db import Comment, Post, PostStatus, Profile, Tag, User
from ormkit import (
    AsyncSession,
    Engine,
    Table,
    UsageError,
    joinedload,
    jsonload,
    noload,
    selectinload,
)
from tests.statements import Statements


@pytest.fixture
async def ada(session: AsyncSession, engine: Engine) -> User:
    """Ada with three posts, two comments by Grace on the first, two tags; Grace with nothing."""
    ada, grace = await session.insert_all(
        [User(name="Ada", settings={"a": [1, None, "ü"]}), User(name="Grace")]
    )
    posts = [Post(author=ada, title=f"p{n}", views=n, keywords=["x", ""][:n]) for n in range(3)]
    posts[1].published_at = dt.datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=dt.UTC)
    posts[2].status = PostStatus.published
    await session.insert_all(posts)
    await session.insert_all([Comment(post=posts[0], author=grace, body=f"c{n}") for n in range(2)])
    await session.insert(Comment(post=posts[1], body="anonymous"))
    await session.insert_all([Tag(name="a"), Tag(name="b")])
    await engine.execute("INSERT INTO post_tags VALUES (1, 1), (1, 2), (2, 2)")
    await session.insert(Profile(user=ada, website="w", birthday=dt.date(1815, 12, 10)))
    return ada


def values(each: Any) -> dict[str, object]:
    """The columns of an object."""
    table: Table = each.__table__
    return {column.slot: getattr(each, column.slot) for column in table.columns}


async def test_a_tree_comes_in_one_statement_as_selectinload_would_bring_it(
    session: AsyncSession, ada: User, engine: Engine
) -> None:
    query = session.query(User).order_by("id")
    nested = jsonload(User.posts).jsonload(Post.comments).jsonload(Comment.author)
    several = selectinload(User.posts).selectinload(Post.comments).selectinload(Comment.author)
    with Statements(engine) as sent:
        users = await query.options(nested, jsonload(User.profile)).all()
    assert len(sent) == 1
    expected = await query.options(several, selectinload(User.profile)).all()
    for user, other in zip(users, expected, strict=True):
        assert values(user) == values(other)
        assert [values(each) for each in user.posts] == [values(each) for each in other.posts]
        for post, same in zip(user.posts, other.posts, strict=True):
            assert list(map(values, post.comments)) == list(map(values, same.comments))
    assert users[0].posts[0].comments[0].author is users[0].posts[0].comments[1].author
    assert users[0].posts[0].comments[0].author is not None
    assert users[0].posts[0].comments[0].author.name == "Grace"
    assert users[0].posts[1].comments[0].author is None
    assert users[0].profile is not None
    assert users[0].profile.birthday == dt.date(1815, 12, 10)
    assert users[1].profile is None
    assert users[1].posts == []


async def test_many_to_many_shares_its_objects(
    session: AsyncSession, ada: User, engine: Engine
) -> None:
    with Statements(engine) as sent:
        posts = await session.query(Post).options(jsonload(Post.tags)).order_by("id").all()
        tags = await session.query(Tag).options(jsonload(Tag.posts)).order_by("id").all()
    assert len(sent) == 2
    assert [[tag.name for tag in post.tags] for post in posts] == [["a", "b"], ["b"], []]
    assert posts[0].tags[1] is posts[1].tags[0]
    assert [[post.title for post in tag.posts] for tag in tags] == [["p0"], ["p0", "p1"]]
    assert tags[1].posts[0].keywords == []


async def test_filters_orders_and_limits_hold_at_each_level(
    session: AsyncSession, ada: User, engine: Engine
) -> None:
    option = (
        jsonload(User.posts)
        .filter(Post.views < 2, title__startswith="p")
        .order_by("-views")
        .jsonload(Post.comments)
        .filter(Comment.body != "c0")
        .limit(1)
    )
    for name, count in (("Ada", 2), ("Grace", 0)):
        with Statements(engine) as sent:
            query = session.query(User).options(option).filter(name=name).order_by("id")
            (user,) = await query.limit(5).all()
        assert len(sent) == 1
        assert len(user.posts) == count
    (user,) = await session.query(User).options(option).filter(name="Ada").all()
    bodies = [(post.title, [each.body for each in post.comments]) for post in user.posts]
    assert bodies == [("p1", ["anonymous"]), ("p0", ["c1"])]
    assert await session.query(User).options(option).filter(name="Ada").count() == 1
    assert await session.query(User).options(option).filter(name="Ada").exists()
    names = session.query(User).options(option).filter(name="Ada").values_list(User.name)
    assert await names == [("Ada",)]
    assert await session.query(User).options(option).filter(name="Grace").delete() == 1


async def test_strategies_mix_on_one_path(session: AsyncSession, ada: User, engine: Engine) -> None:
    with Statements(engine) as sent:
        users = await (
            session.query(User)
            .options(
                jsonload(User.posts).selectinload(Post.comments).joinedload(Comment.author),
                jsonload(User.posts).joinedload(Post.author).jsonload(User.profile),
                jsonload(User.posts).noload(Post.tags),
            )
            .order_by("id")
            .all()
        )
    assert len(sent) == 2
    first = users[0].posts[0]
    assert [comment.author and comment.author.name for comment in first.comments] == ["Grace"] * 2
    assert first.author.profile is not None
    assert first.author.profile.website == "w"
    assert first.tags == []
    with Statements(engine) as sent:
        comments = await (
            session.query(Comment)
            .options(
                joinedload(Comment.post).jsonload(Post.tags),
                joinedload(Comment.author).jsonload(User.posts),
            )
            .order_by("id")
            .all()
        )
    assert len(sent) == 1
    assert [[tag.name for tag in each.post.tags] for each in comments] == [["a", "b"]] * 2 + [["b"]]
    assert [each.author and each.author.posts for each in comments] == [[], [], None]
    with Statements(engine) as sent:
        tags = await (
            session.query(Tag)
            .options(selectinload(Tag.posts).limit(1).jsonload(Post.comments).filter(body="c1"))
            .order_by("id")
            .all()
        )
    assert len(sent) == 2
    assert [each.body for each in tags[1].posts[0].comments] == ["c1"]


async def test_load_brings_a_tree_to_objects_at_hand_by_one_statement(
    session: AsyncSession, ada: User, engine: Engine
) -> None:
    with Statements(engine) as sent:
        await session.load(ada, jsonload(User.posts).limit(2).jsonload(Post.comments))
    assert len(sent) == 1
    assert [len(post.comments) for post in ada.posts] == [2, 1]


async def test_a_query_that_locks_rows_may_nest_others(session: AsyncSession, ada: User) -> None:
    async with session.begin():
        users = await session.query(User).options(jsonload(User.posts)).for_update().all()
    assert sum(len(user.posts) for user in users) == 3


async def test_noload_leaves_empty_without_asking(
    session: AsyncSession, ada: User, engine: Engine
) -> None:
    with Statements(engine) as sent:
        users = await session.query(User).options(noload(User.posts), noload("profile")).all()
        await session.load(ada, noload(User.posts))
    assert len(sent) == 1
    assert [(user.posts, user.profile) for user in users] == [([], None)] * 2
    assert users[0].posts is not users[1].posts
    assert ada.posts == []


async def test_noload_takes_nothing_below_it(session: AsyncSession) -> None:
    query = session.query(User)
    for option in (
        noload(User.posts).selectinload(Post.comments),
        noload(User.posts).limit(1),
        noload(User.posts).filter(title="x"),
    ):
        with pytest.raises(UsageError, match=r"noload leaves User\.posts empty"):
            query.options(option)
    with pytest.raises(UsageError, match="loaded by selectinload and by noload"):
        query.options(selectinload(User.posts), noload(User.posts))
