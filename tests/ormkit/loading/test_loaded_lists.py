"""Lists that are loaded: their order, and filters, orders and limits for each parent by itself."""

from __future__ import annotations

import pytest

from examples.blog.db import Comment, Post, PostStatus, Tag, User
from ormkit import (
    AsyncSession,
    Engine,
    InvalidValue,
    UnknownName,
    UsageError,
    joinedload,
    selectinload,
)
from tests.statements import Statements


@pytest.fixture
async def users(session: AsyncSession, engine: Engine) -> list[User]:
    """Ada with posts 1 to 4, Grace with 5 and 6, Linus with none; tags c, b and a on posts 1, 2."""
    users = await session.insert_all([User(name=name) for name in ("Ada", "Grace", "Linus")])
    ada, grace, _ = users
    posts = [Post(author=ada, title=f"a{n}", views=10 - n) for n in range(4)]
    posts += [Post(author=grace, title=f"g{n}", views=n) for n in range(2)]
    posts[1].status = PostStatus.archived
    await session.insert_all(posts)
    await session.insert_all([Tag(name=name) for name in "cba"])
    await engine.execute("INSERT INTO post_tags VALUES (1, 3), (2, 2), (1, 1), (2, 1), (1, 2)")
    # Rows that are written again move, so that the order of the heap is not that of the keys.
    await engine.execute("UPDATE posts SET body = 'x' WHERE id IN (1, 2, 5)")
    await engine.execute("UPDATE tags SET name = name WHERE id = 1")
    return users


def titles(users: list[User]) -> list[list[str]]:
    return [[post.title for post in user.posts] for user in users]


async def test_a_list_comes_in_the_order_of_its_primary_key(
    session: AsyncSession, users: list[User]
) -> None:
    loaded = await session.query(User).options(selectinload("posts")).order_by("id").all()
    assert titles(loaded) == [["a0", "a1", "a2", "a3"], ["g0", "g1"], []]
    posts = await session.query(Post).options(selectinload("tags")).order_by("id").all()
    assert [[tag.id for tag in post.tags] for post in posts[:2]] == [[1, 2, 3], [1, 2]]
    await session.load(users, User.posts)
    assert titles(users) == titles(loaded)


async def test_a_list_is_filtered_and_ordered_by_one_query(
    session: AsyncSession, users: list[User], engine: Engine
) -> None:
    option = (
        selectinload(User.posts)
        .filter(Post.status == PostStatus.draft, title__icontains="A")
        .filter(views__gte=8)
        .order_by("-views", Post.id)
    )
    with Statements(engine) as sent:
        loaded = await session.query(User).options(option).order_by("id").all()
    assert titles(loaded) == [["a0", "a2"], [], []]
    assert len(sent) == 2


async def test_a_limit_holds_for_each_parent_by_one_query(
    session: AsyncSession, users: list[User], engine: Engine
) -> None:
    option = selectinload(User.posts).order_by(Post.views.desc()).limit(2).offset(1)
    with Statements(engine) as sent:
        loaded = await session.query(User).options(option).order_by("id").all()
    assert titles(loaded) == [["a1", "a2"], ["g0"], []]
    assert len(sent) == 2
    first = selectinload(User.posts).limit(1)
    assert titles(await session.query(User).options(first).order_by("id").all()) == [
        *(["a0"], ["g0"], [])
    ]
    rest = selectinload(User.posts).offset(3)
    assert titles(await session.query(User).options(rest).order_by("id").all()) == [["a3"], [], []]
    none = selectinload(User.posts).limit(0)
    assert titles(await session.query(User).options(none).all()) == [[], [], []]


async def test_values_of_filters_and_limits_are_not_part_of_the_text(
    session: AsyncSession, users: list[User], engine: Engine
) -> None:
    with Statements(engine) as sent:
        for views, count in ((9, 1), (8, 2)):
            option = selectinload(User.posts).filter(views__gte=views).limit(count)
            await session.query(User).options(option).all()
    assert sent[1] == sent[3]


