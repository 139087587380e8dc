"""Build SQL on a throw-away database, so that PostgreSQL itself prints what it means."""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from ..engine import create_engine
from ..errors import StatementError
from ..postgres.identifiers import quote
from ..statements.create_all import reworded
from .facts import Catalog
from .reader import read_catalog

#: How the databases are called, so that a person can tell where one comes from.
PREFIX = "ormkit_shadow_"
#: Two equal constants are printed alike only in one time zone, and unqualified names mean the same
#: only with one search_path, whatever the server and the role have set.
SHADOW_SETTINGS = """
SET TimeZone = 'UTC'; SET DateStyle = 'ISO, MDY'; SET IntervalStyle = 'postgres';
SET search_path = public;
"""
#: The SQLSTATE of a role that lacks a right.
INSUFFICIENT_PRIVILEGE = "42501"


async def shadow_catalog(server: str, *sql: str) -> Catalog:
    """Return the catalog of a new database on which the SQL has run. It is dropped at the end.

    server: the URL of any database of a server whose role may create databases.
    sql: any number of statements, such as a schema.sql. Several texts run one after the other,
        each in a transaction of its own; of thousands of tables, that takes less time.

    The server's other databases stay as they are. Raises ConnectionFailed, and the DatabaseError
    of a statement that failed.
    """
    async with scratch_database(server) as url:
        return await built_catalog(url, *sql)


@asynccontextmanager
async def scratch_database(server: str) -> AsyncGenerator[str]:
    """Yield the URL of a new, empty database, and drop it at the end.

    server: the URL of any database of a server whose role may create databases.

    Raises ConnectionFailed, and the DatabaseError that the server reports.
    """
    name = f"{PREFIX}{secrets.token_hex(8)}"
    async with await create_engine(server, max_connections=1) as maintenance:
        try:
            await maintenance.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
        except StatementError as error:
            if error.sqlstate != INSUFFICIENT_PRIVILEGE:
                raise
            role = quote((await maintenance.execute("SELECT current_user")).scalar())
            raise reworded(
                error,
                f"the role {role} may not create databases: let a superuser run "
                f"ALTER ROLE {role} CREATEDB, or use another role",
            ) from error
        try:
            yield database_url(server, name)
        finally:
            with suppress(StatementError):
                await maintenance.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


async def built_catalog(url: str, *sql: str) -> Catalog:
    """Run the SQL on a database, and return its catalog."""
    async with await create_engine(url, max_connections=1) as engine:
        async with engine.pool.connection() as connection:
            connection.mark_dirty()
            for text in (SHADOW_SETTINGS, *sql):
                await connection.script(text)
        return await read_catalog(engine)


def database_url(url: str, name: str) -> str:
    """Return the URL of another database of the same server."""
    return f"{url}{'&' if '?' in url else '?'}dbname={name}"
