"""Checks of a live database: they only read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from ormkit_gen.cli.doctor.finding import Finding, listed, note, ok, problem
from ormkit_gen.cli.secrets import masked

if TYPE_CHECKING:
    from ormkit import Engine

#: The oldest version of PostgreSQL that OrmKit is tested on.
_OLDEST = 16
#: How many connections an engine opens at most, unless told otherwise.
_POOL = 10

_SERVER = """
SELECT current_setting('server_version'), current_setting('server_version_num')::int / 10000,
    current_setting('max_connections')::int
        - current_setting('superuser_reserved_connections')::int,
    (SELECT rolconnlimit FROM pg_roles WHERE rolname = current_user),
    current_setting('statement_timeout'), current_setting('idle_in_transaction_session_timeout'),
    current_setting('TimeZone'), pg_is_in_recovery()
"""
_OWN = "n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_'"
_INVALID = f"""
SELECT i.indexrelid::regclass::text FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT (i.indisvalid AND i.indisready) AND {_OWN} ORDER BY 1
"""
_SAME = f"""
SELECT string_agg(i.indexrelid::regclass::text, ' = ' ORDER BY i.indexrelid::regclass::text)
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {_OWN} AND i.indisvalid
GROUP BY i.indrelid, c.relam, i.indkey::text, i.indclass::text, i.indcollation::text,
    i.indoption::text, pg_get_expr(i.indexprs, i.indrelid), pg_get_expr(i.indpred, i.indrelid)
HAVING count(*) > 1 ORDER BY 1
"""
_UNINDEXED = f"""
SELECT k.conrelid::regclass::text || '.' || k.conname FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE k.contype = 'f' AND k.conparentid = 0 AND {_OWN} AND NOT EXISTS (
    SELECT FROM pg_index i WHERE i.indrelid = k.conrelid AND i.indisvalid AND i.indpred IS NULL
    AND k.conkey @> (i.indkey::int2[])[0:cardinality(k.conkey) - 1]
    AND (i.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey
) ORDER BY 1
"""
_NOT_VALID = f"""
SELECT k.conrelid::regclass::text || '.' || k.conname FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT k.convalidated AND {_OWN} ORDER BY 1
"""
_SEQUENCES = """
SELECT format('%I.%I', schemaname, sequencename) FROM pg_sequences
WHERE last_value > max_value * 0.8 AND increment_by > 0 ORDER BY 1
"""


async def check_database(url: str) -> list[Finding]:
    """Return what is to be said of the database of a URL."""
    from ormkit import OrmKitError, create_engine

    settings = {"default_transaction_read_only": "on"}
    try:
        engine = await create_engine(
            url,
            max_connections=1,
            connect_timeout=5,
            reconnect_timeout=0.1,
            statement_timeout=30,
            server_settings=settings,
        )
    except OrmKitError as error:
        remedy = "check the URL of --database, DATABASE_URL or the setting `database`"
        return [problem("database", masked(str(error)), remedy)]
    async with engine:
        found = [ok("database", engine.url)]
        return found + [each async for each in _checks(engine)]


async def _checks(engine: Engine) -> AsyncIterator[Finding]:
    (row,) = (await engine.execute(_SERVER)).tuples()
    version, major, available, limit, timeout, idle, zone, is_standby = row
    if major < _OLDEST:
        yield problem(
            "server", f"PostgreSQL {version} is older than {_OLDEST}", "upgrade the server"
        )
    else:
        yield ok("server", f"PostgreSQL {version}, time zone {zone}")
    if is_standby:
        yield note("standby", "the server is one: it refuses every write", "connect to the primary")
    most = available if limit is None or limit < 0 else min(available, limit)
    if most < _POOL:
        yield problem(
            "connections",
            f"the server grants {most}, and an engine opens up to {_POOL}",
            "lower max_connections= of create_engine(), or raise that of the server",
        )
    else:
        yield ok("connections", f"{most}, enough for {most // _POOL} engines of {_POOL}")
    if timeout == "0":
        yield note(
            "statement_timeout",
            "is not set: a statement may run for ever",
            "give create_engine(statement_timeout=...)",
        )
    if idle == "0":
        yield note(
            "idle_in_transaction_session_timeout",
            "is not set: a transaction that nobody ends holds its locks for ever",
            "give create_engine(server_settings={'idle_in_transaction_session_timeout': '60s'})",
        )
    for check, sql, what, remedy in (
        ("invalid indexes", _INVALID, "indexes that are not valid", "REINDEX or DROP them"),
        ("duplicate indexes", _SAME, "indexes that are the same", "DROP all but one"),
        (
            "foreign keys",
            _UNINDEXED,
            "foreign keys without an index, which a DELETE of their parents reads the table for",
            "add `index = true` to their columns",
        ),
        ("constraints", _NOT_VALID, "constraints that are not validated", "VALIDATE them"),
        ("sequences", _SEQUENCES, "sequences that are nearly at their end", "use bigint"),
    ):
        names = [name for (name,) in (await engine.execute(sql)).tuples()]
        yield listed(check, names, what, remedy)
