"""Wrong relationships to load, and wrong objects to relate."""

from __future__ import annotations

import pytest

from examples.blog.db import Post, Tag, User
from ormkit import (
    ForeignKeyViolation,
    InvalidValue,
    UnknownName,
    UsageError,
    joinedload,
    jsonload,
    noload,
    selectinload,
)
from tests.reliability.bad_inputs.cases import Case, Lab, check_refused, numbered, refused

LOADS = [
    *refused(
        UnknownName,
        "User has no relationship 'nope': there are: posts, profile",
        lambda lab: lab.session.load(lab.ada, "nope"),
        lambda lab: lab.session.load(lab.ada, selectinload("nope")),
    ),
    *refused(
        UsageError,
        "<Column User.age: integer> is not a relationship of User",
        lambda lab: lab.session.load(lab.ada, User.age),
    ),
    *refused(
        UsageError,
        "Post.author is not a relationship of User",
        lambda lab: lab.session.load(lab.ada, Post.author),
        lambda lab: lab.session.load(lab.part, Post.author),
        lambda lab: lab.session.load(lab.ada, selectinload(Post.author)),
    ),
    *refused(
        UsageError,
        "None is not a relationship of User",
        lambda lab: lab.session.load(lab.ada, None),
    ),
    *refused(
        UsageError,
        "1 is not a relationship of User",
        lambda lab: lab.session.load(lab.ada, 1),
    ),
    *refused(
        UsageError,
        "an object of a generated model is needed, not NoneType",
        lambda lab: lab.session.load(None, User.posts),
        lambda lab: lab.session.load([None], User.posts),
    ),
    *refused(
        UsageError,
        "an object of a generated model is needed, not str",
        lambda lab: lab.session.load("ab", User.posts),
    ),
    *refused(
        UsageError,
        "load() takes objects of one model at a time",
        lambda lab: lab.session.load([lab.ada, lab.post], User.posts),
    ),
    *refused(
        UsageError,
        "NoneType is not a generated model: give a class such as User,",
        lambda lab: lab.session.load([lab.ada, None], User.posts),
    ),
    *refused(
        UsageError,
        "an object of a generated model is needed, not UserColumns",
        lambda lab: lab.session.load(User, User.posts),
    ),
    *refused(
        UsageError,
        "User.posts joins on User.id, which an object has no value for:",
        lambda lab: lab.session.load(User(name="x"), User.posts),
    ),
    *refused(
        UsageError,
        "an object of a generated model is needed, not int",
        lambda lab: lab.session.load({lab.ada.id: lab.ada}, User.posts),
    ),
    *refused(
        InvalidValue,
        "limit must be a whole number, at least 0, not -1",
        lambda lab: lab.session.load(lab.ada, selectinload(User.posts).limit(-1)),
    ),
]


@pytest.mark.parametrize("case", numbered(LOADS))
async def test_a_wrong_load_is_refused(lab: Lab, case: Case) -> None:
    await check_refused(lab, case)


