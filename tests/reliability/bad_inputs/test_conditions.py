"""Wrong conditions of every form."""

from __future__ import annotations

import pytest

from examples.blog.db import Post, User
from ormkit import (
    DataError,
    InvalidValue,
    Q,
    StatementError,
    UnknownName,
    UsageError,
    exists,
    func,
)
from tests.reliability.bad_inputs.cases import HALF, Case, Lab, check_refused, numbered, refused

CONDITIONS = [
    *refused(
        UnknownName,
        "User has no column 'nope': there are: age, avg_views, bio, created_at,",
        lambda lab: lab.users.filter(nope=1),
        lambda lab: lab.users.filter_by(nope=1),
        lambda lab: lab.users.exclude(nope=1),
    ),
    *refused(
        UnknownName,
        "User has no column 'agee': did you mean 'age'?",
        lambda lab: lab.users.filter(agee__gte=1),
    ),
    *refused(
        UnknownName,
        "User.age has no operator 'near' (in 'age__near'): did you",
        lambda lab: lab.users.filter(age__near=1),
    ),
    *refused(
        UnknownName,
        "User has no column '': there are: age, avg_views, bio, created_at,",
        lambda lab: lab.users.filter(__age=1),
        lambda lab: lab.users.filter(**{"": 1}),
    ),
    *refused(
        UnknownName,
        "User has no column 'age\\x00': did you mean 'age'?",
        lambda lab: lab.users.filter(**{"age\0": 1}),
    ),
    *refused(
        UnknownName,
        "User has no column '\\ud800': there are: age, avg_views, bio, created_at,",
        lambda lab: lab.users.filter(**{HALF: 1}),
    ),
    *refused(
        UnknownName,
        "User.posts is a relationship: write Q(posts=...), or",
        lambda lab: lab.users.filter(posts=1),
    ),
    *refused(
        UnknownName,
        "User.posts is a relationship: write Q(posts__title=...), or",
        lambda lab: lab.users.filter(posts__title="x"),
    ),
    *refused(
        UsageError,
        "User: True is not a condition: write one like User.id == value,",
        lambda lab: lab.users.filter(True),
        lambda lab: lab.users.exclude(True),
    ),
    *refused(
        UsageError,
        "User: None is not a condition: write one like User.id == value,",
        lambda lab: lab.users.filter(None),
    ),
    *refused(
        UsageError,
        "User: 1 is not a condition: write one like User.id == value, or",
        lambda lab: lab.users.filter(1),
    ),
    *refused(
        UsageError,
        "User: 'age > 3' is not a condition: write one like User.id ==",
        lambda lab: lab.users.filter("age > 3"),
    ),
    *refused(
        UsageError,
        "is not a condition: write one like User.id == value, or a keyword",
        lambda lab: lab.users.filter([User.age > 3]),
        lambda lab: lab.users.filter(User.age.desc()),
    ),
    *refused(
        StatementError,
        "argument of WHERE must be type boolean, not type integer",
        lambda lab: lab.users.filter(User.age),
    ),
    *refused(
        StatementError,
        "argument of WHERE must be type boolean, not type character",
        lambda lab: lab.users.filter(User.name),
    ),
    *refused(
        UsageError,
        "User: <class 'examples.blog.db.user.User'> is not a condition:",
        lambda lab: lab.users.filter(User),
    ),
    *refused(
        UsageError,
        "User: <ToMany User.posts -> Post> is not a condition: write one",
        lambda lab: lab.users.filter(User.posts),
    ),
    *refused(
        UsageError,
        "Post is not part of this query: reach its columns through a",
        lambda lab: lab.users.filter(Post.views > 3),
        lambda lab: lab.users.filter(User.age == Post.views),
    ),
    *refused(
        UsageError,
        "User: <function",
        lambda lab: lab.users.filter(lambda: 1),
    ),
    *refused(
        UsageError,
        "an aggregate cannot be used in filter(), since it is computed after",
        lambda lab: lab.users.filter(func.count() > 1),
    ),
    *refused(
        StatementError,
        "argument of WHERE must be type boolean, not type timestamp",
        lambda lab: lab.users.filter(func.now()),
    ),
    *refused(
        InvalidValue,
        "User.age is of type integer and cannot take this str: it",
        lambda lab: lab.users.filter(age="x"),
        lambda lab: lab.users.filter(age__in=["x"]),
        lambda lab: lab.users.filter(Q(age__gt="x")),
    ),
    *refused(
        InvalidValue,
        "User.age: a collection of values is needed, not int: write",
        lambda lab: lab.users.filter(age__between=3),
        lambda lab: lab.users.filter(age__in=3),
    ),
    *refused(
        InvalidValue,
        "User.age: between needs two values, (low, high), not 1",
        lambda lab: lab.users.filter(age__between=(1,)),
    ),
    *refused(
        InvalidValue,
        "User.age: between needs two values, (low, high), not 3",
        lambda lab: lab.users.filter(age__between=(1, 2, 3)),
    ),
    *refused(
        InvalidValue,
        "User.age: a collection of values is needed, not str: write",
        lambda lab: lab.users.filter(age__between="12"),
        lambda lab: lab.users.filter(age__in="12"),
    ),
    *refused(
        InvalidValue,
        "User.age: a collection of values is needed, not NoneType:",
        lambda lab: lab.users.filter(age__between=None),
        lambda lab: lab.users.filter(age__in=None),
    ),
    *refused(
        InvalidValue,
        "User.age: a collection of values is needed, not generator:",
        lambda lab: lab.users.filter(age__in=(x for x in [1])),
    ),
    *refused(
        InvalidValue,
        "User.age: in_() takes single values, not lists of them",
        lambda lab: lab.users.filter(age__in=[[1]]),
    ),
    *refused(
        InvalidValue,
        "User.age is of type integer and cannot take this int (value",
        lambda lab: lab.users.filter(age__in=[2**31]),
    ),
    *refused(
        InvalidValue,
        "User.age: a collection of values is needed, not UserQuery:",
        lambda lab: lab.users.filter(User.age.in_(lab.users)),
    ),
    *refused(
        StatementError,
        "operator does not exist: integer = character varying",
        lambda lab: lab.users.filter(User.age.in_(lab.users.subquery(User.name))),
    ),
    *refused(
        InvalidValue,
        "User.age is of type integer and cannot take this Column",
        lambda lab: lab.users.filter(User.age.in_([User.age])),
    ),
    *refused(
        InvalidValue,
        "isnull takes True or False, not NoneType",
        lambda lab: lab.users.filter(age__isnull=None),
    ),
    *refused(
        InvalidValue,
        "isnull takes True or False, not str",
        lambda lab: lab.users.filter(age__isnull="false"),
        lambda lab: lab.users.filter(User.age.isnull("no")),
        lambda lab: lab.users.filter(Q(posts__isnull="x")),
    ),
    *refused(
        InvalidValue,
        "isnull takes True or False, not int",
        lambda lab: lab.users.filter(age__isnull=1),
    ),
    *refused(
        InvalidValue,
        "isnotnull takes True or False, not str",
        lambda lab: lab.users.filter(age__isnotnull="yes"),
        lambda lab: lab.users.filter(Q(age__isnotnull="yes")),
    ),
    *refused(
        UnknownName,
        "User.age has no operator 'contains' (in 'age__contains'): did",
        lambda lab: lab.users.filter(age__contains=3),
        lambda lab: lab.users.filter(age__contains="3"),
    ),
    *refused(
        UnknownName,
        "User.age has no operator 'like' (in 'age__like'): there are:",
        lambda lab: lab.users.filter(age__like="3"),
        lambda lab: lab.users.filter(age__like=3),
    ),
    *refused(
        UnknownName,
        "User.age has no operator 'icontains' (in 'age__icontains'):",
        lambda lab: lab.users.filter(age__icontains="3"),
    ),
    *refused(
        UnknownName,
        "User.age has no operator 'startswith' (in 'age__startswith'):",
        lambda lab: lab.users.filter(age__startswith="3"),
    ),
    *refused(
        UnknownName,
        "User.age has no operator 'regex' (in 'age__regex'): there",
        lambda lab: lab.users.filter(age__regex="3"),
    ),
    *refused(
        UnknownName,
        "User.age has no operator 'iexact' (in 'age__iexact'): there",
        lambda lab: lab.users.filter(age__iexact="3"),
    ),
    *refused(
        UnknownName,
        "User.age has no operator 'len' (in 'age__len'): did you mean",
        lambda lab: lab.users.filter(age__len=3),
    ),
    *refused(
        UnknownName,
        "User.age has no operator 'overlaps' (in 'age__overlaps'):",
        lambda lab: lab.users.filter(age__overlaps=[3]),
    ),
    *refused(
        UnknownName,
        "User.age has no operator 'contained_by' (in",
        lambda lab: lab.users.filter(age__contained_by=[3]),
    ),
    *refused(
        UnknownName,
        "User.age has no operator 'has_key' (in 'age__has_key'): there",
        lambda lab: lab.users.filter(age__has_key="3"),
    ),
    *refused(
        UnknownName,
        "User.age has no operator 'matches' (in 'age__matches'): there",
        lambda lab: lab.users.filter(age__matches="3"),
    ),
    *refused(
        InvalidValue,
        "User.name is of type varchar(100) and cannot take this int:",
        lambda lab: lab.users.filter(name__like=3),
        lambda lab: lab.users.filter(name__regex=3),
        lambda lab: lab.users.filter(name__iexact=3),
    ),
    *refused(
        DataError,
        "LIKE pattern must not end with escape character",
        lambda lab: lab.users.filter(name__like="\\"),
    ),
    *refused(
        InvalidValue,
        "User.name: text can only be matched with a string (str), not int",
        lambda lab: lab.users.filter(name__contains=3),
    ),
    *refused(
        InvalidValue,
        "User.name: text can only be matched with a string (str), not NoneType",
        lambda lab: lab.users.filter(name__contains=None),
    ),
    *refused(
        InvalidValue,
        "User.name: text can only be matched with a string (str), not bytes",
        lambda lab: lab.users.filter(name__startswith=b"x"),
    ),
    *refused(
        DataError,
        "invalid regular expression: parentheses () not balanced",
        lambda lab: lab.users.filter(name__regex="("),
    ),
    *refused(
        UnknownName,
        "User.name has no operator 'len' (in 'name__len'): write func.length(User.name)",
        lambda lab: lab.users.filter(name__len=3),
    ),
    *refused(
        UnknownName,
        "User.name has no operator 'overlaps' (in 'name__overlaps'):",
        lambda lab: lab.users.filter(name__overlaps="x"),
    ),
    *refused(
        UnknownName,
        "User.created_at has no operator 'like' (in",
        lambda lab: lab.users.filter(created_at__like="x"),
    ),
    *refused(
        InvalidValue,
        "Post.keywords: a collection of values is needed, not str:",
        lambda lab: lab.posts.filter(keywords__contains="x"),
    ),
    *refused(
        InvalidValue,
        "Post.keywords is of type text[] and cannot take this list:",
        lambda lab: lab.posts.filter(keywords__contains=["x", 1]),
    ),
    *refused(
        InvalidValue,
        "Post.keywords: a collection of values is needed, not",
        lambda lab: lab.posts.filter(keywords__contains=None),
        lambda lab: lab.posts.filter(keywords__overlaps=None),
    ),
    *refused(
        InvalidValue,
        "the expression of Post.keywords is of type integer and cannot",
        lambda lab: lab.posts.filter(keywords__len="x"),
    ),
    *refused(
        UnknownName,
        "Post.keywords has no operator 'like' (in 'keywords__like'):",
        lambda lab: lab.posts.filter(keywords__like="x"),
    ),
    *refused(
        UnknownName,
        "Post.keywords has no operator 'in' (in 'keywords__in'): there",
        lambda lab: lab.posts.filter(keywords__in=["x"]),
    ),
    *refused(
        UnknownName,
        "Post.keywords has no operator 'has_key' (in",
        lambda lab: lab.posts.filter(keywords__has_key="x"),
    ),
    *refused(
        DataError,
        'Post.status: invalid input value for enum post_status: "...";',
        lambda lab: lab.posts.filter(status="nope"),
    ),
    *refused(
        DataError,
        "Post.status (value 1): invalid input value for enum",
        lambda lab: lab.posts.filter(status__in=["nope"]),
    ),
    *refused(
        InvalidValue,
        "Post.status is of type post_status and cannot take this int:",
        lambda lab: lab.posts.filter(status=3),
    ),
    *refused(
        UsageError,
        "a key of a JSON object must be a string (str), not int",
        lambda lab: lab.users.filter(settings__has_key=1),
        lambda lab: lab.users.filter(settings__has_keys=[1]),
    ),
    *refused(
        UsageError,
        "a key of a JSON object must be a string (str), not NoneType",
        lambda lab: lab.users.filter(settings__has_key=None),
    ),
    *refused(
        DataError,
        "the expression of User.settings: invalid byte sequence for",
        lambda lab: lab.users.filter(settings__has_key="a\0"),
    ),
    *refused(
        InvalidValue,
        "the expression of User.settings is of type text and cannot",
        lambda lab: lab.users.filter(settings__has_key=HALF),
        lambda lab: lab.users.filter(User.settings["a"].as_text == 3),
        lambda lab: lab.users.filter(User.settings["a"].as_text == HALF),
    ),
    *refused(
        InvalidValue,
        "User.settings: a collection of values is needed, not str:",
        lambda lab: lab.users.filter(settings__has_keys="ab"),
    ),
    *refused(
        InvalidValue,
        "User.settings: a collection of values is needed, not",
        lambda lab: lab.users.filter(settings__has_keys=None),
    ),
    *refused(
        InvalidValue,
        "User.settings is of type jsonb and cannot take this float:",
        lambda lab: lab.users.filter(settings__contains=float("nan")),
        lambda lab: lab.users.filter(settings=float("nan")),
    ),
    *refused(
        InvalidValue,
        "User.settings is of type jsonb and cannot take this dict:",
        lambda lab: lab.users.filter(settings={"a": object()}),
    ),
    *refused(
        InvalidValue,
        "User.settings is of type jsonb and cannot take this object (value 1): JSON",
        lambda lab: lab.users.filter(settings__in=[object()]),
    ),
    *refused(
        UnknownName,
        "User.settings has no operator 'len' (in 'settings__len'): a path",
        lambda lab: lab.users.filter(settings__len=3),
    ),
    *refused(
        UsageError,
        "a step into JSON must be a key (str) or an index of an array (int),",
        lambda lab: lab.users.filter(User.settings[None] == 1),
        lambda lab: lab.users.filter(User.settings[1.5] == 1),
        lambda lab: lab.users.filter(User.settings[True] == 1),
    ),
    *refused(
        InvalidValue,
        "a step into JSON cannot be this str: it holds the character",
        lambda lab: lab.users.filter(User.settings["a\0"] == 1),
    ),
    *refused(
        InvalidValue,
        "a step into JSON cannot be this str: it holds half of a",
        lambda lab: lab.users.filter(User.settings[HALF] == 1),
    ),
    *refused(
        InvalidValue,
        "a step into JSON cannot be this int: it is outside",
        lambda lab: lab.users.filter(User.settings[2**31] == 1),
        lambda lab: lab.users.filter(User.settings[2**70] == 1),
        lambda lab: lab.users.filter(User.settings[10**5000] == 1),
    ),
    *refused(
        InvalidValue,
        "the expression of User.settings is of type jsonb and cannot",
        lambda lab: lab.users.filter(User.settings["a"] == float("nan")),
        lambda lab: lab.users.filter(User.settings["a"] == object()),
        lambda lab: lab.users.filter(Q(settings__plan=float("nan"))),
    ),
    *refused(
        DataError,
        "the expression of User.settings: unsupported Unicode escape",
        lambda lab: lab.users.filter(User.settings["a"] == "x\0"),
    ),
    *refused(
        DataError,
        "the expression of User.settings (value 1): unsupported",
        lambda lab: lab.users.filter(User.settings["a"].in_(["x\0"])),
    ),
    *refused(
        DataError,
        "the expression of User.settings (value 1): invalid input",
        lambda lab: lab.users.filter(User.settings["a"].in_([HALF])),
    ),
    *refused(
        InvalidValue,
        "User.age: a list of values cannot hold None, since NULL equals",
        lambda lab: lab.users.filter(age__in=[None]),
        lambda lab: lab.users.filter(age__in=[36, None]),
        lambda lab: lab.users.filter(age__notin=[None]),
    ),
    *refused(
        InvalidValue,
        "a comparison with NULL is never true: use isnull()",
        lambda lab: lab.users.filter(age__gt=None),
        lambda lab: lab.users.filter(User.age.between(None, 40)),
        lambda lab: lab.users.filter(name__like=None),
    ),
    *refused(
        UsageError,
        "+ concatenates JSON and does not add numbers: use cast(..., 'numeric') where",
        lambda lab: lab.users.filter(User.settings["a"] + 3 > 3),
        lambda lab: lab.users.filter(1.5 + User.settings["a"] > 3),
        lambda lab: lab.users.filter(User.settings["a"] + User.age > 3),
    ),
    *refused(
        UsageError,
        "an empty Q() is not a condition: give it a condition or a keyword",
        lambda lab: lab.users.filter(Q()),
    ),
    *refused(
        UnknownName,
        "User has no 'nope': there are: age, avg_views, bio, created_at, email,",
        lambda lab: lab.users.filter(Q(nope=1)),
    ),
    *refused(
        UnknownName,
        "Post has no 'nope': there are: author, author_id, body,",
        lambda lab: lab.users.filter(Q(posts__nope=1)),
        lambda lab: lab.users.filter(User.posts.any(Q(nope=1))),
    ),
    *refused(
        UnknownName,
        "Post.title has no operator 'nope' (in 'title__nope'): did you",
        lambda lab: lab.users.filter(Q(posts__title__nope=1)),
    ),
    *refused(
        UsageError,
        "User.posts can be compared with an object of Post or with None, not",
        lambda lab: lab.users.filter(Q(posts="x")),
        lambda lab: lab.users.filter(Q(posts=lab.ada)),
        lambda lab: lab.users.filter(Q(posts=[lab.post])),
    ),
    *refused(
        UsageError,
        "the Post given for User.posts has no key yet: insert it first",
        lambda lab: lab.users.filter(Q(posts=Post(author_id=1, title="x"))),
    ),
    *refused(
        UsageError,
        "User: 'x' is not a condition: write one like User.id == value,",
        lambda lab: lab.users.filter(Q("x")),
    ),
    *refused(
        UsageError,
        "Post: 1 is not a condition: write one like Post.id == value, or",
        lambda lab: lab.users.filter(User.posts.any(1)),
    ),
    *refused(
        InvalidValue,
        "the expression is of type bigint and cannot take this str: it",
        lambda lab: lab.users.filter(User.posts.count() > "x"),
    ),
    *refused(
        UsageError,
        "User.posts.value() takes a column or expression of Post, not",
        lambda lab: lab.users.filter(User.posts.value("x") > 3),
    ),
    *refused(
        UsageError,
        "Post: 'x' is not a condition: write one like Post.id == value,",
        lambda lab: lab.users.filter(User.posts.count("x") > 3),
    ),
    *refused(
        UsageError,
        "User: 3 is not a condition: write one like User.id == value, or",
        lambda lab: lab.posts.filter(Post.author.has(3)),
    ),
    *refused(
        UsageError,
        "Post.author.value() takes a column or expression of User, not",
        lambda lab: lab.posts.filter(Post.author.value(None)),
    ),
    *refused(
        UsageError,
        "exists() takes a query, such as",
        lambda lab: lab.users.filter(exists(None)),
        lambda lab: lab.users.filter(exists(User)),
    ),
]


@pytest.mark.parametrize("case", numbered(CONDITIONS))
async def test_a_wrong_condition_is_refused(lab: Lab, case: Case) -> None:
    await check_refused(lab, case)
