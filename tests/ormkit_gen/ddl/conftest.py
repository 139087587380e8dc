"""A schema's DDL, run on a real server, and the catalogs to read it back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from ormkit_gen.ddl.schema import schema_sql
from ormkit_gen.ir import Schema
from tests.servers import Server


@dataclass(frozen=True)
class Database:
    """A database in which a schema's DDL was run."""

    server: Server
    url: str

    def rows(self, sql: str, *args: object) -> list[tuple[Any, ...]]:
        """Return the rows of a query as tuples."""
        return [tuple(row) for row in self.server.fetch(self.url, sql, *args)]

    def run(self, sql: str) -> None:
        """Run statements."""
        self.server.run_script(self.url, sql)

    def constraints(self) -> dict[str, str]:
        """Return the definitions of all constraints but NOT NULL, by name."""
        return dict(self.rows(CONSTRAINTS))

    def indexes(self) -> dict[str, str]:
        """Return the definitions of all indexes, by name."""
        return dict(
            self.rows("SELECT indexname, indexdef FROM pg_indexes WHERE schemaname !~ '^pg_'")
        )

    def columns(self, table: str) -> dict[str, tuple[str, bool, str | None]]:
        """Return each column's type, whether it takes NULL, and its default."""
        return {name: (*rest,) for name, *rest in self.rows(COLUMNS, table)}


CONSTRAINTS = """
    SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE conrelid <> 0 AND contype <> 'n' AND connamespace <> 'pg_catalog'::regnamespace
      AND connamespace <> 'information_schema'::regnamespace
"""
COLUMNS = """
    SELECT attname, format_type(atttypid, atttypmod), NOT attnotnull, pg_get_expr(adbin, adrelid)
    FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE attrelid = $1::text::regclass AND attnum > 0
"""

Apply = Callable[[Schema], Database]


@pytest.fixture
def apply(any_server: Server) -> Iterator[Apply]:
    """Run a schema's DDL in an empty database, twice, for it may run again."""
    with ExitStack() as stack:

        def applied(schema: Schema) -> Database:
            database = Database(any_server, stack.enter_context(any_server.database()))
            sql = schema_sql(schema)
            database.run(sql)
            database.run(sql)
            return database

        yield applied
