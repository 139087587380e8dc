"""Grouping, distinct rows, annotations, and rows of chosen values."""

from __future__ import annotations

from typing import Any

import pytest

from examples.blog.db import Comment, Post, PostStatus, User
from ormkit import (
    AsyncSession,
    Engine,
    NotLoaded,
    UnknownName,
    UsageError,
    func,
    joinedload,
    selectinload,
)
from tests.statements import Statements

#: PostgreSQL and the code say the same on every interpreter.
pytestmark = pytest.mark.one_interpreter


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
            Post(author=grace, title="three", views=20),
        ]
    )


async def test_groups_are_read_as_dicts_by_the_names_of_annotations(
    session: AsyncSession, posts: list[Post]
) -> None:
    query = (
        session.query(Post)
        .annotate(posts=func.count(), total=func.sum(Post.views))
        .group_by("author_id")
        .order_by(func.sum(Post.views).desc())
    )
    ada, grace = posts[0].author_id, posts[2].author_id
    assert await query.values() == [
        {"author_id": ada, "posts": 2, "total": 30},
        {"author_id": grace, "posts": 1, "total": 20},
    ]
    assert await query.values("total") == [{"total": 30}, {"total": 20}]
    assert await query.having(func.count() > 1).values_list("author_id", "posts") == [(ada, 2)]
    assert await query.count() == 2
    assert await query.having(func.count() > 9).exists() is False


async def test_an_annotation_orders_groups_and_can_be_grouped_by(
    session: AsyncSession, posts: list[Post]
) -> None:
    query: Any = session.query(Post).annotate(
        kind=func.concat(Post.views, " views"), n=func.count()
    )
    grouped = query.group_by("kind").order_by("-n", "kind")
    assert await grouped.values("kind", "n") == [
        {"kind": "20 views", "n": 2},
        {"kind": "10 views", "n": 1},
    ]
    assert await grouped.limit(1).values_list("n", "kind") == [(2, "20 views")]


async def test_a_query_without_groups_shows_columns_and_annotations(
    session: AsyncSession, posts: list[Post]
) -> None:
    query = session.query(User).annotate(posts_count=User.posts.count()).order_by("id")
    rows = await query.values()
    assert [row["posts_count"] for row in rows] == [2, 1, 0]
    assert list(rows[0]) == [*(column.slot for column in User.__table__.columns), "posts_count"]
    assert [each.name for each in await query.all()] == ["Ada", "Grace", "Linus"]
    counted: Any = query
    assert await counted.order_by("-posts_count").values("name") == await query.values("name")


async def test_objects_come_with_values_beside_them(
    session: AsyncSession, engine: Engine, posts: list[Post]
) -> None:
    query = session.query(User).order_by("id")
    rows = await query.with_values(User.posts.count(), func.lower(User.name))
    assert [(user.name, count, name) for user, count, name in rows] == [
        ("Ada", 2, "ada"),
        ("Grace", 1, "grace"),
        ("Linus", 0, "linus"),
    ]
    loaded = query.options(selectinload("posts").joinedload("author"))
    with Statements(engine) as sent:
        pairs = await loaded.with_values(User.posts.value(func.max(Post.status)))
    assert len(sent) == 2
    assert pairs[0][1] is PostStatus.published
    assert [post.author.name for post in pairs[0][0].posts] == ["Ada", "Ada"]
    joined = session.query(Post).options(joinedload("author")).order_by("id")
    first = await joined.with_values(Post.views + 1).first()
    assert first is not None
    assert (first[0].author.name, first[1]) == ("Ada", 11)


async def test_values_of_related_rows_serve_everywhere(
    session: AsyncSession, posts: list[Post]
) -> None:
    author = Post.author.value(User.name)
    query = session.query(Post)
    assert await query.order_by(author.desc(), Post.title).scalars(Post.title) == [
        "three",
        "one",
        "two",
    ]
    assert await query.filter(author == "Grace").scalars(Post.title) == ["three"]
    assert await query.order_by("id").values("title", "author__age") == [
        {"title": "one", "author__age": 36},
        {"title": "two", "author__age": 36},
        {"title": "three", "author__age": 45},
    ]
    by_path: Any = query
    assert await by_path.order_by("-author__name", "title").scalars(Post.title) == [
        "three",
        "one",
        "two",
    ]
    total = User.posts.value(func.sum(Post.views), Post.status == PostStatus.draft)
    assert await session.query(User).order_by("id").values_list(User.name, total) == [
        ("Ada", 10),
        ("Grace", 20),
        ("Linus", None),
    ]
    nobody = await session.query(Comment).scalars(Comment.author.value(User.name))
    assert nobody == []
    with pytest.raises(UsageError, match="is a to-many relationship"):
        session.query(User).values("posts__title")


