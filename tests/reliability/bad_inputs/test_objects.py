"""Wrong keys and models, and objects that cannot be."""

from __future__ import annotations

import pytest

from examples.blog.db import Post, Profile, User
from ormkit import (
    UNSET,
    CheckViolation,
    DataError,
    ForeignKeyViolation,
    InvalidValue,
    MissingValue,
    Model,
    NotFound,
    NotNullViolation,
    UniqueViolation,
    UsageError,
    func,
)
from tests.reliability.bad_inputs.cases import HALF, Case, Lab, check_refused, numbered, refused

KEYS = [
    *refused(
        UsageError,
        "User is found by a value of id, and none of it can be None",
        lambda lab: lab.session.get(User, None),
        lambda lab: lab.session.get_or_raise(User, None),
        lambda lab: lab.users.get(None),
    ),
    *refused(
        InvalidValue,
        "User.id is of type bigint and cannot take this str: it takes",
        lambda lab: lab.session.get(User, "1"),
        lambda lab: lab.session.get_or_raise(User, "x"),
        lambda lab: lab.users.get("1"),
    ),
    *refused(
        InvalidValue,
        "User.id is of type bigint and cannot take this float: it has",
        lambda lab: lab.session.get(User, 1.5),
    ),
    *refused(
        InvalidValue,
        "User.id is of type bigint and cannot take this int: it is",
        lambda lab: lab.session.get(User, 2**63),
        lambda lab: lab.session.get(User, 10**5000),
        lambda lab: lab.users.get(10**5000),
    ),
    *refused(
        InvalidValue,
        "User.id is of type bigint and cannot take this list: it takes",
        lambda lab: lab.session.get(User, [1]),
    ),
    *refused(
        InvalidValue,
        "User.id is of type bigint and cannot take this tuple: it",
        lambda lab: lab.session.get(User, (1,)),
        lambda lab: lab.session.get(User, (1, 2)),
        lambda lab: lab.users.get((1, 2)),
    ),
    *refused(
        InvalidValue,
        "User.id is of type bigint and cannot take this User: it takes",
        lambda lab: lab.session.get(User, lab.ada),
    ),
    *refused(
        InvalidValue,
        "User.id is of type bigint and cannot take this Column: it",
        lambda lab: lab.session.get(User, User.id),
    ),
    *refused(
        InvalidValue,
        "User.id is of type bigint and cannot take this float: it is",
        lambda lab: lab.session.get(User, float("nan")),
    ),
    *refused(
        InvalidValue,
        "User.id is of type bigint and cannot take this bytes: it",
        lambda lab: lab.session.get(User, b"1"),
    ),
    *refused(
        UsageError,
        "'User' is not a generated model: pass a class such as User",
        lambda lab: lab.session.get("User", 1),
    ),
    *refused(
        UsageError,
        "None is not a generated model: pass a class such as User",
        lambda lab: lab.session.get(None, 1),
    ),
    *refused(
        UsageError,
        "Model is not a generated model: give a class such as User, or",
        lambda lab: lab.session.get(Model, 1),
    ),
    *refused(
        UsageError,
        "int is not a generated model: give a class such as User, or",
        lambda lab: lab.session.get(int, 1),
    ),
    *refused(
        UsageError,
        "Seat is found by the tuple (row, letter), and none of it can",
        lambda lab: lab.session.get(lab.models.Seat, 1),
        lambda lab: lab.session.get(lab.models.Seat, (1,)),
        lambda lab: lab.session.get(lab.models.Seat, (1, "a", "b")),
        lambda lab: lab.session.get(lab.models.Seat, (None, "a")),
        lambda lab: lab.session.get(lab.models.Seat, (1, None)),
        lambda lab: lab.session.get(lab.models.Seat, {1: "a"}),
        lambda lab: lab.session.get(lab.models.Seat, "1a"),
        lambda lab: lab.session.query(lab.models.Seat).get(1),
    ),
    *refused(
        InvalidValue,
        "Seat.row is of type integer and cannot take this str: it",
        lambda lab: lab.session.get(lab.models.Seat, ("a", 1)),
    ),
    *refused(
        DataError,
        'Seat.letter: invalid byte sequence for encoding "...": 0x00;',
        lambda lab: lab.session.get(lab.models.Seat, (1, "a\0")),
    ),
    *refused(
        InvalidValue,
        "Seat.letter is of type text and cannot take this str: it",
        lambda lab: lab.session.get(lab.models.Seat, (1, HALF)),
    ),
    *refused(
        NotFound,
        "there is no User with the given key",
        lambda lab: lab.session.get_or_raise(User, 999999),
    ),
]


