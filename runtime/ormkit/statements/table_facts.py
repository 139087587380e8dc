"""Table facts: what the catalog says of a table, to match rows of RETURNING to their objects.

PostgreSQL promises no order for RETURNING. How rows are matched depends on the server's version, on
triggers that may change a key, on rules, and on unique indexes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import DatabaseError, RetryableError
from ..postgres.values import Record

if TYPE_CHECKING:
    from ..driver.connection import Connection
    from ..models.table import Table

R = TypeVar("R")

#: From this version on, MERGE returns columns of its source. https://www.postgresql.org/docs/17/sql-merge.html
MERGE_RETURNS_FROM = 17
#: How many facts are cached; the oldest is removed first.
LIMIT = 4096
#: The kind of facts that QUERY reads, in the key of the cache.
WHOLE_TABLE = "table"
#: The SQLSTATE of a feature that the table does not support.
NOT_SUPPORTED = "0A000"
#: The SQLSTATE classes of errors that stale or wrong facts may have caused.
ABOUT_TABLES = ("0A", "42")
#: The name of no table. A statement casts it where a stored key was not given, to fail.
ANOTHER_KEY = "stored_with_another_key"

#: Asks for a table by its quoted name. Of a column come the type, where the role may read it, and
#: the default, where the role may write it: of an identity column the next value of its sequence.
QUERY = """
WITH RECURSIVE tree (id) AS (
    SELECT to_regclass($1)::oid
    UNION SELECT inhrelid FROM pg_inherits JOIN tree ON inhparent = id
)
SELECT
    (SELECT coalesce(bool_and(relkind IN ('r', 'p')), false)
        FROM tree JOIN pg_class c ON c.oid = id)
    AND NOT EXISTS (SELECT FROM pg_rewrite JOIN tree ON ev_class = id)
    AND NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') AS is_ordinary,
    EXISTS (SELECT FROM pg_trigger JOIN tree ON tgrelid = id
        WHERE tgtype & 3 = 3 AND tgtype & 20 <> 0) AS has_triggers,
    (SELECT json_object_agg(attname, json_build_array(
            CASE WHEN has_column_privilege(attrelid, attnum, 'SELECT')
                THEN format_type(atttypid, atttypmod) END,
            CASE
                WHEN NOT has_column_privilege(attrelid, attnum, 'INSERT') THEN NULL
                WHEN attidentity <> '' THEN (
                    SELECT format('nextval(%L::regclass)', sequence)
                    FROM pg_get_serial_sequence(to_regclass($1)::text, attname) AS sequence
                    WHERE has_sequence_privilege(sequence, 'USAGE, UPDATE'))
                WHEN attgenerated = '' THEN pg_get_expr(adbin, adrelid)
            END))
        FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped)::text AS columns,
    (SELECT json_agg(json_build_array(names, is_sure)) FROM (
        SELECT array_agg(attname::text) AS names,
            bool_and(indisvalid AND indimmediate AND attcollation = indcollation[place]
                AND EXISTS (SELECT FROM pg_opclass o JOIN pg_amop ON amopfamily = opcfamily
                    AND amoplefttype = opcintype AND amoprighttype = opcintype
                    WHERE o.oid = indclass[place] AND opcdefault AND amopstrategy = 3
                    AND pg_operator_is_visible(amopopr))) AS is_sure
        FROM pg_index, generate_series(0, indnkeyatts - 1) AS place, pg_attribute
        WHERE indrelid = to_regclass($1) AND indisunique AND indpred IS NULL AND indexprs IS NULL
            AND attrelid = indrelid AND attnum = indkey[place]
        GROUP BY indexrelid) AS found)::text AS indexes
"""


@dataclass(frozen=True, slots=True)
class TableFacts:
    """What the catalog says of a table; the defaults are for an unknown table."""

    #: True for a table that takes whatever PostgreSQL can do: no view, no rule, nothing foreign
    #: below it, and no extension that spreads it over servers.
    is_ordinary: bool = False
    #: True where a trigger may change a row before it is stored, or keep it out.
    has_triggers: bool = True
    #: The server's version.
    version: int = 0
    #: Of each column that the role may read, by its name in the database, its type with modifiers.
    types: Mapping[str, str] = field(default_factory=dict[str, str])
    #: The SQL of the defaults that can be computed before a row is stored.
    defaults: Mapping[str, str] = field(default_factory=dict[str, str])
    #: Sets of columns that no two rows share, as `=` compares them.
    unique: frozenset[frozenset[str]] = frozenset()

    @property
    def is_numbered_by_merge(self) -> bool:
        """True where MERGE can return the position of each row's source row."""
        return self.is_ordinary and self.version >= MERGE_RETURNS_FROM

    @property
    def may_keep_rows_out(self) -> bool:
        """True where a trigger or rule may drop rows without an error."""
        return self.has_triggers or not self.is_ordinary

    def tells_apart(self, names: Iterable[str]) -> bool:
        """Return whether these columns are a unique key that no trigger changes."""
        wanted = frozenset(names)
        is_kept = self.is_ordinary and not self.has_triggers
        return is_kept and wanted in self.unique and wanted <= self.types.keys()


