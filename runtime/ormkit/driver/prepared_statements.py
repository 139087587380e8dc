"""Prepared statements: those that a connection keeps, by their text and the place of its names.

A name leads to another table or type where another search_path is in force, or another role. The
server looks a statement's tables up again then, but its parameters keep the types that they have.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Final

from .asyncpg_internals import Access

#: A prepared statement of asyncpg, behind what the wire takes for it; and whether it is the same
#: wherever its names lead.
Prepared = tuple[Any, Any, bool]

#: The OID of the first type that is not PostgreSQL's own.
FIRST_OTHER_TYPE = 16384

#: The classes of SQLSTATEs of statements that were prepared for other types than their tables have.
ABOUT_TYPES = ("0A", "42")
#: How many texts are known to be other statements elsewhere; what is forgotten is found out again.
MOST_APART = 4096
#: Asks for what says where names lead.
NAMESPACE = "SELECT current_user, current_schemas(true)::text"
#: Asks for the schema of a table.
SCHEMA = (
    "SELECT nspname::text FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace "
    "WHERE c.oid = to_regclass($1)"
)
#: In the place of a namespace: something may have changed it, and the server is to be asked.
UNSURE: Final = object()


class PreparedStatements:
    """The prepared statements of one connection, and the namespace that is in force on it."""

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
        """Keep that many statements; none where it is 0."""
        self._raw = raw
        self._access = access
        self._limit = limit
        #: Where names lead to; None where they do as when the connection was opened.
        self.namespace: Hashable = None
        #: Those of the usual namespace, and those that are the same in any other.
        self._usual: dict[str, Prepared] = {}
        #: Those of each other namespace, the one that was used latest at the end.
        self._elsewhere: dict[Hashable, dict[str, Prepared]] = {}
        #: Those that can be taken by their text alone, of the namespace that is in force.
        self.at_hand = self._usual
        #: True where the next statement may change the namespace.
        self._is_about_to_change = False
        #: Texts that were found to be other statements in other namespaces.
        self._apart: set[str] = set()

    def __len__(self) -> int:
        """Return how many statements are kept."""
        return len(self._usual) + sum(map(len, self._elsewhere.values()))

    def enter(self, namespace: Hashable) -> None:
        """Take names for those of this namespace from here on; None is the usual one.

        UNSURE lets the server be asked before it matters.
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
        """Return the namespace that is in force, for which the server may have to be asked."""
        if self.namespace is UNSURE:
            self.enter(tuple(await self._raw.fetchrow(NAMESPACE)))
        return self.namespace

    def unsettle(self) -> None:
        """Note that what runs next may change the namespace, as any SQL of a caller's may."""
        self.enter(UNSURE)
        self._is_about_to_change = True

    async def find(self, sql: str, timeout: float | None) -> Prepared:
        """Return the statement of this text for the namespace that is in force."""
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
        """Return the schema that a quoted name of a table leads to; None in the usual namespace.

        COPY needs it: the driver keeps the types of a table by its name.
        """
        schema: str | None = None
        if self.namespace is not None:
            schema = await self._raw.fetchval(SCHEMA, table)
        return schema

    def doubt(self, sql: str, error: BaseException) -> None:
        """Keep a statement apart that may not be the same everywhere, by what the server said."""
        kind = str(getattr(error, "sqlstate", ""))[:2]
        if self.namespace is not None and kind in ABOUT_TYPES and sql in self._usual:
            self._note_apart(sql)
            del self._usual[sql]

    def forget(self, sql: str) -> None:
        """Prepare this statement anew when it comes again."""
        for held in (self._usual, *self._elsewhere.values()):
            held.pop(sql, None)

    def clear(self) -> None:
        """Prepare each statement anew when it comes again."""
        for held in (self._usual, *self._elsewhere.values()):
            held.clear()

    def _make_room(self) -> None:
        """Drop what was not used for longest: all of another namespace, or else the oldest."""
        while len(self) >= self._limit:
            namespace = next(iter(self._elsewhere), self.namespace)
            if namespace != self.namespace:
                del self._elsewhere[namespace]
            else:
                oldest = self.at_hand or self._usual
                del oldest[next(iter(oldest))]


def has_known_types(statement: Any) -> bool:
    """Return whether parameters and columns of a statement of asyncpg have PostgreSQL's types."""
    oids = [each.oid for each in statement.get_parameters()]
    oids += [each.type.oid for each in statement.get_attributes()]
    return all(oid < FIRST_OTHER_TYPE for oid in oids)
