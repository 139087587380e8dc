"""One connection of asyncpg and SQL by hand: the floor."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import asyncpg

from benchmarks.dataset import PERSON_COLUMNS
from benchmarks.libraries.library import Library

PERSON = ", ".join(PERSON_COLUMNS)
USER = f"id, {PERSON}"
POST = "id, author_id, title, views, created_at"
PLACES = ", ".join(f"${number}" for number in range(1, len(PERSON_COLUMNS) + 1))
INSERT = f"INSERT INTO accounts ({PERSON}) VALUES ({PLACES}) RETURNING id"
UPSERT = (
    f"INSERT INTO accounts ({PERSON}) VALUES ({PLACES}) "
    f"ON CONFLICT (email) DO UPDATE SET name = excluded.name, score = excluded.score RETURNING id"
)
JOINED = (
    f"SELECT p.{POST.replace(', ', ', p.')}, u.{USER.replace(', ', ', u.')} "
    f"FROM posts p JOIN users u ON u.id = p.author_id WHERE p.id <= $1"
)
POST_WIDTH = len(POST.split(", "))
TAGS = (
    "SELECT l.post_id, t.id, t.name FROM post_tags l JOIN tags t ON t.id = l.tag_id "
    "WHERE l.post_id = ANY($1) ORDER BY t.id"
)
#: Rows that a cursor fetches at a time; asyncpg's own default of 50 is slow.
CHUNK = 1000


class Bare(Library):
    """What asyncpg does without anything above it; rows are its records.

    What has rows of its own is a pair of the record and those rows.
    """

    key = "bare"
    title = "asyncpg, one connection"
    distribution = "asyncpg"
    is_reference = True
    unavailable: ClassVar = {"get_in_tasks": "one connection serves one task at a time"}

    #: A connection or a pool: both have the methods that fetch.
    source: Any

    async def open(self, url: str) -> None:
        self.source = await asyncpg.connect(url)

    async def close(self) -> None:
        await self.source.close()

    @asynccontextmanager
    async def connection(self) -> AsyncGenerator[Any]:
        """Yield the connection for what needs several statements on the same one."""
        yield self.source

    async def prepare(self, method: str, arguments: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        if method == "insert":
            return [(tuple(row.values()),) for (row,) in arguments]
        if method in ("insert_many", "upsert"):
            return [([tuple(row.values()) for row in rows],) for (rows,) in arguments]
        return arguments

    def plain(self, row: Any, names: Sequence[str]) -> tuple[Any, ...]:
        if isinstance(row, tuple) and not isinstance(row[0], int):
            row, _ = row
        # The tuples of `joined` have the columns in their order.
        return row if isinstance(row, tuple) else tuple(row[name] for name in names)

    def related(self, row: Any, name: str) -> Any:
        return row[1]

    async def get(self, key: int) -> Any:
        return await self.source.fetchrow(f"SELECT {USER} FROM users WHERE id = $1", key)

    async def page(self, status: str, count: int) -> Any:
        # As a parameter, the limit would keep PostgreSQL from ever keeping its plan.
        return await self.source.fetch(
            f"SELECT {USER} FROM users WHERE status = $1 ORDER BY created_at DESC LIMIT {count:d}",
            status,
        )

    async def models(self) -> Any:
        return await self.source.fetch(f"SELECT {USER} FROM users")

    async def tuples(self) -> Any:
        return await self.models()

    async def dicts(self) -> Any:
        return list(map(dict, await self.models()))

    async def count(self, status: str) -> int:
        found: int = await self.source.fetchval(
            "SELECT count(*) FROM users WHERE status = $1", status
        )
        return found

    async def exists(self, email: str) -> bool:
        found: bool = await self.source.fetchval(
            "SELECT EXISTS (SELECT FROM users WHERE email = $1)", email
        )
        return found

    async def insert(self, row: Any) -> int:
        key: int = await self.source.fetchval(INSERT, *row)
        return key

    async def insert_many(self, rows: Sequence[Any]) -> list[int]:
        return [key for (key,) in await self.source.fetchmany(INSERT, rows)]

    async def update(self, account: Any, score: float) -> None:
        await self.source.execute("UPDATE accounts SET score = $1 WHERE id = $2", score, account)

    async def upsert(self, rows: Sequence[Any]) -> None:
        await self.source.fetchmany(UPSERT, rows)

    async def transaction(self, key: int) -> None:
        async with self.connection() as connection, connection.transaction():
            row = await connection.fetchrow(f"SELECT {USER} FROM accounts WHERE id = $1", key)
            await connection.execute(
                "UPDATE accounts SET age = $1 WHERE id = $2", (row["age"] or 0) + 1, key
            )

    async def selectin(self, last: int) -> Any:
        users = await self.source.fetch(f"SELECT {USER} FROM users WHERE id <= $1", last)
        return await self._with_posts(users)

    async def _with_posts(self, users: Sequence[Any]) -> list[tuple[Any, list[Any]]]:
        posts = await self.source.fetch(
            f"SELECT {POST} FROM posts WHERE author_id = ANY($1) ORDER BY id",
            [user["id"] for user in users],
        )
        by_author: defaultdict[int, list[Any]] = defaultdict(list)
        for post in posts:
            by_author[post["author_id"]].append(post)
        return [(user, by_author[user["id"]]) for user in users]

    async def joined(self, last: int) -> Any:
        # Each post with an author of its own, as two tuples: nothing by hand is cheaper.
        rows = await self.source.fetch(JOINED, last)
        return [(row[:POST_WIDTH], row[POST_WIDTH:]) for row in rows]

    async def tree(self, first: int, last: int) -> Any:
        users = await self.source.fetch(
            f"SELECT {USER} FROM users WHERE id BETWEEN $1 AND $2", first, last
        )
        found = await self._with_posts(users)
        comments = await self.source.fetch(
            "SELECT id, post_id, body FROM comments WHERE post_id = ANY($1) ORDER BY id",
            [post["id"] for _, posts in found for post in posts],
        )
        by_post: defaultdict[int, list[Any]] = defaultdict(list)
        for comment in comments:
            by_post[comment["post_id"]].append(comment)
        return [(user, [(post, by_post[post["id"]]) for post in posts]) for user, posts in found]

    async def links(self, last: int) -> Any:
        posts = await self.source.fetch(f"SELECT {POST} FROM posts WHERE id <= $1", last)
        tags = await self.source.fetch(TAGS, [post["id"] for post in posts])
        by_post: defaultdict[int, list[Any]] = defaultdict(list)
        for tag in tags:
            by_post[tag["post_id"]].append(tag)
        return [(post, by_post[post["id"]]) for post in posts]

    async def stream(self) -> tuple[int, int]:
        count = total = 0
        async with self.connection() as connection, connection.transaction():
            async for row in connection.cursor(f"SELECT {USER} FROM events", prefetch=CHUNK):
                count += 1
                total += row["id"]
        return count, total

    async def events(self, count: int) -> Any:
        return await self.source.fetch(f"SELECT {USER} FROM events WHERE id <= $1", count)

    async def wide(self, width: int) -> Any:
        return await self.source.fetch(f"SELECT * FROM wide{width}")
