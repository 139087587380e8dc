"""The statements that build indexes while others write their table."""

from __future__ import annotations

import re

#: How PostgreSQL prints a unique constraint or a primary key.
_COLUMNS = r'\((?P<{}>(?:"(?:[^"]|"")+"|[^")])+)\)'
UNIQUE = re.compile(
    rf"(?P<kind>PRIMARY KEY|UNIQUE)(?P<nulls> NULLS NOT DISTINCT)? {_COLUMNS.format('columns')}"
    rf"(?P<include> INCLUDE {_COLUMNS.format('more')})?(?P<storage> WITH {_COLUMNS.format('w')})?"
    r"(?P<deferred> DEFERRABLE(?: INITIALLY DEFERRED)?)?"
)
_INDEX = re.compile(r'^(CREATE (?:UNIQUE )?INDEX )("(?:[^"]|"")+"|\S+)')


def unique_index(words: re.Match[str], name: str, table: str) -> str:
    """Return what builds the index of a unique constraint while others write the table."""
    return (
        f"CREATE UNIQUE INDEX CONCURRENTLY {name} ON {table} ({words['columns']})"
        f"{words['include'] or ''}{words['nulls'] or ''}{words['storage'] or ''};"
    )


def concurrently(definition: str, name: str, way: str = "CONCURRENTLY ") -> str:
    """Return what builds an index of this definition under another name, given as SQL."""
    return _INDEX.sub(lambda found: f"{found[1]}{way}{name}", definition)
