"""The blog that the examples, the documentation and many tests use: blog.toml in Python."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from ormkit_gen.declarative import (
    Base,
    CheckConstraint,
    ForeignKey,
    Index,
    Mapped,
    computed,
    mapped_column,
    relationship,
)


class PostStatus(Enum):
    draft = "draft"
    published = "published"
    archived = "archived"


class User(Base):
    __tablename__ = "users"
    __table_args__ = (
        Index("status", "created_at", where="status = 'active'"),
        {"comment": "A person who writes."},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column("varchar(100)")
    email: Mapped[str | None] = mapped_column(unique=True, index=True)
    age: Mapped[int | None] = mapped_column("integer")
    bio: Mapped[str | None]
    role: Mapped[str] = mapped_column(default="member")
    status: Mapped[str] = mapped_column(default="active", index=True)
    settings: Mapped[Any] = mapped_column("jsonb", default=dict)
    created_at: Mapped[datetime] = mapped_column(server_default="now()", index=True)
    posts: Mapped[list[Post]] = relationship(back_populates="author")
    profile: Mapped[Profile | None] = relationship(back_populates="user")
    post_count: Mapped[int] = computed("count(posts)")
    avg_views: Mapped[Decimal] = computed("avg(posts.views)")


class Profile(Base):
    __tablename__ = "profiles"

    user_id: Mapped[int] = mapped_column(
        ForeignKey("users.id", on_delete="cascade"), primary_key=True
    )
    website: Mapped[str | None]
    birthday: Mapped[date | None]
    user: Mapped[User] = relationship(back_populates="profile")


class Post(Base):
    __tablename__ = "posts"
    __table_args__ = (CheckConstraint("views >= 0", name="posts_views_not_negative"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("users.id", on_delete="cascade"), index=True)
    title: Mapped[str] = mapped_column("varchar(200)")
    body: Mapped[str] = mapped_column(default="")
    status: Mapped[PostStatus] = mapped_column(default=PostStatus.draft)
    views: Mapped[int] = mapped_column("integer", default=0)
    keywords: Mapped[list[str]] = mapped_column(default=list)
    published_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default="now()", index=True)
    author: Mapped[User] = relationship(back_populates="posts")
    comments: Mapped[list[Comment]] = relationship(back_populates="post")
    tags: Mapped[list[Tag]] = relationship(secondary="post_tags", back_populates="posts")
    headline: Mapped[str] = computed("title || ' by ' || author.name")


class Comment(Base):
    __tablename__ = "comments"

    id: Mapped[int] = mapped_column(primary_key=True)
    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id", on_delete="cascade"), index=True)
    author_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", on_delete="set null"), index=True
    )
    body: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default="now()")
    post: Mapped[Post] = relationship(back_populates="comments")
    author: Mapped[User | None] = relationship()


class Tag(Base):
    __tablename__ = "tags"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    posts: Mapped[list[Post]] = relationship(secondary="post_tags", back_populates="tags")


class AuditLog(Base):
    __tablename__ = "audit_log"

    id: Mapped[int] = mapped_column(primary_key=True)
    action: Mapped[str]
    details: Mapped[Any | None] = mapped_column("jsonb")
    created_at: Mapped[datetime] = mapped_column(server_default="now()")
