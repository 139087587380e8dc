"""OrmKit, as docs/runtime.md and docs/queries.md say to use it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from benchmarks import db
from benchmarks.dataset import PERSON_COLUMNS, Row
from benchmarks.db import Account, Event, Post, User
from benchmarks.libraries.library import POOL_SIZE, Library
from ormkit import AsyncSession, Engine, create_engine, joinedload, selectinload

COLUMNS = ("id", *PERSON_COLUMNS)


class OrmKit(Library):
    """OrmKit with its defaults."""

    key = "ormkit"
    title = "OrmKit"
    distribution = "ormkit-pg"
    coalesces: ClassVar[bool] = True

    engine: Engine
    session: AsyncSession

    async def open(self, url: str) -> None:
        self.engine = await create_engine(url, max_connections=POOL_SIZE, coalesce=self.coalesces)
        self.session = AsyncSession(self.engine)

    async def close(self) -> None:
        await self.engine.close()

    async def prepare(self, method: str, arguments: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        if method == "update":
            return [(await self.session.get(Account, key), score) for key, score in arguments]
        return arguments

    async def get(self, key: int) -> User | None:
        return await self.session.get(User, key)

    async def page(self, status: str, count: int) -> list[User]:
        query = self.session.query(User).filter(status=status)
        return await query.order_by("-created_at").limit(count).all()

    async def models(self) -> list[User]:
        return await self.session.query(User).all()

    async def tuples(self) -> Any:
        return await self.session.query(User).values_list(*COLUMNS)

    async def dicts(self) -> Any:
        return await self.session.query(User).values(*COLUMNS)

    async def count(self, status: str) -> int:
        return await self.session.query(User).filter(status=status).count()

    async def exists(self, email: str) -> bool:
        return await self.session.query(User).filter(email=email).exists()

    async def insert(self, row: Row) -> int:
        return (await self.session.insert(Account(**row))).id

    async def insert_many(self, rows: Sequence[Row]) -> list[int]:
        found = await self.session.insert_all([Account(**row) for row in rows])
        return [account.id for account in found]

    async def update(self, account: Any, score: float) -> None:
        await self.session.update(account, score=score)

    async def upsert(self, rows: Sequence[Row]) -> None:
        await self.session.upsert_all(
            [Account(**row) for row in rows],
            conflict_target=["email"],
            update_fields=["name", "score"],
        )

    async def transaction(self, key: int) -> None:
        async with self.session.begin() as tx:
            account = await tx.get_or_raise(Account, key)
            account.age = (account.age or 0) + 1

    async def selectin(self, last: int) -> list[User]:
        query = self.session.query(User).filter(id__lte=last)
        return await query.options(selectinload(User.posts)).all()

    async def joined(self, last: int) -> list[Post]:
        query = self.session.query(Post).filter(id__lte=last)
        return await query.options(joinedload(Post.author)).all()

    async def tree(self, first: int, last: int) -> list[User]:
        comments = selectinload(User.posts).selectinload(Post.comments)
        query = self.session.query(User).filter(id__between=(first, last))
        return await query.options(comments).all()

    async def links(self, last: int) -> list[Post]:
        query = self.session.query(Post).filter(id__lte=last)
        return await query.options(selectinload(Post.tags)).all()

    async def stream(self) -> tuple[int, int]:
        count = total = 0
        async for event in self.session.query(Event).stream():
            count += 1
            total += event.id
        return count, total

    async def events(self, count: int) -> list[Event]:
        return await self.session.query(Event).filter(id__lte=count).all()

    async def wide(self, width: int) -> Any:
        return await self.session.query(getattr(db, f"Wide{width}")).all()


class OrmKitAlone(OrmKit):
    """OrmKit with coalescing off: each lookup by key is a statement of its own."""

    key = "ormkit-alone"
    title = "OrmKit, coalescing off"
    coalesces = False
