"""SQLAlchemy's async ORM, as its documentation says to use it.

A session for each unit of work, expire_on_commit off (the advice of its page on asyncio), and bulk
statements with RETURNING in the order of their parameters (its ORM-enabled INSERT guide).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, ClassVar

from sqlalchemy import Column, ForeignKey, Table, exists, func, make_url, select, update
from sqlalchemy import insert as orm_insert
from sqlalchemy import types as sql
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    joinedload,
    mapped_column,
    relationship,
    selectinload,
)

from benchmarks.dataset import WIDTHS, Row
from benchmarks.libraries.library import POOL_SIZE, Library

CHUNK = 1000


class Base(DeclarativeBase):
    """What the classes share."""

    type_annotation_map: ClassVar = {
        dt.datetime: sql.DateTime(timezone=True),
        int: sql.BigInteger,
    }


class Person:
    """The columns of users, accounts and events."""

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sql.String(100))
    email: Mapped[str]
    age: Mapped[int | None] = mapped_column(sql.Integer)
    score: Mapped[float] = mapped_column(sql.Double)
    status: Mapped[str]
    is_active: Mapped[bool]
    created_at: Mapped[dt.datetime]


class User(Person, Base):
    __tablename__ = "users"
    posts: Mapped[list[Post]] = relationship(back_populates="author")


class Account(Person, Base):
    __tablename__ = "accounts"


class Event(Person, Base):
    __tablename__ = "events"


post_tags = Table(
    "post_tags",
    Base.metadata,
    Column("post_id", ForeignKey("posts.id"), primary_key=True),
    Column("tag_id", ForeignKey("tags.id"), primary_key=True),
)


class Post(Base):
    __tablename__ = "posts"
    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    title: Mapped[str]
    views: Mapped[int] = mapped_column(sql.Integer)
    created_at: Mapped[dt.datetime]
    author: Mapped[User] = relationship(back_populates="posts")
    comments: Mapped[list[Comment]] = relationship()
    tags: Mapped[list[Tag]] = relationship(secondary=post_tags)


class Comment(Base):
    __tablename__ = "comments"
    id: Mapped[int] = mapped_column(primary_key=True)
    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id"))
    body: Mapped[str]


class Tag(Base):
    __tablename__ = "tags"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


WIDE_TYPES = (sql.Integer, sql.Text, sql.Double, sql.Boolean, sql.DateTime(timezone=True))


def wide_model(width: int) -> Any:
    """Return the class of the table with so many columns."""
    columns = {f"c{n}": mapped_column(WIDE_TYPES[(n - 1) % 5]) for n in range(1, width)}
    key = mapped_column(sql.BigInteger, primary_key=True)
    return type(f"Wide{width}", (Base,), {"__tablename__": f"wide{width}", "id": key, **columns})


WIDE = {width: wide_model(width) for width in WIDTHS}
COLUMNS = tuple(User.__table__.columns)


class SqlAlchemy(Library):
    """SQLAlchemy with asyncpg under it."""

    key = "sqlalchemy"
    title = "SQLAlchemy"
    distribution = "sqlalchemy"

    engine: AsyncEngine
    session: async_sessionmaker[AsyncSession]

    async def open(self, url: str) -> None:
        self.engine = create_async_engine(
            make_url(url).set(drivername="postgresql+asyncpg"),
            pool_size=POOL_SIZE,
            max_overflow=0,
        )
        self.session = async_sessionmaker(self.engine, expire_on_commit=False)

    async def close(self) -> None:
        await self.engine.dispose()

    async def all(self, statement: Any) -> Sequence[Any]:
        """Read objects in a session of their own."""
        async with self.session() as session:
            return (await session.scalars(statement)).all()

    async def get(self, key: int) -> User | None:
        async with self.session() as session:
            return await session.get(User, key)

    async def get_all(self, keys: Sequence[int]) -> list[Any]:
        # One session serves one task, and all of it.
        async with self.session() as session:
            return [await session.get(User, key) for key in keys]

    async def page(self, status: str, count: int) -> Sequence[User]:
        statement = select(User).where(User.status == status)
        return await self.all(statement.order_by(User.created_at.desc()).limit(count))

    async def models(self) -> Sequence[User]:
        return await self.all(select(User))

    async def tuples(self) -> Any:
        async with self.session() as session:
            return (await session.execute(select(*COLUMNS))).all()

    async def dicts(self) -> Any:
        async with self.session() as session:
            return [dict(row) for row in (await session.execute(select(*COLUMNS))).mappings()]

    async def count(self, status: str) -> int:
        statement = select(func.count()).select_from(User).where(User.status == status)
        async with self.session() as session:
            return (await session.scalars(statement)).one()

    async def exists(self, email: str) -> bool:
        async with self.session() as session:
            found = await session.scalars(select(exists().where(User.email == email)))
            return found.one()

    async def insert(self, row: Row) -> int:
        account = Account(**row)
        async with self.session.begin() as session:
            session.add(account)
        return account.id

    async def insert_many(self, rows: Sequence[Row]) -> list[int]:
        statement = orm_insert(Account).returning(Account.id, sort_by_parameter_order=True)
        async with self.session.begin() as session:
            return list((await session.scalars(statement, rows)).all())

    async def update(self, account: Any, score: float) -> None:
        statement = update(Account).where(Account.id == account).values(score=score)
        async with self.session.begin() as session:
            await session.execute(statement)

    async def upsert(self, rows: Sequence[Row]) -> None:
        new = insert(Account)
        statement = new.on_conflict_do_update(
            index_elements=[Account.email],
            set_={"name": new.excluded.name, "score": new.excluded.score},
        )
        async with self.session.begin() as session:
            await session.execute(statement, rows)

    async def transaction(self, key: int) -> None:
        async with self.session.begin() as session:
            account = await session.get_one(Account, key)
            account.age = (account.age or 0) + 1

    async def selectin(self, last: int) -> Sequence[User]:
        return await self.all(select(User).where(User.id <= last).options(selectinload(User.posts)))

    async def joined(self, last: int) -> Sequence[Post]:
        return await self.all(
            select(Post).where(Post.id <= last).options(joinedload(Post.author, innerjoin=True))
        )

    async def tree(self, first: int, last: int) -> Sequence[User]:
        comments = selectinload(User.posts).selectinload(Post.comments)
        return await self.all(select(User).where(User.id.between(first, last)).options(comments))

    async def links(self, last: int) -> Sequence[Post]:
        return await self.all(select(Post).where(Post.id <= last).options(selectinload(Post.tags)))

    async def stream(self) -> tuple[int, int]:
        count = total = 0
        statement = select(Event).execution_options(yield_per=CHUNK)
        async with self.session() as session:
            async for event in await session.stream_scalars(statement):
                count += 1
                total += event.id
        return count, total

    async def events(self, count: int) -> Sequence[Event]:
        return await self.all(select(Event).where(Event.id <= count))

    async def wide(self, width: int) -> Any:
        return await self.all(select(WIDE[width]))
