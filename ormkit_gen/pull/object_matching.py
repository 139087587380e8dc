"""Which objects, kept as SQL, the facts that differ belong to."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ormkit_gen.drift.places import plain
from ormkit_gen.pull.model_parts import FactName
from ormkit_gen.pull.snapshot import DatabaseObject

#: Facts of tables that statements of their own make.
_STATEMENTS = (
    *("clustered", "tablespace", "access method", "row security", "column options"),
    *("index statistics", "object", "default", "not null"),
)
_SQL_PARTS = ("trigger", "policy", "rule")


def canonical(label: str) -> str:
    """Return the name of an object in one spelling: as files and as the catalog write it."""
    name = plain(label).replace("foreign-data wrapper ", "foreign data wrapper ", 1)
    return re.sub(r"\s+", " ", name.replace("public.", "")).replace(", ", ",").strip()


def is_touched(item: DatabaseObject, touched: Mapping[str, set[FactName]]) -> bool:
    """Return whether a fact of an object differs."""
    if item.kind in _SQL_PARTS or item.kind in ("constraint", "index", "statement"):
        return _part_is_touched(plain(item.label), touched)
    label = plain(item.label).replace("foreign data wrapper ", "foreign-data wrapper ", 1)
    return label in touched


def _part_is_touched(label: str, touched: Mapping[str, set[FactName]]) -> bool:
    """Return whether a fact differs that is a part of a table, and an object of its own here."""
    kind, _, name = label.partition(" ")
    for whole, facts in touched.items():
        relation = canonical(whole.removeprefix("materialized ").partition(" ")[2])
        if any(_makes(kind, canonical(name), relation, fact) for fact in facts):
            return True
    return False


def _makes(kind: str, name: str, relation: str, fact: FactName) -> bool:
    """Return whether an object makes this fact of a relation."""
    what, words = fact
    if kind == "index":
        is_index = what in ("index", "comment", "unfinished")
        return is_index and words.rpartition(" ")[2] == name.rpartition(".")[2]
    if kind == "statement":
        return what in _STATEMENTS and _of_statement(name, relation)
    part, _, place = name.partition(" on ")
    is_part = words in (part, f"{kind} {part}") and what in (kind, "comment", "unfinished")
    return is_part and place == relation


def _of_statement(name: str, relation: str) -> bool:
    """Return whether a statement, such as `cluster public.users`, is about a relation."""
    return f" {relation}" in f" {name}"


def is_gone(label: str, touched: Mapping[str, set[FactName]]) -> bool:
    """Return whether an object that a file describes differs: the database has it no more."""
    if label.partition(" ")[0] in (*_SQL_PARTS, "constraint", "index", "statement"):
        return _part_is_touched(label, touched)
    return any(canonical(each) == label for each in touched)
