"""Wrong orders, limits, cursors and chunks."""

from __future__ import annotations

import pytest

from examples.blog.db import Post, User
from ormkit import (
    Cursor,
    DataError,
    InvalidValue,
    StatementError,
    UnknownName,
    UsageError,
    func,
)
from ormkit.queries.pagination import InvalidCursor
from tests.reliability.bad_inputs.cases import (
    HALF,
    Case,
    Lab,
    check_refused,
    numbered,
    refused,
    tampered,
    token,
)

ORDERS = [
    *refused(
        UnknownName,
        "User has no column 'nope': there are: age, avg_views, bio, created_at,",
        lambda lab: lab.users.order_by("nope"),
        lambda lab: lab.users.order_by("-nope"),
    ),
    *refused(
        UnknownName,
        "User has no column '-age': did you mean 'age'?",
        lambda lab: lab.users.order_by("--age"),
    ),
    *refused(
        UnknownName,
        "User has no column '+age': write 'age'",
        lambda lab: lab.users.order_by("+age"),
    ),
    *refused(
        UnknownName,
        "User has no column '': there are: age, avg_views, bio, created_at,",
        lambda lab: lab.users.order_by(""),
        lambda lab: lab.users.order_by("-"),
    ),
    *refused(
        UsageError,
        "None is not a column of User",
        lambda lab: lab.users.order_by(None),
    ),
    *refused(
        UsageError,
        "1 is not a column of User",
        lambda lab: lab.users.order_by(1),
    ),
    *refused(
        UsageError,
        "['age'] is not a column of User",
        lambda lab: lab.users.order_by(["age"]),
    ),
    *refused(
        UnknownName,
        "User has no column 'age desc': write '-age'",
        lambda lab: lab.users.order_by("age desc"),
    ),
    *refused(
        UnknownName,
        "User has no column 'posts': there are: age, avg_views, bio, created_at,",
        lambda lab: lab.users.order_by("posts"),
    ),
    *refused(
        UsageError,
        "User.posts is a to-many relationship: select one value of its rows",
        lambda lab: lab.users.order_by("posts__title"),
    ),
    *refused(
        UsageError,
        "Post is not part of this query: reach its columns through a",
        lambda lab: lab.users.order_by(Post.views),
    ),
    *refused(
        UsageError,
        "<ToMany User.posts -> Post> is not a column of User",
        lambda lab: lab.users.order_by(User.posts),
    ),
    *refused(
        StatementError,
        'column "users.id" must appear in the GROUP BY clause or be',
        lambda lab: lab.users.order_by(func.count()),
    ),
    *refused(
        UsageError,
        "<class 'examples.blog.db.user.User'> is not a column of User",
        lambda lab: lab.users.order_by(User),
    ),
    *refused(
        UnknownName,
        "User has no column '\\ud800': there are: age, avg_views, bio, created_at,",
        lambda lab: lab.users.order_by(HALF),
    ),
    *refused(
        UnknownName,
        "User has no column 'a\\x00': there are: age, avg_views, bio, created_at,",
        lambda lab: lab.users.order_by("a\0"),
    ),
]


@pytest.mark.parametrize("case", numbered(ORDERS))
async def test_a_wrong_order_is_refused(lab: Lab, case: Case) -> None:
    await check_refused(lab, case)


