"""Wrong calls that change rows."""

from __future__ import annotations

import pytest

from examples.blog.db import Post, Tag, User
from ormkit import (
    UNSET,
    InvalidValue,
    MissingValue,
    NotNullViolation,
    StaleObject,
    StatementError,
    UniqueViolation,
    UnknownName,
    UsageError,
    func,
    validates,
)
from tests.reliability.bad_inputs.cases import Case, Lab, check_refused, numbered, refused

UPDATES = [
    *refused(
        MissingValue,
        "User: update needs at least one column=value",
        lambda lab: lab.session.update(lab.ada),
    ),
    *refused(
        UnknownName,
        "User has no column 'nme': did you mean 'name'?",
        lambda lab: lab.session.update(lab.ada, nme="x"),
    ),
    *refused(
        NotNullViolation,
        'null value in column "name" of relation "users" violates',
        lambda lab: lab.session.update(lab.ada, name=None),
    ),
    *refused(
        InvalidValue,
        "User.name is of type varchar(100) and cannot take this int:",
        lambda lab: lab.session.update(lab.ada, name=1),
    ),
    *refused(
        InvalidValue,
        "User.age is of type integer and cannot take this str: it",
        lambda lab: lab.session.update(lab.ada, age="x"),
    ),
    *refused(
        StatementError,
        'column "age" is of type integer but expression is of type',
        lambda lab: lab.session.update(lab.ada, age=User.name),
        lambda lab: lab.session.update(lab.ada, age=User.age > 3),
    ),
    *refused(
        UsageError,
        "Post is not part of this query: reach its columns through a",
        lambda lab: lab.session.update(lab.ada, age=Post.views),
    ),
    *refused(
        StatementError,
        "aggregate functions are not allowed in UPDATE",
        lambda lab: lab.session.update(lab.ada, age=func.count()),
    ),
    *refused(
        InvalidValue,
        "User.age is of type integer and cannot take this Order: it",
        lambda lab: lab.session.update(lab.ada, age=User.age.desc()),
    ),
    *refused(
        UnknownName,
        "User has no column 'posts': there are: age, bio, created_at,",
        lambda lab: lab.session.update(lab.ada, posts=[]),
    ),
    *refused(
        UnknownName,
        "Post has no column 'author': did you mean 'author_id'?",
        lambda lab: lab.session.update(lab.post, author=lab.grace),
    ),
    *refused(
        NotNullViolation,
        'null value in column "id" of relation "users" violates',
        lambda lab: lab.session.update(lab.ada, id=None),
    ),
    *refused(
        InvalidValue,
        "User.id is of type bigint and cannot take this str: it takes",
        lambda lab: lab.session.update(lab.ada, id="x"),
    ),
    *refused(
        UsageError,
        "this User has no id yet: insert it first",
        lambda lab: lab.session.update(User(name="new"), name="y"),
    ),
    *refused(
        StaleObject,
        "no row to update: this User is no longer in the database",
        lambda lab: lab.session.update(lab.gone, name="y"),
    ),
    *refused(
        UsageError,
        "an object of a generated model is needed, not NoneType",
        lambda lab: lab.session.update(None, name="x"),
    ),
    *refused(
        UsageError,
        "an object of a generated model is needed, not UserColumns",
        lambda lab: lab.session.update(User, name="x"),
    ),
    *refused(
        UsageError,
        "an object of a generated model is needed, not str",
        lambda lab: lab.session.update("x", name="x"),
    ),
    *refused(
        UsageError,
        "an object of a generated model is needed, not list",
        lambda lab: lab.session.update([lab.ada], name="x"),
    ),
    *refused(
        UsageError,
        "Note.doubled is filled in by PostgreSQL and cannot be assigned",
        lambda lab: lab.session.update(lab.note, doubled="x"),
    ),
    *refused(
        InvalidValue,
        "Note.version is of type integer and cannot take this str: it",
        lambda lab: lab.session.update(lab.note, version="x"),
    ),
    *refused(
        InvalidValue,
        "User.age is of type integer and cannot take this Unset: it",
        lambda lab: lab.session.update(lab.ada, age=UNSET),
    ),
    *refused(
        StatementError,
        'column "settings" is of type jsonb but expression is of type',
        lambda lab: lab.session.update(lab.ada, settings=User.age),
    ),
]


@pytest.mark.parametrize("case", numbered(UPDATES))
async def test_a_wrong_update_is_refused(lab: Lab, case: Case) -> None:
    await check_refused(lab, case)