RELATED = [
    *refused(
        UsageError,
        "argument 0 of User.posts add() must be a Post, not str",
        lambda lab: lab.session.related(lab.ada, User.posts).add("x"),
    ),
    *refused(
        UsageError,
        "argument 0 of User.posts add() must be a Post, not NoneType",
        lambda lab: lab.session.related(lab.ada, User.posts).add(None),
    ),
    *refused(
        UsageError,
        "argument 0 of User.posts add() must be a Post, not list",
        lambda lab: lab.session.related(lab.ada, User.posts).add([lab.post]),
    ),
    *refused(
        UsageError,
        "argument 0 of User.posts add() has no id yet: insert it first",
        lambda lab: lab.session.related(lab.ada, User.posts).add(Post(author_id=1, title="new")),
    ),
    *refused(
        UsageError,
        "argument 0 of User.posts add() must be a Post, not Tag",
        lambda lab: lab.session.related(lab.ada, User.posts).add(lab.tag),
    ),
    *refused(
        UsageError,
        "Post.author_id cannot be NULL, so each Post must belong to an object:",
        lambda lab: lab.session.related(lab.ada, User.posts).remove(lab.post),
        lambda lab: lab.session.related(lab.ada, User.posts).set([]),
        lambda lab: lab.session.related(lab.ada, User.posts).clear(),
    ),
    *refused(
        UsageError,
        "User has no id yet: insert it first",
        lambda lab: lab.session.related(User(name="x"), User.posts),
    ),
    *refused(
        UsageError,
        "User.profile is a to-one relationship: assign to the attribute, or",
        lambda lab: lab.session.related(lab.ada, User.profile),
    ),
    *refused(
        UsageError,
        "Post.author is a relationship of Post, not of User",
        lambda lab: lab.session.related(lab.ada, Post.author),
    ),
    *refused(
        UsageError,
        "Post.tags is a relationship of Post, not of User",
        lambda lab: lab.session.related(lab.ada, Post.tags),
    ),
    *refused(
        UsageError,
        "related() takes a relationship such as User.posts, not 'posts'",
        lambda lab: lab.session.related(lab.ada, "posts"),
    ),
    *refused(
        UsageError,
        "related() takes a relationship such as User.posts, not None",
        lambda lab: lab.session.related(lab.ada, None),
    ),
    *refused(
        UsageError,
        "an object of a generated model is needed, not NoneType",
        lambda lab: lab.session.related(None, User.posts),
    ),
    *refused(
        UsageError,
        "Post.tags set() takes a list, not Tag",
        lambda lab: lab.session.related(lab.post, Post.tags).set(lab.tag),
    ),
    *refused(
        UsageError,
        "Post.tags set() takes a list, not NoneType",
        lambda lab: lab.session.related(lab.post, Post.tags).set(None),
    ),
    *refused(
        ForeignKeyViolation,
        'insert or update on table "post_tags" violates foreign key',
        lambda lab: lab.session.related(lab.post, Post.tags).add(Tag(id=999999, name="x")),
    ),
    *refused(
        InvalidValue,
        "Tag.id is of type bigint and cannot take this str (value 1):",
        lambda lab: lab.session.related(lab.post, Post.tags).add(Tag(id="x", name="x")),
    ),
    *refused(
        UsageError,
        "argument 0 of Post.tags add() has no id yet: insert it first",
        lambda lab: lab.session.related(lab.post, Post.tags).add(Tag(id=None, name="x")),
    ),
    *refused(
        UsageError,
        "argument 0 of Post.tags set() must be a Tag, not str",
        lambda lab: lab.session.related(lab.post, Post.tags).set("ab"),
    ),
    *refused(
        ForeignKeyViolation,
        'insert or update on table "posts" violates foreign key',
        lambda lab: lab.session.related(lab.gone, User.posts).add(lab.post),
    ),
]


@pytest.mark.parametrize("case", numbered(RELATED))
async def test_what_cannot_be_related_is_refused(lab: Lab, case: Case) -> None:
    await check_refused(lab, case)


