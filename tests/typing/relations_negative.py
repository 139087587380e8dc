"""Wrong code about relationships: type checkers must report each line marked so, and no other."""

from __future__ import annotations

from examples.blog.db import Comment, Post, Tag, User
from ormkit import AsyncSession, joinedload, jsonload, noload, selectinload


async def options(session: AsyncSession, user: User) -> None:
    posts = selectinload(User.posts)
    posts.filter(User.name == "x")  # expect-error
    posts.filter("views > 3")  # expect-error
    posts.order_by(User.name)  # expect-error
    posts.order_by(Comment.id.desc())  # expect-error
    posts.limit("3")  # expect-error
    posts.selectinload(User.posts)  # expect-error
    posts.joinedload(Post.comments)  # expect-error
    joinedload(User.posts)  # expect-error
    jsonload(User.posts).filter(User.name == "x")  # expect-error
    jsonload(User.posts).jsonload(User.posts)  # expect-error
    jsonload(User.name)  # expect-error
    session.query(Post).options(noload(User.posts))  # expect-error
    session.query(Post).options(posts)  # expect-error
    await session.load(user, Post.comments)  # expect-error
    await session.load(user, selectinload(Post.comments))  # expect-error


async def writing(session: AsyncSession, post: Post, tag: Tag, user: User) -> None:
    related = session.related(post, Post.tags)
    await related.add(post)  # expect-error
    await related.add([tag])  # expect-error
    await related.remove(1)  # expect-error
    await related.set([post])  # expect-error
    await related.set(tag)  # expect-error
    session.related(post, Post.author)  # expect-error
    session.related(post, User.posts)  # expect-error
    session.related(post, "tags")  # expect-error
