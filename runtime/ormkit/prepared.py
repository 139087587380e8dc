"""Prepared statements: those that a connection keeps, by their text and the place of its names.

A name leads to another table or type where another search_path is in force, or another role. The
server looks a statement's tables up again then, but its parameters keep the types that they have.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Final

from .wire import Wire, state_of

#: A prepared statement of asyncpg, behind what the wire takes for it; and whether it is the same
#: wherever its names lead.
Prepared = tuple[Any, Any, bool]

#: The OID of the first type that is not PostgreSQL's own.
FIRST_OTHER_TYPE = 16384

#: Asks for what says where names lead.
NAMESPACE = "SELECT current_user, current_schemas(true)::text"
#: In the place of a namespace: something may have changed it, and the server is to be asked.
UNSURE: Final = object()


class PreparedStatements:
    """The prepared statements of one connection, and the namespace that is in force on it."""

    __slots__ = (
        "_apart",
        "_elsewhere",
        "_limit",
        "_raw",
        "_usual",
        "_wire",
        "at_hand",
        "namespace",
    )

    def __init__(self, raw: Any, wire: Wire, limit: int) -> None:
        """Keep that many statements; none where it is 0."""
        self._raw = raw
        self._wire = wire
        self._limit = limit
        #: Where names lead to; None where they do as when the connection was opened.
        self.namespace: Hashable = None
        #: Those of the usual namespace, and those that are the same in any other.
        self._usual: dict[str, Prepared] = {}
        #: Those of each other namespace, the one that was used latest at the end.
        self._elsewhere: dict[Hashable, dict[str, Prepared]] = {}
        #: Those that can be taken by their text alone, of the namespace that is in force.
        self.at_hand = self._usual
        #: Texts that were found not to be the same everywhere.
        self._apart: set[str] = set()

    def enter(self, namespace: Hashable) -> None:
        """Take names for those of this namespace from here on; None is the usual one.

        UNSURE lets the server be asked before it matters.
        """
        self.namespace = namespace
        if namespace is None:
            self.at_hand = self._usual
            return
        self.at_hand = self._elsewhere.pop(namespace, {})
        if namespace is not UNSURE:
            self._elsewhere[namespace] = self.at_hand

    async def settle(self) -> Hashable:
        """Return the namespace that is in force, for which the server may have to be asked."""
        if self.namespace is UNSURE:
            self.enter(tuple(await self._raw.fetchrow(NAMESPACE)))
        return self.namespace

    async def find(self, sql: str, timeout: float | None) -> Prepared:
        """Return the statement of this text for the namespace that is in force."""
        if self.namespace is not None:
            usual = self._usual.get(sql)
            if usual is not None and usual[2]:
                return usual
            await self.settle()
            if (known := self.at_hand.get(sql)) is not None:
                return known
        return await self._prepare(sql, timeout)

    async def _prepare(self, sql: str, timeout: float | None) -> Prepared:
        statement: Any = await self._raw.prepare(sql, timeout=timeout)
        is_same = sql not in self._apart and has_known_types(statement)
        prepared = state_of(statement, self._wire), statement, is_same
        if self._limit:
            self._make_room()
            (self._usual if is_same else self.at_hand)[sql] = prepared
        return prepared

    def keep_apart(self, sql: str) -> None:
        """Note that a statement is not the same everywhere."""
        self._apart.add(sql)
        self._usual.pop(sql, None)

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
        while len(self._usual) + sum(map(len, self._elsewhere.values())) >= self._limit:
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
