"""Q objects: keywords over relationships and into JSON, and how they combine."""

from __future__ import annotations

from typing import Any

import pytest

from examples.blog.db import Comment, Post, PostStatus, Tag, User
from ormkit import AsyncSession, Engine, InvalidValue, Q, UnknownName, UsageError, case, func
from tests.statements import Statements


@pytest.fixture
async def users(session: AsyncSession) -> list[User]:
    ada, grace, linus = await session.insert_all(
        [
            User(name="Ada", age=36, settings={"plan": "pro", "limits": [1, {"cpu": 2}], "n": 5}),
            User(name="Grace", age=45, settings={"plan": "free", "flag": True}),
            User(name="Linus", settings={"plan": None}),
        ]
    )
    posts = await session.insert_all(
        [
            Post(author=ada, title="one", views=10, status=PostStatus.published),
            Post(author=ada, title="two", views=20),
            Post(author=grace, title="two", views=30),
        ]
    )
    await session.insert_all(
        [Comment(post=posts[0], author=grace, body="nice"), Comment(post=posts[2], body="spam")]
    )
    return [ada, grace, linus]


async def names(session: AsyncSession, *conditions: Any) -> list[str]:
    return await session.query(User).filter(*conditions).order_by("id").scalars(User.name)


@pytest.mark.one_interpreter
@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (Q(name="Ada"), ["Ada"]),
        (Q(name="Ada", age__gt=40), []),
        (Q(name="Ada") | Q(age__gt=40), ["Ada", "Grace"]),
        (Q(age__gt=40) & ~Q(name="Ada"), ["Grace"]),
        (~Q(name="Ada"), ["Grace", "Linus"]),
        (~Q(age=36), ["Grace"]),
        (~(Q(name="Ada") | Q(name="Grace")), ["Linus"]),
        (Q(User.age > 40, name="Grace"), ["Grace"]),
        (Q(name="Ada") | (User.age > 40), ["Ada", "Grace"]),
        ((User.age > 40) | Q(name="Ada"), ["Ada", "Grace"]),
        ((User.age > 30) & ~Q(name="Ada"), ["Grace"]),
        (Q(posts__title="one"), ["Ada"]),
        (Q(posts__title__startswith="t"), ["Ada", "Grace"]),
        (Q(posts__title="one", posts__views=20), []),
        (Q(posts__title="one") & Q(posts__views=20), ["Ada"]),
        (Q(posts__comments__body="spam"), ["Grace"]),
        (Q(posts__comments__author__name="Grace"), ["Ada"]),
        (~Q(posts__title="two"), ["Linus"]),
        (Q(posts__isnull=True), ["Linus"]),
        (Q(posts__isnull=False), ["Ada", "Grace"]),
        (Q(settings__plan="pro"), ["Ada"]),
        (Q(settings__plan__ne="pro"), ["Grace", "Linus"]),
        (Q(settings__plan__in=["pro", "free"]), ["Ada", "Grace"]),
        (Q(settings__plan__notin=["pro"]), ["Grace", "Linus"]),
        (Q(settings__plan=None), ["Linus"]),
        (Q(settings__plan__isnull=False), ["Ada", "Grace"]),
        (Q(settings__missing=None), ["Ada", "Grace", "Linus"]),
        (Q(settings__plan__icontains="R"), ["Ada", "Grace"]),
        (Q(settings__limits__0=1), ["Ada"]),
        (Q(settings__limits__1__cpu__gte=2), ["Ada"]),
        (Q(settings__limits__contains=[1]), ["Ada"]),
        (Q(settings__n__between=(4, 6)), ["Ada"]),
        (Q(settings__has_key="flag"), ["Grace"]),
        (Q(settings__limits__1__has_key="cpu"), ["Ada"]),
        (Q(settings__has_any_key=["flag", "n"]), ["Ada", "Grace"]),
        (Q(settings__has_keys=["plan", "n"]), ["Ada"]),
        (Q(settings__contains={"flag": True}), ["Grace"]),
    ],
)
async def test_a_q_means_what_its_path_says(
    session: AsyncSession, users: list[User], condition: Any, expected: list[str]
) -> None:
    assert await names(session, condition) == expected


async def test_a_q_compares_a_relationship_with_an_object(
    session: AsyncSession, users: list[User]
) -> None:
    ada, grace, _ = users
    posts = session.query(Post).order_by("id")
    assert await posts.filter(Q(author=ada)).scalars(Post.title) == ["one", "two"]
    assert await posts.filter(~Q(author=grace)).scalars(Post.title) == ["one", "two"]
    comments = session.query(Comment)
    assert await comments.filter(Q(author=None)).scalars(Comment.body) == ["spam"]
    assert await comments.filter(Q(author__isnull=False)).scalars(Comment.body) == ["nice"]
    assert await comments.filter(Q(post__author=ada)).scalars(Comment.body) == ["nice"]
    with pytest.raises(UsageError, match=r"Post\.author can be compared with an object of User"):
        posts.filter(Q(author=3))
    with pytest.raises(UsageError, match="insert it first"):
        posts.filter(Q(author=User(name="new")))


