"""Wrong values to select, group and assign."""

from __future__ import annotations

import pytest

from examples.blog.db import Post, User
from ormkit import (
    DatabaseError,
    InvalidValue,
    MissingValue,
    NotNullViolation,
    StatementError,
    UnknownName,
    UsageError,
    func,
    joinedload,
)
from tests.reliability.bad_inputs.cases import Case, Lab, check_refused, numbered, refused

SELECTIONS = [
    *refused(
        UnknownName,
        "User has no column 'nope': there are: age, avg_views, bio, created_at,",
        lambda lab: lab.users.values("nope"),
        lambda lab: lab.users.values_list("nope"),
        lambda lab: lab.users.group_by("nope").values(),
        lambda lab: lab.users.distinct_on("nope"),
        lambda lab: lab.users.only("nope"),
    ),
    *refused(
        UnknownName,
        "User has no computed attribute 'nope': there are: avg_views, post_count",
        lambda lab: lab.users.with_computed("nope"),
        lambda lab: lab.users.with_computed("post_count", "nope"),
        lambda lab: lab.users.only("name").with_computed("nope"),
        lambda lab: lab.posts.options(joinedload(Post.author).with_computed("nope")),
    ),
    *refused(
        UsageError,
        "Post.headline is not a computed attribute of User",
        lambda lab: lab.users.with_computed(Post.headline),
    ),
    *refused(
        UsageError,
        "None is not a column of User",
        lambda lab: lab.users.values(None),
        lambda lab: lab.users.values_list(None),
        lambda lab: lab.users.group_by(None),
        lambda lab: lab.users.only(None),
    ),
    *refused(
        UsageError,
        "1 is not a column of User",
        lambda lab: lab.users.values(1),
    ),
    *refused(
        UsageError,
        "['name'] is not a column of User",
        lambda lab: lab.users.values(["name"]),
    ),
    *refused(
        UsageError,
        "'name' is selected twice: give one a name with annotate()",
        lambda lab: lab.users.values("name", "name"),
        lambda lab: lab.users.values(User.name, User.name),
    ),
    *refused(
        UnknownName,
        "User has no column 'posts': there are: age, avg_views, bio, created_at,",
        lambda lab: lab.users.values("posts"),
        lambda lab: lab.users.only("posts"),
    ),
    *refused(
        UsageError,
        "User.posts is a to-many relationship: select one value of its rows",
        lambda lab: lab.users.values("posts__title"),
    ),
    *refused(
        UnknownName,
        "User has no column 'age__x': did you mean 'age'?",
        lambda lab: lab.users.values("age__x"),
    ),
    *refused(
        UsageError,
        "Post is not part of this query: reach its columns through a",
        lambda lab: lab.users.values(Post.title),
        lambda lab: lab.users.values_list(Post.title),
        lambda lab: lab.users.scalars(Post.title),
        lambda lab: lab.users.with_values(Post.title),
        lambda lab: lab.users.sum(Post.views),
    ),
    *refused(
        UsageError,
        "<class 'examples.blog.db.user.User'> is not a column of User",
        lambda lab: lab.users.values(User),
    ),
    *refused(
        UsageError,
        "<ToMany User.posts -> Post> is not a column of User",
        lambda lab: lab.users.values(User.posts),
    ),
    *refused(
        UsageError,
        "3 is not a column of User",
        lambda lab: lab.users.values_list(User.name, 3),
    ),
    *refused(
        StatementError,
        'column "users.name" must appear in the GROUP BY clause or be',
        lambda lab: lab.users.values_list(func.count(), User.name),
        lambda lab: lab.users.group_by("age").values("name"),
    ),
    *refused(
        UsageError,
        "scalars() takes columns such as User.name, not None",
        lambda lab: lab.users.scalars(None),
    ),
    *refused(
        UsageError,
        "scalars() takes columns such as User.name, not 'name'",
        lambda lab: lab.users.scalars("name"),
    ),
    *refused(
        UsageError,
        "with_values() needs at least one column",
        lambda lab: lab.users.with_values(),
    ),
    *refused(
        UsageError,
        "with_values() takes columns such as User.name, not 'name'",
        lambda lab: lab.users.with_values("name"),
    ),
    *refused(
        UsageError,
        "annotate(n=...) takes an expression, not 3",
        lambda lab: lab.users.annotate(n=3),
    ),
    *refused(
        UsageError,
        "annotate(n=...) takes an expression, not 'age'",
        lambda lab: lab.users.annotate(n="age"),
    ),
    *refused(
        UsageError,
        "annotate(n=...) takes an expression, not None",
        lambda lab: lab.users.annotate(n=None),
    ),
    *refused(
        UsageError,
        "annotate(name=...): User has that name already",
        lambda lab: lab.users.annotate(name=func.count()),
    ),
    *refused(
        UsageError,
        "annotate(posts=...): User has that name already",
        lambda lab: lab.users.annotate(posts=func.count()),
    ),
    *refused(
        UnknownName,
        "User has no 'm': there are: age, avg_views, bio, created_at, email, id, n,",
        lambda lab: lab.users.annotate(n=User.age).order_by("m"),
        lambda lab: lab.users.annotate(n=User.age).values("m"),
    ),
    *refused(
        UsageError,
        "annotate(n=...) takes an expression, not <ToMany User.posts",
        lambda lab: lab.users.annotate(n=User.posts),
    ),
    *refused(
        UsageError,
        "annotate(n=...) takes an expression, not",
        lambda lab: lab.users.annotate(n=User.age.desc()),
    ),
    *refused(
        UsageError,
        "group_by() needs at least one column",
        lambda lab: lab.users.group_by(),
    ),
    *refused(
        UsageError,
        "[<Column User.age: integer>] is not a column of User",
        lambda lab: lab.users.group_by([User.age]),
    ),
    *refused(
        UsageError,
        "objects: the rows of group_by() are not User objects: read them",
        lambda lab: lab.users.group_by("age").all(),
        lambda lab: lab.users.group_by("age").first(),
        lambda lab: (lab.users.group_by("age").stream()),
        lambda lab: lab.users.having(func.count()),
    ),
    *refused(
        UsageError,
        "sum() does not work after group_by(): select func.sum(...)",
        lambda lab: lab.users.group_by("age").sum(User.age),
    ),
    *refused(
        UsageError,
        "update() changes rows of the table, and distinct() and group_by()",
        lambda lab: lab.users.group_by("age").update(name="x"),
        lambda lab: lab.users.distinct_on("age").update(name="x"),
    ),
    *refused(
        UsageError,
        "delete() changes rows of the table, and distinct() and group_by()",
        lambda lab: lab.users.group_by("age").delete(),
    ),
    *refused(
        UsageError,
        "rows that distinct() or group_by() merged cannot be locked",
        lambda lab: lab.users.group_by("age").for_update().values(),
        lambda lab: lab.users.distinct().for_update(),
    ),
    *refused(
        UsageError,
        "User: 'x' is not a condition: write one like User.id == value,",
        lambda lab: lab.users.having("x"),
    ),
    *refused(
        UsageError,
        "User: None is not a condition: write one like User.id == value,",
        lambda lab: lab.users.having(None),
    ),
    *refused(
        UsageError,
        "User: True is not a condition: write one like User.id == value,",
        lambda lab: lab.users.having(True),
    ),
    *refused(
        InvalidValue,
        "the expression is of type bigint and cannot take this str: it",
        lambda lab: lab.users.having(func.count() > "x").values_list(func.count()),
    ),
    *refused(
        StatementError,
        'column "users.age" must appear in the GROUP BY clause or be',
        lambda lab: lab.users.having(User.age > 3).values_list(func.count()),
    ),
    *refused(
        UsageError,
        "distinct_on() needs at least one column",
        lambda lab: lab.users.distinct_on(),
    ),
    *refused(
        UsageError,
        "distinct_on(): order_by() must begin with the same columns",
        lambda lab: lab.users.distinct_on("age").order_by("name"),
    ),
    *refused(
        UsageError,
        "only() needs at least one column",
        lambda lab: lab.users.only(),
    ),
    *refused(
        UsageError,
        "only() takes columns of User",
        lambda lab: lab.users.only(Post.title),
        lambda lab: lab.users.only(func.lower(User.name)),
        lambda lab: lab.users.only("settings__plan"),
    ),
    *refused(
        UsageError,
        "with_values() reads whole objects, and only() reads a part of them",
        lambda lab: lab.users.only("name").with_values(User.age),
    ),
    *refused(
        UsageError,
        "sum() takes a column such as User.age, not 3",
        lambda lab: lab.users.sum(3),
    ),
    *refused(
        UsageError,
        "sum() takes a column such as User.age, not None",
        lambda lab: lab.users.sum(None),
    ),
    *refused(
        UsageError,
        "User.name: sum() adds up numbers and intervals, and this is",
        lambda lab: lab.users.sum(User.name),
    ),
    *refused(
        UsageError,
        "User.settings: avg() adds up numbers and intervals, and this",
        lambda lab: lab.users.avg(User.settings),
    ),
    *refused(
        UsageError,
        "min() takes a column such as User.age, not <ToMany User.posts",
        lambda lab: lab.users.min(User.posts),
    ),
    *refused(
        UsageError,
        "max() takes a column such as User.age, not 3",
        lambda lab: lab.users.max(3),
    ),
    *refused(
        UsageError,
        "subquery() takes columns such as User.name, not 'age'",
        lambda lab: lab.users.subquery("age"),
    ),
    *refused(
        UsageError,
        "subquery() takes columns such as User.name, not None",
        lambda lab: lab.users.subquery(None),
    ),
    *refused(
        DatabaseError,
        "more than one row returned by a subquery used as an expression",
        lambda lab: lab.users.filter(User.age == lab.users.subquery(User.age)),
    ),
    *refused(
        UsageError,
        "for_update: nowait and skip_locked exclude each other",
        lambda lab: lab.users.for_update(nowait=True, skip_locked=True),
    ),
    *refused(
        UnknownName,
        "User has no relationship 'nope': there are: posts, profile",
        lambda lab: lab.users.for_update(of=["nope"]),
    ),
    *refused(
        UsageError,
        "of='posts': only tables that the query joins can be locked: add",
        lambda lab: lab.users.for_update(of=["posts"]),
    ),
    *refused(
        UsageError,
        "of must be a list of relationships or their names: write of=[...]",
        lambda lab: lab.users.for_update(of="profile"),
        lambda lab: lab.users.for_update(of=5),
    ),
    *refused(
        UsageError,
        "of=None: only tables that the query joins can be locked: add",
        lambda lab: lab.users.for_update(of=[None]),
    ),
    *refused(
        UsageError,
        "of=<Column User.age: integer>: only tables that the query joins can",
        lambda lab: lab.users.for_update(of=[User.age]),
    ),
]


