"""Wrong names in load options: each marked line must be reported, and no other."""

from __future__ import annotations

from examples.blog.db import Comment, Post, User
from ormkit import AsyncSession, joinedload, jsonload, noload, selectinload


def names(session: AsyncSession) -> None:
    posts = selectinload(User.posts)
    posts.order_by("titl")  # expect-error
    posts.order_by("-titl")  # expect-error
    posts.order_by("comments")  # expect-error
    posts.order_by(User.name)  # expect-error
    posts.order_by("title", descc=True)  # expect-error
    posts.filter(titel="x")  # expect-error
    posts.filter(views="x")  # expect-error
    posts.filter(User.name == "x")  # expect-error
    posts.filter_by(titel="x")  # expect-error
    posts.filter("x")  # expect-error
    posts.with_computed("headlin")  # expect-error
    posts.with_computed(User.post_count)  # expect-error
    posts.selectinload("postz")  # expect-error
    posts.joinedload("authr")  # expect-error
    posts.jsonload("title")  # expect-error
    posts.noload("posts")  # expect-error
    posts.selectinload(User.posts)  # expect-error
    posts.joinedload(Post.comments)  # expect-error
    posts.selectinload(Post.comments).order_by("titl")  # expect-error
    posts.selectinload(Post.comments).selectinload("nope")  # expect-error
    posts.limit(3).filter(titel="x")  # expect-error
    posts.order_by("title").filter(titel="x")  # expect-error
    session.query(User).options(posts.order_by("title").filter(titel="x"))  # expect-error
    session.query(User).options(selectinload(User.posts).order_by("titl"))  # expect-error
    session.query(User).options(selectinload(User.posts).only("title"))  # expect-error
    session.query(User).options(posts.selectinload("comentz").limit(3))  # expect-error


def strategies() -> None:
    jsonload(User.posts).order_by("titl")  # expect-error
    jsonload(User.posts).jsonload("coments")  # expect-error
    jsonload(User.posts).jsonload(Post.comments).filter(boddy="x")  # expect-error
    joinedload(Post.author).selectinload("postz")  # expect-error
    joinedload(Comment.post).joinedload("autor")  # expect-error
    joinedload(Comment.post).joinedload(Post.author).with_computed("post_cont")  # expect-error
    noload(User.posts).filter(titel="x")  # expect-error
    selectinload(Post.tags).order_by("nme")  # expect-error
    selectinload(Post.tags).filter(name=3)  # expect-error