BULK_UPDATES = [
    *refused(
        UsageError,
        "bulk_update() takes a list of objects, not NoneType",
        lambda lab: lab.session.bulk_update(None),
    ),
    *refused(
        UsageError,
        "bulk_update() takes a list of objects, not User",
        lambda lab: lab.session.bulk_update(lab.ada),
    ),
    *refused(
        UsageError,
        "fields must be a list of at least one column or name of a column",
        lambda lab: lab.session.bulk_update([lab.ada], []),
        lambda lab: lab.session.bulk_update([lab.ada], "age"),
        lambda lab: lab.session.bulk_update([lab.ada], 5),
    ),
    *refused(
        UnknownName,
        "User has no column 'nope': there are: age, bio, created_at,",
        lambda lab: lab.session.bulk_update([lab.ada], ["nope"]),
    ),
    *refused(
        UnknownName,
        "User has no column None: there are: age, bio, created_at,",
        lambda lab: lab.session.bulk_update([lab.ada], [None]),
    ),
    *refused(
        UnknownName,
        "User has no column 1: there are: age, bio, created_at, email,",
        lambda lab: lab.session.bulk_update([lab.ada], [1]),
    ),
    *refused(
        UnknownName,
        "User has no column <Column Post.title: varchar(200)>: there",
        lambda lab: lab.session.bulk_update([lab.ada], [Post.title]),
    ),
    *refused(
        UnknownName,
        "User has no column <ToMany User.posts -> Post>: there are:",
        lambda lab: lab.session.bulk_update([lab.ada], [User.posts]),
    ),
    *refused(
        UnknownName,
        "User has no column 'posts': there are: age, bio, created_at,",
        lambda lab: lab.session.bulk_update([lab.ada], ["posts"]),
    ),
    *refused(
        UsageError,
        "Note.doubled is filled in by PostgreSQL and cannot be assigned",
        lambda lab: lab.session.bulk_update([lab.note], ["doubled"]),
    ),
    *refused(
        UsageError,
        "bulk_update: the same User is given twice",
        lambda lab: lab.session.bulk_update([lab.ada, lab.ada], ["age"]),
    ),
    *refused(
        UsageError,
        "bulk_update takes objects of one model at a time",
        lambda lab: lab.session.bulk_update([lab.ada, lab.post], ["age"]),
    ),
    *refused(
        UsageError,
        "an object of a generated model is needed, not NoneType",
        lambda lab: lab.session.bulk_update([lab.ada, None], ["age"]),
    ),
    *refused(
        UsageError,
        "this User has no id yet: insert it first",
        lambda lab: lab.session.bulk_update([User(name="n")], ["name"]),
    ),
    *refused(
        StaleObject,
        "no row to update: this User is no longer in the database",
        lambda lab: lab.session.bulk_update([lab.gone], ["name"]),
        lambda lab: lab.session.bulk_update([lab.ada, lab.gone], ["name"]),
    ),
    *refused(
        UsageError,
        "PartialUser is a part of User, which only() reads, and here a whole object is needed",
        lambda lab: lab.session.bulk_update([lab.part]),
    ),
    *refused(
        UsageError,
        "an object of a generated model is needed, not str",
        lambda lab: lab.session.bulk_update("ab", ["age"]),
    ),
]


@pytest.mark.parametrize("case", numbered(BULK_UPDATES))
async def test_a_wrong_bulk_update_is_refused(lab: Lab, case: Case) -> None:
    await check_refused(lab, case)


UPSERTS = [
    *refused(
        UsageError,
        "an object of a generated model is needed, not NoneType",
        lambda lab: lab.session.upsert(None),
    ),
    *refused(
        UsageError,
        "an object of a generated model is needed, not UserColumns",
        lambda lab: lab.session.upsert(User),
    ),
    *refused(
        MissingValue,
        "upsert: User.id identifies the row and has no value: give it",
        lambda lab: lab.session.upsert(User(name="n")),
        lambda lab: lab.session.upsert_all([User(name="n"), User(name="m")]),
    ),
    *refused(
        UnknownName,
        "User has no column 'nope': there are: age, bio, created_at,",
        lambda lab: lab.session.upsert(User(id=5, name="n"), conflict_target=["nope"]),
        lambda lab: lab.session.upsert(User(id=5, name="n"), update_fields=["nope"]),
    ),
    *refused(
        StatementError,
        "upsert: nothing in the database makes (age) of User unique:",
        lambda lab: lab.session.upsert(User(id=5, name="n"), conflict_target=["age"]),
    ),
    *refused(
        StatementError,
        "upsert: nothing in the database makes (name) of User unique:",
        lambda lab: lab.session.upsert(User(id=5, name="n"), conflict_target=["name"]),
    ),
    *refused(
        UniqueViolation,
        'duplicate key value violates unique constraint "users_pkey"',
        lambda lab: lab.session.upsert(
            User(id=lab.ada.id, name="n", email=None), conflict_target=["email"]
        ),
    ),
    *refused(
        UnknownName,
        "User has no column 1: there are: age, bio, created_at, email,",
        lambda lab: lab.session.upsert(User(id=5, name="n"), conflict_target=[1]),
    ),
    *refused(
        UnknownName,
        "User has no column <Column Post.id: bigint>: there are: age,",
        lambda lab: lab.session.upsert(User(id=5, name="n"), conflict_target=[Post.id]),
    ),
    *refused(
        UsageError,
        "give a list of column names, not int",
        lambda lab: lab.session.upsert(User(id=5, name="n"), conflict_target=5),
        lambda lab: lab.session.upsert(User(id=5, name="n"), update_fields=5),
    ),
    *refused(
        UnknownName,
        "User has no column None: there are: age, bio, created_at,",
        lambda lab: lab.session.upsert(User(id=5, name="n"), update_fields=[None]),
    ),
    *refused(
        UnknownName,
        "User has no column <Column Post.title: varchar(200)>: there",
        lambda lab: lab.session.upsert(User(id=5, name="n"), update_fields=[Post.title]),
    ),
    *refused(
        UsageError,
        "Note.doubled is filled in by PostgreSQL and cannot be assigned",
        lambda lab: lab.session.upsert(lab.models.Note(id=5, text="n"), update_fields=["doubled"]),
    ),
    *refused(
        MissingValue,
        "upsert: Note.doubled identifies the row and has no value: give",
        lambda lab: lab.session.upsert(
            lab.models.Note(id=5, text="n"), conflict_target=["doubled"]
        ),
    ),
    *refused(
        UsageError,
        "upsert_all() takes a list of objects, not NoneType",
        lambda lab: lab.session.upsert_all(None),
    ),
    *refused(
        UsageError,
        "upsert_all() takes a list of objects, not User",
        lambda lab: lab.session.upsert_all(User(id=5, name="n")),
    ),
    *refused(
        UsageError,
        "upsert_all takes objects of one model at a time",
        lambda lab: lab.session.upsert_all([User(id=5, name="n"), Tag(id=1, name="n")]),
        lambda lab: lab.session.upsert_all([User(id=5, name="n"), None]),
    ),
    *refused(
        UsageError,
        "NoneType is not a generated model: give a class such as User,",
        lambda lab: lab.session.upsert_all([None]),
    ),
    *refused(
        UsageError,
        "str is not a generated model: give a class such as User, or",
        lambda lab: lab.session.upsert_all(["x"]),
    ),
    *refused(
        UsageError,
        "upsert_all: two User objects have the same id, which identifies the",
        lambda lab: lab.session.upsert_all([User(id=5, name="n"), User(id=5, name="m")]),
    ),
    *refused(
        MissingValue,
        "upsert: User.id identifies the row and has no value: give",
        lambda lab: lab.session.upsert_all([User(id=5, name="n"), User(name="m")]),
    ),
    *refused(
        UsageError,
        "upsert_all: two Tag objects have the same name, which identifies the",
        lambda lab: lab.session.upsert_all(
            [Tag(name="z"), Tag(name="z")], conflict_target=["name"]
        ),
    ),
]


