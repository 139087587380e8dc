"""Plans for partitioned tables: what is built or checked there, is so partition by partition."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ormkit.catalog import Fact
from ormkit.migrations.files import NOTHING
from ormkit_gen.drift.sides import beside, kind_and_name
from ormkit_gen.migrations.indexing import UNIQUE, concurrently, unique_index
from ormkit_gen.migrations.pieces import (
    Piece,
    Rank,
    building,
    without_constraint,
    without_index,
)
from ormkit_gen.migrations.situation import Situation, quoted
from ormkit_gen.postgres.sql_names import plain_name
from ormkit_gen.schema.names import constraint_name

_ON = re.compile(r" ON (?:ONLY )?\S+ USING ")


@dataclass(frozen=True, slots=True)
class Family:
    """A partitioned table, and what is below it."""

    #: The partitions with rows, and the partitioned ones, each as SQL with the one above it.
    leaves: tuple[tuple[str, str], ...]
    branches: tuple[tuple[str, str], ...]
    #: Whether a partition is a foreign table, which has no indexes.
    is_foreign: bool = False


def family(table: str, now: Situation) -> Family:
    """Return the partitions of a table: those that are there, and those that are to be."""
    leaves: dict[str, str] = {}
    branches: dict[str, str] = {}
    is_foreign = False
    waiting = [table]
    for parent in waiting:
        for catalog in (now.present, now.wanted):
            for fact in catalog:
                if fact.kind != "partition" or fact.name not in (parent, _short(parent)):
                    continue
                kind, name = kind_and_name(fact.object)
                is_foreign = is_foreign or kind != "table"
                if now.is_partitioned(fact.object):
                    branches[name] = parent
                    waiting += [name] if name not in waiting else []
                else:
                    leaves[name] = parent
    return Family(tuple(leaves.items()), tuple(branches.items()), is_foreign)


def _short(name: str) -> str:
    return name.removeprefix("public.")


def built(fact: Fact, name: str, now: Situation) -> Iterator[Piece]:
    """Yield what gives a partitioned table an index or a unique constraint, under a name.

    Each partition builds its own while others write it. That of the table is valid once it has all
    of them.
    """
    _, table = kind_and_name(fact.object)
    own = family(table, now)
    names = {each: _named(each, name) for each, _ in (*own.leaves, *own.branches)}
    names[table] = quoted(name)
    words = UNIQUE.fullmatch(fact.definition)
    rank = Rank.BUILD if words is None else Rank.CONSTRAINTS
    for leaf, _ in own.leaves:
        if words is None:
            sql = f"{concurrently(_on(fact.definition, leaf), names[leaf])};"
        else:
            sql = unique_index(words, names[leaf], leaf)
        yield building(sql, leaf, names[leaf])
        if words is not None:
            add = f"ALTER TABLE {leaf} ADD CONSTRAINT {names[leaf]} {words['kind']}"
            add += f" USING INDEX {names[leaf]}{words['deferred'] or ''};"
            undo = without_constraint(leaf, names[leaf])
            yield Piece(rank=rank, sql=add, table=leaf, is_alone=True, undo=undo)
    for branch in (table, *(each for each, _ in own.branches)):
        if words is None:
            plain = _on(fact.definition, f"ONLY {branch}")
            sql = f"{concurrently(plain, names[branch], '')};"
            undo = without_index(branch, names[branch])
        else:
            sql = f"ALTER TABLE ONLY {branch} ADD CONSTRAINT {names[branch]} {fact.definition};"
            undo = without_constraint(branch, names[branch])
        yield Piece(rank=rank, sql=sql, table=branch, is_alone=True, undo=undo)
    for part, parent in (*own.leaves, *reversed(own.branches)):
        index = beside(parent, names[parent])
        sql = f"ALTER INDEX {index} ATTACH PARTITION {beside(part, names[part])};"
        yield Piece(rank=rank, sql=sql, table=part, is_alone=True, undo=NOTHING)


def renamed(
    table: str, was: str, becomes: str, now: Situation, what: str = "INDEX"
) -> Iterator[Piece]:
    """Yield what gives the parts of partitions the names that follow from that of their table."""
    own = family(table, now)
    for each, _ in (*own.leaves, *own.branches):
        one, other = _named(each, was), _named(each, becomes)
        sql = f"ALTER INDEX {beside(each, one)} RENAME TO {other};"
        if what != "INDEX":
            sql = f"ALTER TABLE {each} RENAME CONSTRAINT {one} TO {other};"
        yield Piece(rank=Rank.DROP_INDEXES, sql=sql, table=each, is_alone=True)


def _named(partition: str, name: str) -> str:
    """Return the name of what a partition has for its table, as SQL."""
    return quoted(constraint_name(plain_name(partition), (), name))


def _on(definition: str, table: str) -> str:
    return _ON.sub(lambda _: f" ON {table} USING ", definition, count=1)


def referencing(fact: Fact, now: Situation) -> Iterator[Piece]:
    """Yield what gives a partitioned table a foreign key on a server before 18.

    It takes no NOT VALID there. Each partition has a valid key of its own first, and that of the
    table then takes these for its own, without a look at the rows.
    """
    _, table = kind_and_name(fact.object)
    for leaf, _ in family(table, now).leaves:
        name = _named(leaf, fact.name)
        alter = f"ALTER TABLE {leaf}"
        yield Piece(
            rank=Rank.FOREIGN_KEYS,
            sql=f"{alter} ADD CONSTRAINT {name} {fact.definition} NOT VALID;",
            table=leaf,
            is_alone=True,
        )
        yield Piece(
            rank=Rank.VALIDATE,
            sql=f"{alter} VALIDATE CONSTRAINT {name};",
            table=leaf,
            is_alone=True,
        )
    add = f"ALTER TABLE {table} ADD CONSTRAINT {quoted(fact.name)} {fact.definition};"
    yield Piece(rank=Rank.SWAP, sql=add, table=table, is_alone=True)
