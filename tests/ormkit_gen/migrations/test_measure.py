"""What a step does, as it is measured on the shadow server."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from ormkit import DatabaseError, Engine, create_engine
from ormkit.migrations.files import Step
from ormkit_gen.migrations.measure import Gauge, StepMeasure

pytestmark = [pytest.mark.anyio, pytest.mark.one_interpreter]

SCHEMA = """
CREATE TABLE users (
    id bigint PRIMARY KEY, name varchar(10), n numeric(10,2), t timestamp, age int, b bigint, i int
);
CREATE TABLE posts (id bigint PRIMARY KEY, user_id bigint, title text);
CREATE INDEX posts_user ON posts (user_id);
CREATE TYPE mood AS ENUM ('a');
CREATE TABLE "Days" (id int, d int) PARTITION BY RANGE (d);
CREATE TABLE "Days 1" PARTITION OF "Days" FOR VALUES FROM (0) TO (10);
CREATE VIEW v AS SELECT id FROM posts;
CREATE MATERIALIZED VIEW mv AS SELECT id FROM posts;
CREATE SCHEMA old;
CREATE TABLE old.t (id int);
"""
EXCLUSIVE = "AccessExclusive on public.users"
SHARED_ROW = ("ShareRowExclusive on public.posts", "ShareRowExclusive on public.users")
REWRITES = (EXCLUSIVE, "rewrites public.users", "builds public.users_pkey")
UPDATES = ("ShareUpdateExclusive on public.posts", "scans public.posts")
TIMESTAMP = "ALTER TABLE users ALTER t TYPE timestamp"
#: Statements in the order in which they run, and what is measured of each.
CASES: list[tuple[str, tuple[str, ...]]] = [
    ("ALTER TABLE users ADD COLUMN x int", (EXCLUSIVE,)),
    ("ALTER TABLE users ADD COLUMN y int NOT NULL DEFAULT 5", (EXCLUSIVE,)),
    ("ALTER TABLE users ADD COLUMN at timestamptz DEFAULT now()", (EXCLUSIVE,)),
    ("ALTER TABLE users ADD COLUMN z uuid DEFAULT gen_random_uuid()", REWRITES),
    (
        "ALTER TABLE users ADD CONSTRAINT c CHECK (age > 0)",
        (EXCLUSIVE, "scans public.users", "validates c of public.users"),
    ),
    ("ALTER TABLE users ADD CONSTRAINT c2 CHECK (age > 0) NOT VALID", (EXCLUSIVE,)),
    (
        "ALTER TABLE users VALIDATE CONSTRAINT c2",
        (
            *("ShareUpdateExclusive on public.users", "scans public.users"),
            "validates c2 of public.users",
        ),
    ),
    (
        "ALTER TABLE users ALTER age SET NOT NULL",
        (EXCLUSIVE, "scans public.users", "validates users_age_not_null of public.users"),
    ),
    ("ALTER TABLE users ADD CONSTRAINT bn NOT NULL b NOT VALID", (EXCLUSIVE,)),
    (
        "ALTER TABLE users VALIDATE CONSTRAINT bn",
        (
            *("ShareUpdateExclusive on public.users", "scans public.users"),
            "validates bn of public.users",
        ),
    ),
    (
        "ALTER TABLE posts ADD CONSTRAINT k FOREIGN KEY (user_id) REFERENCES users",
        (*SHARED_ROW, "scans public.posts", "validates k of public.posts"),
    ),
    (
        "ALTER TABLE posts ADD CONSTRAINT k2 FOREIGN KEY (user_id) REFERENCES users NOT VALID",
        SHARED_ROW,
    ),
    ("ALTER TABLE posts VALIDATE CONSTRAINT k2", (*UPDATES, "validates k2 of public.posts")),
    (
        "CREATE INDEX i1 ON posts (title)",
        ("Share on public.posts", "scans public.posts", "builds public.i1"),
    ),
    ("CREATE INDEX CONCURRENTLY i2 ON posts (title)", (*UPDATES, "builds public.i2")),
    ("REINDEX INDEX CONCURRENTLY i2", (*UPDATES, "builds public.i2")),
    ("DROP INDEX CONCURRENTLY i2", UPDATES[:1]),
    ("ALTER TABLE users ALTER name TYPE varchar(20)", (EXCLUSIVE,)),
    ("ALTER TABLE users ALTER name TYPE text", (EXCLUSIVE,)),
    ("ALTER TABLE users ALTER name TYPE varchar(5)", REWRITES),
    ("ALTER TABLE users ALTER n TYPE numeric(12,2)", (EXCLUSIVE,)),
    ("ALTER TABLE users ALTER n TYPE numeric(12,4)", REWRITES),
    ("ALTER TABLE users ALTER i TYPE bigint", REWRITES),
    ("ALTER TABLE users ALTER t TYPE timestamptz", (EXCLUSIVE,)),
    (f"SET TimeZone = 'Europe/Berlin'; {TIMESTAMP}; SET TimeZone = 'UTC'", REWRITES),
    ("ALTER TYPE mood ADD VALUE 'b'", ()),
    (
        "ALTER TABLE users ADD CONSTRAINT uq UNIQUE (b)",
        (EXCLUSIVE, "scans public.users", "builds public.uq"),
    ),
    ("ALTER TABLE users RENAME COLUMN b TO c", (EXCLUSIVE,)),
    ("ALTER TABLE users DROP COLUMN c", (EXCLUSIVE,)),
    ("UPDATE users SET age = 1", ("RowExclusive on public.users", "scans public.users")),
    ("CREATE TABLE fresh (id int PRIMARY KEY); CREATE INDEX ON fresh (id)", ()),
    (
        'ALTER TABLE "Days" ADD COLUMN q float DEFAULT random()',
        (
            *('AccessExclusive on public."Days 1"', 'AccessExclusive on public."Days"'),
            'rewrites public."Days 1"',
        ),
    ),
    (
        'CREATE INDEX days_id ON "Days" (id)',
        (
            *('Share on public."Days 1"', 'Share on public."Days"'),
            *('scans public."Days 1"', 'builds public."Days 1_id_idx"'),
        ),
    ),
    (
        'CREATE TABLE later PARTITION OF "Days" FOR VALUES FROM (10) TO (20)',
        ('AccessExclusive on public."Days"',),
    ),
    (
        "REFRESH MATERIALIZED VIEW mv",
        ("AccessExclusive on public.mv", "rewrites public.mv", "scans public.posts"),
    ),
    ("CREATE OR REPLACE VIEW v AS SELECT id, title FROM posts", ("AccessExclusive on public.v",)),
    ("ALTER TABLE users ENABLE ROW LEVEL SECURITY", (EXCLUSIVE,)),
    ("ALTER TABLE users ADD COLUMN g bigint GENERATED ALWAYS AS (id * 2) STORED", REWRITES),
    ("ALTER TABLE users ADD COLUMN gv bigint GENERATED ALWAYS AS (id * 2) VIRTUAL", (EXCLUSIVE,)),
    ("CLUSTER users USING users_pkey", REWRITES),
    ("ALTER SCHEMA old RENAME TO renamed", ()),
    ("ALTER TABLE renamed.t ADD COLUMN x int", ("AccessExclusive on renamed.t",)),
    (
        "DO $$ BEGIN BEGIN ALTER TABLE renamed.t ADD y float DEFAULT random(); "
        "EXCEPTION WHEN others THEN END; END $$",
        ("AccessExclusive on renamed.t", "rewrites renamed.t"),
    ),
    (
        "DROP TABLE posts CASCADE",
        (
            *("AccessExclusive on public.mv", "AccessExclusive on public.posts"),
            *(EXCLUSIVE, "AccessExclusive on public.v"),
        ),
    ),
]
ALONE = ("CONCURRENTLY", "ADD VALUE")


def step(sql: str) -> Step:
    is_alone = any(each in sql for each in ALONE)
    return Step(sql=sql, mode="no transaction" if is_alone else "transaction")


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Engine]:
    async with await create_engine(url, max_connections=3) as engine:
        async with engine.pool.connection() as connection:
            await connection.script(SCHEMA)
        yield engine


async def told(url: str, sql: str) -> set[str]:
    """Return what PostgreSQL says that it does when the SQL runs, which it then undoes."""
    messages: list[str] = []
    raw: Any = await asyncpg.connect(url)
    try:
        raw.add_log_listener(lambda _, message: messages.append(message.message))
        await raw.execute("SET client_min_messages = debug1; BEGIN")
        await raw.execute(sql)
        await raw.execute("ROLLBACK")
    finally:
        await raw.close()
    words = {"rewriting": "rewrites", "verifying": "scans", "building": "builds"}
    found = (re.match(r'(\w+) (?:table|index) "([^"]+)"', each) for each in messages)
    return {
        f"{words[each[1]]} {each[2]}"
        for each in found
        if each and each[1] in words and not each[2].startswith("pg_toast")
    }


def bare(line: str) -> str:
    return re.sub(r"\b(?:public|renamed)\.", "", line).replace('"', "")


async def test_what_is_measured_is_what_postgresql_says_itself(database_url: str) -> None:
    """It says in messages what it does, whose wording may change with each version."""
    measured: list[tuple[str, tuple[str, ...]]] = []
    async with opened(database_url) as engine:
        gauge = Gauge(engine)
        for sql, expected in CASES:
            if not any(each in sql for each in (*ALONE, "REFRESH", "CLUSTER", "CREATE TABLE")):
                said = await told(database_url, sql)
                lines = {bare(each) for each in expected}
                works = {each for each in lines if each.startswith(("rewrites", "builds"))}
                assert works <= said <= lines, sql
            measured.append((sql, (await gauge.run(step(sql))).lines))
    assert measured == CASES


async def test_a_step_that_fails_leaves_nothing_and_the_next_one_runs(database_url: str) -> None:
    async with opened(database_url) as engine:
        gauge = Gauge(engine)
        with pytest.raises(DatabaseError, match="nowhere"):
            await gauge.run(step("ALTER TABLE users ADD COLUMN x int; SELECT * FROM nowhere"))
        with pytest.raises(DatabaseError, match="absent"):
            await gauge.run(step("CREATE INDEX CONCURRENTLY bad ON posts (absent)"))
        assert await gauge.run(step("ALTER TABLE users ADD COLUMN x int")) == StepMeasure(
            {"public.users": "AccessExclusive"}
        )


def test_a_step_blocks_where_it_works_on_a_used_table_under_a_strong_lock() -> None:
    users = frozenset(["public.users"])
    scan = StepMeasure({"public.users": "AccessExclusive"}, scans=("public.users",))
    assert scan.blocking(users) == {"public.users": "AccessExclusive"}
    assert scan.blocking(frozenset(["public.posts"])) == {}
    assert StepMeasure({"public.users": "AccessExclusive"}).blocking(users) == {}
    weak = StepMeasure({"public.users": "ShareUpdateExclusive"}, scans=("public.users",))
    assert weak.blocking(users) == {}