async def test_rows_are_grouped_by_what_subqueries_return(
    session: AsyncSession, posts: list[Post]
) -> None:
    query = session.query(Post)
    author = Post.author.value(User.name)
    by_path = query.group_by("author__name").order_by("-author__name")
    assert await by_path.values("author__name") == [
        {"author__name": "Grace"},
        {"author__name": "Ada"},
    ]
    assert await by_path.having(author == "Ada").values_list(func.lower(author), func.count()) == [
        ("ada", 2)
    ]
    counted = query.annotate(n=func.count()).group_by("author__name").order_by("-n")
    assert await counted.values("author__name", "n") == [
        {"author__name": "Ada", "n": 2},
        {"author__name": "Grace", "n": 1},
    ]
    users = session.query(User)
    assert await users.group_by(User.posts.count()).order_by(User.posts.count()).values_list(
        User.posts.count(), func.count()
    ) == [(0, 1), (1, 1), (2, 1)]
    assert await users.group_by(User.posts.any()).order_by(User.posts.any()).values_list(
        User.posts.any(), func.count()
    ) == [(False, 1), (True, 2)]
    name = users.filter(User.id == Post.author_id).subquery(User.name)
    assert await query.group_by(name).order_by(name).values_list(name, func.count()) == [
        ("Ada", 2),
        ("Grace", 1),
    ]
    comments = session.query(Comment).group_by("post__author__name")
    assert await comments.values("post__author__name") == []
    first = query.distinct_on("author__name").order_by("author__name", "title")
    assert await first.values("author__name", "title") == [
        {"author__name": "Ada", "title": "one"},
        {"author__name": "Grace", "title": "three"},
    ]
    with pytest.raises(UnknownName, match="Post has no column 'nmae__x'"):
        counted.values("nmae__x")


async def test_distinct_rows_are_counted_and_read_once(
    session: AsyncSession, posts: list[Post]
) -> None:
    query = session.query(Post).distinct()
    assert await query.order_by(Post.views).scalars(Post.views) == [10, 20]
    assert await query.count() == 3
    assert len(await query.all()) == 3


async def test_distinct_on_keeps_the_first_of_each(
    session: AsyncSession, posts: list[Post]
) -> None:
    query = session.query(Post).distinct_on(Post.author_id)
    newest = await query.order_by("author_id", "-views").all()
    assert [post.title for post in newest] == ["two", "three"]
    assert await query.order_by("author_id", "views").scalars(Post.title) == ["one", "three"]
    assert await query.count() == 2
    first = await query.first()
    assert first is not None
    assert first.author_id == posts[0].author_id
    with pytest.raises(UsageError, match="begin with the same"):
        await query.order_by("views").all()


async def test_equal_expressions_with_values_are_one_to_the_server(
    session: AsyncSession, posts: list[Post]
) -> None:
    def half() -> Any:
        return Post.views % 20

    query = session.query(Post)
    grouped = query.group_by(half()).order_by(half())
    assert await grouped.values_list(half(), func.count()) == [(0, 2), (10, 1)]
    named = query.annotate(k=Post.views % 20).distinct_on("k").order_by("k", "id")
    assert await named.values("k", "title") == [{"k": 0, "title": "two"}, {"k": 10, "title": "one"}]
    first = query.distinct_on(half()).order_by(half(), Post.id.desc())
    assert await first.values_list(half(), Post.title) == [(0, "three"), (10, "one")]
    assert len(await first.with_values(half())) == 2


async def test_only_reads_some_columns_and_the_key(
    session: AsyncSession, engine: Engine, posts: list[Post]
) -> None:
    with Statements(engine) as sent:
        found = await session.query(Post).only("title", Post.status).order_by("id").all()
    assert sent == ["SELECT id, title, status FROM posts ORDER BY id"]
    assert [(post.title, post.status) for post in found][1] == ("two", PostStatus.published)
    with pytest.raises(NotLoaded):
        _ = found[0].views
    await session.update(found[0], views=99)
    assert (await session.get_or_raise(Post, found[0].id)).views == 99
    partial = session.query(Post).only("author_id").order_by("id")
    assert [each.author.name for each in await partial.options(selectinload("author")).all()] == [
        "Ada",
        "Ada",
        "Grace",
    ]
    with pytest.raises(UsageError, match=r"leaves out Post\.author_id"):
        await session.query(Post).only("title").options(selectinload("author")).all()
    with pytest.raises(UsageError, match="joinedload"):
        await session.query(Post).only("title").options(joinedload("author")).all()


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda query: query.group_by("status").all(), UsageError, "values"),
        (lambda query: query.group_by("status").sum(Post.views), UsageError, "after group_by"),
        (lambda query: query.group_by("status").delete(), UsageError, "changes rows"),
        (lambda query: query.distinct().update(views=1), UsageError, "changes rows"),
        (lambda query: query.distinct().for_update().all(), UsageError, "locked"),
        (lambda query: query.group_by(), UsageError, "at least one"),
        (lambda query: query.group_by("stauts"), UnknownName, "status"),
        (lambda query: query.annotate(n=func.count()).order_by("m"), UnknownName, " n, "),
        (lambda query: query.annotate(n=3), UsageError, "expression"),
        (lambda query: query.annotate(title=func.count()), UsageError, "already"),
        (lambda query: query.values("titel"), UnknownName, "title"),
        (lambda query: query.values("title", "title"), UsageError, "twice"),
        (lambda query: query.values_list(3), UsageError, "not a column"),
        (lambda query: query.only("author__name"), UsageError, "columns of Post"),
        (lambda query: query.only("id").with_values(Post.views), UsageError, "whole objects"),
        (lambda query: query.group_by("id").stream().chunks().__anext__(), UsageError, "values"),
    ],
)
async def test_what_cannot_be_grouped_or_selected_is_refused(
    session: AsyncSession, make: Any, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        await make(session.query(Post))


async def test_a_shape_of_groups_is_written_once_whatever_its_values(
    session: AsyncSession, posts: list[Post]
) -> None:
    from ormkit.statements.statement import _statements

    def query(separator: str, least: int) -> Any:
        kind = func.concat(Post.views, separator)
        grouped = session.query(Post).annotate(kind=kind).group_by("kind")
        return grouped.having(func.count() > least).order_by("kind").values("kind")

    assert await query("a", 0) == [{"kind": "10a"}, {"kind": "20a"}]
    count = len(_statements)
    assert await query("b", 1) == [{"kind": "20b"}]
    assert len(_statements) == count
