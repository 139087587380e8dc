"""A test gets the database of the last one, unless that has left more than rows behind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import closing

import asyncpg
import pytest

from tests.copies import Copies
from tests.servers import Server

pytestmark = pytest.mark.one_interpreter

#: What leaves rows and drawn numbers only.
ROWS = [
    "SELECT 1",
    "INSERT INTO tags (name) VALUES ('a'), ('b')",
    "BEGIN; INSERT INTO tags (name) VALUES ('a'); ROLLBACK",
    "SELECT nextval(pg_get_serial_sequence('tags', 'id'))",
    "INSERT INTO tags (name) VALUES ('a'); DELETE FROM tags",
]
#: What changes a database otherwise.
CHANGES = [
    "CREATE TABLE more (id int)",
    "CREATE TABLE more (id int); DROP TABLE more; CREATE TABLE more (id int)",
    "ALTER TABLE users ADD more int",
    "ALTER TABLE users ALTER name DROP NOT NULL",
    "DROP TABLE tags CASCADE",
    "CREATE INDEX more ON users (name, email)",
    "ALTER TABLE users ENABLE ROW LEVEL SECURITY",
    "CREATE FUNCTION more() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE SCHEMA more",
    "CREATE TYPE more AS ENUM ('a')",
    "COMMENT ON TABLE users IS 'more'",
    "ALTER TABLE users SET (fillfactor = 50)",
    "GRANT SELECT ON users TO public",
    "DO $$BEGIN EXECUTE format('ALTER DATABASE %I SET work_mem = 1024', current_database()); END$$",
    "INSERT INTO tags (name) VALUES ('a'); ANALYZE tags",
]


@pytest.fixture
def copies(server18: Server, blog_template: str) -> Iterator[Copies]:
    with closing(Copies(server18, blog_template)) as copies:
        yield copies


def follow(copies: Copies, use: Callable[[str], object]) -> tuple[str, str]:
    """Use a database as one test, and return its URL and that of the next test."""
    with copies.lend() as first:
        use(first)
    with copies.lend() as second:
        return first, second


@pytest.mark.parametrize("sql", ROWS)
def test_rows_and_numbers_are_gone(server18: Server, copies: Copies, sql: str) -> None:
    first, second = follow(copies, lambda url: server18.run_script(url, sql))
    assert first == second
    insert = "INSERT INTO tags (name) VALUES ('a') RETURNING id"
    assert [row["id"] for row in server18.fetch(second, insert)] == [1]


@pytest.mark.parametrize("sql", CHANGES)
def test_a_changed_schema_is_not_used_again(server18: Server, copies: Copies, sql: str) -> None:
    first, second = follow(copies, lambda url: server18.run_script(url, sql))
    assert first != second


def test_a_database_in_use_is_not_used_again(copies: Copies) -> None:
    with closing(asyncio.new_event_loop()) as loop:
        with copies.lend() as first:
            connection = loop.run_until_complete(asyncpg.connect(first))
        with copies.lend() as second:
            assert first != second
        connection.terminate()
        loop.run_until_complete(asyncio.sleep(0))
