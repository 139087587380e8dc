"""Try statements on a database of the shadow server that has the schema before a migration."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from ormkit import DatabaseError, Engine
from ormkit.catalog import SHADOW_SETTINGS
from ormkit_gen.drift.dependents import column_roots, read_dependents
from ormkit_gen.postgres.identifiers import quote_literal

#: The files of a table, of those below it and of their indexes: a new one is written anew.
_FILE = """
WITH RECURSIVE tree (id) AS (
    SELECT {0}::regclass::oid
    UNION SELECT i.inhrelid FROM pg_inherits i JOIN tree ON i.inhparent = tree.id
)
SELECT string_agg(f.file::text, ' ' ORDER BY f.id) FROM (
    SELECT id, pg_relation_filenode(id) AS file FROM tree
    UNION ALL SELECT x.indexrelid, pg_relation_filenode(x.indexrelid)
    FROM pg_index x JOIN tree ON x.indrelid = tree.id
) f
"""
#: The columns that PostgreSQL computes from others.
_COMPUTED = """
SELECT DISTINCT g.attname::text, g.attnum FROM pg_attribute a
JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass
    AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum
JOIN pg_attrdef e ON d.classid = 'pg_attrdef'::regclass AND e.oid = d.objid
JOIN pg_attribute g ON g.attrelid = e.adrelid AND g.attnum = e.adnum AND g.attgenerated <> ''
WHERE a.attrelid = $1::regclass AND g.attrelid = a.attrelid AND a.attname = ANY ($2)
    AND a.attgenerated = ''
ORDER BY g.attnum
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
#: The triggers of a table that fire, and what makes them do so.
_TRIGGERS = """
SELECT quote_ident(tgname), CASE tgenabled WHEN 'A' THEN 'ENABLE ALWAYS' ELSE 'ENABLE' END
FROM pg_trigger WHERE tgrelid = $1::regclass AND NOT tgisinternal AND tgenabled IN ('O', 'A')
ORDER BY 1
"""
_REFERENCES = """
SELECT format('%I.%I', n.nspname, c.relname), quote_ident(k.conname), pg_get_constraintdef(k.oid),
    c.relkind = 'p'
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE k.contype = 'f' AND k.confrelid = $1::regclass AND k.conparentid = 0
ORDER BY 1, 2
"""
_VERSION = "SELECT current_setting('server_version_num')::integer / 10000"


#: What is dropped and created around a change of a column: views are objects. Computed columns are
#: planned for themselves.
_AROUND = ("object", "policy", "trigger", "rule")


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

    async def failure(self, *statements: str) -> str:
        """Return what PostgreSQL says against statements; empty if they run."""
        async with self._rolled_back() as connection:
            try:
                for each in statements:
                    await connection.script(each)
            except DatabaseError as error:
                return str(error)
        return ""

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

    async def computed_from(self, table: str, columns: Iterable[str]) -> list[str]:
        """Return the plain names of the generated columns over some columns of a table."""
        return [row[0] for row in await self._fetch(_COMPUTED, table, list(columns))]

    async def triggers(self, table: str) -> list[tuple[str, str]]:
        """Return the triggers of a table that fire, as SQL, and the words that make them do so."""
        return [(row[0], row[1]) for row in await self._fetch(_TRIGGERS, table)]

    async def references(self, table: str) -> list[tuple[str, str, str, bool]]:
        """Return the foreign keys to a table.

        Each is its table, name and definition as SQL, and whether the table has partitions.
        """
        found = await self._fetch(_REFERENCES, table)
        return [(row[0], row[1], row[2], row[3]) for row in found]

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
        found = await read_dependents(self._engine, column_roots(columns))
        return [(key, depth) for key, depth in found if key[1] in _AROUND]

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