UNKNOWN = TableFacts()


def known_facts(connection: Connection, table: Table) -> TableFacts | None:
    """Return the cached facts of a table, or None."""
    found: TableFacts | None = connection.facts.get(key_of(connection, WHOLE_TABLE, table.sql))
    return found


async def facts_of(connection: Connection, table: Table) -> TableFacts:
    """Return the facts of a table from the cache or the catalog."""

    def read(row: Record) -> TableFacts:
        return facts_from(row, connection.server_version)

    return await learned(connection, WHOLE_TABLE, table.sql, QUERY, read)


async def learned(
    connection: Connection, what: str, sql: str, query: str, read: Callable[[Record], R]
) -> R:
    """Return what the server says of a table, asked once for all connections of a pool.

    what: tells answers of one kind from others.
    sql: the table's quoted name, the parameter of the query.
    """
    await connection.prepared.settle()
    key = key_of(connection, what, sql)
    found: R | None = connection.facts.get(key)
    if found is None:
        found = read(await connection.introspect(query, sql))
        remember(connection, key, found)
    return found


def key_of(connection: Connection, what: str, sql: str) -> Hashable:
    """Return the key of what is known of a table: its name may be that of another one elsewhere."""
    return connection.prepared.namespace, what, sql


async def by_facts(
    connection: Connection, table: Table, send: Callable[[TableFacts], Coroutine[Any, Any, R]]
) -> R:
    """Send what depends on the facts of a table; again by others where the server refuses these."""
    facts = known_facts(connection, table) or await facts_of(connection, table)
    try:
        return await send(facts)
    except DatabaseError as error:
        facts = await corrected_facts(connection, table, facts, error)
    return await send(facts)


def remember(connection: Connection, key: Hashable, found: object) -> None:
    """Cache facts of a table."""
    known = connection.facts
    if len(known) >= LIMIT:
        del known[next(iter(known))]
    known[key] = found


def facts_from(row: Record, version: int) -> TableFacts:
    """Return the facts that a row of QUERY describes."""
    is_ordinary, has_triggers, columns, indexes = row
    if columns is None:
        return UNKNOWN
    described: dict[str, list[str | None]] = json.loads(columns)
    sure: set[frozenset[str]] = set()
    unsure: set[frozenset[str]] = set()
    for names, is_sure in json.loads(indexes or "[]"):
        (sure if is_sure else unsure).add(frozenset(names))
    return TableFacts(
        is_ordinary=is_ordinary,
        has_triggers=has_triggers,
        version=version,
        types={name: type_ for name, (type_, _) in described.items() if type_},
        defaults={name: default for name, (_, default) in described.items() if default},
        unique=frozenset(sure - unsure),
    )


async def corrected_facts(
    connection: Connection, table: Table, facts: TableFacts, error: DatabaseError
) -> TableFacts:
    """Return other facts, where the server refused a statement because those were not true.

    It has stored nothing then, and may be sent in another form. Raises the error where nothing else
    is known, and in a transaction, which it has ended: the next one will be right.
    """
    if (error.sqlstate or "")[:2] not in ABOUT_TABLES:
        raise error
    key = key_of(connection, WHOLE_TABLE, table.sql)
    if contradicts_facts(error):
        remember(connection, key, replace(facts, is_ordinary=False))
    else:
        connection.facts.pop(key, None)
    if connection.in_transaction:
        raise error
    found = await facts_of(connection, table)
    if found == facts:
        raise error
    return found


def contradicts_facts(error: DatabaseError) -> bool:
    """Return whether the error shows that the table lacks what its facts promise."""
    is_outdated = isinstance(error, RetryableError)
    return (error.sqlstate == NOT_SUPPORTED and not is_outdated) or ANOTHER_KEY in str(error)
