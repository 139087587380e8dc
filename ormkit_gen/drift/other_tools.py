"""The tables in which other tools keep which of their migrations a database has."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that has made databases, and how it is known."""

    name: str
    #: Its table, wherever that is, and columns that tell it from another table of this name.
    table: str
    columns: frozenset[str]
    #: The query for what it has not ended; `{table}` stands for the table.
    unfinished: str
    #: How to end that.
    remedy: str
    #: What comes after OrmKit has taken over; `{table}` stands for the table.
    next: str


TOOLS = (
    Tool(
        "alembic",
        "alembic_version",
        frozenset({"version_num"}),
        "SELECT 'it is at several heads: ' || string_agg(version_num, ', ' ORDER BY version_num) "
        "FROM {table} HAVING count(*) > 1",
        "run `alembic merge heads` and `alembic upgrade head` first",
        "remove alembic's versions from the project when all databases are taken over, and then "
        "DROP TABLE {table}",
    ),
    Tool(
        "django",
        "django_migrations",
        frozenset({"app", "name", "applied"}),
        "SELECT WHERE false",
        "run `manage.py migrate` first",
        "run no `manage.py migrate` for these tables any more (managed = False in their models); "
        "{table} stays for the tables that Django keeps",
    ),
    Tool(
        "prisma",
        "_prisma_migrations",
        frozenset({"migration_name", "finished_at", "rolled_back_at", "checksum"}),
        "SELECT migration_name FROM {table} WHERE finished_at IS NULL AND rolled_back_at IS NULL",
        "run `prisma migrate resolve` and `prisma migrate deploy` first",
        "remove prisma/migrations from the project when all databases are taken over, and then "
        "DROP TABLE {table}",
    ),
)
#: The tables of a database that may be of a tool: schema and columns of those with such a name.
FIND = """
SELECT c.relname, format('%I.%I', n.nspname, c.relname), array_agg(a.attname::text)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a
    ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p') AND c.relname = ANY ($1) AND n.nspname !~ '^pg_'
GROUP BY c.oid, n.nspname, c.relname ORDER BY n.nspname <> 'public', n.nspname
"""


def tool_of(table: str, columns: Collection[str]) -> Tool | None:
    """Return the tool whose table this is, or None."""
    found = (each for each in TOOLS if each.table == table and each.columns <= set(columns))
    return next(found, None)
