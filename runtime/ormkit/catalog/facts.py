"""Fact and Catalog: what a database consists of, one small fact at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, order=True)
class Fact:
    """One property of a database, as PostgreSQL prints it.

    All names are quoted and qualified where necessary, so that they can be used in SQL.
    """

    #: The object that it belongs to, such as `table public.users` or `type public.mood`.
    object: str
    #: What it is about: `object` for the object itself, or a part of it, such as `column`, `type`,
    #: `default`, `constraint`, `index`, `trigger`, `comment`.
    kind: str
    #: The name of the part, such as a column's; empty for the object itself.
    name: str
    #: The definition in PostgreSQL's own words.
    definition: str
    #: Which of the object's columns it is, as a number that grows; 0 where the order says nothing.
    #: Two databases may differ in it.
    position: int = field(default=0, compare=False)

    @property
    def key(self) -> tuple[str, str, str]:
        """What identifies the fact: two databases may differ in its definition."""
        return self.object, self.kind, self.name


class Catalog:
    """The facts about one database, in a canonical order."""

    __slots__ = ("_by_key", "_by_object", "facts", "server_version")

    def __init__(self, facts: Iterable[Fact], server_version: int) -> None:
        #: All facts, sorted by object, kind and name.
        self.facts = tuple(sorted(facts, key=_order))
        #: The major version of the server that printed them.
        self.server_version = server_version
        self._by_key = {fact.key: fact for fact in self.facts}
        self._by_object: dict[str, list[Fact]] | None = None

    def __len__(self) -> int:
        """Return the number of facts."""
        return len(self.facts)

    def __iter__(self) -> Iterator[Fact]:
        """Iterate over the facts."""
        return iter(self.facts)

    def __eq__(self, other: object) -> bool:
        """Return whether both have the same facts, whatever the versions of the servers."""
        return isinstance(other, Catalog) and self.facts == other.facts

    def __hash__(self) -> int:
        return hash(self.facts)

    def __repr__(self) -> str:
        return f"<Catalog of {len(self)} facts, PostgreSQL {self.server_version}>"

    def get(self, key: tuple[str, str, str]) -> Fact | None:
        """Return the fact with this key, or None."""
        return self._by_key.get(key)

    @property
    def objects(self) -> frozenset[str]:
        """The objects of the database."""
        return frozenset(self._grouped())

    def differing(self, other: Catalog) -> list[tuple[str, str, str]]:
        """Return the keys of the facts that are not the same in the other catalog, sorted."""
        mine, others = self._by_key, other._by_key
        keys = {key for key, fact in mine.items() if others.get(key) != fact}
        return sorted(keys.union(others.keys() - mine.keys()))

    def facts_of(self, whole: str, kind: str | None = None) -> list[Fact]:
        """Return the facts of an object, or those of one kind; columns as the table has them."""
        found = self._grouped().get(whole, [])
        if kind is not None:
            found = [fact for fact in found if fact.kind == kind]
        return sorted(found, key=lambda fact: (fact.kind, fact.position, fact.name))

    def _grouped(self) -> dict[str, list[Fact]]:
        """Return the facts by their objects. Equal databases are compared without this."""
        if self._by_object is None:
            self._by_object = {}
            for fact in self.facts:
                self._by_object.setdefault(fact.object, []).append(fact)
        return self._by_object


def _order(fact: Fact) -> tuple[str, str, str, str]:
    """Return what facts are sorted by: a tuple, which compares faster than two facts."""
    return fact.object, fact.kind, fact.name, fact.definition