LIMITS = [
    *refused(
        InvalidValue,
        "limit must be a whole number, at least 0, not None",
        lambda lab: lab.users.limit(None),
    ),
    *refused(
        InvalidValue,
        "limit must be a whole number, at least 0, not -1",
        lambda lab: lab.users.limit(-1),
    ),
    *refused(
        InvalidValue,
        "limit must be a whole number, at least 0, not '3'",
        lambda lab: lab.users.limit("3"),
    ),
    *refused(
        InvalidValue,
        "limit must be a whole number, at least 0, not 1.5",
        lambda lab: lab.users.limit(1.5),
    ),
    *refused(
        InvalidValue,
        "limit must be a whole number, at least 0, not True",
        lambda lab: lab.users.limit(True),
    ),
    *refused(
        InvalidValue,
        "limit is beyond PostgreSQL's bigint",
        lambda lab: lab.users.limit(2**63),
        lambda lab: lab.users.limit(10**5000),
    ),
    *refused(
        InvalidValue,
        "offset must be a whole number, at least 0, not None",
        lambda lab: lab.users.offset(None),
    ),
    *refused(
        InvalidValue,
        "offset must be a whole number, at least 0, not -1",
        lambda lab: lab.users.offset(-1),
    ),
    *refused(
        InvalidValue,
        "offset must be a whole number, at least 0, not '3'",
        lambda lab: lab.users.offset("3"),
    ),
    *refused(
        InvalidValue,
        "offset is beyond PostgreSQL's bigint",
        lambda lab: lab.users.offset(2**63),
    ),
]


@pytest.mark.parametrize("case", numbered(LIMITS))
async def test_a_wrong_limit_is_refused(lab: Lab, case: Case) -> None:
    await check_refused(lab, case)


PAGES = [
    *refused(
        UsageError,
        "page() needs a limit() and takes no offset(): the cursor is",
        lambda lab: lab.users.page(),
        lambda lab: lab.users.limit(3).offset(1).page(),
    ),
    *refused(
        InvalidCursor,
        "this is not a cursor of User rows: get one from page() or",
        lambda lab: lab.users.limit(3).page("x"),
        lambda lab: lab.users.limit(3).page(""),
        lambda lab: lab.users.limit(3).page("!!!"),
        lambda lab: lab.users.limit(3).page(HALF),
        lambda lab: lab.users.limit(3).page("é"),
        lambda lab: lab.users.limit(3).page(b"x"),
        lambda lab: lab.users.limit(3).page(3),
        lambda lab: lab.users.limit(3).page(lab.ada),
        lambda lab: lab.users.limit(3).page("A" * 100000),
        lambda lab: lab.users.limit(3).page(token(b"[" * 100000)),
        lambda lab: lab.users.limit(3).page(token(b"{}")),
        lambda lab: lab.users.limit(3).page(token(b"[]")),
        lambda lab: lab.users.limit(3).page(token(b"null")),
        lambda lab: lab.users.limit(3).page(token(b"\xff\xfe")),
        lambda lab: lab.users.limit(3).page(str(lab.users.order_by("name").cursor(lab.ada))),
        lambda lab: lab.users.limit(3).page(str(lab.users.cursor(lab.ada))[:-2]),
        lambda lab: lab.users.limit(3).page(tampered(lab.users, lab.ada, 10**30)),
        lambda lab: lab.users.limit(3).page(tampered(lab.users, lab.ada, "x")),
        lambda lab: lab.users.limit(3).page(tampered(lab.users, lab.ada, None)),
        lambda lab: lab.users.limit(3).page(tampered(lab.users, lab.ada, {"a": 1})),
        lambda lab: lab.users.limit(3).page(tampered(lab.users, lab.ada, 1.5)),
        lambda lab: lab.users.order_by("name")
        .limit(3)
        .page(tampered(lab.users.order_by("name"), lab.ada, "a\0", 1)),
        lambda lab: lab.users.order_by("name")
        .limit(3)
        .page(tampered(lab.users.order_by("name"), lab.ada, "\ud800", 1)),
        lambda lab: lab.users.order_by("age").after("x"),
        lambda lab: lab.users.limit(3).page(Cursor("x")),
        lambda lab: lab.users.limit(3).page(Cursor(None)),
        lambda lab: lab.users.limit(3).page(tampered(lab.users, lab.ada, float("nan"))),
        lambda lab: lab.users.limit(3).page(tampered(lab.users, lab.ada, "1")),
        lambda lab: lab.users.limit(3).page(tampered(lab.users, lab.ada, True)),
    ),
    *refused(
        InvalidCursor,
        "the cursor belongs to another query or order of User rows",
        lambda lab: lab.users.limit(3).page(str(lab.posts.cursor(lab.post))),
    ),
    *refused(
        UsageError,
        "User.settings is of type jsonb, which pages cannot be ordered by",
        lambda lab: lab.users.order_by("settings").limit(3).page(),
    ),
    *refused(
        UsageError,
        "pages of User can only be ordered by its own columns: the",
        lambda lab: lab.users.order_by(func.lower(User.name)).limit(3).page(),
    ),
    *refused(
        UsageError,
        "cursor() takes an object of User, not NoneType",
        lambda lab: lab.users.cursor(None),
    ),
    *refused(
        UsageError,
        "cursor() takes an object of User, not PartialUser",
        lambda lab: lab.users.order_by("email").cursor(lab.part),
    ),
    *refused(
        UsageError,
        "this User lacks a value that the query is ordered by",
        lambda lab: lab.users.cursor(User(name="x")),
    ),
    *refused(
        UsageError,
        "cursor() takes an object of User, not Post",
        lambda lab: lab.users.cursor(lab.post),
    ),
    *refused(
        InvalidValue,
        "limit is beyond PostgreSQL's bigint",
        lambda lab: lab.users.limit(2**63 - 1).page(),
    ),
]


