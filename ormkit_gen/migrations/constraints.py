"""Plans for constraints and indexes: nothing is scanned or built while others wait."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from ormkit.catalog import Difference, Fact
from ormkit.migrations.files import NOTHING
from ormkit_gen.ddl.indexes import index_element
from ormkit_gen.drift.parts import changed
from ormkit_gen.drift.sides import beside, kind_and_name, schema_of
from ormkit_gen.ir import ForeignKey, Index, Model
from ormkit_gen.migrations.indexing import UNIQUE, concurrently, unique_index
from ormkit_gen.migrations.partitioned import built, family, referencing, renamed
from ormkit_gen.migrations.pieces import (
    Piece,
    Rank,
    building,
    piece,
    without_constraint,
    without_index,
)
from ormkit_gen.migrations.situation import PREPARED, REPLACED, Situation, ending, quoted
from ormkit_gen.postgres.identifiers import qualified

_NAME = re.compile(r'"(?:[^"]|"")+"|[^\s,"]+')
#: When a foreign key is checked.
_WHEN = re.compile(r" DEFERRABLE(?: INITIALLY DEFERRED)?")
#: How many rows a check shows.
_SHOWN = 10
#: From this version on, foreign keys of partitioned tables may be NOT VALID.
_KEYS_NOT_VALID = 18


async def constraint(difference: Difference, now: Situation) -> list[Piece]:
    """Return what adds, replaces or drops a constraint of a table that is there."""
    expected, found, fact = difference.expected, difference.found, difference.fact
    _, table = kind_and_name(fact.object)
    if expected is None:
        rank = _late(fact, now) if UNIQUE.match(fact.definition) else None
        return [piece(each, table, rank) for each in changed(None, found, now.sides)]
    is_partitioned = now.is_partitioned(fact.object)
    if UNIQUE.fullmatch(expected.definition) and _is_buildable(fact.object, table, now):
        return [*await _unique(expected, found, table, now)]
    if expected.definition.startswith("EXCLUDE") or UNIQUE.match(expected.definition):
        return [piece(each, table) for each in changed(expected, found, now.sides)]
    is_foreign = expected.definition.startswith("FOREIGN KEY")
    if is_foreign and is_partitioned and found is None and now.version < _KEYS_NOT_VALID:
        return [*referencing(expected, now), *_orphans(expected, table, now)]
    if found is not None and (brief := _deferred(expected, found, table)):
        return [brief]
    return [*validated(expected, found, table, now)]


def _deferred(expected: Fact, found: Fact, table: str) -> Piece | None:
    """Return what changes when a foreign key is checked, if nothing else of it changes."""
    wanted, there = (_WHEN.sub("", each.definition) for each in (expected, found))
    if wanted != there or not wanted.startswith("FOREIGN KEY"):
        return None
    when = _WHEN.search(expected.definition)
    words = when[0].strip() if when else "NOT DEFERRABLE"
    sql = f"ALTER TABLE {table} ALTER CONSTRAINT {quoted(expected.name)} {words};"
    return Piece(rank=Rank.ALTER, sql=sql, table=table)


def _late(fact: Fact, now: Situation) -> Rank | None:
    """Return when an index goes: after those that take its place, where it can stay until then."""
    names = (
        each.name
        for each in now.wanted
        if each.kind in ("constraint", "index")
        and schema_of(kind_and_name(each.object)[1]) == schema_of(kind_and_name(fact.object)[1])
    )
    is_free = fact.name not in names
    is_same = all(
        now.wanted.get(each.key) == each for each in now.present.facts_of(fact.object, "column")
    )
    return Rank.DROP_INDEXES if is_free and is_same else None


def _is_buildable(whole: str, table: str, now: Situation) -> bool:
    """Return whether each partition of a table can have an index."""
    return not (now.is_partitioned(whole) and family(table, now).is_foreign)


def validated(expected: Fact, found: Fact | None, table: str, now: Situation) -> Iterator[Piece]:
    """Yield what adds a check or a foreign key that is validated in a step of its own."""
    name = quoted(expected.name)
    own = name if found is None else quoted(ending(expected.name, PREPARED))
    is_foreign = expected.definition.startswith("FOREIGN KEY")
    rank = Rank.FOREIGN_KEYS if is_foreign else Rank.CONSTRAINTS
    is_open = now.wanted.get((expected.object, "unfinished", expected.name)) is not None
    words = expected.definition
    not_valid = "" if words.endswith(" NOT VALID") else " NOT VALID"
    if " NOT ENFORCED" in words:
        not_valid = ""
    add = f"ALTER TABLE {table} ADD CONSTRAINT {own} {words}{not_valid};"
    undo = without_constraint(table, own)
    yield Piece(rank=rank, sql=add, table=table, is_alone=is_foreign, undo=undo)
    if not is_open and not_valid:
        if is_foreign:
            yield from _orphans(expected, table, now)
        validate = f"ALTER TABLE {table} VALIDATE CONSTRAINT {own};"
        yield Piece(rank=Rank.VALIDATE, sql=validate, table=table, is_alone=True, undo=NOTHING)
    if found is not None:
        swap = (
            f"ALTER TABLE {table} DROP CONSTRAINT {name};\n"
            f"ALTER TABLE {table} RENAME CONSTRAINT {own} TO {name};"
        )
        swap += _comment(expected, f"constraint {expected.name}", now)
        yield Piece(rank=Rank.SWAP, sql=swap, table=table, is_alone=True)


def _orphans(fact: Fact, table: str, now: Situation) -> Iterator[Piece]:
    """Yield what looks for rows that reference nothing."""
    model = now.model(table)
    key = (
        next((each for each in model.foreign_keys if each.name == fact.name), None)
        if model
        else None
    )
    if model is None or key is None:
        return
    target = now.schema.model(key.target)
    yield Piece(
        rank=Rank.CHECK_KEYS,
        sql=_orphans_sql(model, key, target, table),
        mode="check",
        message=f"rows of {table} that {fact.name} forbids: they reference no row of "
        f"{target.table}; mend them and resume",
        is_alone=True,
    )


def _orphans_sql(model: Model, key: ForeignKey, target: Model, table: str) -> str:
    own = [quoted(model.column(each).db_name) for each in key.columns]
    there = [quoted(target.column(each).db_name) for each in key.target_columns]
    shown = [*(quoted(model.column(each).db_name) for each in model.primary_key), *own]
    listed = ", ".join(f"o.{each}" for each in dict.fromkeys(shown))
    present = " AND ".join(f"o.{each} IS NOT NULL" for each in own)
    same = " AND ".join(f"t.{one} = o.{other}" for one, other in zip(there, own, strict=True))
    referenced = qualified(target.schema or "public", target.table)
    return (
        f"SELECT {listed} FROM {table} o\nWHERE {present}\n"
        f"AND NOT EXISTS (SELECT FROM {referenced} t WHERE {same})\nLIMIT {_SHOWN};"
    )


async def _unique(expected: Fact, found: Fact | None, table: str, now: Situation) -> list[Piece]:
    """Return what adds a primary key or a unique constraint by an index that is built before."""
    words = UNIQUE.fullmatch(expected.definition)
    assert words is not None
    name = quoted(expected.name)
    own = expected.name if found is None else ending(expected.name, PREPARED)
    columns = _NAME.findall(words["columns"])
    is_distinct = words["nulls"] is not None or words["kind"] == "PRIMARY KEY"
    pieces = [_duplicates(table, columns, columns if not is_distinct else [], "", expected.name)]
    is_partitioned = now.is_partitioned(expected.object)
    attached: list[str] = []
    if is_partitioned:
        parts = list(built(expected, own, now))
        if found is not None and words["kind"] == "PRIMARY KEY":
            # A table has one primary key at a time.
            attached = [each.sql for each in parts if each.rank is not Rank.BUILD]
            parts = [each for each in parts if each.rank is Rank.BUILD]
        pieces += parts
        add = f"ALTER TABLE {table} RENAME CONSTRAINT {quoted(own)} TO {name};"
    else:
        create = unique_index(words, quoted(own), table)
        pieces.append(building(create, table, quoted(own)))
        add = f"ALTER TABLE {table} ADD CONSTRAINT {name} {words['kind']} USING INDEX "
        add += f"{quoted(own)}{words['deferred'] or ''};"
    if found is None:
        undo = without_constraint(table, name)
        adds = [Piece(rank=Rank.CONSTRAINTS, sql=add, table=table, is_alone=True, undo=undo)]
        return pieces if is_partitioned else [*pieces, *adds]
    keys = await now.trial.keys_to(table, expected.name)
    drops, adds_keys, validates = of_keys(keys, now)
    drop = f"ALTER TABLE {table} DROP CONSTRAINT {name};"
    comment = _comment(expected, f"constraint {expected.name}", now)
    swap = "\n".join([*drops, drop, *attached, add, *adds_keys]) + comment
    rank = Rank.SWAP if is_partitioned else Rank.CONSTRAINTS
    pieces.append(
        Piece(rank=rank, sql=swap, table=table, is_alone=True, allowed=_locks(keys, is_partitioned))
    )
    if is_partitioned:
        pieces += renamed(table, own, expected.name, now, what="CONSTRAINT")
    return [*pieces, *validates]


def _locks(keys: list[tuple[str, str, str]], is_partitioned: bool) -> str:
    """Return that several tables may be locked, where the change is one of all of them."""
    if not keys and not is_partitioned:
        return ""
    return "many-locks because the tables change together, and no row is read"


def of_keys(
    keys: Iterable[tuple[str, str, str]], now: Situation
) -> tuple[list[str], list[str], list[Piece]]:
    """Return what drops the foreign keys that need a constraint, adds them again, and validates."""
    drops: list[str] = []
    adds: list[str] = []
    validates: list[Piece] = []
    for key in keys:
        _, table = kind_and_name(key[0])
        name = quoted(key[2])
        drops.append(f"ALTER TABLE {table} DROP CONSTRAINT {name};")
        wanted = now.wanted.get(key)
        now.done.add(key)
        if wanted is None:
            continue
        if now.is_partitioned(key[0]) and now.version < _KEYS_NOT_VALID:
            parts = list(referencing(wanted, now))
            adds += [each.sql for each in parts if each.rank is Rank.FOREIGN_KEYS]
            validates += [each for each in parts if each.rank is not Rank.FOREIGN_KEYS]
            continue
        adds.append(f"ALTER TABLE {table} ADD CONSTRAINT {name} {wanted.definition} NOT VALID;")
        validate = f"ALTER TABLE {table} VALIDATE CONSTRAINT {name};"
        validates.append(Piece(rank=Rank.VALIDATE, sql=validate, table=table, is_alone=True))
    return drops, adds, validates


def _duplicates(table: str, columns: list[str], present: list[str], where: str, name: str) -> Piece:
    """Return what looks for rows that are alike in columns that are to be unique."""
    listed = ", ".join(columns)
    conditions = [f"{each} IS NOT NULL" for each in present]
    conditions += [f"({where})"] if where else []
    filtered = f"\nWHERE {' AND '.join(conditions)}" if conditions else ""
    return Piece(
        rank=Rank.CHECK,
        sql=f"SELECT {listed}, count(*) AS rows FROM {table}{filtered}\n"
        f"GROUP BY {listed} HAVING count(*) > 1 LIMIT {_SHOWN};",
        mode="check",
        message=f"rows of {table} that {name} forbids: they are alike",
        is_alone=True,
    )


def index(difference: Difference, now: Situation) -> Iterator[Piece]:
    """Yield what builds, replaces or drops an index of a table that is there."""
    expected, found, fact = difference.expected, difference.found, difference.fact
    _, table = kind_and_name(fact.object)
    is_partitioned = now.is_partitioned(fact.object)
    if expected is None or not _is_buildable(fact.object, table, now):
        rank = _late(fact, now) if expected is None else None
        for each in changed(expected, found, now.sides):
            yield piece(each, table, rank)
        return
    yield from _index_duplicates(expected, table, now)
    if is_partitioned:
        yield from built(expected, fact.name if found is None else _new(fact.name), now)
        if found is None:
            return
    elif found is None:
        undo = without_index(table, quoted(fact.name))
        for each in changed(expected, None, now.sides):
            yield replace(piece(each, table, Rank.BUILD), undo=undo)
        return
    old, new = quoted(ending(fact.name, REPLACED)), quoted(_new(fact.name))
    if not is_partitioned:
        yield building(f"{concurrently(expected.definition, new)};", table, new)
    name = quoted(fact.name)
    swap = (
        f"ALTER INDEX {beside(table, name)} RENAME TO {old};\n"
        f"ALTER INDEX {beside(table, new)} RENAME TO {name};"
    )
    comment = _comment(expected, f"index {fact.name}", now)
    undo = f"ALTER INDEX {beside(table, name)} RENAME TO {new}; "
    undo += f"ALTER INDEX {beside(table, old)} RENAME TO {name};"
    swap += comment
    undo = "" if comment else undo
    yield Piece(rank=Rank.SWAP, sql=swap, table=table, is_alone=True, undo=undo)
    for kind in ("clustered", "index statistics"):
        if also := now.wanted.get((fact.object, kind, fact.name)):
            yield from (piece(each, table) for each in changed(also, None, now.sides))
    if is_partitioned:
        drop = f"DROP INDEX {beside(table, old)};"
        yield Piece(rank=Rank.DROP_INDEXES, sql=drop, table=table, is_alone=True)
        yield from renamed(table, _new(fact.name), fact.name, now)
        return
    drop = f"DROP INDEX CONCURRENTLY {beside(table, old)};"
    yield Piece(rank=Rank.DROP_INDEXES, sql=drop, mode="no transaction", table=table, is_alone=True)


def _new(name: str) -> str:
    return ending(name, PREPARED)


def _index_duplicates(fact: Fact, table: str, now: Situation) -> Iterator[Piece]:
    """Yield what looks for duplicates before a unique index is built."""
    found, model = now.index(table, fact.name), now.model(table)
    if found is None or model is None or not found.is_unique:
        return
    columns = [_key(each, model, found) for each in range(len(found.elements))]
    present = [] if found.nulls_not_distinct else columns
    yield _duplicates(table, columns, present, found.where or "", fact.name)


def _key(place: int, model: Model, found: Index) -> str:
    element = replace(
        found.elements[place], opclass=None, is_descending=False, nulls=None, collation=None
    )
    return index_element(model, element)


def _comment(fact: Fact, name: str, now: Situation) -> str:
    """Return what comments on a part that takes the place of another one."""
    wanted = now.wanted.get((fact.object, "comment", name))
    if wanted is None:
        return ""
    now.take(wanted)
    return "\n" + "\n".join(each.sql for each in changed(wanted, None, now.sides))
