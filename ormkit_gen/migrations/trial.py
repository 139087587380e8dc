"""Try statements on a database of the shadow server that has the schema before a migration."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from ormkit import DatabaseError, Engine
from ormkit.catalog import SHADOW_SETTINGS
from ormkit_gen.postgres.identifiers import quote_literal

#: The files of a table and of its indexes: a new one is written anew.
_FILE = """
SELECT pg_relation_filenode({0}::regclass)::text || coalesce((
    SELECT string_agg(' ' || pg_relation_filenode(x.indexrelid), '' ORDER BY x.indexrelid)
    FROM pg_index x WHERE x.indrelid = {0}::regclass), '')
"""
#: The views, policies, triggers and rules that use columns of tables, and views of these views.
#: Each is the object and the part as facts name them, and how many others are between.
_DEPENDENTS = """
WITH RECURSIVE used (relation, number, depth) AS (
    SELECT a.attrelid, a.attnum::integer, 0 FROM pg_attribute a
    JOIN unnest($1::text[], $2::text[]) AS w (relation, name)
        ON a.attrelid = w.relation::regclass AND (a.attname = w.name OR w.name = '')
    WHERE a.attnum > 0
    UNION
    SELECT r.ev_class, v.attnum::integer, u.depth + 1
    FROM used u JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass
        AND d.refobjid = u.relation AND d.refobjsubid IN (u.number, 0)
        AND d.classid = 'pg_rewrite'::regclass
    JOIN pg_rewrite r ON r.oid = d.objid AND r.ev_class <> u.relation
    JOIN pg_attribute v ON v.attrelid = r.ev_class AND v.attnum > 0
    WHERE u.depth < 50
),
views AS (
    SELECT u.relation, max(u.depth) AS depth FROM used u WHERE u.depth > 0 GROUP BY 1
),
own AS (SELECT DISTINCT u.relation, u.number FROM used u WHERE u.depth = 0)
SELECT CASE c.relkind WHEN 'm' THEN 'materialized view' ELSE 'view' END
        || format(' %I.%I', n.nspname, c.relname), 'object', '', v.depth
FROM views v JOIN pg_class c ON c.oid = v.relation JOIN pg_namespace n ON n.oid = c.relnamespace
UNION
SELECT format('table %I.%I', n.nspname, c.relname), 'policy', y.polname::text, 0
FROM own u JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = u.relation
    AND d.refobjsubid = u.number AND d.classid = 'pg_policy'::regclass
JOIN pg_policy y ON y.oid = d.objid JOIN pg_class c ON c.oid = y.polrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
UNION
SELECT format('table %I.%I', n.nspname, c.relname), 'trigger', g.tgname::text, 0
FROM own u JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = u.relation
    AND d.refobjsubid = u.number AND d.classid = 'pg_trigger'::regclass
JOIN pg_trigger g ON g.oid = d.objid AND NOT g.tgisinternal JOIN pg_class c ON c.oid = g.tgrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
UNION
SELECT format('table %I.%I', n.nspname, c.relname), 'rule', r.rulename::text, 0
FROM own u JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = u.relation
    AND d.refobjsubid = u.number AND d.classid = 'pg_rewrite'::regclass
JOIN pg_rewrite r ON r.oid = d.objid AND r.rulename <> '_RETURN'
JOIN pg_class c ON c.oid = r.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p')
"""
#: The columns that have a type, or arrays of it.
_OF_TYPE = """
SELECT format('%I.%I', n.nspname, c.relname), a.attname::text, a.attndims > 0 OR t.typelem <> 0
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_type t ON t.oid = a.atttypid
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p')
    AND (t.oid = $1::regtype OR t.typelem = $1::regtype) AND NOT c.relispartition
ORDER BY 1, 2
"""
_KEYS = """
SELECT format('table %I.%I', n.nspname, c.relname), k.conname::text
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_constraint u ON u.conindid = k.conindid AND u.contype IN ('p', 'u')
WHERE k.contype = 'f' AND u.conrelid = $1::regclass AND u.conname = $2
"""
#: The constraints and indexes of a table that some of its columns are part of.
_PARTS = """
SELECT DISTINCT CASE WHEN k.oid IS NULL THEN 'index' ELSE 'constraint' END,
    coalesce(k.conname, i.relname)::text,
    CASE WHEN k.oid IS NULL THEN pg_get_indexdef(i.oid) ELSE pg_get_constraintdef(k.oid) END
FROM pg_attribute a JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass
    AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum
LEFT JOIN pg_constraint k ON d.classid = 'pg_constraint'::regclass AND k.oid = d.objid
    AND k.conrelid = a.attrelid AND k.contype <> 'n'
LEFT JOIN (pg_class i JOIN pg_index x ON x.indexrelid = i.oid)
    ON d.classid = 'pg_class'::regclass AND i.oid = d.objid AND x.indrelid = a.attrelid
