"""Generated columns over columns whose type changes: they are dropped, and added again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ormkit.catalog import Fact
from ormkit_gen.drift.parts import changed, column_definition
from ormkit_gen.migrations.columns import not_null
from ormkit_gen.migrations.constraints import validated
from ormkit_gen.migrations.pieces import Piece, piece
from ormkit_gen.migrations.situation import Situation, quoted

#: What is set for a column once it is there.
SETTINGS = ("column storage", "compression", "statistics target", "column options")
_STORED, _VIRTUAL = "generated", "virtual"
_NOT_NULL = " NOT NULL"


@dataclass(frozen=True, slots=True)
class Computed:
    """The columns that PostgreSQL computes from others, and what is about them."""

    #: Their plain names.
    names: tuple[str, ...] = ()
    #: Whether rows have their values.
    is_stored: bool = False
    drops: tuple[str, ...] = ()
    adds: tuple[str, ...] = ()
    #: What rows are looked at for after that, while nobody waits.
    checks: tuple[Piece, ...] = ()
    #: The keys of the facts that are planned by it.
    keys: frozenset[tuple[str, str, str]] = frozenset()


async def computed(table: str, columns: Iterable[str], now: Situation) -> Computed:
    """Return the columns that PostgreSQL computes from some of a table."""
    whole = f"table {table}"
    if not any(each.kind in (_STORED, _VIRTUAL) for each in now.present.facts_of(whole)):
        return Computed()
    names = tuple(await now.trial.computed_from(table, columns))
    if not names:
        return Computed()
    parts = await now.trial.parts(table, names) or {}
    kinds = ("column", "not null", _STORED, _VIRTUAL, *SETTINGS)
    about = {("column", name) for name in names} | parts.keys()
    keys = {(whole, kind, name) for kind in kinds for name in names}
    keys |= {(whole, kind, name) for kind, name in parts}
    keys |= {(whole, "comment", f"{kind} {name}") for kind, name in about}
    adds: list[str] = []
    checks: list[Piece] = []
    for kind, name in (*(("column", each) for each in names), *parts):
        fact = now.wanted.get((whole, kind, name))
        if fact is None:
            continue
        later = list(_checked(fact, table, now))
        adds += _added(fact, now, is_checked=bool(later))
        checks += later
    return Computed(
        names=names,
        is_stored=any(now.present.get((whole, _STORED, name)) for name in names),
        drops=tuple(f"ALTER TABLE {table} DROP COLUMN {quoted(each)};" for each in names),
        adds=tuple(adds),
        checks=tuple(checks),
        keys=frozenset(keys),
    )


def _checked(fact: Fact, table: str, now: Situation) -> Iterator[Piece]:
    """Yield what checks a column that no row has in steps of their own."""
    if fact.kind == "column":
        required = now.wanted.get((fact.object, "not null", fact.name))
        if required is not None and now.wanted.get((fact.object, _VIRTUAL, fact.name)):
            yield from not_null(required, now, is_filled=True)
    elif fact.definition.startswith("CHECK"):
        yield from validated(fact, None, table, now)
        comment = now.wanted.get((fact.object, "comment", f"{fact.kind} {fact.name}"))
        for each in changed(comment, None, now.fresh) if comment else ():
            yield piece(each)


def _added(fact: Fact, now: Situation, *, is_checked: bool) -> Iterator[str]:
    """Yield what adds a column, or a constraint or an index of it.

    is_checked: whether other steps check the rows.
    """
    _, _, table = fact.object.partition(" ")
    if fact.kind == "column":
        definition = column_definition(fact, now.wanted)
        own = definition.removesuffix(_NOT_NULL) if is_checked else definition
        yield f"ALTER TABLE {table} ADD COLUMN {own};"
        others = [now.wanted.get((fact.object, kind, fact.name)) for kind in SETTINGS]
    elif is_checked:
        return
    else:
        yield from (_plain(each.sql) for each in changed(fact, None, now.fresh))
        others = []
    others.append(now.wanted.get((fact.object, "comment", f"{fact.kind} {fact.name}")))
    for each in filter(None, others):
        yield from (one.sql for one in changed(each, None, now.fresh))


def _plain(sql: str) -> str:
    return sql.replace(" CONCURRENTLY", "", 1)