OPTIONS = [
    *refused(
        UsageError,
        "options() takes selectinload(...), joinedload(...) and the",
        lambda lab: lab.users.options(None),
        lambda lab: lab.users.options("posts"),
        lambda lab: lab.users.options(User.posts),
        lambda lab: lab.users.options([selectinload("posts")]),
    ),
    *refused(
        UsageError,
        "None is not a relationship of User",
        lambda lab: lab.users.options(selectinload(None)),
    ),
    *refused(
        UsageError,
        "1 is not a relationship of User",
        lambda lab: lab.users.options(selectinload(1)),
    ),
    *refused(
        UsageError,
        "<Column User.age: integer> is not a relationship of User",
        lambda lab: lab.users.options(selectinload(User.age)),
    ),
    *refused(
        UsageError,
        "<class 'examples.blog.db.user.User'> is not a relationship of",
        lambda lab: lab.users.options(selectinload(User)),
    ),
    *refused(
        UnknownName,
        "User has no relationship 'nope': there are: posts, profile",
        lambda lab: lab.users.options(selectinload("nope")),
        lambda lab: lab.users.options(noload("nope")),
    ),
    *refused(
        UnknownName,
        "User has no relationship '': there are: posts, profile",
        lambda lab: lab.users.options(selectinload("")),
    ),
    *refused(
        UnknownName,
        "User has no relationship 'posts__comments': there are: posts,",
        lambda lab: lab.users.options(selectinload("posts__comments")),
    ),
    *refused(
        UnknownName,
        "User has no relationship 'posts.comments': there are: posts,",
        lambda lab: lab.users.options(selectinload("posts.comments")),
    ),
    *refused(
        UsageError,
        "Post.author is not a relationship of User",
        lambda lab: lab.users.options(selectinload(Post.author)),
    ),
    *refused(
        UsageError,
        "User.posts is a to-many relationship, and a join would repeat the",
        lambda lab: lab.users.options(joinedload(User.posts)),
        lambda lab: lab.users.options(joinedload("posts")),
    ),
    *refused(
        UsageError,
        "User.posts is loaded by selectinload and by joinedload: use one of",
        lambda lab: lab.users.options(selectinload("posts"), joinedload("posts")),
    ),
    *refused(
        UsageError,
        "User.posts is loaded with different filters, orders or limits: one",
        lambda lab: lab.users.options(
            selectinload("posts").limit(3), selectinload("posts").limit(4)
        ),
    ),
    *refused(
        UsageError,
        "User.profile is a to-one relationship, and filter, order_by, limit",
        lambda lab: lab.users.options(selectinload("profile").limit(3)),
    ),
    *refused(
        InvalidValue,
        "limit must be a whole number, at least 0, not 'x'",
        lambda lab: lab.users.options(selectinload("posts").limit("x")),
    ),
    *refused(
        InvalidValue,
        "limit must be a whole number, at least 0, not None",
        lambda lab: lab.users.options(selectinload("posts").limit(None)),
    ),
    *refused(
        InvalidValue,
        "offset must be a whole number, at least 0, not -3",
        lambda lab: lab.users.options(selectinload("posts").offset(-3)),
    ),
    *refused(
        UnknownName,
        "Post has no column 'nope': there are: author_id, body,",
        lambda lab: lab.users.options(selectinload("posts").order_by("nope")),
        lambda lab: lab.users.options(selectinload("posts").filter(nope=1)),
    ),
    *refused(
        UsageError,
        "None is not a column of Post",
        lambda lab: lab.users.options(selectinload("posts").order_by(None)),
    ),
    *refused(
        UsageError,
        "User is not part of this query: reach its columns through a",
        lambda lab: lab.users.options(selectinload("posts").order_by(User.age)),
    ),
    *refused(
        UsageError,
        "Post: True is not a condition: write one like Post.id == value,",
        lambda lab: lab.users.options(selectinload("posts").filter(True)),
    ),
    *refused(
        InvalidValue,
        "Post.views is of type integer and cannot take this str: it",
        lambda lab: lab.users.options(selectinload("posts").filter(views="x")),
        lambda lab: lab.users.options(jsonload("posts").filter(views="x")),
    ),
    *refused(
        InvalidValue,
        "Post.views is of type integer and cannot take this int: it is",
        lambda lab: lab.users.options(selectinload("posts").filter(views=2**31)),
    ),
    *refused(
        UnknownName,
        "Post has no relationship 'nope': there are: author, comments,",
        lambda lab: lab.users.options(selectinload("posts").selectinload("nope")),
    ),
    *refused(
        UsageError,
        "User.posts is not a relationship of Post",
        lambda lab: lab.users.options(selectinload("posts").selectinload(User.posts)),
    ),
    *refused(
        UsageError,
        "Post.comments is a to-many relationship, and a join would repeat the",
        lambda lab: lab.users.options(selectinload("posts").joinedload("comments")),
    ),
    *refused(
        UsageError,
        "noload leaves User.posts empty: there is nothing below it to",
        lambda lab: lab.users.options(noload("posts").limit(3)),
    ),
    *refused(
        UsageError,
        "only() works with selectinload(), not with joinedload()",
        lambda lab: lab.users.only("name").options(joinedload("profile")),
    ),
    *refused(
        UsageError,
        "only() leaves out Post.author_id, which the load needs",
        lambda lab: lab.posts.only("title").options(selectinload("author")),
    ),
]


@pytest.mark.parametrize("case", numbered(OPTIONS))
async def test_a_wrong_load_option_is_refused(lab: Lab, case: Case) -> None:
    await check_refused(lab, case)
