"""Eager loading: what comes along, and in how many statements."""

from __future__ import annotations

import pytest

from examples.blog.db import Comment, Post, Profile, Tag, User
from ormkit import (
    AsyncSession,
    Engine,
    NotLoaded,
    Record,
    UnknownName,
    UsageError,
    joinedload,
    selectinload,
)
from tests.statements import Statements


@pytest.fixture
async def ada(session: AsyncSession, engine: Engine) -> User:
    """Ada with three posts, comments on the first, two tags; Grace with nothing."""
    ada, grace = await session.insert_all([User(name="Ada"), User(name="Grace")])
    posts = await session.insert_all([Post(author=ada, title=f"p{n}") for n in range(3)])
    await session.insert_all([Comment(post=posts[0], author=grace, body=f"c{n}") for n in range(2)])
    await session.insert(Comment(post=posts[0], body="anonymous"))
    await session.insert_all([Tag(name="a"), Tag(name="b")])
    await engine.execute("INSERT INTO post_tags VALUES (1, 1), (1, 2), (2, 2)")
    await session.insert(Profile(user=ada, website="w"))
    return ada


async def test_selectinload_of_a_to_many_takes_two_statements(
    session: AsyncSession, ada: User, engine: Engine
) -> None:
    with Statements(engine) as sent:
        users = await session.query(User).options(selectinload("posts")).order_by("id").all()
    assert [[post.title for post in user.posts] for user in users] == [["p0", "p1", "p2"], []]
    assert len(sent) == 2
    assert "WHERE author_id = ANY($1)" in sent[1]


async def test_joinedload_of_a_to_one_takes_one_statement(
    session: AsyncSession, ada: User, engine: Engine
) -> None:
    with Statements(engine) as sent:
        comments = await session.query(Comment).options(joinedload("author")).order_by("id").all()
    assert [each.author.name if each.author else None for each in comments] == ["Grace"] * 2 + [
        None
    ]
    assert len(sent) == 1
    assert comments[0].author is comments[1].author


async def test_selectinload_of_a_to_one_matches_by_key(session: AsyncSession, ada: User) -> None:
    comments = await session.query(Comment).options(selectinload(Comment.author)).all()
    assert sorted(str(each.author and each.author.name) for each in comments) == [
        *("Grace", "Grace", "None"),
    ]


async def test_many_to_many_goes_through_its_table(session: AsyncSession, ada: User) -> None:
    posts = await session.query(Post).options(selectinload("tags")).order_by("id").all()
    assert [sorted(tag.name for tag in post.tags) for post in posts] == [["a", "b"], ["b"], []]
    tags = await session.query(Tag).options(selectinload("posts")).order_by("id").all()
    assert [sorted(post.title for post in tag.posts) for tag in tags] == [["p0"], ["p0", "p1"]]


async def test_one_to_one_is_one_object_or_none(session: AsyncSession, ada: User) -> None:
    for load in (selectinload("profile"), joinedload("profile")):
        users = await session.query(User).options(load).order_by("id").all()
        assert users[0].profile is not None
        assert users[0].profile.website == "w"
        assert users[1].profile is None


async def test_paths_go_on_from_what_was_loaded(
    session: AsyncSession, ada: User, engine: Engine
) -> None:
    with Statements(engine) as sent:
        users = await (
            session.query(User)
            .options(
                selectinload(User.posts).selectinload(Post.comments).joinedload(Comment.author),
                selectinload(User.posts).joinedload(Post.author),
            )
            .order_by("id")
            .all()
        )
    assert len(sent) == 3
    first = next(post for post in users[0].posts if post.title == "p0")
    assert first.author.name == "Ada"
    names = {comment.author.name if comment.author else None for comment in first.comments}
    assert names == {"Grace", None}


async def test_joins_of_joins_ride_in_one_statement(
    session: AsyncSession, ada: User, engine: Engine
) -> None:
    with Statements(engine) as sent:
        comments = await (
            session.query(Comment)
            .options(joinedload("post").joinedload("author"), joinedload("author"))
            .filter(body="c0")
            .all()
        )
    assert len(sent) == 1
    assert comments[0].post.author.name == "Ada"
    assert comments[0].author is not None
    assert comments[0].author.name == "Grace"


async def test_nothing_below_means_no_further_statement(
    session: AsyncSession, engine: Engine
) -> None:
    with Statements(engine) as sent:
        assert await session.query(User).options(selectinload("posts")).all() == []
    assert len(sent) == 1


async def test_what_was_not_loaded_names_the_option_to_add(
    session: AsyncSession, ada: User
) -> None:
    user = await session.get_or_raise(User, ada.id)
    with pytest.raises(
        NotLoaded, match=r"User\.posts is not loaded: add .*selectinload\('posts'\)"
    ):
        _ = user.posts
    post = await session.query(Post).first()
    assert post is not None
    with pytest.raises(NotLoaded, match=r"joinedload\('author'\)"):
        _ = post.author
    with pytest.raises(NotLoaded):
        hasattr(post, "author")


async def test_load_brings_relationships_to_objects_that_are_there(
    session: AsyncSession, ada: User
) -> None:
    posts = await session.query(Post).order_by("id").all()
    await session.load(posts, Post.author, "comments")
    assert {post.author.name for post in posts} == {"Ada"}
    assert [len(post.comments) for post in posts] == [3, 0, 0]
    await session.load(posts[0], Post.tags)
    assert len(posts[0].tags) == 2
    await session.load([], Post.tags)


async def test_lists_of_two_parents_are_never_the_same(session: AsyncSession, ada: User) -> None:
    tags = await session.query(Tag).options(selectinload("posts")).all()
    assert tags[0].posts is not tags[1].posts
    assert len(tags[1].posts) == 2


async def test_a_list_cannot_be_assigned_in_silence(session: AsyncSession, ada: User) -> None:
    with pytest.raises(UsageError, match="would never be written"):
        ada.posts = []


async def test_unknown_and_unfitting_options_are_refused(session: AsyncSession) -> None:
    with pytest.raises(UnknownName, match="User has no relationship 'pots': did you mean 'posts'"):
        session.query(User).options(selectinload("pots"))
    with pytest.raises(UsageError, match=r"Post\.author is not a relationship of User"):
        session.query(User).options(selectinload(Post.author))
    with pytest.raises(UsageError, match=r"use selectinload\('posts'\)"):
        session.query(User).options(joinedload("posts"))
    with pytest.raises(UsageError, match="takes selectinload"):
        session.query(User).options("posts")  # type: ignore[arg-type]


async def test_matching_is_linear_in_parents_and_children(
    session: AsyncSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = await session.insert_all([User(name=f"u{n}") for n in range(200)])
    await session.insert_all([Post(author=u, title="t") for u in users for _ in range(3)])
    decoded = 0
    decode = Post.__decode__

    def counted(rows: list[Record]) -> list[Post]:
        nonlocal decoded
        rows = list(rows)
        decoded += len(rows)
        return decode(rows)

    monkeypatch.setattr(Post, "__decode__", counted)
    loaded = await session.query(User).options(selectinload("posts")).all()
    assert {len(user.posts) for user in loaded} == {3}
    assert decoded == 600