@pytest.mark.parametrize("case", numbered(UPSERTS))
async def test_a_wrong_upsert_is_refused(lab: Lab, case: Case) -> None:
    await check_refused(lab, case)


REMOVALS = [
    *refused(
        UsageError,
        "an object of a generated model is needed, not NoneType",
        lambda lab: lab.session.remove(None),
        lambda lab: lab.session.soft_delete(None),
        lambda lab: lab.session.restore(None),
        lambda lab: lab.session.force_delete(None),
        lambda lab: lab.session.delete(None),
        lambda lab: lab.session.remove_all([lab.ada, None]),
    ),
    *refused(
        UsageError,
        "remove_all() takes a list of objects, not User",
        lambda lab: lab.session.remove_all(lab.ada),
    ),
    *refused(
        UsageError,
        "remove_all() takes a list of objects, not NoneType",
        lambda lab: lab.session.remove_all(None),
    ),
    *refused(
        UsageError,
        "an object of a generated model is needed, not str",
        lambda lab: lab.session.remove_all("users"),
    ),
    *refused(
        UsageError,
        "an object is given twice",
        lambda lab: lab.session.remove_all([lab.ada, lab.ada]),
    ),
    *refused(
        UsageError,
        "validates() takes columns or their names, not NoneType",
        lambda lab: validates(None),
        lambda lab: validates("name", None),
    ),
    *refused(
        UsageError,
        "an object of a generated model is needed, not UserColumns",
        lambda lab: lab.session.remove(User),
    ),
    *refused(
        UsageError,
        "this User has no id yet: insert it first",
        lambda lab: lab.session.remove(User(name="x")),
        lambda lab: lab.session.remove_all([lab.ada, User(name="x")]),
    ),
    *refused(
        StaleObject,
        "no row to delete: this User is no longer in the database",
        lambda lab: lab.session.remove(lab.gone),
        lambda lab: lab.session.force_delete(lab.gone),
        lambda lab: lab.session.remove_all([lab.gone]),
    ),
    *refused(
        UsageError,
        "an object of a generated model is needed, not list",
        lambda lab: lab.session.remove([lab.ada]),
    ),
    *refused(
        UsageError,
        "an object of a generated model is needed, not int",
        lambda lab: lab.session.remove(lab.ada.id),
    ),
    *refused(
        UsageError,
        "User has no column for soft deletes: add the mixin",
        lambda lab: lab.session.soft_delete(lab.ada),
        lambda lab: lab.session.restore(lab.ada),
    ),
    *refused(
        UsageError,
        "this Note has no id yet: insert it first",
        lambda lab: lab.session.soft_delete(lab.models.Note(text="x")),
    ),
]


@pytest.mark.parametrize("case", numbered(REMOVALS))
async def test_what_cannot_be_deleted_is_refused(lab: Lab, case: Case) -> None:
    await check_refused(lab, case)