async def test_a_q_stands_in_has_any_exclude_and_having(
    session: AsyncSession, users: list[User]
) -> None:
    assert await names(session, User.posts.any(Q(title="one") | Q(views=30))) == ["Ada", "Grace"]
    found = session.query(Post).exclude(Q(author__name="Ada")).scalars(Post.title)
    assert await found == ["two"]


async def test_a_relationship_and_its_rows_never_double(
    session: AsyncSession, users: list[User], engine: Engine
) -> None:
    with Statements(engine) as sent:
        assert await session.query(User).filter(Q(posts__views__gte=10)).count() == 2
    assert "EXISTS" in sent[0]
    assert "JOIN" not in sent[0]


@pytest.mark.parametrize(
    ("condition", "error", "words"),
    [
        (lambda: Q(), UsageError, "empty"),
        (lambda: Q(nam="x"), UnknownName, "did you mean 'name'"),
        (lambda: Q(post__title="x"), UnknownName, "did you mean 'posts'"),
        (lambda: Q(posts__titel="x"), UnknownName, "Post has no 'titel'"),
        (lambda: Q(posts__title__contain="x"), UnknownName, "contains"),
        (lambda: Q(posts__author__nam="x"), UnknownName, "User has no 'nam'"),
        (lambda: Q(age__has_key="x"), UnknownName, "no operator 'has_key'"),
        (lambda: Q(age__plan="x"), UnknownName, "no operator 'plan'"),
        (lambda: Q("name"), UsageError, "not a condition"),
        (lambda: Q(settings__has_key=3), UsageError, "str"),
        (lambda: Q(settings__plan__in="pro"), InvalidValue, "collection"),
        (lambda: Q(**{"settings__a\0b": 1}), InvalidValue, "NUL"),
    ],
)
async def test_a_wrong_path_is_refused_and_names_what_is_near(
    session: AsyncSession, condition: Any, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        repr(session.query(User).filter(condition()))


async def test_a_keyword_of_filter_that_is_a_relationship_says_to_use_q(
    session: AsyncSession,
) -> None:
    by: Any = {"posts__title": "x"}
    with pytest.raises(UnknownName, match=r"Q\(posts__title=...\), or User\.posts\.any\(...\)"):
        session.query(User).filter(**by)


async def test_a_q_where_no_query_reads_it_is_refused(session: AsyncSession) -> None:
    with pytest.raises(UsageError, match="only in filter"):
        case((Q(name="Ada"), 1), else_=0)
    with pytest.raises(UsageError, match="only in filter"):
        func.count().filter(Q(name="Ada") | (User.age > 1))


def test_a_condition_joined_with_what_is_none_is_refused() -> None:
    wrong: Any = True
    with pytest.raises(UsageError, match="parentheses"):
        _ = (User.age > 1) & wrong
    with pytest.raises(UsageError, match="parentheses"):
        _ = (User.age > 1) | wrong


async def test_json_is_reached_by_steps_of_keys_and_places(
    session: AsyncSession, users: list[User]
) -> None:
    settings = User.settings
    assert await names(session, settings["plan"] == "pro") == ["Ada"]
    assert await names(session, settings["plan"] != "pro") == ["Grace", "Linus"]
    assert await names(session, settings["plan"] == None) == ["Linus"]  # noqa: E711
    assert await names(session, settings["plan"] != None) == ["Ada", "Grace"]  # noqa: E711
    assert await names(session, settings["limits"][-1]["cpu"] > 1) == ["Ada"]
    assert await names(session, settings["plan"].as_text.startswith("f")) == ["Grace"]
    assert await names(session, settings["plan"].iendswith("O")) == ["Ada"]
    query = session.query(User).order_by("id")
    assert await query.scalars(settings["limits"][1]) == [{"cpu": 2}, None, None]
    assert await query.scalars(settings["plan"].as_text) == ["pro", "free", None]
    assert await query.order_by(settings["plan"]).scalars(User.id)
    assert await names(session, settings.in_([{"plan": None}, [1]])) == ["Linus"]
    assert await names(session, settings["limits"].in_([[1, {"cpu": 2}]])) == ["Ada"]
    for wrong in (1.5, True, None):
        with pytest.raises(UsageError, match="step into JSON"):
            _ = settings[wrong]  # type: ignore[index]


@pytest.mark.parametrize("key", ["it's", "a\\'b", "--", '"', "$1", "{0}", "%s", "ключ"])
async def test_a_key_of_json_is_a_key_whatever_it_looks_like(
    session: AsyncSession, key: str
) -> None:
    await session.insert(User(name="odd", settings={key: {key: 1}}))
    await session.insert(User(name="other"))
    assert await names(session, User.settings[key][key] == 1) == ["odd"]
    assert await names(session, User.settings.has_key(key)) == ["odd"]
    assert await names(session, User.settings[key].has_key(key)) == ["odd"]
    await session.execute_raw("SET standard_conforming_strings = off")
    async with session.begin() as tx:
        await tx.execute_raw("SET LOCAL standard_conforming_strings = off")
        assert await names(session, User.settings[key][key] == 1) == ["odd"]


async def test_a_many_to_many_is_reached_by_a_path(session: AsyncSession) -> None:
    assert await session.query(Tag).filter(Q(posts__author__name="x")).all() == []
    assert await session.query(Post).filter(Q(tags__name__in=["sql"])).all() == []
