"""From what differs between two schemas to the steps of a migration."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from ormkit.catalog import Difference, Fact, compare
from ormkit.migrations.files import Step
from ormkit_gen.diagnostics.refusal import Refusal
from ormkit_gen.drift import objects
from ormkit_gen.drift.parts import changed
from ormkit_gen.drift.sides import beside, kind_and_name, schema_of
from ormkit_gen.drift.statement import Stage, Statement, ordered
from ormkit_gen.migrations import columns, constraints
from ormkit_gen.migrations.attaching import detaching
from ormkit_gen.migrations.conversions import retyped
from ormkit_gen.migrations.dependents import replaced
from ormkit_gen.migrations.domains import domain_checked, domain_retyped
from ormkit_gen.migrations.enums import enum_changed
from ormkit_gen.migrations.numbering import renumbered
from ormkit_gen.migrations.pieces import Piece, Rank, piece, steps_of
from ormkit_gen.migrations.renaming import Rename, in_order
from ormkit_gen.migrations.situation import Situation, quoted

_NEW_TABLE = ("table", "foreign table")
#: Parts that one transaction drops and creates, so that no row is seen without them.
_REPLACED = ("trigger", "policy", "rule")
#: Comments on parts of a new table that are created behind it.
_ON_LATE_PARTS = tuple(
    f"COMMENT ON {part} " for part in ("TRIGGER", "POLICY", "RULE", "CONSTRAINT")
)
_COLUMN_PARTS = ("not null", "default", "generated", "virtual", "identity")


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps, and the oldest server that runs them."""

    steps: tuple[Step, ...]
    minimum_server: int | None


async def plan(now: Situation) -> Plan:
    """Return the steps from the present catalog to the wanted one.

    Raises:
        Refusal: Something has to be said first, such as that data may be lost.
    """
    differences = compare(now.wanted, now.present)
    pieces = list(_renamed_parts(differences, now))
    # What is part of a bigger change goes first: it takes others along.
    pieces += renumbered(differences, now)
    for each in _left(filter(_is_type, differences), now):
        pieces += await _pieces(each, now)
    pieces += await retyped(list(_left(filter(_is_retyped, differences), now)), now)
    for each in _left(differences, now):
        if not (_is_type(each) or _is_retyped(each)):
            pieces += await _pieces(each, now)
    if now.problems:
        raise Refusal(*now.problems)
    return Plan(steps_of(_with_new(pieces)), now.minimum_server)


def _left(differences: Iterable[Difference], now: Situation) -> Iterator[Difference]:
    """Yield the differences that are not planned together with others."""
    return (each for each in differences if each.fact.key not in now.done)


def _is_type(difference: Difference) -> bool:
    """Return whether the columns of an enum or a domain change with it."""
    fact = difference.fact
    is_domain = fact.kind == "object" and kind_and_name(fact.object)[0] == "domain"
    return (is_domain or fact.definition.startswith("ENUM")) and not difference.is_one_sided


def _is_retyped(difference: Difference) -> bool:
    is_table = kind_and_name(difference.fact.object)[0] == "table"
    return difference.fact.kind == "column" and is_table and not difference.is_one_sided


async def _pieces(difference: Difference, now: Situation) -> list[Piece]:
    """Return what removes one difference."""
    found, fact = difference.found, difference.fact
    kind, name = kind_and_name(fact.object)
    if fact.kind == "object":
        return await _object(difference, kind, name, now)
    if fact.kind == "column" and kind == "table":
        if found is None:
            return await columns.added(fact, now)
        return list(columns.dropped(fact, now))
    if fact.kind in _COLUMN_PARTS and kind == "table":
        return list(columns.part(difference, now))
    if fact.kind == "constraint" and kind == "domain":
        return [each async for each in domain_checked(difference, now)]
    if fact.kind == "constraint" and kind == "table":
        return await constraints.constraint(difference, now)
    if fact.kind == "index":
        return list(constraints.index(difference, now))
    if fact.kind in _REPLACED:
        return [_together(difference, name, now)]
    return list(_other(difference, kind, name, now))


async def _object(difference: Difference, kind: str, name: str, now: Situation) -> list[Piece]:
    expected, found = difference.expected, difference.found
    if found is None:
        assert expected is not None
        return list(_created(expected, kind, name, now))
    if expected is None:
        return list(_dropped(found, kind, name, now))
    if expected.definition.startswith("ENUM") and found.definition.startswith("ENUM"):
        return await enum_changed(difference, now)
    if kind == "table" and _is_partitioned(expected) != _is_partitioned(found):
        _refuse_partitioning(name, now)
        return []
    if kind == "domain":
        return await domain_retyped(difference, now)
    statements = list(objects.altered(expected, found, now.sides))
    is_view = kind in ("view", "materialized view")
    if is_view and any(each.sql.startswith("DROP ") for each in statements):
        sql = replaced(expected, found, now)
        return [Piece(rank=Rank.VIEWS, sql=sql, is_alone=True)]
    return [piece(each, name if kind == "table" else "") for each in statements]