WHERE a.attrelid = {}::regclass AND a.attname IN ({}) AND (k.oid IS NOT NULL OR i.oid IS NOT NULL)
ORDER BY 1, 2
"""
#: The foreign keys that have a column on one of their sides.
_KEYS_OVER = """
SELECT DISTINCT format('table %I.%I', n.nspname, c.relname), k.conname::text
FROM pg_attribute a JOIN pg_constraint k ON k.contype = 'f' AND k.conparentid = 0
    AND ((k.conrelid = a.attrelid AND a.attnum = ANY (k.conkey))
        OR (k.confrelid = a.attrelid AND a.attnum = ANY (k.confkey)))
JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE a.attrelid = $1::regclass AND a.attname = ANY ($2)
ORDER BY 1, 2
"""
_VERSION = "SELECT current_setting('server_version_num')::integer / 10000"


class Trial:
    """The database. What is tried on it is rolled back."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def version(self) -> int:
        """Return the major version of the server."""
        return int((await self._engine.execute(_VERSION)).scalar())

    async def works(self, *statements: str) -> bool:
        """Return whether statements run."""
        return await self._rewritten(statements, None) is not None

    async def rewrites(self, statements: Iterable[str], table: str) -> bool | None:
        """Return whether statements write a table or an index of it anew; None if they fail."""
        return await self._rewritten(tuple(statements), table)

    async def parts(
        self,
        table: str,
        columns: Iterable[str],
        *,
        before: Iterable[str] = (),
        tried: Iterable[str] = (),
        after: Iterable[str] = (),
    ) -> dict[tuple[str, str], str] | None:
        """Return the definitions of constraints and indexes that columns are part of.

        They are those after the statements before, those to try, of which each may fail, and those
        after. None if one of the others fails.
        """
        names = ", ".join(map(quote_literal, columns))
        async with self._rolled_back() as connection:
            try:
                for each in before:
                    await connection.script(each)
                for each in tried:
                    await connection.script("SAVEPOINT tried")
                    with suppress(DatabaseError):
                        await connection.script(each)
                        continue
                    await connection.script("ROLLBACK TO SAVEPOINT tried")
                for each in after:
                    await connection.script(each)
                await connection.script("SET LOCAL search_path = ''")
                rows = await connection.fetch(_PARTS.format(quote_literal(table), names))
            except DatabaseError:
                return None
        return {(kind, name): definition for kind, name, definition in rows}

    async def condition_of(self, statement: str, table: str) -> str | None:
        """Return the condition that all rows of a partition meet after a statement makes it one."""
        async with self._rolled_back() as connection:
            try:
                await connection.script(statement)
                await connection.script("SET LOCAL search_path = ''")
                literal = quote_literal(table)
                rows = await connection.fetch(
                    f"SELECT pg_get_partition_constraintdef({literal}::regclass)"
                )
            except DatabaseError:
                return None
        return str(rows[0][0]) if rows[0][0] else None

    async def keys_over(self, table: str, columns: Iterable[str]) -> list[tuple[str, str, str]]:
        """Return the keys of the facts of foreign keys from columns of a table, or to them."""
        rows = await self._fetch(_KEYS_OVER, table, list(columns))
        return [(row[0], "constraint", row[1]) for row in rows]

    @asynccontextmanager
    async def _rolled_back(self) -> AsyncGenerator[Any]:
        """Yield a connection in a transaction that is rolled back."""
        async with self._engine.pool.connection() as connection:
            connection.mark_dirty()
            await connection.script(f"{SHADOW_SETTINGS} BEGIN")
            try:
                yield connection
            finally:
                await connection.script("ROLLBACK")

    async def _rewritten(self, statements: Sequence[str], table: str | None) -> bool | None:
        file = _FILE.format(quote_literal(table)) if table else "SELECT 0"
        async with self._rolled_back() as connection:
            try:
                before = await connection.fetch(file)
                for each in statements:
                    await connection.script(each)
                after = await connection.fetch(file)
            except DatabaseError:
                return None
        return bool(before[0][0] != after[0][0])

    async def dependents(
        self, columns: Iterable[tuple[str, str]]
    ) -> list[tuple[tuple[str, str, str], int]]:
        """Return what uses columns: keys of facts, each with how far it is from them.

        columns: pairs of a table as SQL and the plain name of a column; empty for all of them.
        """
        pairs = list(columns)
        rows = await self._fetch(
            _DEPENDENTS, [table for table, _ in pairs], [name for _, name in pairs]
        )
        return [((row[0], row[1], row[2]), row[3]) for row in rows]

    async def columns_of_type(self, type_: str) -> list[tuple[str, str, bool]]:
        """Return the columns of a type: table, plain name, and whether they are arrays of it."""
        return [(row[0], row[1], row[2]) for row in await self._fetch(_OF_TYPE, type_)]

    async def keys_to(self, table: str, constraint: str) -> list[tuple[str, str, str]]:
        """Return the keys of the facts of foreign keys that need a constraint."""
        rows = await self._fetch(_KEYS, table, constraint)
        return [(row[0], "constraint", row[1]) for row in rows]

    async def _fetch(self, sql: str, *arguments: Any) -> list[Any]:
        found = await self._engine.execute(sql, arguments)
        return list(found.tuples())
