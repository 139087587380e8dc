"""What the type checkers make of right code about relationships. Never run."""

from __future__ import annotations

from typing import Any, assert_type

from examples.blog.db import Comment, Post, PostStatus, Profile, Tag, User, UserQuery
from ormkit import (
    AsyncSession,
    Load,
    RelatedSet,
    SetChange,
    joinedload,
    jsonload,
    noload,
    selectinload,
)


async def options(session: AsyncSession, user: User) -> None:
    drafts = selectinload(User.posts).filter(Post.status == PostStatus.draft, views__gte=3)
    assert_type(drafts, Load[User, Post])
    assert_type(drafts.order_by("-id", Post.views, Post.views.desc()), Load[User, Post])
    assert_type(drafts.limit(3).offset(1), Load[User, Post])
    assert_type(drafts.selectinload(Post.comments).filter(Comment.id > 3), Load[User, Comment])
    assert_type(drafts.joinedload(Post.author), Load[User, User])
    below: Load[User, Any] = drafts.selectinload("comments")
    assert_type(session.query(User).options(drafts, joinedload(User.profile)), UserQuery)
    tree = jsonload(User.posts).filter(Post.views > 3).limit(3).jsonload(Post.comments)
    assert_type(tree.order_by(Comment.id), Load[User, Comment])
    session.query(User).options(below)
    assert_type(tree.joinedload(Comment.author).noload(User.posts), Load[User, Post])
    assert_type(noload(User.profile), Load[User, Profile])
    assert_type(session.query(User).options(tree, noload("profile")), UserQuery)
    await session.load(user, drafts, User.profile, "posts")
    await session.load([user], drafts.selectinload(Post.comments))


async def writing(session: AsyncSession, post: Post, tags: list[Tag]) -> None:
    related = session.related(post, Post.tags)
    assert_type(related, RelatedSet[Tag])
    assert_type(await related.add(*tags), int)
    assert_type(await related.remove(tags[0]), int)
    assert_type(await related.set(tags), SetChange)
    assert_type(await related.clear(), int)
    async with session.begin() as tx:
        await tx.related(tags[0], Tag.posts).add(post)
