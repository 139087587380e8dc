"""The two databases of a comparison, and how the names of their objects read."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ormkit.catalog import Catalog

#: The kinds of objects whose names are more than one word, the longest first.
_KINDS = (
    *("text search configuration", "text search dictionary", "text search template"),
    *("text search parser", "foreign-data wrapper", "materialized view", "operator family"),
    *("operator class", "foreign table", "access method", "event trigger"),
)
_IDENTIFIER = r'(?:"(?:[^"]|"")+"|[^\s(".]+)'
_BARE = re.compile(rf"{_IDENTIFIER}(?:\.{_IDENTIFIER})?")


@dataclass(frozen=True, slots=True)
class Sides:
    """The catalog that a database is to have, and the one that it has."""

    wanted: Catalog
    present: Catalog


def kind_and_name(whole: str) -> tuple[str, str]:
    """Return the kind of an object and its name: of `table public.users`, table and the rest."""
    for kind in _KINDS:
        if whole.startswith(f"{kind} "):
            return kind, whole[len(kind) + 1 :]
    kind, _, name = whole.partition(" ")
    return kind, name


def bare_name(name: str) -> str:
    """Return a name without what follows it: arguments, or USING and an access method."""
    found = _BARE.match(name)
    return found[0] if found else name


def schema_of(name: str) -> str:
    """Return the quoted schema of a qualified name; empty for one without."""
    found = re.match(rf"({_IDENTIFIER})\.", name)
    return found[1] if found else ""


def beside(table: str, name: str) -> str:
    """Return the qualified name of an index, which is in the schema of its table."""
    return f"{schema_of(table)}.{name}"


def keyword(kind: str) -> str:
    """Return the kind of an object as statements write it."""
    return kind.replace("-", " ").upper()


def typed_tables(type_: str, sides: Sides) -> tuple[str, ...]:
    """Return the names of the tables of a composite type, which are so on both sides."""

    def names(catalog: Catalog) -> set[str]:
        return {
            kind_and_name(fact.object)[1]
            for fact in catalog
            if fact.kind == "object"
            and fact.object.startswith("table ")
            and re.search(rf"\bOF {re.escape(type_)}(?!\S)", fact.definition)
        }

    return tuple(sorted(names(sides.wanted) & names(sides.present)))
