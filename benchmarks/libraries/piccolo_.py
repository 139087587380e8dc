"""Piccolo, as its documentation says to use it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from piccolo.columns import (
    M2M,
    BigInt,
    BigSerial,
    Boolean,
    DoublePrecision,
    ForeignKey,
    Integer,
    LazyTableReference,
    Text,
    Timestamptz,
    Varchar,
)
from piccolo.engine.postgres import PostgresEngine
from piccolo.table import Table, create_table_class

from benchmarks.dataset import WIDTHS, Row
from benchmarks.libraries.library import POOL_SIZE, Library

CHUNK = 1000
#: Rows of an INSERT: PostgreSQL takes 65,535 parameters in a statement, asyncpg 32,767.
INSERT_CHUNK = 4000


class User(Table, tablename="users"):
    id = BigSerial(primary_key=True)
    name = Varchar(length=100)
    email = Text()
    age = Integer(null=True)
    score = DoublePrecision()
    status = Text()
    is_active = Boolean()
    created_at = Timestamptz()


class Account(Table, tablename="accounts"):
    id = BigSerial(primary_key=True)
    name = Varchar(length=100)
    email = Text()
    age = Integer(null=True)
    score = DoublePrecision()
    status = Text()
    is_active = Boolean()
    created_at = Timestamptz()


class Event(Table, tablename="events"):
    id = BigSerial(primary_key=True)
    name = Varchar(length=100)
    email = Text()
    age = Integer(null=True)
    score = DoublePrecision()
    status = Text()
    is_active = Boolean()
    created_at = Timestamptz()


class Tag(Table, tablename="tags"):
    id = BigSerial(primary_key=True)
    name = Text()


class Post(Table, tablename="posts"):
    id = BigSerial(primary_key=True)
    author = ForeignKey(User, db_column_name="author_id")
    title = Text()
    views = Integer()
    created_at = Timestamptz()
    tags = M2M(LazyTableReference("PostTag", module_path=__name__))


class PostTag(Table, tablename="post_tags"):
    # The table has no key of its own, and Piccolo would add one to every SELECT of it.
    id = BigInt(primary_key=True, db_column_name="post_id")
    post = ForeignKey(Post, db_column_name="post_id")
    tag = ForeignKey(Tag, db_column_name="tag_id")


WIDE_COLUMNS = (Integer, Text, DoublePrecision, Boolean, Timestamptz)


def wide_table(width: int) -> type[Table]:
    """Return the class of the table with so many columns."""
    columns = {f"c{n}": WIDE_COLUMNS[(n - 1) % 5](null=True) for n in range(1, width)}
    return create_table_class(
        f"Wide{width}",
        class_kwargs={"tablename": f"wide{width}"},
        class_members={"id": BigSerial(primary_key=True), **columns},
    )


WIDE = {width: wide_table(width) for width in WIDTHS}
TABLES = (User, Account, Event, Tag, Post, PostTag, *WIDE.values())


class Piccolo(Library):
    """Piccolo with asyncpg under it."""

    key = "piccolo"
    title = "Piccolo"
    distribution = "piccolo"
    unavailable: ClassVar = {
        "tuples": "rows come as dicts or objects",
        "selectin": "one-to-many is not loaded",
        "tree": "one-to-many is not loaded",
    }

    engine: PostgresEngine

    async def open(self, url: str) -> None:
        # An engine connects when it is made, so that it cannot be made before there is a server.
        self.engine = PostgresEngine(config={"dsn": url}, extensions=())
        for table in TABLES:
            table._meta.db = self.engine
        await self.engine.start_connection_pool(min_size=POOL_SIZE, max_size=POOL_SIZE)

    async def close(self) -> None:
        await self.engine.close_connection_pool()

    def plain(self, row: Any, names: Sequence[str]) -> tuple[Any, ...]:
        def value(name: str) -> Any:
            if isinstance(row, dict):
                return row[name]
            # A foreign key is called by what it leads to, and is that object where it was loaded.
            found = getattr(row, "author" if name == "author_id" else name)
            return found.id if isinstance(found, Table) else found

        return tuple(value(name) for name in names)

    def related(self, row: Any, name: str) -> Any:
        return row[name] if isinstance(row, dict) else getattr(row, name)

    async def get(self, key: int) -> Any:
        return await User.objects().get(User.id == key)

    async def page(self, status: str, count: int) -> Any:
        query = User.objects().where(User.status == status)
        return await query.order_by(User.created_at, ascending=False).limit(count)

    async def models(self) -> Any:
        return await User.objects()

    async def tuples(self) -> Any:
        raise NotImplementedError(self.unavailable["tuples"])

    async def dicts(self) -> Any:
        return await User.select()

    async def count(self, status: str) -> int:
        return await User.count().where(User.status == status)

    async def exists(self, email: str) -> bool:
        return await User.exists().where(User.email == email)

    async def insert(self, row: Row) -> int:
        account = Account(**row)
        await account.save()
        key: int = account.id
        return key

    async def insert_many(self, rows: Sequence[Row]) -> list[int]:
        accounts = [Account(**row) for row in rows]
        async with self.engine.transaction():
            for start in range(0, len(accounts), INSERT_CHUNK):
                await Account.insert(*accounts[start : start + INSERT_CHUNK])
        return [account.id for account in accounts]

    async def update(self, account: Any, score: float) -> None:
        await Account.update({Account.score: score}).where(Account.id == account)

    async def upsert(self, rows: Sequence[Row]) -> None:
        accounts = [Account(**row) for row in rows]
        async with self.engine.transaction():
            for start in range(0, len(accounts), INSERT_CHUNK):
                await Account.insert(*accounts[start : start + INSERT_CHUNK]).on_conflict(
                    target=Account.email,
                    action="DO UPDATE",
                    values=[Account.name, Account.score],
                )

    async def transaction(self, key: int) -> None:
        async with self.engine.transaction():
            account = await Account.objects().get(Account.id == key)
            account.age = (account.age or 0) + 1
            await account.save([Account.age])

    async def selectin(self, last: int) -> Any:
        raise NotImplementedError(self.unavailable["selectin"])

    async def joined(self, last: int) -> Any:
        return await Post.objects(Post.author).where(Post.id <= last)

    async def tree(self, first: int, last: int) -> Any:
        raise NotImplementedError(self.unavailable["tree"])

    async def links(self, last: int) -> Any:
        return await Post.select(*Post.all_columns(), Post.tags()).where(Post.id <= last)

    async def stream(self) -> tuple[int, int]:
        count = total = 0
        async with await Event.objects().batch(batch_size=CHUNK) as batches:
            async for batch in batches:
                for event in batch:
                    count += 1
                    total += event.id
        return count, total

    async def events(self, count: int) -> Any:
        return await Event.objects().where(Event.id <= count)

    async def wide(self, width: int) -> Any:
        return await WIDE[width].objects()