def _is_partitioned(fact: Fact) -> bool:
    return "PARTITION BY" in fact.definition


def _refuse_partitioning(name: str, now: Situation) -> None:
    short = now.names(name)[1]
    now.refuse(
        "partitioned",
        f"PostgreSQL cannot make {short} partitioned, or no longer partitioned, or partitioned "
        "otherwise",
        f"add a table beside it that is as {short} is to be (a migration), copy the rows with "
        "`ormkit migrate new NAME --data`, and then swap the names of both by --rename and drop "
        f"the old one; or make {short} a partition of the new table, which takes its rows along",
    )


def _created(fact: Fact, kind: str, name: str, now: Situation) -> Iterator[Piece]:
    """Yield what creates an object. What nobody uses yet is in one transaction."""
    for each in objects.created(fact, now.sides):
        if each.stage in (Stage.SCHEMAS, Stage.EXTENSIONS):
            yield piece(each)
        elif kind in ("view", "materialized view"):
            rank = Rank.VIEWS if each.stage < Stage.DEPENDENTS else None
            yield piece(each, rank=rank)
        elif each.stage in (Stage.FOREIGN_KEYS, Stage.DEPENDENTS):
            yield from _late(each, kind, name, now)
        elif each.sql.startswith(_ON_LATE_PARTS):
            yield piece(each, name)
        elif kind in ("publication", "event trigger"):
            yield piece(each, rank=Rank.DEPENDENTS)
        else:
            yield piece(each, rank=Rank.CREATE)


def _late(each: Statement, kind: str, name: str, now: Situation) -> Iterator[Piece]:
    """Yield a foreign key or a trigger of a new table, which may need what is there."""
    is_key = each.stage is Stage.FOREIGN_KEYS and " VALIDATE " not in each.sql
    target = each.sql.partition(" REFERENCES ")[2].partition("(")[0].strip()
    if is_key and target and not now.is_there(f"table {target}"):
        yield piece(each, rank=Rank.CREATE)
    else:
        yield piece(each, name)


def _dropped(fact: Fact, kind: str, name: str, now: Situation) -> Iterator[Piece]:
    """Yield what drops an object, if a flag says that its data may be lost."""
    partitions = now.present.facts_of(fact.object, "partition")
    if partitions and not _stays(f"table {partitions[0].name}", now):
        return
    if kind == "table" and not columns.is_lost(name, "", now):
        return
    is_number = kind == "sequence" and not _is_owned(fact, now)
    if is_number and not columns.is_lost(name, "", now, what="sequence"):
        return
    for part in partitions:
        # Nobody waits for that, and what is dropped then is no part of a table.
        siblings = [each for each in now.present if each.kind == "partition"]
        has_default = any(
            each.name == part.name and each.definition == "DEFAULT" for each in siblings
        )
        step = detaching(part.name, name, has_default=has_default)
        yield Piece(rank=Rank.DROP, sql=step.sql, mode=step.mode, table=name, is_alone=True)
    for each in objects.dropped(fact, now.sides):
        dropping = piece(each, name if kind == "table" else "")
        yield replace(dropping, is_alone=True, statement=None) if partitions else dropping


def _is_owned(sequence: Fact, now: Situation) -> bool:
    """Return whether a sequence goes with the column that it belongs to."""
    owner = sequence.definition.partition(" OWNED BY ")[2]
    table, _, column = owner.rpartition(".")
    if not owner:
        return False
    whole = f"table {table}" if "." in table else f"table public.{table}"
    return now.wanted.get((whole, "column", column.strip('"'))) is None


def _stays(whole: str, now: Situation) -> bool:
    return now.wanted.get((whole, "object", "")) is not None


def _together(difference: Difference, name: str, now: Situation) -> Piece:
    """Return what replaces a trigger, a policy or a rule in one transaction."""
    expected, found, fact = difference.expected, difference.found, difference.fact
    statements = list(changed(expected, found, now.sides))
    texts = [each.sql for each in statements]
    comment = now.wanted.get((fact.object, "comment", f"{fact.kind} {fact.name}"))
    if expected is not None and comment is not None:
        now.take(comment)
        texts += [each.sql for each in changed(comment, None, now.sides)]
    rank = Rank.DROP_DEPENDENTS if expected is None else Rank.DEPENDENTS
    return Piece(rank=rank, sql="\n".join(texts), table=name)


