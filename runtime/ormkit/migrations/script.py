"""An offline script of migrations for psql, with the rows of their state and guards."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from .._version import __version__
from ..errors import MigrationError
from ..postgres.identifiers import quote, quoted_text
from .backend import lock_key
from .files import Migration, Step
from .lasting import lasting
from .options import Options
from .state import StateTables

HEAD = """\
-- Migrations of OrmKit {version}, for psql: psql --no-psqlrc --file THIS postgresql://...
\\set ON_ERROR_STOP on
SET search_path = public; SET TimeZone = 'UTC'; SET DateStyle = 'ISO, MDY';
SET IntervalStyle = 'postgres'; SET standard_conforming_strings = on; SET statement_timeout = 0;
SET idle_in_transaction_session_timeout = 0; SET default_transaction_read_only = off;
SET default_transaction_isolation = 'read committed'; SET row_security = on;
"""
#: The script stops unless the database has the migration before, and nobody runs any.
GUARD = """\
DO $ormkit$ BEGIN
    IF NOT pg_try_advisory_lock({key}) THEN
        RAISE EXCEPTION 'another run of migrations is at work';
    END IF;
    IF EXISTS (SELECT FROM {schema}.migration WHERE id = {id}) THEN
        RAISE EXCEPTION 'the database has the migration % already', {id};
    END IF;
    IF NOT EXISTS (SELECT FROM {schema}.migration WHERE state = 'applied' AND {before})
            AND {has_parent} THEN
        RAISE EXCEPTION 'the database does not have the migration % with the same files', {parent};
    END IF;
    IF EXISTS (SELECT FROM {schema}.migration
            WHERE state IN ('running', 'failed', 'reverting')) THEN
        RAISE EXCEPTION 'a migration is half done: run ormkit migrate status';
    END IF;
END $ormkit$;
"""


def offline_script(migrations: Sequence[Migration], options: Options) -> str:
    """Return a script that does what `migrate()` would do, without its retries.

    Raises:
        MigrationError: A step runs Python.
    """
    for migration in migrations:
        for number, step in enumerate(migration.steps, 1):
            if step.mode == "data":
                raise MigrationError(
                    f"step {number} of {migration.id} runs Python, which no script can: run "
                    "`ormkit migrate apply` for it, or give --to the migration before it",
                    code="data-step",
                    migrations=(migration.id,),
                )
    return "\n".join(_parts(migrations, options))


def _parts(migrations: Sequence[Migration], options: Options) -> Iterator[str]:
    tables = StateTables(options.schema)
    yield HEAD.format(version=__version__)
    limit = round(options.lock_timeout * 1000)
    yield f"SET lock_timeout = '{limit}ms';" + (
        f" SET ROLE {quote(options.role)};" if options.role else ""
    )
    yield f"BEGIN;{tables.ddl}COMMIT;\n"
    for migration in migrations:
        header = migration.header
        parent = quoted_text(header.parent or "")
        yield f"-- {migration.id}"
        yield GUARD.format(
            key=lock_key(options.schema),
            schema=tables.schema,
            id=quoted_text(migration.id),
            parent=parent,
            before=f"id = {parent} AND hash = {quoted_text(header.parent_hash)}",
            has_parent="true" if header.parent else "false",
        )
        yield _begun(tables, migration)
        for number, step in enumerate(migration.steps, 1):
            yield _step(tables, migration, step, number, limit)
        yield (
            f"UPDATE {tables.schema}.migration SET state = 'applied', "
            f"finished = clock_timestamp() WHERE id = {quoted_text(migration.id)};\n"
        )
    yield "SELECT pg_advisory_unlock_all();\n"


def _begun(tables: StateTables, migration: Migration) -> str:
    parent = migration.header.parent
    values = ", ".join(
        (
            quoted_text(migration.id),
            quoted_text(parent) if parent else "NULL",
            quoted_text(migration.hash),
            f"{quoted_text(json.dumps(migration.files))}::jsonb",
            "'running'",
            "'script'",
            quoted_text(f"ormkit {__version__}"),
        )
    )
    columns = "id, parent, hash, files, state, origin, tool"
    return f"INSERT INTO {tables.schema}.migration ({columns}) VALUES ({values});\n"


def _step(tables: StateTables, migration: Migration, step: Step, number: int, limit: int) -> str:
    values = f"({quoted_text(migration.id)}, 'up', {number}, '{step.mode}', 'done')"
    columns = "migration, direction, number, mode, state"
    record = f"INSERT INTO {tables.schema}.step ({columns}) VALUES {values};"
    sql = step.sql.strip().rstrip(";")
    heading = f"-- step {number}"
    if step.mode == "no transaction":
        if not lasting(step.sql).is_concurrent:
            return f"{heading}\n{sql};\n{record}\n"
        back = f"SET lock_timeout = '{limit}ms';"
        return f"{heading}\nSET lock_timeout = 0;\n{sql};\n{back}\n{record}\n"
    if step.mode == "check":
        message = quoted_text(step.message or "rows stand in the way")
        sql = (
            f"DO $ormkit_check$ BEGIN IF EXISTS ({sql}) THEN "
            f"RAISE EXCEPTION '%', {message}; END IF; END $ormkit_check$"
        )
    return f"{heading}\nBEGIN;\n{sql};\n{record}\nCOMMIT;\n"