@pytest.mark.parametrize("case", numbered(KEYS))
async def test_a_key_that_cannot_be_is_refused(lab: Lab, case: Case) -> None:
    await check_refused(lab, case)


MODELS = [
    *refused(
        UsageError,
        "int is not a generated model: give a class such as User, or",
        lambda lab: lab.session.query(int),
    ),
    *refused(
        UsageError,
        "'User' is not a generated model: pass a class such as User",
        lambda lab: lab.session.query("User"),
    ),
    *refused(
        UsageError,
        "None is not a generated model: pass a class such as User",
        lambda lab: lab.session.query(None),
    ),
    *refused(
        UsageError,
        "Model is not a generated model: give a class such as User, or",
        lambda lab: lab.session.query(Model),
    ),
    *refused(
        UsageError,
        "NoneType is not a generated model: give a class such as User,",
        lambda lab: lab.session.insert(None),
        lambda lab: lab.session.insert_all([None]),
        lambda lab: lab.session.insert_all([User(name="x"), None]),
    ),
    *refused(
        UsageError,
        "UserColumns is not a generated model: give a class such as",
        lambda lab: lab.session.insert(User),
    ),
    *refused(
        UsageError,
        "dict is not a generated model: give a class such as User, or",
        lambda lab: lab.session.insert({"name": "x"}),
        lambda lab: lab.session.insert_all([User(name="x"), {"name": "y"}]),
    ),
    *refused(
        UsageError,
        "str is not a generated model: give a class such as User, or",
        lambda lab: lab.session.insert("x"),
        lambda lab: lab.session.insert_all(["x"]),
        lambda lab: lab.session.insert_all("ab"),
    ),
    *refused(
        UsageError,
        "list is not a generated model: give a class such as User, or",
        lambda lab: lab.session.insert([User(name="x")]),
    ),
    *refused(
        UsageError,
        "object is not a generated model: give a class such as User,",
        lambda lab: lab.session.insert(object()),
    ),
    *refused(
        UsageError,
        "insert_all() takes a list of objects, not NoneType",
        lambda lab: lab.session.insert_all(None),
    ),
    *refused(
        UsageError,
        "insert_all() takes a list of objects, not User",
        lambda lab: lab.session.insert_all(User(name="x")),
    ),
    *refused(
        UsageError,
        "insert_all() takes a list of objects, not int",
        lambda lab: lab.session.insert_all(5),
    ),
    *refused(
        UniqueViolation,
        'duplicate key value violates unique constraint "users_pkey"',
        lambda lab: lab.session.insert_all([lab.ada]),
        lambda lab: lab.session.insert(lab.ada),
        lambda lab: lab.session.insert_all([User(id=77, name="a"), User(id=77, name="b")]),
    ),
    *refused(
        UniqueViolation,
        "duplicate key value violates unique constraint",
        lambda lab: lab.session.insert_all(
            [User(name="a", email="e@x"), User(name="b", email="e@x")]
        ),
    ),
    *refused(
        MissingValue,
        "User.name has no value and no default: pass name=...",
        lambda lab: lab.session.insert(User.__new__(User)),
        lambda lab: lab.session.insert_all([User.__new__(User)]),
    ),
    *refused(
        NotNullViolation,
        'null value in column "name" of relation "users" violates',
        lambda lab: lab.session.insert(User(name=None)),
    ),
    *refused(
        InvalidValue,
        "User.name is of type varchar(100) and cannot take this",
        lambda lab: lab.session.insert(User(name=User.name)),
        lambda lab: lab.session.insert(User(name=func.now())),
    ),
    *refused(
        InvalidValue,
        "User.name is of type varchar(100) and cannot take this Unset:",
        lambda lab: lab.session.insert(User(name=UNSET)),
    ),
    *refused(
        InvalidValue,
        "User.name is of type varchar(100) and cannot take this Column",
        lambda lab: lab.session.insert_all([User(name="x"), User(name=User.name)]),
    ),
    *refused(
        MissingValue,
        "Post.author_id has no value and no default: pass",
        lambda lab: lab.session.insert(Post(title="x")),
    ),
    *refused(
        NotNullViolation,
        'null value in column "author_id" of relation "posts" violates',
        lambda lab: lab.session.insert(Post(author=None, title="x")),
    ),
    *refused(
        UsageError,
        "Post.author must be an object of User or None, not int",
        lambda lab: lab.session.insert(Post(author=lab.grace.id, title="x")),
    ),
    *refused(
        UsageError,
        "Post.author must be an object of User or None, not str",
        lambda lab: lab.session.insert(Post(author="Ada", title="x")),
    ),
    *refused(
        UsageError,
        "Post.author must be an object of User or None, not Tag",
        lambda lab: lab.session.insert(Post(author=lab.tag, title="x")),
    ),
    *refused(
        UsageError,
        "Post.author must be an object of User or None, not Post",
        lambda lab: lab.session.insert(Post(author=lab.post, title="x")),
    ),
    *refused(
        MissingValue,
        "the object given as Post.author has no key yet: insert it",
        lambda lab: lab.session.insert(Post(author=User(name="new"), title="x")),
    ),
    *refused(
        ForeignKeyViolation,
        'insert or update on table "posts" violates foreign key',
        lambda lab: lab.session.insert(Post(author_id=999999, title="x")),
        lambda lab: lab.session.insert(Post(author=lab.gone, title="x")),
    ),
    *refused(
        InvalidValue,
        "Post.author_id is of type bigint and cannot take this str: it",
        lambda lab: lab.session.insert(Post(author_id="1", title="x")),
    ),
    *refused(
        InvalidValue,
        "Post.title is of type varchar(200) and cannot take this str: it has 300 characters",
        lambda lab: lab.session.insert(Post(author=lab.ada, title="x" * 300)),
    ),
    *refused(
        CheckViolation,
        'new row for relation "posts" violates check constraint',
        lambda lab: lab.session.insert(Post(author=lab.ada, title="x", views=-1)),
    ),
    *refused(
        DataError,
        'Post.status: invalid input value for enum post_status: "...";',
        lambda lab: lab.session.insert(Post(author=lab.ada, title="x", status="nope")),
    ),
    *refused(
        UsageError,
        "Profile.user must be an object of User or None, not PartialUser",
        lambda lab: lab.session.insert(Profile(user=lab.part)),
    ),
    *refused(
        UsageError,
        "PartialUser is a part of User, which only() reads, and here a whole object is needed",
        lambda lab: lab.session.insert(lab.part),
    ),
]


