"""Walks over a table in the order of a key, a range of keys at a time."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import MigrationError
from ..postgres.identifiers import quoted_text
from .lasting import unquoted

#: Runs a query, and returns its rows.
Fetch = Callable[[str], Awaitable[Sequence[Any]]]
#: The values of a key, as texts that PostgreSQL reads back as the same values.
Key = tuple[str, ...]

#: The alias of the table in queries for its keys.
WALKED = "ormkit_walked"
#: What stands for the key of a table without one: where a row is in its file.
PLACE = "ctid"
COLUMNS = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull
FROM pg_attribute a WHERE a.attrelid = to_regclass({table}) AND a.attnum > 0
    AND NOT a.attisdropped AND a.attname IN ({names})
"""

#: How many pages a table has and had, how many rows it had, and whether it is one file.
PAGES = """
SELECT pg_relation_size(c.oid) / current_setting('block_size')::bigint, c.relpages, c.reltuples,
    c.relkind IN ('r', 'm') AND NOT EXISTS (SELECT FROM pg_inherits i WHERE i.inhparent = c.oid)
FROM pg_class c WHERE c.oid = to_regclass({table})
"""
#: How many rows a page has as long as nobody has counted them.
_ROWS = 60
#: Greater than the number of any row in a page.
_LAST = 65535


@dataclass(frozen=True, slots=True)
class Keyset:
    """The key of a table by which ranges of it are named."""

    #: The table and the columns, as SQL.
    table: str
    columns: tuple[str, ...]
    types: tuple[str, ...]

    @classmethod
    async def of(cls, fetch: Fetch, table: str, columns: Sequence[str]) -> Keyset:
        """Return the key of a table.

        Raises:
            MigrationError: There is no such column, or it may be NULL.
        """
        if tuple(columns) == (PLACE,):
            return await Places.of_table(fetch, table)
        names = [unquoted(each) for each in columns]
        given = ", ".join(map(quoted_text, names))
        rows = await fetch(COLUMNS.format(table=quoted_text(table), names=given))
        found = {name: (type_, is_filled) for name, type_, is_filled in rows}
        for name in names:
            if name not in found:
                raise MigrationError(
                    f"{table} has no column {name}: batches walk over a key of the table"
                )
            if not found[name][1]:
                raise MigrationError(
                    f"{table}.{name} may be NULL, and batches would miss such rows: walk over the "
                    "primary key"
                )
        return cls(table, tuple(columns), tuple(found[name][0] for name in names))

    async def last(self, fetch: Fetch) -> Key | None:
        """Return the greatest key; None for an empty table."""
        order = ", ".join(f"{WALKED}.{each} DESC" for each in self.columns)
        return first_key(await fetch(f"SELECT {self._source} ORDER BY {order} LIMIT 1"))

    async def end_of_batch(
        self, fetch: Fetch, after: Key | None, upper: Key, size: int
    ) -> Key | None:
        """Return the last key of the next batch; None if fewer rows than a batch are left."""
        order = ", ".join(f"{WALKED}.{each}" for each in self.columns)
        condition = self.within(after, upper, f"{WALKED}.")
        return first_key(
            await fetch(
                f"SELECT {self._source} WHERE {condition} ORDER BY {order} "
                f"OFFSET {size - 1} LIMIT 1"
            )
        )

    def within(self, after: Key | None, upto: Key, qualifier: str = "") -> str:
        """Return the condition that a key is in a range, without its lower end.

        qualifier: what stands before each column, such as `public.users.`.
        """
        names = ", ".join(f"{qualifier}{each}" for each in self.columns)
        bounds = [("<=", upto)] if after is None else [(">", after), ("<=", upto)]
        conditions = [f"({names}) {sign} ({self._values(key)})" for sign, key in bounds]
        return f"({' AND '.join(conditions)})"

    @property
    def _source(self) -> str:
        # ORDER BY a bare name would mean the text of that name, not the column.
        texts = ", ".join(f"{WALKED}.{each}::text" for each in self.columns)
        return f"{texts} FROM {self.table} AS {WALKED}"

    def _values(self, key: Key) -> str:
        values = zip(key, self.types, strict=True)
        return ", ".join(f"{quoted_text(value)}::{type_}" for value, type_ in values)


@dataclass(frozen=True, slots=True)
class Places(Keyset):
    """The places of the rows of a table without a key: a batch is a number of pages.

    A row that is written during the walk gets another place, which the walk may have passed.
    """

    #: How many rows a page has, about.
    rows: float = _ROWS

    @classmethod
    async def of_table(cls, fetch: Fetch, table: str) -> Places:
        """Return the places of a table.

        Raises:
            MigrationError: There is no such table, or it has several files.
        """
        found = await fetch(PAGES.format(table=quoted_text(table)))
        if not found:
            raise MigrationError(f"there is no table {table} for batches to walk over")
        _, pages, rows, is_whole = found[0]
        if not is_whole:
            raise MigrationError(
                f"{table} has its rows in several tables, in each of which {PLACE} begins anew: "
                "walk over a key, or over each of these tables"
            )
        is_counted = pages > 0 and rows > 0
        return cls(table, (PLACE,), ("tid",), rows / pages if is_counted else _ROWS)

    async def last(self, fetch: Fetch) -> Key | None:
        """Return the end of the last page; None for an empty table."""
        pages = int((await fetch(PAGES.format(table=quoted_text(self.table))))[0][0])
        return _end_of(pages - 1) if pages else None

    async def end_of_batch(
        self, fetch: Fetch, after: Key | None, upper: Key, size: int
    ) -> Key | None:
        """Return the end of the last page of the next batch; None if it is the last one."""
        end = _page(after) + max(1, round(size / self.rows))
        return _end_of(end) if end < _page(upper) else None


def _page(key: Key | None) -> int:
    return -1 if key is None else int(key[0].strip("()").partition(",")[0])


def _end_of(page: int) -> Key:
    return (f"({page},{_LAST})",)


def first_key(rows: Sequence[Any]) -> Key | None:
    """Return the key in the first row; None without rows."""
    return tuple(str(each) for each in rows[0]) if rows else None


def stored(key: Key | None) -> str | None:
    """Return a key as JSON, for the tables of the state."""
    return None if key is None else json.dumps(key)


def from_stored(text: str | None) -> Key | None:
    """Return a key from JSON."""
    return None if text is None else tuple(json.loads(text))
