"""The cache of a connection's prepared statements, by SQL text and namespace.

The namespace is the search_path and the role, by which the server resolves names to tables and
types. When it changes, the server resolves a prepared statement's tables again. The statement's
parameters keep their old types, so that it may be wrong in the new namespace.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Final

from .asyncpg_internals import Access

#: The object that the wire runs, asyncpg's prepared statement, and whether the statement is valid
#: in every namespace.
Prepared = tuple[Any, Any, bool]

#: The OID of the first type that is not PostgreSQL's own.
FIRST_OTHER_TYPE = 16384

#: SQLSTATE classes of a statement whose prepared types differ from those of its tables.
ABOUT_TYPES = ("0A", "42")
#: The maximum number of SQL texts that are remembered as specific to a namespace.
MOST_APART = 4096
#: Queries the current namespace.
NAMESPACE = "SELECT current_user, current_schemas(true)::text"
#: Queries the schema of a table.
SCHEMA = (
    "SELECT nspname::text FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace "
    "WHERE c.oid = to_regclass($1)"
)
#: Stands for an unknown namespace, which a query must determine.
UNSURE: Final = object()


class PreparedStatements:
    """The prepared statements of one connection, and its current namespace."""

    __slots__ = (
        "_access",
        "_apart",
        "_elsewhere",
        "_is_about_to_change",
        "_limit",
        "_raw",
        "_usual",
        "at_hand",
        "namespace",
    )

    def __init__(self, raw: Any, access: Access, limit: int) -> None:
        """Create an empty cache; `limit` is the maximum number of statements, 0 for none."""
        self._raw = raw
        self._access = access
        self._limit = limit
        #: The current namespace; None for the default one, from when the connection was opened.
        self.namespace: Hashable = None
        #: The statements of the default namespace, and those that are valid in every namespace.
        self._usual: dict[str, Prepared] = {}
        #: The statements of each other namespace; the most recently used namespace is last.
        self._elsewhere: dict[Hashable, dict[str, Prepared]] = {}
        #: The statements of the current namespace, for a lookup by SQL text.
        self.at_hand = self._usual
        #: True if the next statement may change the namespace.
        self._is_about_to_change = False
        #: The SQL texts whose statements are specific to a namespace.
        self._apart: set[str] = set()

    def __len__(self) -> int:
        """Return the number of cached statements."""
        return len(self._usual) + sum(map(len, self._elsewhere.values()))

    def enter(self, namespace: Hashable) -> None:
        """Switch to this namespace; None is the default one.

        After UNSURE, a query determines the namespace before a statement depends on it.
        """
        self.namespace = namespace
        self._is_about_to_change = False
        if namespace is None:
            self.at_hand = self._usual
        else:
            self.at_hand = self._elsewhere.pop(namespace, {})
            if namespace is not UNSURE:
                self._elsewhere[namespace] = self.at_hand

    async def settle(self) -> Hashable:
        """Return the current namespace; queries the server if it is unknown."""
        if self.namespace is UNSURE:
            self.enter(tuple(await self._raw.fetchrow(NAMESPACE)))
        return self.namespace

    def unsettle(self) -> None:
        """Record that the next statement may change the namespace, as any raw SQL may."""
        self.enter(UNSURE)
        self._is_about_to_change = True

    async def find(self, sql: str, timeout: float | None) -> Prepared:
        """Return the prepared statement for this SQL text in the current namespace.

        timeout: seconds to prepare it; None sets no limit.
        """
        if self.namespace is None:
            return await self._prepare(sql, timeout)
        is_changing, self._is_about_to_change = self._is_about_to_change, False
        found = self._usual.get(sql)
        if found is None or not found[2]:
            if sql in self._apart:
                await self.settle()
            found = self.at_hand.get(sql) or await self._prepare(sql, timeout)
        if is_changing:
            self.enter(UNSURE)
        return found

    async def _prepare(self, sql: str, timeout: float | None) -> Prepared:
        statement: Any = await self._raw.prepare(sql, timeout=timeout)
        is_same = sql not in self._apart and has_known_types(statement)
        prepared = self._access.state_of(statement), statement, is_same
        if not self._limit:
            return prepared
        if not is_same:
            self._note_apart(sql)
            await self.settle()
        self._make_room()
        (self._usual if is_same else self.at_hand)[sql] = prepared
        return prepared

    def _note_apart(self, sql: str) -> None:
        if len(self._apart) >= MOST_APART:
            self._apart.clear()
        self._apart.add(sql)

    async def schema_of(self, table: str) -> str | None:
        """Return the schema of a table by its quoted name; None in the default namespace.

        COPY needs it, since the driver caches a table's column types by its name.
        """
        schema: str | None = None
        if self.namespace is not None:
            schema = await self._raw.fetchval(SCHEMA, table)
        return schema

    def doubt(self, sql: str, error: BaseException) -> None:
        """Treat a statement as specific to its namespace if the error suggests wrong types."""
        kind = str(getattr(error, "sqlstate", ""))[:2]
        if self.namespace is not None and kind in ABOUT_TYPES and sql in self._usual:
            self._note_apart(sql)
            del self._usual[sql]

    def forget(self, sql: str) -> None:
        """Discard this statement, so that its next use prepares it again."""
        for held in (self._usual, *self._elsewhere.values()):
            held.pop(sql, None)

    def clear(self) -> None:
        """Discard all statements, so that their next use prepares them again."""
        for held in (self._usual, *self._elsewhere.values()):
            held.clear()

    def _make_room(self) -> None:
        """Evict the least recently used other namespace, or else the oldest statement."""
        while len(self) >= self._limit:
            namespace = next(iter(self._elsewhere), self.namespace)
            if namespace != self.namespace:
                del self._elsewhere[namespace]
            else:
                oldest = self.at_hand or self._usual
                del oldest[next(iter(oldest))]


def has_known_types(statement: Any) -> bool:
    """Return whether all parameters and columns of a statement have built-in types."""
    oids = [each.oid for each in statement.get_parameters()]
    oids += [each.type.oid for each in statement.get_attributes()]
    return all(oid < FIRST_OTHER_TYPE for oid in oids)
