"""What a statement without a transaction leaves behind: how to find it, and to begin again.

The record of such a step cannot be committed together with it. So the runner notes what the
statement is about before its first attempt. Later, the difference says whether it had been done.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..driver.connection import Connection
from ..errors import MigrationError
from ..postgres.identifiers import quoted_text

TOKEN = re.compile(
    r"""--[^\n]*|/\*.*?\*/|\$(?P<tag>(?:[A-Za-z_]\w*)?)\$.*?\$(?P=tag)\$"""
    r"""|[eE]'(?:[^'\\]|''|\\.)*'|'(?:[^']|'')*'|"(?:[^"]|"")+"|[^\W\d][\w$]*|\d+|\S""",
    re.DOTALL,
)
#: The index of that name beside a table: its number, and whether queries may use it.
INDEX = """
SELECT concat_ws(' ', CASE WHEN i.indisvalid THEN 'valid' ELSE 'invalid' END, i.indexrelid)
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE c.relkind = 'i' AND c.relname = {name}
    AND c.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = to_regclass({table}))
"""
RELATION = "SELECT 'present' WHERE to_regclass({name}) IS NOT NULL"
PARTITION = """
SELECT CASE WHEN inhdetachpending THEN 'pending' ELSE 'present' END
FROM pg_inherits WHERE inhrelid = to_regclass({name})
"""
LABEL = """
SELECT 'present' FROM pg_enum WHERE enumtypid = to_regtype({name}) AND enumlabel = {label}
"""
#: What REINDEX CONCURRENTLY has left of an index or of those of a table.
LEFT_BY_REINDEX = """
SELECT i.indexrelid::regclass::text FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE NOT i.indisvalid AND c.relname ~ '_cc(new|old)[0-9]*$' AND i.indrelid IN (
    to_regclass({name}), (SELECT indrelid FROM pg_index WHERE indexrelid = to_regclass({name})))
"""
BUILDING = "SELECT pid FROM pg_stat_progress_create_index WHERE index_relid = $1::oid"
ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Lasting:
    """What a statement is about, as far as its words say."""

    #: `create index`, `drop index`, `reindex`, `detach`, `add value`; empty for any other.
    kind: str = ""
    #: The object, as SQL, and its table.
    name: str = ""
    table: str = ""
    label: str = ""
    is_concurrent: bool = False

    @property
    def keeps_rows(self) -> bool:
        """Whether it is known to change no rows: it is about an index, a label or a partition."""
        return bool(self.kind)

    async def found(self, connection: Connection) -> str:
        """Return in a few words whether what the statement makes or removes is there."""
        template = {
            "create index": INDEX,
            "drop index": RELATION,
            "detach": PARTITION,
            "add value": LABEL,
        }.get(self.kind)
        if template is None:
            return ""
        name = unquoted(self.name) if self.kind == "create index" else self.name
        sql = template.format(
            name=quoted_text(name), table=quoted_text(self.table), label=self.label
        )
        rows = await connection.fetch(sql)
        return str(rows[0][0]) if rows else ABSENT

    def is_done(self, before: str, now: str) -> bool:
        """Return whether an attempt has done it, by what was found before the first one and now."""
        if self.kind == "create index":
            return now.startswith("valid") and now != before
        if self.kind in ("drop index", "detach"):
            return now == ABSENT and before != ABSENT
        return self.kind == "add value" and now == "present" and before == ABSENT

    async def clean(self, connection: Connection) -> list[str]:
        """Drop what a broken attempt has left, and return its names."""
        if self.kind == "create index":
            state, _, oid = (await self.found(connection)).partition(" ")
            if state != "invalid" or await connection.fetch(BUILDING, [int(oid)]):
                return []
            schema = await connection.fetch(
                "SELECT oid::regclass::text FROM pg_class WHERE oid = $1::oid", [int(oid)]
            )
            left = [row[0] for row in schema]
        elif self.kind == "reindex":
            sql = LEFT_BY_REINDEX.format(name=quoted_text(self.name))
            left = [row[0] for row in await connection.fetch(sql)]
        else:
            return []
        await connection.script("SET lock_timeout = 0")
        for name in left:
            await connection.script(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        return left

    def again(self, sql: str, now: str) -> str:
        """Return the statement that continues, where it is another one than at first."""
        if self.kind == "detach" and now == "pending":
            return f"ALTER TABLE {self.table} DETACH PARTITION {self.name} FINALIZE"
        return sql


def lasting(sql: str) -> Lasting:
    """Return what a statement is about.

    Raises:
        MigrationError: It builds an index without a name, so that a broken one would stay unknown.
    """
    tokens = [each for each in words_of(sql) if each != ";"]
    words = [each.upper() for each in tokens]
    is_concurrent = "CONCURRENTLY" in words
    if words[:2] in (["CREATE", "INDEX"], ["CREATE", "UNIQUE"]) and is_concurrent:
        place = after(words, words.index("CONCURRENTLY") + 1, "IF", "NOT", "EXISTS")
        if words[place] == "ON":
            raise MigrationError(
                "CREATE INDEX CONCURRENTLY needs a name for the index, by which a broken one is "
                "found and built again"
            )
        table = after(words, words.index("ON", place + 1) + 1, "ONLY")
        return Lasting("create index", tokens[place], name_at(tokens, table), "", is_concurrent)
    if words[:2] == ["DROP", "INDEX"]:
        place = after(words, after(words, 2, "CONCURRENTLY"), "IF", "EXISTS")
        return Lasting("drop index", name_at(tokens, place), is_concurrent=is_concurrent)
    if words[:1] == ["REINDEX"] and is_concurrent:
        name = name_at(tokens, words.index("CONCURRENTLY") + 1)
        return Lasting("reindex", name, is_concurrent=True)
    if words[:2] == ["ALTER", "TABLE"] and "DETACH" in words and is_concurrent:
        table = after(words, after(words, 2, "IF", "EXISTS"), "ONLY")
        name = name_at(tokens, words.index("PARTITION") + 1)
        return Lasting("detach", name, name_at(tokens, table), "", is_concurrent=True)
    if words[:2] == ["ALTER", "TYPE"] and "VALUE" in words and "ADD" in words:
        place = after(words, words.index("VALUE") + 1, "IF", "NOT", "EXISTS")
        return Lasting("add value", name_at(tokens, 2), "", tokens[place])
    return Lasting(is_concurrent=is_concurrent)


def words_of(sql: str) -> list[str]:
    """Return the words of a statement, without comments; identifiers keep their quotes."""
    found = (match[0] for match in TOKEN.finditer(sql))
    return [each for each in found if not each.startswith(("--", "/*"))]


def after(words: Sequence[str], place: int, *expected: str) -> int:
    """Return the place behind these words, if they are there, or the same place."""
    end = place + len(expected)
    return end if tuple(words[place:end]) == expected else place


def name_at(tokens: Sequence[str], place: int) -> str:
    """Return the name at a place, qualified or not, as SQL."""
    name = tokens[place]
    while tokens[place + 1 : place + 2] == ["."]:
        place += 2
        name += f".{tokens[place]}"
    return name


def unquoted(name: str) -> str:
    """Return an identifier of SQL as the catalogs have it."""
    return name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()