async def test_many_to_many_is_filtered_and_cut_for_each_parent(
    session: AsyncSession, users: list[User], engine: Engine
) -> None:
    query = session.query(Post).filter(id__in=[1, 2, 3]).order_by("id")

    async def names(option: object) -> list[list[str]]:
        posts = await query.options(option).all()  # type: ignore[arg-type]  # pyright: ignore
        return [[tag.name for tag in post.tags] for post in posts]

    with Statements(engine) as sent:
        assert await names(selectinload(Post.tags).order_by("name").limit(1)) == [["a"], ["b"], []]
    assert len(sent) == 2
    wanted = selectinload(Post.tags).filter(Tag.name != "b").order_by("name")
    assert await names(wanted) == [["a", "c"], ["c"], []]
    assert await names(wanted.offset(1)) == [["c"], [], []]


async def test_steps_go_on_below_a_list_that_is_cut(
    session: AsyncSession, users: list[User], engine: Engine
) -> None:
    await session.insert_all([Comment(post_id=4, body=str(n)) for n in range(3)])
    option = selectinload(User.posts).order_by("-id").limit(1)
    below = option.selectinload(Post.comments).order_by("-body").limit(2)
    with Statements(engine) as sent:
        loaded = await (
            session.query(User).options(below, option.joinedload(Post.author)).order_by("id").all()
        )
    assert [comment.body for comment in loaded[0].posts[0].comments] == ["2", "1"]
    assert [user.posts[0].author.name for user in loaded[:2]] == ["Ada", "Grace"]
    assert len(sent) == 3


async def test_a_path_without_a_filter_goes_on_from_the_one_that_has_it(
    session: AsyncSession, users: list[User]
) -> None:
    options = (
        selectinload(User.posts).filter(title="a0"),
        selectinload(User.posts).selectinload(Post.tags).limit(1),
    )
    loaded = await session.query(User).options(*options).order_by("id").all()
    assert titles(loaded) == [["a0"], [], []]
    assert [tag.id for tag in loaded[0].posts[0].tags] == [1]


async def test_load_takes_options(session: AsyncSession, users: list[User], engine: Engine) -> None:
    with Statements(engine) as sent:
        await session.load(
            users, selectinload(User.posts).filter(views__gt=0).limit(1).joinedload(Post.author)
        )
    assert titles(users) == [["a0"], ["g1"], []]
    assert users[0].posts[0].author.name == "Ada"
    assert len(sent) == 1
    posts = await session.query(Post).order_by("id").all()
    with Statements(engine) as sent:
        await session.load(posts, joinedload(Post.author).selectinload(User.profile), "comments")
    assert posts[0].author.profile is None
    assert len(sent) == 3


async def test_what_a_list_cannot_be_narrowed_by_is_refused_before_anything_is_sent(
    session: AsyncSession,
) -> None:
    query = session.query(User)
    with pytest.raises(UnknownName, match="Post has no column 'titel': did you mean 'title'"):
        query.options(selectinload("posts").filter(titel="x"))
    with pytest.raises(UnknownName, match="Post has no column 'viewz'"):
        query.options(selectinload("posts").order_by("-viewz"))
    with pytest.raises(UsageError, match="User is not part of this query"):
        query.options(selectinload("posts").filter(User.name == "x"))
    with pytest.raises(UsageError, match="User is not part of this query"):
        query.options(selectinload("posts").order_by(User.name))
    with pytest.raises(InvalidValue, match="limit must be a whole number"):
        query.options(selectinload("posts").limit(-1))
    with pytest.raises(InvalidValue, match="offset must be a whole number"):
        query.options(selectinload("posts").offset(True))


async def test_one_row_cannot_be_filtered_away(session: AsyncSession) -> None:
    query = session.query(Post)
    for option in (joinedload(Post.author), selectinload(Post.author)):
        with pytest.raises(
            UsageError, match=r"Post\.author is a to-one relationship, .*author\.has"
        ):
            query.options(option.filter(name="Ada"))
        with pytest.raises(UsageError, match=r"Post\.author is a to-one relationship"):
            query.options(option.limit(1))


async def test_one_attribute_cannot_be_asked_for_in_two_ways(session: AsyncSession) -> None:
    query = session.query(User)
    drafts = selectinload(User.posts).filter(status=PostStatus.draft)
    query.options(drafts, drafts)
    with pytest.raises(UsageError, match="one attribute cannot hold two lists"):
        query.options(drafts).options(selectinload(User.posts).limit(1))
    with pytest.raises(UsageError, match="one attribute cannot hold two lists"):
        query.options(selectinload(User.posts).limit(1), selectinload(User.posts).limit(2))
    with pytest.raises(UsageError, match="loaded by selectinload and by joinedload"):
        query.options(selectinload(User.profile), joinedload(User.profile))