@pytest.mark.parametrize("case", numbered(MODELS))
async def test_what_is_no_object_or_cannot_be_stored_is_refused(lab: Lab, case: Case) -> None:
    await check_refused(lab, case)


ATTRIBUTES = [
    *refused(
        UsageError,
        "User.posts cannot be assigned: a list set here would never be",
        lambda lab: setattr(lab.ada, "posts", []),
    ),
    *refused(
        UsageError,
        "Post.author must be an object of User or None, not str",
        lambda lab: setattr(lab.post, "author", "x"),
        lambda lab: Post(author="x", title="t"),
    ),
    *refused(
        UsageError,
        "an SQL expression has no truth value in Python: combine conditions",
        lambda lab: bool(User.age == 3),
        lambda lab: (User.age == 3) and (User.age == 4),
        lambda lab: User.age in [1],
        lambda lab: 1 < User.age < 3,
    ),
    *refused(
        UsageError,
        "True is not a condition: put comparisons in parentheses around",
        lambda lab: (User.age == 3) & True,
    ),
    *refused(
        UsageError,
        "<Column User.age: integer> is not a condition: put comparisons",
        lambda lab: (User.age == 3) & User.age,
    ),
    *refused(
        UsageError,
        "None is not a condition: put comparisons in parentheses around",
        lambda lab: (User.age == 3) | None,
    ),
]


@pytest.mark.parametrize("case", numbered(ATTRIBUTES))
async def test_an_attribute_or_a_condition_that_is_misused_is_refused(lab: Lab, case: Case) -> None:
    await check_refused(lab, case)
