"""The rows that every library finds: the same in each run, made by the server itself."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ormkit import Record

SCHEMA = Path(__file__).with_name("db") / "schema.sql"

#: A row without its key, by column.
Row = dict[str, Any]

WIDTHS = (2, 5, 10, 20, 50)
#: What follows the key in a table of any width, again and again.
WIDE_VALUES = (
    "n",
    "'text ' || n",
    "n * 0.5",
    "n % 2 = 0",
    "timestamptz '2026-01-01' + n * interval '1 minute'",
)
#: The columns of users, accounts and events, from a number n.
PERSON = """
    'User ' || n,
    'user-' || lpad(n::text, 8, '0') || '@example.com',
    CASE WHEN n % 10 = 0 THEN NULL ELSE 18 + n % 60 END,
    n * 0.5,
    CASE n % 10 WHEN 0 THEN 'blocked' WHEN 1 THEN 'inactive' ELSE 'active' END,
    n % 3 > 0,
    timestamptz '2026-01-01' + n * interval '1 minute'
"""
PERSON_COLUMNS = ("name", "email", "age", "score", "status", "is_active", "created_at")
START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Sizes:
    """How much there is of everything."""

    users: int = 10_000
    #: Users with this many posts each, first in the table; then those of the tree.
    parents: int = 200
    children: int = 20
    joined: int = 2_000
    tree: tuple[int, int, int] = (100, 10, 5)
    linked: int = 500
    links: int = 10
    tags: int = 100
    events: int = 1_000_000
    wide: int = 1_000
    accounts: int = 1_000
    batch: int = 5_000
    tasks: int = 50
    gets: int = 40

    @property
    def tree_users(self) -> tuple[int, int]:
        """The first and the last key of the users of the tree."""
        return self.parents + 1, self.parents + self.tree[0]


FULL = Sizes()
QUICK = Sizes(events=100_000)
TINY = Sizes(
    users=60,
    parents=3,
    children=4,
    joined=6,
    tree=(3, 2, 2),
    linked=5,
    links=3,
    tags=7,
    events=50,
    wide=5,
    accounts=20,
    batch=12,
    tasks=4,
    gets=3,
)


def person(number: int) -> Row:
    """Return the row that PERSON makes of this number."""
    status = {0: "blocked", 1: "inactive"}.get(number % 10, "active")
    values = (
        f"User {number}",
        f"user-{number:08}@example.com",
        None if number % 10 == 0 else 18 + number % 60,
        number * 0.5,
        status,
        number % 3 > 0,
        START + dt.timedelta(minutes=number),
    )
    return dict(zip(PERSON_COLUMNS, values, strict=True))


async def create(connection: Any, sizes: Sizes) -> None:
    """Create the tables on an asyncpg connection and fill those that are only read."""
    await connection.execute(SCHEMA.read_text(encoding="utf-8"))
    for statement in filling(sizes):
        await connection.execute(statement)
    await connection.execute("VACUUM ANALYZE")
    await connection.execute("CHECKPOINT")


def filling(sizes: Sizes) -> list[str]:
    """Return the statements that fill the tables."""
    first, _ = sizes.tree_users
    roots, branches, leaves = sizes.tree
    posts = sizes.parents * sizes.children
    return [
        people("users", sizes.users),
        people("events", sizes.events),
        # Neighbouring posts have different authors, as in any list of the newest ones.
        f"INSERT INTO posts (author_id, title, views, created_at) "
        f"SELECT 1 + (n - 1) % {sizes.parents}, {post_values()} {series(posts)}",
        f"INSERT INTO posts (author_id, title, views, created_at) "
        f"SELECT {first} + (n - 1) % {roots}, {post_values()} {series(roots * branches)}",
        f"INSERT INTO comments (post_id, body) SELECT {posts} + 1 + (n - 1) % {roots * branches}, "
        f"'comment ' || n {series(roots * branches * leaves)}",
        f"INSERT INTO tags (name) SELECT 'tag ' || n {series(sizes.tags)}",
        f"INSERT INTO post_tags (post_id, tag_id) SELECT post, 1 + (post + link) % {sizes.tags} "
        f"FROM generate_series(1, {sizes.linked}) post, generate_series(1, {sizes.links}) link",
        *(wide(width, sizes.wide) for width in WIDTHS),
    ]


def people(table: str, count: int) -> str:
    """Return the statement that adds people, numbered from one."""
    return f"INSERT INTO {table} ({', '.join(PERSON_COLUMNS)}) SELECT {PERSON} {series(count)}"


def post_values() -> str:
    return "'Post ' || n, n % 1000, timestamptz '2026-02-01' + n * interval '1 minute'"


def wide(width: int, count: int) -> str:
    """Return the statement that fills the table of this many columns."""
    names = ", ".join(f"c{number}" for number in range(1, width))
    values = ", ".join(WIDE_VALUES[number % len(WIDE_VALUES)] for number in range(width - 1))
    return f"INSERT INTO wide{width} ({names}) SELECT {values} {series(count)}"


def series(count: int) -> str:
    return f"FROM generate_series(1, {count}) n"


async def renew_accounts(connection: Any, count: int) -> None:
    """Leave the first so many accounts, as they were, and no others."""
    await connection.execute("TRUNCATE accounts RESTART IDENTITY")
    if count:
        await connection.execute(people("accounts", count))


async def accounts(connection: Any) -> list[Record]:
    """Return every account, in the order of the numbers that they were made from."""
    rows: list[Record] = await connection.fetch("SELECT * FROM accounts ORDER BY email")
    return rows