@pytest.mark.parametrize("case", numbered(SELECTIONS))
async def test_a_wrong_selection_is_refused(lab: Lab, case: Case) -> None:
    await check_refused(lab, case)


CHANGES = [
    *refused(
        MissingValue,
        "User: update needs at least one column=value",
        lambda lab: lab.users.update(),
    ),
    *refused(
        UnknownName,
        "User has no column 'nope': there are: age, bio, created_at,",
        lambda lab: lab.users.update(nope=1),
    ),
    *refused(
        InvalidValue,
        "User.age is of type integer and cannot take this str: it",
        lambda lab: lab.users.update(age="x"),
    ),
    *refused(
        NotNullViolation,
        'null value in column "name" of relation "users" violates',
        lambda lab: lab.users.update(name=None),
    ),
    *refused(
        StatementError,
        "aggregate functions are not allowed in UPDATE",
        lambda lab: lab.users.update(age=func.count()),
    ),
    *refused(
        UsageError,
        "Post is not part of this query: reach its columns through a",
        lambda lab: lab.users.update(age=Post.views),
        lambda lab: lab.users.filter(id=-1).update(age=1).returning(Post.title),
    ),
    *refused(
        UnknownName,
        "User has no column 'posts': there are: age, bio, created_at,",
        lambda lab: lab.users.update(posts=[]),
    ),
    *refused(
        InvalidValue,
        "User.age is of type integer and cannot take this int: it is",
        lambda lab: lab.users.update(age=2**31),
    ),
    *refused(
        InvalidValue,
        "User.age is of type integer and cannot take this float: it is",
        lambda lab: lab.users.update(age=float("nan")),
    ),
    *refused(
        UsageError,
        "a function takes columns and expressions such as User.age,",
        lambda lab: lab.users.filter(id=1).update(name=func.concat("x")),
    ),
    *refused(
        InvalidValue,
        "User.age is of type integer and cannot take this list: it",
        lambda lab: lab.users.update(age=[1]),
    ),
    *refused(
        InvalidValue,
        "User.settings is of type jsonb and cannot take this object:",
        lambda lab: lab.users.update(settings=object()),
    ),
    *refused(
        InvalidValue,
        "User.settings is of type jsonb and cannot take this float:",
        lambda lab: lab.users.update(settings=float("inf")),
    ),
    *refused(
        UsageError,
        "Note.doubled is filled in by PostgreSQL and cannot be assigned",
        lambda lab: lab.session.query(lab.models.Note).update(doubled="x"),
    ),
    *refused(
        UsageError,
        "returning() takes columns such as User.name, not 'x'",
        lambda lab: lab.users.filter(id=-1).update(age=1).returning("x"),
    ),
    *refused(
        UsageError,
        "returning() takes columns such as User.name, not None",
        lambda lab: lab.users.filter(id=-1).update(age=1).returning(None),
    ),
    *refused(
        UsageError,
        "returning() takes columns such as User.name, not 'id'",
        lambda lab: lab.users.filter(id=-1).delete().returning("id"),
    ),
    *refused(
        StatementError,
        "aggregate functions are not allowed in RETURNING",
        lambda lab: lab.users.filter(id=-1).delete().returning(func.count()),
    ),
]


@pytest.mark.parametrize("case", numbered(CHANGES))
async def test_a_wrong_change_by_query_is_refused(lab: Lab, case: Case) -> None:
    await check_refused(lab, case)
