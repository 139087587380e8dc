"""Plans for columns: new ones, their NOT NULL, their defaults and identities, and those that go."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ormkit.catalog import Difference, Fact
from ormkit.migrations.files import NOTHING
from ormkit_gen.drift.parts import changed, column_definition, identity_text
from ormkit_gen.drift.sides import beside, kind_and_name
from ormkit_gen.drift.statement import Stage, Statement
from ormkit_gen.migrations.pieces import Piece, Rank, piece, without_constraint
from ormkit_gen.migrations.situation import Situation, quoted
from ormkit_gen.migrations.walks import filling
from ormkit_gen.postgres.sql_names import plain_name
from ormkit_gen.schema.names import constraint_name

#: What is set after a column was added.
_LATER = ("column storage", "compression", "statistics target", "column options")
#: Why a stored generated column is not online.
STORED = (
    "PostgreSQL computes the values of a stored column for all rows at once; a virtual one "
    "(virtual = true, from PostgreSQL 18 on) has none"
)
#: From this version on, NOT NULL may be NOT VALID.
_NOT_NULL_NOT_VALID = 18


async def added(fact: Fact, now: Situation) -> list[Piece]:
    """Return what adds a column to a table that is there."""
    _, table = kind_and_name(fact.object)
    parts = {each.kind: each for each in now.wanted.facts_of(fact.object) if each.name == fact.name}
    whole = f"ALTER TABLE {table} ADD COLUMN {column_definition(fact, now.wanted)};"
    later = [
        each for kind in _LATER if kind in parts for each in changed(parts[kind], None, now.sides)
    ]
    column = now.column(table, fact.name)
    backfill = column.backfill if column is not None else None
    if "virtual" in parts:
        now.need(18)
    if "identity" in parts:
        pieces = list(_numbered(fact, parts["identity"], table, now))
    elif "generated" in parts:
        pieces = [Piece(rank=_computed_rank(fact, now), sql=whole, table=table, note=STORED)]
    elif "virtual" in parts and "not null" in parts:
        plain = whole.replace(" NOT NULL;", ";")
        pieces = [Piece(rank=_computed_rank(fact, now), sql=plain, table=table)]
        pieces += not_null(parts["not null"], now, is_filled=True)
    elif "virtual" in parts:
        pieces = [Piece(rank=_computed_rank(fact, now), sql=whole, table=table)]
    elif backfill is None and await _is_online(whole, table, parts, now):
        pieces = [Piece(rank=Rank.ALTER, sql=whole, table=table)]
    else:
        pieces = list(_filled(fact, parts, table, backfill, now))
    return [*pieces, *(piece(each, table) for each in later)]


def _computed_rank(fact: Fact, now: Situation) -> Rank:
    """Return when a generated column comes: after others of its table have their types."""
    columns = now.wanted.facts_of(fact.object, "column")
    is_same = all(now.present.get(each.key) in (None, each) for each in columns)
    return Rank.ALTER if is_same else Rank.CONVERT


async def _is_online(whole: str, table: str, parts: dict[str, Fact], now: Situation) -> bool:
    """Return whether a column can be added as it is, and no row has to be written."""
    if "default" not in parts:
        return "not null" not in parts
    if _is_serial(parts["default"]):
        return False
    return await now.trial.rewrites([whole], table) is not True


def _is_serial(default: Fact) -> bool:
    return default.definition.startswith("nextval(")


def _filled(
    fact: Fact, parts: dict[str, Fact], table: str, backfill: str | None, now: Situation
) -> Iterator[Piece]:
    """Yield what adds a column, fills it in batches, and makes it NOT NULL at the end."""
    column, default = quoted(fact.name), parts.get("default")
    expression = backfill or (default.definition if default else None)
    if expression is None:
        yield from _without_rows(fact, table, now)
        return
    sql = f"ALTER TABLE {table} ADD COLUMN {column} {fact.definition};"
    rank = Rank.ALTER
    yield Piece(rank=rank, sql=sql, table=table)
    if default is not None:
        sql = f"ALTER TABLE {table} ALTER COLUMN {column} SET DEFAULT {default.definition};"
        yield Piece(rank=rank, sql=sql, table=table)
    yield from filling(table, column, expression, now)
    if "not null" in parts:
        yield from not_null(fact, now, is_filled=True)


def _without_rows(fact: Fact, table: str, now: Situation) -> Iterator[Piece]:
    """Yield what adds a NOT NULL column without any value to a table that has to be empty."""
    names = now.names(table)
    flag = now.answers.consents_to("no-rows", *names)
    column = now.column(table, fact.name)
    if flag is None:
        short = names[1]
        now.refuse(
            "no-backfill",
            f"the new column {short}.{fact.name} is NOT NULL and has no default: rows of {short} "
            "that exist would have no value in it",
            'add backfill = "an SQL expression" or a default to the column, make it nullable, or '
            f"pass --consent no-rows:{short} if the table has no rows",
            column,
        )
        return
    yield Piece(
        rank=Rank.CHECK,
        sql=f"SELECT * FROM {table} LIMIT 1;",
        mode="check",
        message=f"{table} has rows, which would have no value in {fact.name}",
        is_alone=True,
    )
    definition = column_definition(fact, now.wanted)
    sql = f"ALTER TABLE {table} ADD COLUMN {definition};"
    yield Piece(rank=Rank.CONVERT, sql=sql, table=table)


def _numbered(fact: Fact, identity: Fact, table: str, now: Situation) -> Iterator[Piece]:
    """Yield what adds an identity column: a sequence numbers the rows that exist in batches."""
    column = quoted(fact.name)
    plain = plain_name(table)
    sequence = beside(table, quoted(constraint_name(plain, (fact.name,), "ormkit_numbers")))
    add = (
        f"ALTER TABLE {table} ADD COLUMN {column} {fact.definition};\n"
        f"CREATE SEQUENCE {sequence} AS {fact.definition} OWNED BY {table}.{column};\n"
        f"ALTER TABLE {table} ALTER COLUMN {column} SET DEFAULT nextval('{sequence}');"
    )
    yield Piece(rank=Rank.ALTER, sql=add, table=table)
    yield from filling(table, column, f"nextval('{sequence}')", now)
    yield from not_null(fact, now, is_filled=True)
    (statement,) = (
        each for each in changed(identity, None, now.sides) if each.sql.startswith("ALTER TABLE")
    )
    own = f"pg_get_serial_sequence('{table}', '{fact.name}')"
    swap = (
        f"ALTER TABLE {table} ALTER COLUMN {column} DROP DEFAULT;\n"
        f"ALTER SEQUENCE {sequence} OWNED BY NONE;\n"
        f"{statement.sql}\n"
        f"SELECT setval({own}, nextval('{sequence}'));\n"
        f"DROP SEQUENCE {sequence};"
    )
    yield Piece(rank=Rank.IDENTITY, sql=swap, table=table, is_alone=True)


def not_null(fact: Fact, now: Situation, *, is_filled: bool = False) -> Iterator[Piece]:
    """Yield what makes a column NOT NULL without a scan while others wait."""
    kind, table = kind_and_name(fact.object)
    if kind != "table":
        yield from (piece(each) for each in changed(fact, None, now.sides))
        return
    column = quoted(fact.name)
    model = now.column(table, fact.name)
    if not is_filled and model is not None and model.backfill is not None:
        yield from filling(table, column, model.backfill, now)
    plain = plain_name(table)
    if now.version >= _NOT_NULL_NOT_VALID:
        now.need(_NOT_NULL_NOT_VALID)
        name = quoted(constraint_name(plain, (fact.name,), "not_null"))
        add = f"ALTER TABLE {table} ADD CONSTRAINT {name} NOT NULL {column} NOT VALID;"
        undo = without_constraint(table, name)
        yield Piece(rank=Rank.NOT_NULL, sql=add, table=table, undo=undo)
        validate = f"ALTER TABLE {table} VALIDATE CONSTRAINT {name};"
        yield Piece(rank=Rank.VALIDATE, sql=validate, table=table, is_alone=True, undo=NOTHING)
        return
    name = quoted(constraint_name(plain, (fact.name,), "ormkit_not_null"))
    add = f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({column} IS NOT NULL) NOT VALID;"
    undo = without_constraint(table, name)
    yield Piece(rank=Rank.NOT_NULL, sql=add, table=table, undo=undo)
    validate = f"ALTER TABLE {table} VALIDATE CONSTRAINT {name};"
    yield Piece(rank=Rank.NOT_NULL, sql=validate, table=table, is_alone=True, undo=NOTHING)
    swap = (
        f"ALTER TABLE {table} ALTER COLUMN {column} SET NOT NULL;\n"
        f"ALTER TABLE {table} DROP CONSTRAINT {name};"
    )
    undo = f"ALTER TABLE {table} ALTER COLUMN {column} DROP NOT NULL;"
    yield Piece(rank=Rank.NOT_NULL, sql=swap, table=table, is_alone=True, undo=undo)


def dropped(fact: Fact, now: Situation) -> Iterator[Piece]:
    """Yield what drops a column, if a flag says that its values may be lost."""
    kind, table = kind_and_name(fact.object)
    statements = changed(None, fact, now.sides)
    if kind == "table" and not _is_computed(fact, now) and not is_lost(table, fact.name, now):
        return
    for each in statements:
        yield piece(each, table if kind == "table" else "", Rank.DROP)


def _is_computed(fact: Fact, now: Situation) -> bool:
    kinds = ("generated", "virtual")
    return any(now.present.get((fact.object, kind, fact.name)) for kind in kinds)


def is_lost(
    table: str, column: str, now: Situation, what: str = "table", becomes: str = "is gone"
) -> bool:
    """Return whether data may be lost, or record that no flag says so."""
    names = now.names(table, column)
    if now.answers.may_drop(*names):
        return True
    name = names[-1] if names[-1] in now.aliases.values() else names[1]
    gone = f"the {'column' if column else what} {name} {becomes}"
    now.refuse("lost-data", f"{gone}, and its data would be lost", f"pass --drop {name}")
    return False


def part(difference: Difference, now: Situation) -> Iterator[Piece]:
    """Yield what changes a part of a column: NOT NULL, default, identity, expression."""
    expected, found, fact = difference.expected, difference.found, difference.fact
    kind, table = kind_and_name(fact.object)
    place = table if kind == "table" else ""
    if fact.kind == "not null" and expected is not None:
        yield from not_null(fact, now)
        return
    if fact.kind == "identity" and expected is not None and found is not None:
        # PostgreSQL changes the sequence together with the type of its column.
        if not _follows_type(expected, found, now):
            for each in changed(expected, found, now.sides):
                yield piece(each, place, Rank.IDENTITY)
        return
    if fact.kind in ("generated", "virtual"):
        yield from _expression(difference, table, now)
        return
    rank = Rank.UNSET if expected is None and fact.kind != "not null" else Rank.ALTER
    if fact.kind == "not null":
        rank = Rank.CONVERT
    for each in changed(expected, found, now.sides):
        yield piece(each, place, rank)


def _follows_type(expected: Fact, found: Fact, now: Situation) -> bool:
    """Return whether two identities differ only in the range of their columns' types."""
    key = (expected.object, "column", expected.name)
    wanted, present = now.wanted.get(key), now.present.get(key)
    assert wanted is not None
    assert present is not None
    text = identity_text(expected, wanted.definition)
    return " (" not in text and text == identity_text(found, present.definition)


def _expression(difference: Difference, table: str, now: Situation) -> Iterator[Piece]:
    """Yield what changes how a column is computed, or that it is."""
    expected, found, fact = difference.expected, difference.found, difference.fact
    is_changed = expected is not None and found is not None
    if is_changed and now.version < 17:
        column = now.wanted.get((fact.object, "column", fact.name))
        assert column is not None
        definition = column_definition(column, now.wanted)
        sql = (
            f"ALTER TABLE {table} DROP COLUMN {quoted(fact.name)};\n"
            f"ALTER TABLE {table} ADD COLUMN {definition};"
        )
        yield Piece(rank=Rank.ALTER, sql=sql, table=table, note=STORED)
        return
    if is_changed:
        now.need(17)
    statements = list(changed(expected, found, now.sides))
    drops = any(" DROP COLUMN " in each.sql for each in statements)
    is_lossy = drops and not _is_computed(fact, now)
    if is_lossy and not is_lost(table, fact.name, now, becomes="is generated now"):
        return
    sql = "\n".join(each.sql for each in statements)
    if sql:
        note = STORED if fact.kind == "generated" and expected is not None else ""
        statement = Statement(Stage.ALTER, sql, note)
        yield replace(piece(statement, table), is_alone=drops)
