"""The state of migrations in a database: which it has, which steps are done, and who runs them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from .._version import __version__
from ..driver.connection import Connection
from ..errors import DatabaseError, MigrationError
from ..postgres.identifiers import quote, quoted_text
from .files import Migration

#: What the tables say of themselves. By the comment of `migration`, the reader of catalogs knows
#: the schema, whatever it is called.
MARK = "The state of OrmKit's migrations."
TABLES = ("migration", "step", "backfill", "lease")

#: `running` and `reverting` name what was under way when nothing says that it still is.
MigrationState = Literal["running", "failed", "applied", "reverting", "abandoned", "replaced"]
Direction = Literal["up", "down"]

DDL = """
CREATE SCHEMA IF NOT EXISTS {schema};
CREATE TABLE IF NOT EXISTS {schema}.migration (
    id text PRIMARY KEY,
    position bigint GENERATED ALWAYS AS IDENTITY,
    parent text,
    hash text NOT NULL,
    files jsonb NOT NULL,
    state text NOT NULL CHECK (state IN
        ('running', 'failed', 'applied', 'reverting', 'abandoned', 'replaced')),
    origin text NOT NULL DEFAULT 'apply',
    stays text,
    started timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished timestamptz,
    tool text NOT NULL,
    server text NOT NULL DEFAULT current_setting('server_version'),
    role text NOT NULL DEFAULT current_user
);
COMMENT ON TABLE {schema}.migration IS {mark};
CREATE TABLE IF NOT EXISTS {schema}.step (
    migration text NOT NULL REFERENCES {schema}.migration ON UPDATE CASCADE ON DELETE CASCADE,
    direction text NOT NULL CHECK (direction IN ('up', 'down')),
    number integer NOT NULL,
    mode text NOT NULL,
    state text NOT NULL CHECK (state IN ('running', 'done', 'failed')),
    attempts integer NOT NULL DEFAULT 1,
    error text,
    sqlstate text,
    found_before text,
    started timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished timestamptz,
    duration double precision,
    PRIMARY KEY (migration, direction, number)
);
CREATE TABLE IF NOT EXISTS {schema}.backfill (
    migration text NOT NULL,
    direction text NOT NULL,
    step integer NOT NULL,
    number integer NOT NULL,
    last_key jsonb,
    upper_key jsonb,
    batches bigint NOT NULL DEFAULT 0,
    rows bigint NOT NULL DEFAULT 0,
    is_done boolean NOT NULL DEFAULT false,
    started timestamptz NOT NULL DEFAULT clock_timestamp(),
    changed timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (migration, direction, step, number),
    FOREIGN KEY (migration, direction, step) REFERENCES {schema}.step
        ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE TABLE IF NOT EXISTS {schema}.lease (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    token text NOT NULL,
    pid integer NOT NULL,
    client text NOT NULL,
    migration text,
    step integer,
    since timestamptz NOT NULL DEFAULT clock_timestamp(),
    changed timestamptz NOT NULL DEFAULT clock_timestamp()
);
"""
#: Of the schema: whether it is there, whether the tables are, and what else is in it.
FOUND = """
SELECT n.oid IS NOT NULL, to_regclass(format('%I.migration', $1::text)) IS NOT NULL,
    (SELECT min(c.relname) FROM pg_class c WHERE c.relnamespace = n.oid AND c.relkind <> 'i'
        AND c.relkind <> 'S' AND c.relname <> ALL ($2::text[]))
FROM (SELECT) _ LEFT JOIN pg_namespace n ON n.nspname = $1
"""
NOT_ALLOWED = "42501"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What a database says of a migration."""

    id: str
    parent: str | None
    hash: str
    state: MigrationState
    #: How it came there: `apply`, `squash`, or `baseline` with the tool of before.
    origin: str
    started: str
    finished: str | None
    role: str
    #: Of an abandoned one: what it has left in the database.
    stays: str | None

    @property
    def is_unfinished(self) -> bool:
        """Whether the database is between two steps of it."""
        return self.state in ("running", "failed", "reverting")

    @property
    def is_there(self) -> bool:
        """Whether the database has all of it."""
        return self.state in ("applied", "replaced")


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRecord:
    """What a database says of a step."""

    direction: Direction
    number: int
    mode: str
    state: Literal["running", "done", "failed"]
    attempts: int
    error: str | None
    sqlstate: str | None
    #: What a step without a transaction found before its first attempt.
    found_before: str | None
    duration: float | None
    #: Of batches and backfills: how many have been committed.
    batches: int
    rows: int


RECORDS = """
SELECT id, parent, hash, state, origin, started::text, finished::text, role, stays
FROM {schema}.migration ORDER BY position
"""
STEPS = """
SELECT s.direction, s.number, s.mode, s.state, s.attempts, s.error, s.sqlstate, s.found_before,
    s.duration, coalesce(sum(b.batches), 0)::bigint, coalesce(sum(b.rows), 0)::bigint
FROM {schema}.step s LEFT JOIN {schema}.backfill b
    ON (b.migration, b.direction, b.step) = (s.migration, s.direction, s.number)
WHERE s.migration = $1 GROUP BY s.migration, s.direction, s.number ORDER BY s.direction, s.number
"""
BEGIN_MIGRATION = """
INSERT INTO {schema}.migration (id, parent, hash, files, state, tool)
VALUES ($1, $2, $3, $4::text::jsonb, $5, $6)
ON CONFLICT (id) DO UPDATE SET parent = excluded.parent, hash = excluded.hash,
    files = excluded.files, state = excluded.state, tool = excluded.tool, role = excluded.role
"""
BEGIN_STEP = """
INSERT INTO {schema}.step AS s (migration, direction, number, mode, state)
VALUES ($1, $2, $3, $4, 'running')
ON CONFLICT (migration, direction, number) DO UPDATE SET state = 'running', mode = excluded.mode,
    attempts = s.attempts + 1, started = excluded.started
RETURNING attempts, found_before
"""
FAIL_STEP = """
UPDATE {schema}.step SET state = 'failed', error = $4, sqlstate = $5, finished = clock_timestamp()
WHERE (migration, direction, number) = ($1, $2, $3)
"""
FINISH_STEP = """
UPDATE {schema}.step SET state = 'done', error = NULL, sqlstate = NULL,
    finished = clock_timestamp(), duration = extract(epoch FROM clock_timestamp() - started)
WHERE (migration, direction, number) = ($1, $2, $3)
"""
#: As if a step had not run.
UNDO_STEP = """
WITH walks AS (
    DELETE FROM {schema}.backfill WHERE (migration, direction, step) = ($1, $2, $3)
)
DELETE FROM {schema}.step WHERE (migration, direction, number) = ($1, $2, $3)
"""
LEASE = """
INSERT INTO {schema}.lease AS l (token, pid, client, migration, step)
VALUES ($1, pg_backend_pid(), $2, $3, $4)
ON CONFLICT (is_only) DO UPDATE SET token = excluded.token, pid = excluded.pid,
    client = excluded.client, migration = excluded.migration, step = excluded.step,
    changed = clock_timestamp(),
    since = CASE WHEN l.token = excluded.token THEN l.since ELSE excluded.since END
"""


class StateTables:
    """Reads and writes the state of the migrations in one schema of PostgreSQL."""

    def __init__(self, schema: str) -> None:
        self.name = schema
        self.schema = quote(schema)

    def sql(self, template: str) -> str:
        """Return a statement with the name of the schema in its place."""
        return template.replace("{schema}", self.schema)

    @property
    def ddl(self) -> str:
        """The statements that create the tables, where they are missing."""
        return self.sql(DDL).replace("{mark}", quoted_text(MARK))

    async def exist(self, connection: Connection) -> bool:
        """Return whether the tables are there; raises MigrationError for a schema of others."""
        _, is_there, other = await self._found(connection)
        if other is not None:
            raise MigrationError(
                f"the schema {self.schema} has {other}, which is not of migrations: give the state "
                "of migrations a schema of its own, with the setting `migrations_schema`",
                code="taken-schema",
            )
        return bool(is_there)

    async def create(self, connection: Connection) -> None:
        """Create the tables where they are missing."""
        if await self.exist(connection):
            return
        has_schema, _, _ = await self._found(connection)
        ddl = self.ddl
        if has_schema:
            # A role that may create tables in it need not have the right to create schemas.
            ddl = ddl.partition(";\n")[2]
        try:
            await connection.script(f"BEGIN;{ddl}COMMIT")
        except DatabaseError as error:
            if connection.in_transaction:
                await connection.script("ROLLBACK")
            if error.sqlstate != NOT_ALLOWED:
                raise
            (row,) = await connection.fetch("SELECT quote_ident(current_user)")
            raise MigrationError(
                f"the role {row[0]} may not create the schema {self.schema}, which holds the state "
                f"of migrations: as a role that may, run CREATE SCHEMA {self.schema} "
                f"AUTHORIZATION {row[0]}, or give the role of the tables' owner",
                code="no-right",
            ) from error

    async def _found(self, connection: Connection) -> Any:
        (row,) = await connection.fetch(FOUND, [self.name, list(TABLES)])
        return row

    async def records(self, connection: Connection) -> tuple[Record, ...]:
        """Return what the database says of each migration, in the order in which they began."""
        rows = await connection.fetch(self.sql(RECORDS))
        names = Record.__slots__
        return tuple(Record(**dict(zip(names, row, strict=True))) for row in rows)

    async def steps(self, connection: Connection, migration: str) -> tuple[StepRecord, ...]:
        """Return what the database says of the steps of a migration."""
        rows = await connection.fetch(self.sql(STEPS), [migration])
        names = StepRecord.__slots__
        return tuple(StepRecord(**dict(zip(names, row, strict=True))) for row in rows)

    async def files(self, connection: Connection, migration: str) -> Mapping[str, str]:
        """Return the texts of the files that a migration had when it ran."""
        sql = self.sql("SELECT files::text FROM {schema}.migration WHERE id = $1")
        rows = await connection.fetch(sql, [migration])
        found: dict[str, str] = json.loads(rows[0][0]) if rows else {}
        return found

    async def begin(
        self, connection: Connection, migration: Migration, state: MigrationState
    ) -> None:
        """Record that a migration is under way, with the texts of its files."""
        args = [migration.id, migration.header.parent, migration.hash]
        args += [json.dumps(migration.files), state, f"ormkit {__version__}"]
        await connection.fetch(self.sql(BEGIN_MIGRATION), args)

    async def set_state(
        self, connection: Connection, migration: str, state: MigrationState
    ) -> None:
        """Record the state of a migration."""
        finished = ", finished = clock_timestamp()" if state == "applied" else ""
        sql = f"UPDATE {self.schema}.migration SET state = $2{finished} WHERE id = $1"
        await connection.fetch(sql, [migration, state])

    async def set_origin(self, connection: Connection, migration: str, origin: str) -> None:
        """Record how a migration came into the database."""
        sql = f"UPDATE {self.schema}.migration SET origin = $2 WHERE id = $1"
        await connection.fetch(sql, [migration, origin])

    async def abandon(self, connection: Connection, migration: str, stays: str) -> None:
        """Record what a migration that was given up has left, and forget its steps."""
        state = "SET state = 'abandoned', stays = $2"
        await connection.fetch(f"DELETE FROM {self.schema}.step WHERE migration = $1", [migration])
        sql = f"UPDATE {self.schema}.migration {state} WHERE id = $1"
        await connection.fetch(sql, [migration, stays])

    async def forget(self, connection: Connection, migration: str) -> None:
        """Remove a migration that the database has no longer."""
        await connection.fetch(f"DELETE FROM {self.schema}.migration WHERE id = $1", [migration])
