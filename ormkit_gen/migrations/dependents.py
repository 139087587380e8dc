"""What uses a column whose type changes: PostgreSQL wants it dropped, and it is created again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ormkit.catalog import Fact
from ormkit_gen.drift.dependents import KEEP_RIGHTS, RESTORE_RIGHTS
from ormkit_gen.drift.objects import created
from ormkit_gen.drift.parts import changed
from ormkit_gen.drift.sides import keyword, kind_and_name
from ormkit_gen.drift.statement import Stage, Statement
from ormkit_gen.migrations.situation import Situation, quoted
from ormkit_gen.postgres.identifiers import quote_literal


@dataclass(frozen=True, slots=True)
class Dependents:
    """Statements around a change: before it, and after it."""

    drops: tuple[str, ...] = ()
    creates: tuple[str, ...] = ()
    #: The keys of the facts that are planned by it.
    keys: frozenset[tuple[str, str, str]] = frozenset()

    def take(self, now: Situation) -> None:
        """Remember that all of this is planned."""
        now.done.update(self.keys)

    def around(self, *statements: str) -> str:
        """Return the statements, between those that drop and create what depends on them."""
        return "\n".join((*self.drops, *statements, *self.creates))


async def dependents(columns: Iterable[tuple[str, str]], now: Situation) -> Dependents:
    """Return what drops and creates all that uses columns.

    columns: pairs of a table as SQL and the plain name of a column; empty for all of them.
    """
    found = await now.trial.dependents(columns)
    nearest = sorted(found, key=lambda each: (each[1], each[0]))
    keys = list(dict.fromkeys(key for key, _ in nearest))
    if not keys:
        return Dependents()
    views = [key for key in keys if key[1] == "object"]
    drops = [_drop(now, key) for key in reversed(keys)]
    creates = [each.sql for key in keys for each in _create(now, key)]
    kept = [key for key in views if now.wanted.get(key) is not None]
    if kept:
        names = ", ".join(f"{quote_literal(kind_and_name(key[0])[1])}::regclass" for key in kept)
        drops.insert(0, KEEP_RIGHTS.format(names))
        creates.append(RESTORE_RIGHTS)
    taken = set(keys)
    for key in keys:
        if key[1] == "object":
            for catalog in (now.wanted, now.present):
                taken.update(fact.key for fact in catalog.facts_of(key[0]))
        taken.add((key[0], "comment", f"{key[1]} {key[2]}"))
    return Dependents(tuple(drops), tuple(creates), frozenset(taken))


def _drop(now: Situation, key: tuple[str, str, str]) -> str:
    kind, name = kind_and_name(key[0])
    if key[1] == "object":
        return f"DROP {keyword(kind)} {name};"
    return f"DROP {key[1].upper()} {quoted(key[2])} ON {name};"


def _create(now: Situation, key: tuple[str, str, str]) -> list[Statement]:
    wanted = now.wanted.get(key)
    if wanted is None:
        return []
    if wanted.kind == "object":
        statements = list(created(wanted, now.fresh))
    else:
        statements = list(changed(wanted, None, now.fresh))
        comment = now.wanted.get((wanted.object, "comment", f"{wanted.kind} {wanted.name}"))
        if comment is not None:
            statements += changed(comment, None, now.fresh)
    return sorted(statements, key=lambda each: each.stage)


def replaced(expected: Fact, found: Fact, now: Situation) -> str:
    """Return what drops and creates a view whose columns change, with its rights."""
    kind, name = kind_and_name(expected.object)
    creates = sorted(created(expected, now.fresh), key=lambda each: each.stage)
    keep = KEEP_RIGHTS.format(f"{quote_literal(name)}::regclass")
    for catalog in (now.wanted, now.present):
        now.done.update(fact.key for fact in catalog.facts_of(found.object))
    drop = Statement(Stage.DROP, f"DROP {keyword(kind)} {name};")
    return "\n".join([keep, drop.sql, *(each.sql for each in creates), RESTORE_RIGHTS])
