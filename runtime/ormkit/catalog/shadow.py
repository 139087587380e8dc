"""Build SQL on a throw-away database, so that PostgreSQL itself prints what it means."""

from __future__ import annotations

import hashlib
import secrets
from contextlib import suppress

from ..engine import create_engine
from ..errors import StatementError
from .facts import Catalog
from .reader import read_catalog

#: How the databases are called, so that a person can tell where one comes from.
PREFIX = "ormkit_shadow_"
#: Two equal constants are printed alike only in one time zone.
SETTINGS = {"TimeZone": "UTC"}
#: The SQLSTATE of a database that exists already.
DUPLICATE_DATABASE = "42P04"


async def shadow_catalog(server: str, sql: str, *, keep: bool = False) -> Catalog:
    """Return the catalog of a new database on which the SQL has run.

    server: the URL of any database of a server whose role may create databases.
    sql: any number of statements, such as a schema.sql.
    keep: whether to keep the database for the next call with the same SQL. Otherwise it is dropped.

    The server's other databases stay as they are. Raises ConnectionFailed, and the DatabaseError
    of a statement that failed.
    """
    digest = hashlib.sha256(sql.encode()).hexdigest()[:32]
    name = PREFIX + (digest if keep else f"new_{secrets.token_hex(8)}")
    async with await create_engine(server, max_connections=1) as maintenance:
        try:
            await maintenance.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
        except StatementError as error:
            if not keep or error.sqlstate != DUPLICATE_DATABASE:
                raise
            sql = ""
        try:
            return await built_catalog(database_url(server, name), sql)
        except BaseException:
            keep = False
            raise
        finally:
            if not keep:
                with suppress(StatementError):
                    await maintenance.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


async def built_catalog(url: str, sql: str) -> Catalog:
    """Run the SQL on a database, and return its catalog."""
    async with await create_engine(url, max_connections=1, server_settings=SETTINGS) as engine:
        if sql:
            async with engine.pool.connection() as connection:
                await connection.script(sql)
        return await read_catalog(engine)


def database_url(url: str, name: str) -> str:
    """Return the URL of another database of the same server."""
    return f"{url}{'&' if '?' in url else '?'}dbname={name}"