@pytest.mark.parametrize("case", numbered(PAGES))
async def test_a_wrong_page_or_cursor_is_refused(lab: Lab, case: Case) -> None:
    await check_refused(lab, case)


STREAMS = [
    *refused(
        InvalidValue,
        "chunk must be a whole number, at least 1, not 0",
        lambda lab: (lab.users.stream(0)),
        lambda lab: (lab.users.iterate(0)),
        lambda lab: (lab.users.values_list(User.id).stream(0)),
    ),
    *refused(
        InvalidValue,
        "chunk must be a whole number, at least 1, not -1",
        lambda lab: (lab.users.stream(-1)),
        lambda lab: (lab.users.iterate(-1)),
    ),
    *refused(
        InvalidValue,
        "chunk must be a whole number, at least 1, not '3'",
        lambda lab: (lab.users.stream("3")),
        lambda lab: (lab.users.iterate("3")),
    ),
    *refused(
        InvalidValue,
        "chunk must be a whole number, at least 1, not None",
        lambda lab: (lab.users.stream(None)),
        lambda lab: (lab.users.iterate(None)),
    ),
    *refused(
        InvalidValue,
        "chunk must be a whole number, at least 1, not 1.5",
        lambda lab: (lab.users.stream(1.5)),
    ),
    *refused(
        InvalidValue,
        "chunk must be a whole number, at least 1, not True",
        lambda lab: (lab.users.stream(True)),
    ),
    *refused(
        InvalidValue,
        "chunk must be at most 2147483647, the limit of the protocol",
        lambda lab: (lab.users.stream(2**31)),
        lambda lab: (lab.users.stream(2**63)),
        lambda lab: (lab.users.stream(10**5000)),
        lambda lab: (lab.users.iterate(2**63 - 1)),
    ),
    *refused(
        UsageError,
        "iterate() reads all rows of a query: it takes no limit() or",
        lambda lab: (lab.users.limit(3).iterate()),
    ),
    *refused(
        InvalidValue,
        "User.age is of type integer and cannot take this str: it",
        lambda lab: (lab.users.filter(age="x").stream()),
    ),
    *refused(
        InvalidValue,
        "User.age is of type integer and cannot take this int: it is",
        lambda lab: (lab.users.filter(age=2**31).stream()),
    ),
    *refused(
        InvalidValue,
        "chunk must be a whole number, at least 1, not 'x'",
        lambda lab: (lab.users.values_list(User.id).stream("x")),
    ),
    *refused(
        DataError,
        'User.name: invalid byte sequence for encoding "...": 0x00; it',
        lambda lab: (lab.users.filter(name="a\0").stream()),
    ),
]


@pytest.mark.parametrize("case", numbered(STREAMS))
async def test_a_wrong_stream_is_refused(lab: Lab, case: Case) -> None:
    await check_refused(lab, case)
