"""What the type checkers make of right names in load options. Never run."""

from __future__ import annotations

from typing import Any, TypeVar, assert_type

from examples.blog.db import Comment, Post, User
from ormkit import AsyncSession, Load, Model, ToMany, joinedload, jsonload, selectinload

M = TypeVar("M", bound=Model)


def names(session: AsyncSession) -> None:
    posts = selectinload(User.posts)
    assert_type(posts.order_by("title", "-id"), Load[User, Post])
    assert_type(posts.order_by(Post.title), Load[User, Post])
    assert_type(posts.order_by(Post.title.desc()), Load[User, Post])
    assert_type(posts.order_by("title", desc=True).limit(3).offset(2), Load[User, Post])
    assert_type(posts.filter(title="x").filter(Post.views > 3, views__gte=3), Load[User, Post])
    assert_type(posts.filter_by(title="x"), Load[User, Post])
    assert_type(posts.with_computed("headline").with_computed(Post.headline), Load[User, Post])
    posts.selectinload("comments")
    assert_type(posts.selectinload(Post.comments), Load[User, Comment])
    posts.joinedload("author").filter(x=3)
    assert_type(posts.joinedload("author").selectinload(User.posts), Load[User, Post])
    assert_type(selectinload("posts").joinedload(Post.author), Load[Any, User])
    posts.selectinload("comments").jsonload("author").order_by("x").filter(a=3).noload("z")
    selectinload("posts").jsonload("author").order_by("x").with_computed("y").noload("z")
    jsonload(User.profile).filter_by(website="x").joinedload("user").selectinload("posts")
    joinedload(Post.author).selectinload("posts").selectinload(Post.comments).order_by("-id")
    selectinload("posts").order_by("x").filter(Post.title == "x").limit(3)
    selectinload("posts").selectinload(Post.comments).order_by("-id")
    session.query(User).options(selectinload("posts").filter(views__gt=3).order_by("-id").limit(3))
    session.query(User).options(posts.order_by("title").selectinload("comments"))


def generic(one: ToMany[Any, M]) -> Load[Any, M]:
    return selectinload(one).limit(3)
