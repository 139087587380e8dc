"""Wrong rows, columns, sinks and options of COPY."""

from __future__ import annotations

import io

import pytest

import examples.blog.db as blog
from examples.blog.db import Post, Tag, User
from ormkit import (
    DatabaseError,
    DataError,
    ForeignKeyViolation,
    InvalidValue,
    MissingValue,
    NotNullViolation,
    StatementError,
    UniqueViolation,
    UnknownName,
    UsageError,
)
from tests.reliability.bad_inputs.cases import HALF, Case, Lab, check_refused, numbered, refused

COPIES = [
    *refused(
        UsageError,
        "copy_in() takes rows in a list or generator, not NoneType",
        lambda lab: lab.session.copy_in(Tag, None),
    ),
    *refused(
        UsageError,
        "copy_in() takes rows in a list or generator, not int",
        lambda lab: lab.session.copy_in(Tag, 5),
    ),
    *refused(
        UsageError,
        "copy_in() takes rows in a list or generator, not str",
        lambda lab: lab.session.copy_in(Tag, "ab"),
    ),
    *refused(
        UsageError,
        "copy_in() takes rows in a list or generator, not bytes",
        lambda lab: lab.session.copy_in(Tag, b"ab"),
    ),
    *refused(
        UsageError,
        "copy_in() takes rows in a list or generator, not Tag",
        lambda lab: lab.session.copy_in(Tag, Tag(name="x")),
    ),
    *refused(
        UsageError,
        "copy_in(Tag, ...) takes objects of that model, not NoneType; tuples",
        lambda lab: lab.session.copy_in(Tag, [Tag(name="a1"), None]),
    ),
    *refused(
        UsageError,
        "copy_in(Tag, ...) takes objects of that model, not User; tuples need",
        lambda lab: lab.session.copy_in(Tag, [User(name="x")]),
    ),
    *refused(
        UsageError,
        "copy_in(Tag, ...) takes objects of that model, not str; tuples need",
        lambda lab: lab.session.copy_in(Tag, ["x"]),
        lambda lab: lab.session.copy_in(Tag, {"a": 1}),
    ),
    *refused(
        UsageError,
        "copy_in(Tag, ...) takes objects of that model, not tuple; tuples need",
        lambda lab: lab.session.copy_in(Tag, [("x",)]),
    ),
    *refused(
        UsageError,
        "columns must be a list of names, one for each value of a row",
        lambda lab: lab.session.copy_in(Tag, [("x",)], columns=[]),
        lambda lab: lab.session.copy_in(Tag, [("x",)], columns="name"),
        lambda lab: lab.session.copy_in(Tag, [("x",)], columns=5),
        lambda lab: lab.session.copy_in("tags", [("x",)], columns=5),
    ),
    *refused(
        UnknownName,
        "Tag has no column 5: there are: id, name",
        lambda lab: lab.session.copy_in(Tag, [("x",)], columns=[5]),
    ),
    *refused(
        UnknownName,
        "Tag has no column None: there are: id, name",
        lambda lab: lab.session.copy_in(Tag, [("x",)], columns=[None]),
    ),
    *refused(
        UnknownName,
        "Tag has no column <Column User.name: varchar(100)>: there are: id, name",
        lambda lab: lab.session.copy_in(Tag, [("x",)], columns=[User.name]),
    ),
    *refused(
        UnknownName,
        "Tag has no column 'nope': there are: id, name",
        lambda lab: lab.session.copy_in(Tag, [("x",)], columns=["nope"]),
    ),
    *refused(
        UsageError,
        "row 1 must have 1 values, one for each column",
        lambda lab: lab.session.copy_in(Tag, [("x", "y")], columns=["name"]),
        lambda lab: lab.session.copy_in(Tag, [()], columns=["name"]),
    ),
    *refused(
        UsageError,
        "row 1 must be a tuple, not str",
        lambda lab: lab.session.copy_in(Tag, ["x"], columns=["name"]),
    ),
    *refused(
        StatementError,
        'column "name" specified more than once',
        lambda lab: lab.session.copy_in(Tag, [("x", "y")], columns=["name", "name"]),
    ),
    *refused(
        InvalidValue,
        "name (row 2) cannot take this int",
        lambda lab: lab.session.copy_in(Tag, [("u1",), (1,)], columns=["name"]),
    ),
    *refused(
        NotNullViolation,
        'null value in column "name" of relation "tags" violates',
        lambda lab: lab.session.copy_in(Tag, [("u1",), (None,)], columns=["name"]),
    ),
    *refused(
        InvalidValue,
        "name (row 2) cannot take this str",
        lambda lab: lab.session.copy_in(Tag, [("u1",), (HALF,)], columns=["name"]),
    ),
    *refused(
        DataError,
        'invalid byte sequence for encoding "...": 0x00',
        lambda lab: lab.session.copy_in(Tag, [("u1",), ("a\0",)], columns=["name"]),
    ),
    *refused(
        UniqueViolation,
        'duplicate key value violates unique constraint "tags_name_key"',
        lambda lab: lab.session.copy_in(Tag, [("u1",), ("u1",)], columns=["name"]),
    ),
    *refused(
        StatementError,
        'relation "nope" does not exist',
        lambda lab: lab.session.copy_in("nope", [("x",)], columns=["name"]),
    ),
    *refused(
        StatementError,
        'zero-length delimited identifier at or near """"',
        lambda lab: lab.session.copy_in("", [("x",)], columns=["name"]),
    ),
    *refused(
        UsageError,
        "the SQL holds the character NUL or half of a surrogate pair,",
        lambda lab: lab.session.copy_in("a\0", [("x",)], columns=["name"]),
        lambda lab: lab.session.copy_in(HALF, [("x",)], columns=["name"]),
        lambda lab: lab.session.copy_in("tags", [("x",)], columns=["a\0"]),
        lambda lab: lab.session.copy_in("tags", [("x",)], columns=[HALF]),
        lambda lab: lab.session.copy_out("SELECT '\0'", "/dev/null"),
        lambda lab: lab.session.copy_out("SELECT '\ud800'", "/dev/null"),
    ),
    *refused(
        StatementError,
        'column "nope" does not exist',
        lambda lab: lab.session.copy_in("tags", [("x",)], columns=["nope"]),
    ),
    *refused(
        UsageError,
        "SQL must be a string (str), not NoneType",
        lambda lab: lab.session.copy_in("tags", [("x",)], columns=[None]),
    ),
    *refused(
        UsageError,
        "'tags' is not a generated model: pass a class such as User",
        lambda lab: lab.session.copy_in("tags", [("x",)]),
    ),
    *refused(
        UsageError,
        "None is not a generated model: pass a class such as User",
        lambda lab: lab.session.copy_in(None, [("x",)], columns=["name"]),
        lambda lab: lab.session.copy_out(None, "/dev/null"),
    ),
    *refused(
        UsageError,
        "5 is not a generated model: pass a class such as User",
        lambda lab: lab.session.copy_in(5, [("x",)], columns=["name"]),
        lambda lab: lab.session.copy_out(5, "/dev/null"),
    ),
    *refused(
        UsageError,
        "int is not a generated model: give a class such as User, or",
        lambda lab: lab.session.copy_in(int, [("x",)]),
        lambda lab: lab.session.copy_out(int, "/dev/null"),
    ),
    *refused(
        StatementError,
        'relation "public.tags.x" does not exist',
        lambda lab: lab.session.copy_in("public.tags.x", [("x",)], columns=["name"]),
    ),
    *refused(
        MissingValue,
        "the object given as Post.author has no key yet: insert it",
        lambda lab: lab.session.copy_in(Post, [Post(author=User(name="new"), title="x")]),
    ),
    *refused(
        UsageError,
        "Post.id has a value in row 2, and none in the first:",
        lambda lab: lab.session.copy_in(
            Post, [Post(author=lab.ada, title="x"), Post(author=lab.ada, title="x", id=9)]
        ),
    ),
    *refused(
        InvalidValue,
        "Post.views (row 1) cannot take this int",
        lambda lab: lab.session.copy_in(Post, [Post(author=lab.ada, title="x", views=2**31)]),
    ),
    *refused(
        InvalidValue,
        "Post.views (row 1) cannot take this float: it has a fraction",
        lambda lab: lab.session.copy_in(Post, [Post(author=lab.ada, title="x", views=1.5)]),
    ),
    *refused(
        InvalidValue,
        "Post.keywords (row 1) cannot take this str",
        lambda lab: lab.session.copy_in(Post, [Post(author=lab.ada, title="x", keywords="ab")]),
    ),
    *refused(
        InvalidValue,
        "Post.title (row 1) cannot take this str: it has 300 characters, and at most 200 fit",
        lambda lab: lab.session.copy_in(Post, [Post(author=lab.ada, title="x" * 300)]),
    ),
    *refused(
        DataError,
        'invalid input value for enum post_status: "..."',
        lambda lab: lab.session.copy_in(Post, [Post(author=lab.ada, title="x", status="nope")]),
    ),
    *refused(
        ForeignKeyViolation,
        'insert or update on table "posts" violates foreign key',
        lambda lab: lab.session.copy_in(Post, [Post(author_id=10**6, title="x")]),
    ),
    *refused(
        InvalidValue,
        "User.settings (row 1) cannot take this float",
        lambda lab: lab.session.copy_in(User, [User(name="x", settings=float("nan"))]),
    ),
    *refused(
        DataError,
        "unsupported Unicode escape sequence",
        lambda lab: lab.session.copy_in(User, [User(name="x", settings={"a": "\0"})]),
    ),
    *refused(
        MissingValue,
        "User.name has no value and no default: pass name=...",
        lambda lab: lab.session.copy_in(User, [User.__new__(User)]),
    ),
    *refused(
        InvalidValue,
        "Cell.hardware (row 1) cannot take this int: it takes a str",
        lambda lab: lab.session.copy_in(lab.models.Cell, [lab.models.Cell(hardware=5)]),
    ),
    *refused(
        DataError,
        'invalid input syntax for type macaddr: "..." (row 1)',
        lambda lab: lab.session.copy_in("cells", [("x",)], columns=["hardware"]),
    ),
    *refused(
        StatementError,
        'syntax error at or near ")"',
        lambda lab: lab.session.copy_out("", "/dev/null"),
    ),
    *refused(
        StatementError,
        'syntax error at or near "SELEC"',
        lambda lab: lab.session.copy_out("SELEC", "/dev/null"),
    ),
    *refused(
        DatabaseError,
        "COPY query must have a RETURNING clause",
        lambda lab: lab.session.copy_out("DELETE FROM tags", "/dev/null"),
    ),
    *refused(
        StatementError,
        "there is no parameter $1",
        lambda lab: lab.session.copy_out("SELECT $1", "/dev/null"),
    ),
    *refused(
        StatementError,
        'syntax error at or near ";"',
        lambda lab: lab.session.copy_out("SELECT 1; SELECT 2", "/dev/null"),
    ),
    *refused(
        UsageError,
        "COMMIT cannot be sent as a statement: use `async with",
        lambda lab: lab.session.copy_out("COMMIT", "/dev/null"),
    ),
    *refused(
        UsageError,
        "<UserQuery SELECT id, name, email, age, bio, role, status,",
        lambda lab: lab.session.copy_out(lab.users, "/dev/null"),
    ),
    *refused(
        UsageError,
        "copy_out() writes to a path, to a file opened in binary mode, or to",
        lambda lab: lab.session.copy_out(User, None),
        lambda lab: lab.session.copy_out(User, 5),
        lambda lab: lab.session.copy_out(User, io.StringIO()),
    ),
    *refused(
        UsageError,
        "copy_out() awaits the result of its function, and that is",
        lambda lab: lab.session.copy_out(User, lambda data: None),
    ),
    *refused(
        UsageError,
        "format='json': it must be one of 'csv', 'text', 'binary'",
        lambda lab: lab.session.copy_out(User, "/dev/null", format="json"),
    ),
    *refused(
        UsageError,
        "format=None: it must be one of 'csv', 'text', 'binary'",
        lambda lab: lab.session.copy_out(User, "/dev/null", format=None),
    ),
    *refused(
        UsageError,
        "format='CSV': it must be one of 'csv', 'text', 'binary'",
        lambda lab: lab.session.copy_out(User, "/dev/null", format="CSV"),
    ),
    *refused(
        UsageError,
        "format=['csv']: it must be one of 'csv', 'text', 'binary'",
        lambda lab: lab.session.copy_out(User, "/dev/null", format=["csv"]),
    ),
    *refused(
        DatabaseError,
        "COPY delimiter must be a single one-byte character",
        lambda lab: lab.session.copy_out(User, "/dev/null", delimiter="ab"),
        lambda lab: lab.session.copy_out(User, "/dev/null", delimiter=""),
    ),
    *refused(
        DataError,
        "COPY delimiter cannot be newline or carriage return",
        lambda lab: lab.session.copy_out(User, "/dev/null", delimiter="\n"),
    ),
    *refused(
        UsageError,
        "copy_out(delimiter=...): it holds the character NUL, which",
        lambda lab: lab.session.copy_out(User, "/dev/null", delimiter="\0"),
    ),
    *refused(
        UsageError,
        "copy_out(delimiter=...): it holds half of a surrogate pair,",
        lambda lab: lab.session.copy_out(User, "/dev/null", delimiter=HALF),
    ),
    *refused(
        UsageError,
        "copy_out(delimiter=...): it takes a str, not int",
        lambda lab: lab.session.copy_out(User, "/dev/null", delimiter=5),
    ),
    *refused(
        DataError,
        "COPY null representation cannot use newline or carriage return",
        lambda lab: lab.session.copy_out(User, "/dev/null", null="\n"),
    ),
    *refused(
        UsageError,
        "copy_out(null=...): it holds the character NUL, which",
        lambda lab: lab.session.copy_out(User, "/dev/null", null="\0"),
    ),
    *refused(
        UsageError,
        "copy_out(null=...): it takes a str, not int",
        lambda lab: lab.session.copy_out(User, "/dev/null", null=5),
    ),
    *refused(
        DatabaseError,
        "cannot specify HEADER in BINARY mode",
        lambda lab: lab.session.copy_out(User, "/dev/null", format="binary", header=True),
    ),
    *refused(
        StatementError,
        "cannot specify DELIMITER in BINARY mode",
        lambda lab: lab.session.copy_out(User, "/dev/null", format="binary", delimiter=","),
    ),
]


@pytest.mark.parametrize("case", numbered(COPIES))
async def test_a_wrong_copy_is_refused(lab: Lab, case: Case) -> None:
    await check_refused(lab, case)


SCHEMAS = [
    *refused(
        UsageError,
        "create_all() takes the SCHEMA of generated packages, not",
        lambda lab: lab.engine.create_all(None),
        lambda lab: lab.engine.create_all(User),
        lambda lab: lab.engine.create_all(blog),
    ),
    *refused(
        UsageError,
        "create_all() takes the SCHEMA of generated packages, not str",
        lambda lab: lab.engine.create_all("x"),
    ),
]


@pytest.mark.parametrize("case", numbered(SCHEMAS))
async def test_what_is_no_schema_is_refused(lab: Lab, case: Case) -> None:
    await check_refused(lab, case)