def _other(difference: Difference, kind: str, name: str, now: Situation) -> Iterator[Piece]:
    fact = difference.fact
    if fact.kind == "comment" and difference.expected is None and _part_is_gone(fact, now):
        return
    for each in changed(difference.expected, difference.found, now.sides):
        rank = None
        if fact.kind == "unfinished" and " VALIDATE " in each.sql:
            rank = Rank.VALIDATE
        table = name if kind in _NEW_TABLE else ""
        yield replace(piece(each, table, rank), is_alone=rank is Rank.VALIDATE)


def _part_is_gone(fact: Fact, now: Situation) -> bool:
    """Return whether a comment goes with what it is about."""
    kind, _, name = fact.name.partition(" ")
    return bool(kind) and now.wanted.get((fact.object, kind, name)) is None


def _renamed_parts(differences: Iterable[Difference], now: Situation) -> Iterator[Piece]:
    """Yield renames of constraints and indexes that are the same but for their names."""
    gone: dict[tuple[str, str, str], list[Fact]] = {}
    fresh: dict[tuple[str, str, str], list[Fact]] = {}
    for each in differences:
        if each.fact.kind not in ("constraint", "index") or not each.is_one_sided:
            continue
        if not (now.is_there(each.fact.object) and _stays(each.fact.object, now)):
            continue
        side = gone if each.expected is None else fresh
        side.setdefault(_signature(each.fact), []).append(each.fact)
    found: dict[str, list[tuple[str, Rename]]] = {}
    comments: list[Piece] = []
    for signature, olds in gone.items():
        for old, new in zip(olds, fresh.get(signature, ()), strict=False):
            now.take(old)
            now.take(new)
            comments += _moved_comments(old, new, now)
            kind, table = kind_and_name(old.object)
            scope = schema_of(table) if _has_index(old) else table
            found.setdefault(scope, []).append((table, _rename(old, new, kind, table)))
    for scope, renames in found.items():
        taken = _taken(scope, now) | {each.was for _, each in renames}
        sql = "\n".join(in_order([each for _, each in renames], taken))
        tables = {table for table, _ in renames}
        table = tables.pop() if len(tables) == 1 else ""
        yield Piece(rank=Rank.DROP_DEPENDENTS, sql=sql, table=table)
    yield from comments


def _has_index(fact: Fact) -> bool:
    """Return whether the name is that of an index, too, and so of its whole schema."""
    is_of_table = fact.definition.startswith(("CHECK", "FOREIGN KEY", "NOT NULL"))
    return fact.kind == "index" or not is_of_table


def _taken(scope: str, now: Situation) -> set[str]:
    return {
        fact.name
        for fact in now.present
        if fact.kind in ("constraint", "index")
        and scope in (kind_and_name(fact.object)[1], schema_of(kind_and_name(fact.object)[1]))
    }


def _signature(fact: Fact) -> tuple[str, str, str]:
    """Return what is the same for two parts that differ in their names only."""
    text = fact.definition
    if fact.kind == "index":
        text = text.replace(f" INDEX {quoted(fact.name)} ON ", " INDEX ON ", 1)
    return fact.object, fact.kind, text


def _rename(old: Fact, new: Fact, kind: str, table: str) -> Rename:
    def sql(was: str, becomes: str) -> str:
        one, other = quoted(was), quoted(becomes)
        if old.kind == "index":
            return f"ALTER INDEX {beside(table, one)} RENAME TO {other};"
        return f"ALTER {kind.upper()} {table} RENAME CONSTRAINT {one} TO {other};"

    return Rename(sql, old.name, new.name)


def _moved_comments(old: Fact, new: Fact, now: Situation) -> Iterator[Piece]:
    """Yield what a comment needs that goes along with the part it is about."""
    before = now.present.get((old.object, "comment", f"{old.kind} {old.name}"))
    after = now.wanted.get((old.object, "comment", f"{old.kind} {new.name}"))
    if before is None:
        return
    now.take(before)
    if after is None:
        gone = replace(before, name=f"{old.kind} {new.name}")
        yield from (piece(each) for each in changed(None, gone, now.sides))
    elif after.definition == before.definition:
        now.take(after)


def _with_new(pieces: list[Piece]) -> list[Piece]:
    """Return the pieces, with those of new objects as one, in an order in which they can run."""
    new = [each for each in pieces if each.rank is Rank.CREATE and each.statement is not None]
    if not new:
        return pieces
    rest = [each for each in pieces if each not in new]
    statements = [("", each.statement) for each in new if each.statement is not None]
    notes = dict.fromkeys(each.note for each in new if each.note)
    texts = [each.sql for _, each in ordered(statements)]
    whole = Piece(rank=Rank.CREATE, sql="\n".join(texts), note="; ".join(notes), is_alone=True)
    return [*rest, whole]
