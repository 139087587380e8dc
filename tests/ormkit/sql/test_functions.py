"""Computed expressions: functions, aggregates, windows, CASE, casts and arithmetic."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from examples.blog.db import Post, PostStatus, User
from ormkit import (
    AsyncSession,
    Condition,
    Engine,
    Expression,
    InvalidValue,
    UnknownName,
    UsageError,
    case,
    cast,
    func,
    literal,
)

NOON = dt.datetime(2030, 1, 2, 12, 30, tzinfo=dt.UTC)


@pytest.fixture
async def posts(session: AsyncSession) -> list[Post]:
    ada, grace = await session.insert_all([User(name="Ada", age=36), User(name=" Grace ")])
    return await session.insert_all(
        [
            Post(author=ada, title="one", views=10, status=PostStatus.published, published_at=NOON),
            Post(author=ada, title="two", views=20, created_at=NOON),
            Post(author=grace, title="three", views=30, created_at=NOON + dt.timedelta(days=1)),
        ]
    )


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (func.lower(User.name), "ada"),
        (func.upper(User.name), "ADA"),
        (func.length(User.name), 3),
        (func.left(User.name, 2), "Ad"),
        (func.right(User.name, 1), "a"),
        (func.replace(User.name, "d", "'; --"), "A'; --a"),
        (func.concat(User.name, "-", User.age, User.bio), "Ada-36"),
        (User.name + " " + User.status, "Ada active"),
        ("Dr " + User.name, "Dr Ada"),
        (func.coalesce(User.bio, "none"), "none"),
        (func.coalesce(User.bio, User.email, User.name), "Ada"),
        (func.nullif(User.status, "active"), None),
        (func.greatest(User.age, 40), 40),
        (func.least(User.age, 40), 36),
        (User.age + 1, 37),
        (1 + User.age, 37),
        (100 - User.age, 64),
        (2 * User.age, 72),
        (-User.age, -36),
        (User.age % 10, 6),
        (72 / User.age, 2),
        (func.abs(-User.age), 36),
        (func.round(cast(User.age, Decimal) / Decimal(7), 2), Decimal("5.14")),
        (func.ceil(cast(User.age, float) / 7.0), 6.0),
        (func.floor(cast(User.age, float) / 7.0), 5.0),
        (cast(User.age, str), "36"),
        (cast(User.age, "numeric(10, 1)"), Decimal("36.0")),
        (cast(User.name, "varchar(2)"), "Ad"),
        (literal(3) + 4, 7),
        (literal("x"), "x"),
        (literal(None, "integer"), None),
        (literal(2**40), 2**40),
        (func.call("repeat", User.name, 2), "AdaAda"),
        (func.call("pg_catalog.initcap", User.role), "Member"),
        (case((User.age < 18, "minor"), (User.age < 65, "adult"), else_="senior"), "adult"),
        (case((User.age > 99, 1)), None),
        (case((User.age > 9, None), else_="x"), None),
        (case((User.age > 99, None), (User.age > 9, User.name), else_=None), "Ada"),
        (case((User.age > 9, User.name), else_="x"), "Ada"),
        (case((User.age > 99, User.name), else_="x"), "x"),
    ],
)
async def test_an_expression_computes_what_sql_says(
    session: AsyncSession, posts: list[Post], expression: Any, expected: object
) -> None:
    query = session.query(User).filter(name="Ada")
    assert await query.scalars(expression) == [expected]
    assert type((await query.scalars(expression))[0]) is type(expected)


async def test_expressions_stand_in_conditions_orders_and_updates(
    session: AsyncSession, posts: list[Post]
) -> None:
    found = await session.query(User).filter(func.lower(func.trim(User.name)) == "grace").one()
    assert found.name == " Grace "
    assert await session.query(Post).order_by(func.length(Post.title).desc(), "id").scalars(
        Post.title
    ) == ["three", "one", "two"]
    await session.query(Post).update(
        title=func.upper(Post.title), views=case((Post.views > 15, 0), else_=Post.views)
    )
    assert await session.query(Post).order_by("id").values_list(Post.title, Post.views) == [
        ("ONE", 10),
        ("TWO", 0),
        ("THREE", 0),
    ]


async def test_moments_and_spans_are_added_and_subtracted(
    session: AsyncSession, posts: list[Post]
) -> None:
    day = dt.timedelta(days=1)
    query = session.query(Post).filter(Post.created_at > NOON)
    (row,) = await query.values_list(
        Post.created_at + day, Post.created_at - day, Post.created_at - NOON
    )
    assert row == (NOON + 2 * day, NOON, day)
    assert await query.scalars(func.date_trunc("month", Post.created_at, "UTC")) == [
        dt.datetime(2030, 1, 1, tzinfo=dt.UTC)
    ]
    assert await query.scalars(func.extract("day", Post.created_at)) == [Decimal(3)]
    assert await session.query(Post).filter(Post.created_at - NOON < day).count() == 2


async def test_comparisons_compare_and_questions_are_grouped(
    session: AsyncSession, posts: list[Post]
) -> None:
    query = session.query(User).order_by("id")
    adult: Condition[User] = User.age > 18
    assert await query.filter(adult == True).scalars(User.name) == ["Ada"]  # noqa: E712
    assert await query.filter(adult.isnull()).scalars(User.name) == [" Grace "]
    assert await query.filter(User.age.is_distinct_from(36)).scalars(User.name) == [" Grace "]
    assert await query.filter(User.age.is_distinct_from(None)).scalars(User.name) == ["Ada"]


async def test_aggregates_run_over_groups(session: AsyncSession, posts: list[Post]) -> None:
    rows = (
        await session.query(Post)
        .group_by(Post.author_id)
        .order_by(Post.author_id)
        .values_list(
            Post.author_id,
            func.count(),
            func.sum(Post.views),
            func.avg(Post.views),
            func.max(Post.status),
            func.string_agg(Post.title, "; "),
        )
    )
    ada, grace = posts[0].author_id, posts[2].author_id
    assert rows == [
        (ada, 2, 30, Decimal(15), PostStatus.published, "one; two"),
        (grace, 1, 30, Decimal(30), PostStatus.draft, "three"),
    ]
    assert isinstance(rows[0][2], int)
    assert isinstance(rows[0][4], PostStatus)


async def test_aggregates_take_filters_and_distinct_values(
    session: AsyncSession, posts: list[Post]
) -> None:
    (row,) = await session.query(Post).values_list(
        func.count(Post.published_at),
        func.count(Post.author_id, distinct=True),
        func.count().filter(Post.views > 10, Post.title != "two"),
        func.array_agg(Post.status, distinct=True),
        func.bool_and(Post.views > 5),
        func.bool_or(Post.views > 50),
    )
    assert row == (1, 2, 1, [PostStatus.draft, PostStatus.published], True, False)
    assert await session.query(Post).filter(id=-1).values_list(
        func.sum(Post.views), func.min(Post.title), func.array_agg(Post.id)
    ) == [(None, None, None)]


async def test_windows_number_rank_and_look_around(
    session: AsyncSession, posts: list[Post]
) -> None:
    by_author: dict[str, Any] = {"partition_by": Post.author_id, "order_by": Post.views.desc()}
    rows = (
        await session.query(Post)
        .order_by("id")
        .values_list(
            Post.title,
            func.row_number().over(**by_author),
            func.lag(Post.views).over(order_by=Post.id),
            func.lead(Post.status).over(order_by=[Post.id]),
            func.sum(Post.views).over(order_by=Post.id, rows=(-1, 0)),
            func.first_value(Post.title).over(order_by=Post.id, rows=(None, None)),
        )
    )
    assert rows == [
        ("one", 2, None, PostStatus.draft, 10, "one"),
        ("two", 1, 10, PostStatus.draft, 30, "one"),
        ("three", 1, 20, None, 50, "one"),
    ]
    assert await session.query(Post).order_by("id").values_list(
        func.rank().over(order_by=Post.author_id),
        func.dense_rank().over(order_by=Post.author_id),
        func.ntile(2).over(order_by=Post.id),
        func.last_value(Post.title).over(order_by=Post.id, rows=(0, 1)),
        func.sum(Post.views).over(),
    ) == [(1, 1, 1, "two", 60), (1, 1, 1, "three", 60), (3, 2, 2, "three", 60)]


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: func.lowr, UnknownName, "lower"),
        (lambda: func.lower("x"), UsageError, "User.age"),
        (lambda: func.call("x; DROP TABLE users"), UsageError, "not the name of a function"),
        (lambda: func.call('a"b'), UsageError, "not the name of a function"),
        (lambda: func.extract("days", Post.created_at), UnknownName, "day"),
        (lambda: func.date_trunc("days", Post.created_at), UnknownName, "did you mean 'day'"),
        (lambda: cast(User.age, "int; DROP TABLE users"), UsageError, "not the name of a type"),
        (lambda: cast(User.age, "int) FROM users --"), UsageError, "not the name of a type"),
        (lambda: cast(User.age, list), UsageError, "list"),
        (lambda: cast("age", int), UsageError, "expression"),
        (lambda: func.date_trunc("day", User.name), UsageError, r"User.name: .* varchar\(100\)"),
        (lambda: func.extract("day", User.age), UsageError, "a date, a time or an interval"),
        (lambda: func.max(User.settings), UsageError, "User.settings: there is no max()"),
        (lambda: func.min(User.age > 3), UsageError, "use bool_or"),
        (lambda: User.posts.value(Post.views), UsageError, "an aggregate such as func.max"),
        (lambda: User.posts.value(Post.views + Post.comments.count()), UsageError, "aggregate"),
        (lambda: case((User.age > 1, 1), else_="x"), UsageError, "integer and text: give"),
        (lambda: case((User.age > 1, "x"), else_=User.age), UsageError, "text and integer"),
        (lambda: case((User.age > 1, User.name), else_=User.age), UsageError, r"\) and integer"),
        (lambda: case((User.age > 1, True), (User.age > 2, 1)), UsageError, "boolean and integer"),
        (lambda: literal(object()), InvalidValue, "object"),
        (lambda: case(), UsageError, "pair"),
        (lambda: case((1, 2)), UsageError, "pairs"),
        (lambda: func.sum(User.age).over(partition_by="name"), UsageError, "partition_by"),
        (lambda: func.sum(User.age).over(order_by="name"), UsageError, "order_by"),
        (lambda: func.sum(User.age).over(rows=(1,)), UsageError, "pair"),
        (lambda: func.sum(User.age).over(rows=("1", None)), UsageError, "whole numbers"),
    ],
)
def test_a_wrong_expression_is_refused_when_it_is_made(
    make: Any, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        make()


async def test_an_aggregate_in_a_filter_is_refused_before_anything_is_sent(
    session: AsyncSession, engine: Engine
) -> None:
    with pytest.raises(UsageError, match="having"):
        await session.query(User).filter(func.count() > 3).all()
    query = session.query(User).filter(User.age > session.query(User).subquery(func.avg(User.age)))  # type: ignore[arg-type]
    assert await query.all() == []


async def test_a_type_of_a_cast_that_is_no_word_of_sql_is_quoted(
    session: AsyncSession, posts: list[Post]
) -> None:
    status: Expression[Post, Any, Any] = cast(Post.status, "post_status")
    assert await session.query(Post).filter(status == Post.status).count() == 3
    wrong = cast(Post.status, "Post_Status")
    assert '"Post_Status"' in repr(session.query(Post).filter(wrong == Post.status))
