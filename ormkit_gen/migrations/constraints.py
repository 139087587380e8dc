"""Plans for constraints and indexes: nothing is scanned or built while others wait."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from ormkit.catalog import Difference, Fact
from ormkit_gen.ddl.indexes import index_element
from ormkit_gen.drift.parts import changed
from ormkit_gen.drift.sides import beside, kind_and_name
from ormkit_gen.ir import ForeignKey, Index, Model
from ormkit_gen.migrations.pieces import Piece, Rank, piece
from ormkit_gen.migrations.situation import PREPARED, REPLACED, Situation, ending, quoted
from ormkit_gen.postgres.identifiers import qualified

_COLUMNS = r'\((?P<{}>(?:"(?:[^"]|"")+"|[^")])+)\)'
_UNIQUE = re.compile(
    rf"(?P<kind>PRIMARY KEY|UNIQUE)(?P<nulls> NULLS NOT DISTINCT)? {_COLUMNS.format('columns')}"
    rf"(?P<include> INCLUDE {_COLUMNS.format('more')})?(?P<storage> WITH {_COLUMNS.format('w')})?"
    r"(?P<deferred> DEFERRABLE(?: INITIALLY DEFERRED)?)?"
)
_NAME = re.compile(r'"(?:[^"]|"")+"|[^\s,"]+')
_INDEX = re.compile(r'^(CREATE (?:UNIQUE )?INDEX )("(?:[^"]|"")+"|\S+)')
#: How many rows a check shows.
_SHOWN = 10


async def constraint(difference: Difference, now: Situation) -> list[Piece]:
    """Return what adds, replaces or drops a constraint of a table that is there."""
    expected, found, fact = difference.expected, difference.found, difference.fact
    _, table = kind_and_name(fact.object)
    if expected is None:
        return [piece(each, table) for each in changed(None, found, now.sides)]
    if _UNIQUE.fullmatch(expected.definition) and not now.is_partitioned(fact.object):
        return [*await _unique(expected, found, table, now)]
    if expected.definition.startswith("EXCLUDE") or _UNIQUE.match(expected.definition):
        return [piece(each, table) for each in changed(expected, found, now.sides)]
    return [*_validated(expected, found, table, now)]


def _validated(expected: Fact, found: Fact | None, table: str, now: Situation) -> Iterator[Piece]:
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
    yield Piece(rank=rank, sql=add, table=table, is_alone=is_foreign)
    if not is_open and not_valid:
        if is_foreign:
            yield from _orphans(expected, table, now)
        validate = f"ALTER TABLE {table} VALIDATE CONSTRAINT {own};"
        yield Piece(rank=Rank.VALIDATE, sql=validate, table=table, is_alone=True)
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
    words = _UNIQUE.fullmatch(expected.definition)
    assert words is not None
    name = quoted(expected.name)
    own = name if found is None else quoted(ending(expected.name, PREPARED))
    create = (
        f"CREATE UNIQUE INDEX CONCURRENTLY {own} ON {table} ({words['columns']})"
        f"{words['include'] or ''}{words['nulls'] or ''}{words['storage'] or ''};"
    )
    columns = _NAME.findall(words["columns"])
    is_distinct = words["nulls"] is not None or words["kind"] == "PRIMARY KEY"
    pieces = [
        _duplicates(table, columns, columns if not is_distinct else [], "", expected.name),
        Piece(rank=Rank.BUILD, sql=create, mode="no transaction", table=table, is_alone=True),
    ]
    add = f"ALTER TABLE {table} ADD CONSTRAINT {name} {words['kind']} USING INDEX {own}"
    add += f"{words['deferred'] or ''};"
    if found is None:
        return [*pieces, Piece(rank=Rank.CONSTRAINTS, sql=add, table=table, is_alone=True)]
    keys = await now.trial.keys_to(table, expected.name)
    drops, adds, validates = _of_keys(keys, now)
    drop = f"ALTER TABLE {table} DROP CONSTRAINT {name};"
    comment = _comment(expected, f"constraint {expected.name}", now)
    swap = "\n".join([*drops, drop, add, *adds]) + comment
    pieces.append(Piece(rank=Rank.CONSTRAINTS, sql=swap, table=table, is_alone=True))
    return [*pieces, *validates]


def _of_keys(
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
    if expected is None or now.is_partitioned(fact.object):
        for each in changed(expected, found, now.sides):
            yield piece(each, table)
        return
    yield from _index_duplicates(expected, table, now)
    if found is None:
        for each in changed(expected, None, now.sides):
            yield piece(each, table, Rank.BUILD)
        return
    old, new = (quoted(ending(fact.name, end)) for end in (REPLACED, PREPARED))
    create = _INDEX.sub(rf"\g<1>CONCURRENTLY {_escaped(new)}", expected.definition)
    yield Piece(
        rank=Rank.BUILD, sql=f"{create};", mode="no transaction", table=table, is_alone=True
    )
    name = quoted(fact.name)
    swap = (
        f"ALTER INDEX {beside(table, name)} RENAME TO {old};\n"
        f"ALTER INDEX {beside(table, new)} RENAME TO {name};"
    )
    swap += _comment(expected, f"index {fact.name}", now)
    yield Piece(rank=Rank.SWAP, sql=swap, table=table, is_alone=True)
    for kind in ("clustered", "index statistics"):
        if also := now.wanted.get((fact.object, kind, fact.name)):
            yield from (piece(each, table) for each in changed(also, None, now.sides))
    drop = f"DROP INDEX CONCURRENTLY {beside(table, old)};"
    yield Piece(rank=Rank.DROP_INDEXES, sql=drop, mode="no transaction", table=table, is_alone=True)


def _escaped(name: str) -> str:
    return name.replace("\\", "\\\\")


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
