"""Plans for columns whose type changes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ormkit.catalog import Difference, Fact
from ormkit_gen.drift.sides import kind_and_name
from ormkit_gen.migrations.computed import Computed, computed
from ormkit_gen.migrations.dependents import Dependents, dependents
from ormkit_gen.migrations.moved_table import Key, MovedColumn
from ormkit_gen.migrations.moving import moved
from ormkit_gen.migrations.pieces import Piece, Rank
from ormkit_gen.migrations.situation import Situation, quoted
from ormkit_gen.postgres.identifiers import quote_literal

_PLAIN = re.compile(r"(.*?)(?:\((\d+)(?:,(-?\d+))?\))?( with(?:out)? time zone)?(\[\])?")
_TEXTS = frozenset(("text", "character varying", "character", "citext", "bpchar", '"char"'))
_NUMBERS = frozenset(("numeric", "smallint", "integer", "bigint", "real", "double precision"))
_BOUNDS = {"smallint": 1 << 15, "integer": 1 << 31, "bigint": 1 << 63}
_BITS = frozenset(("bit", "bit varying"))
#: How many bytes of a text some types keep.
_BYTES = {'"char"': 1, "name": 63}
_TIMES = frozenset(("time without time zone", "time with time zone"))
#: Types of floating-point numbers, each with those whose numbers they may round.
_ROUNDING = {
    "real": frozenset(("integer", "bigint", "numeric", "double precision")),
    "double precision": frozenset(("bigint", "numeric")),
}
_WITH, _WITHOUT = "timestamp with time zone", "timestamp without time zone"
#: What texts of a type look like, for servers that cannot be asked whether a text is one.
FORMS = {
    **dict.fromkeys(("smallint", "integer", "bigint"), r"^\s*[-+]?\d+\s*$"),
    "numeric": r"^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*$",
    "uuid": r"^\s*[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\s*$",
    "date": r"^\s*\d{4}-\d{2}-\d{2}\s*$",
    "boolean": r"(?i)^\s*(t|true|f|false|y|yes|n|no|on|off|0|1)\s*$",
}
#: From this version on, PostgreSQL says whether a text is a value of a type.
_ASKED = 16
_SHOWN = 10
_COMPUTED = ("generated", "virtual")


class _Type:
    """The parts of a type as PostgreSQL prints it."""

    def __init__(self, definition: str) -> None:
        self.sql = definition.partition(" COLLATE ")[0]
        words = _PLAIN.fullmatch(self.sql)
        assert words is not None
        self.base = f"{words[1]}{words[4] or ''}"
        self.first = int(words[2]) if words[2] else None
        self.second = int(words[3]) if words[3] else None
        self.is_array = words[5] is not None


@dataclass(frozen=True, slots=True)
class _Conversion:
    """How a column gets its type."""

    fact: Fact
    table: str
    #: Returns what the value of a column becomes, as SQL.
    value: Callable[[str], str]
    #: The statements that do it in one transaction.
    statements: tuple[str, ...]
    #: The default that it has afterwards.
    default: Fact | None
    #: What creates a type that is not there yet.
    types: tuple[str, ...]
    around: Dependents
    #: The columns that PostgreSQL computes from it.
    computed: Computed
    #: What has to go before the statements.
    drops: tuple[str, ...]
    check: Piece | None


async def retyped(differences: Sequence[Difference], now: Situation) -> list[Piece]:
    """Return what gives columns other types, after a look for rows that cannot have them.

    A type that makes PostgreSQL write the table anew goes to a column beside the old one, which is
    filled in batches, unless a flag asks for the one statement.
    """
    follow = await _following(differences, now)
    found = [
        each
        for difference in differences
        if difference.fact.key not in follow
        and (each := await _conversion(difference, now)) is not None
    ]
    rewriting = [each for each in found if await _rewrites(each, now)]
    columns = [
        MovedColumn(each.table, each.fact.name, each.fact.definition, each.value)
        for each in rewriting
    ]
    types = [sql for each in rewriting for sql in each.types]
    online = await moved(columns, now, dict.fromkeys(types))
    pieces = [each.check for each in found if each.check is not None] + online.pieces
    for each in found:
        if (each.table, each.fact.name) not in online.columns:
            pieces += _at_once(each, now)
    return pieces


async def _following(differences: Sequence[Difference], now: Situation) -> set[Key]:
    """Return the keys of generated columns that are made anew with columns they come from."""
    names: dict[str, list[str]] = {}
    for each in differences:
        names.setdefault(kind_and_name(each.fact.object)[1], []).append(each.fact.name)
    found = [await computed(table, columns, now) for table, columns in names.items()]
    return {key for each in found for key in each.keys}


async def _rewrites(each: _Conversion, now: Situation) -> bool:
    """Return whether the rows of a table are written anew, and nobody has agreed to that."""
    if kind_and_name(each.fact.object)[0] != "table":
        return False
    names = now.names(each.table)
    if any(now.answers.consents_to(reason, *names) for reason in ("rewrite", "index", "scan")):
        return False
    statements = (*each.types, *each.drops, *each.statements)
    return bool(await now.trial.rewrites(statements, each.table))


def _at_once(each: _Conversion, now: Situation) -> Iterable[Piece]:
    """Yield the statements that change a type, in one transaction."""
    each.around.take(now)
    now.done.add((each.fact.object, "default", each.fact.name))
    statements = [*each.statements]
    if each.default is not None:
        alter = f"ALTER TABLE {each.table} ALTER COLUMN {quoted(each.fact.name)}"
        statements.append(f"{alter} SET DEFAULT {each.default.definition};")
    now.done |= each.computed.keys
    sql = each.around.around(*each.computed.drops, *statements, *each.computed.adds)
    yield Piece(rank=Rank.CONVERT, sql=sql, table=each.table, is_alone=True)
    yield from each.computed.checks


async def _conversion(difference: Difference, now: Situation) -> _Conversion | None:
    """Return how a column gets another type; None, with the reason recorded, if it cannot."""
    expected, found = difference.expected, difference.found
    assert expected is not None
    assert found is not None
    kind, table = kind_and_name(expected.object)
    old, new = _Type(found.definition), _Type(expected.definition)
    column = quoted(expected.name)
    values = _values(expected, old, new, now)
    if not values:
        return None
    derived = await computed(table, [expected.name], now)
    around = await dependents([(table, each) for each in (expected.name, *derived.names)], now)
    keys = await now.trial.keys_over(table, [expected.name])
    drops = [*around.drops, *derived.drops]
    # The types on both sides of a foreign key may change together.
    drops += (
        f"ALTER TABLE {kind_and_name(whole)[1]} DROP CONSTRAINT {quoted(name)};"
        for whole, _, name in keys
    )
    known = await _statements(expected, table, values, new, drops, now)
    if known is None:
        using = "".join(f" USING {each(column)}" for each in values[1:2])
        alter = f"ALTER TABLE {table} ALTER COLUMN {column} TYPE {expected.definition}{using};"
        now.refuse(
            "no-conversion",
            f"{found.definition} of {table}.{expected.name} cannot become {expected.definition}: "
            f"{await now.trial.failure(*_types(new, now), *drops, alter)}",
            "add a new column with backfill, and drop this one in a later migration",
            now.column(table, expected.name),
        )
        return None
    value, statements = known
    types = tuple(_types(new, now))
    condition = _impossible(column, old, new, now) if kind == "table" else ""
    check = None
    if condition and not now.answers.may_drop(*now.names(table, expected.name)):
        check = _check(expected, table, condition, new, now)
    default = now.wanted.get((expected.object, "default", expected.name))
    return _Conversion(
        fact=expected,
        table=table,
        value=value,
        statements=tuple(statements),
        default=default,
        types=types,
        around=around,
        computed=derived,
        drops=tuple(drops),
        check=check,
    )


def _check(fact: Fact, table: str, condition: str, new: _Type, now: Situation) -> Piece:
    shown = ", ".join(dict.fromkeys((*now.key(table), quoted(fact.name))))
    return Piece(
        rank=Rank.CHECK_VALUES,
        sql=f"SELECT {shown} FROM {table}\nWHERE {condition}\nLIMIT {_SHOWN};",
        mode="check",
        message=f"rows of {table} whose {fact.name} is no {new.sql}, or would lose a part of it",
        is_alone=True,
    )


def _values(fact: Fact, old: _Type, new: _Type, now: Situation) -> list[Callable[[str], str]]:
    """Return what the value of a column may become, as SQL: the first that PostgreSQL takes.

    Nothing, with the reason recorded, between times with and without a zone that nothing names.
    """
    _, table = kind_and_name(fact.object)
    if {old.base, new.base} == {_WITH, _WITHOUT}:
        column = now.column(table, fact.name)
        if column is not None and column.time_zone is not None and not new.is_array:
            zone = quote_literal(column.time_zone)
            return [lambda name: f"{name} AT TIME ZONE {zone}"]
        now.refuse(
            "no-time-zone",
            f"{table}.{fact.name} changes from {old.sql} to {new.sql}, and nothing says in which "
            "time zone its values are",
            'add time_zone = "UTC", or the zone that programs have written, to the column',
            column,
        )
        return []
    texts = "text[]" if new.is_array else "text"
    values: list[Callable[[str], str]] = [str]
    if not any(now.present.get((fact.object, each, fact.name)) for each in _COMPUTED):
        values.append(lambda name: f"{name}::{new.sql}")
        values.append(lambda name: f"{name}::{texts}::{new.sql}")
    return values


async def _statements(
    fact: Fact,
    table: str,
    values: Iterable[Callable[[str], str]],
    new: _Type,
    drops: Iterable[str],
    now: Situation,
) -> tuple[Callable[[str], str], list[str]] | None:
    """Return what a value becomes, and the statements that PostgreSQL takes for it.

    drops: what has to go before them.
    """
    column = quoted(fact.name)
    key = (fact.object, "default", fact.name)
    before = now.present.get(key)
    alter = f"ALTER TABLE {table} ALTER COLUMN {column}"
    # A new type may not be there yet: its labels and itself come before.
    creates = _types(new, now)
    for value in values:
        clause = "" if value is str else f" USING {value(column)}"
        found = [f"{alter} TYPE {fact.definition}{clause};"]
        if before is not None:
            found.insert(0, f"{alter} DROP DEFAULT;")
        if await now.trial.works(*creates, *drops, *found):
            return value, found
    return None


def _types(new: _Type, now: Situation) -> list[str]:
    """Return what creates a type that the database of the trial does not have."""
    from ormkit_gen.drift.objects import created

    for kind in ("type", "domain"):
        whole = f"{kind} {new.base}"
        fact = now.wanted.get((whole, "object", ""))
        if fact is not None and not now.is_there(whole):
            schema = new.base.rpartition(".")[0]
            first = [f"CREATE SCHEMA IF NOT EXISTS {schema};"] if schema else []
            return [*first, *(each.sql for each in created(fact, now.fresh))]
    return []


def _impossible(column: str, old: _Type, new: _Type, now: Situation) -> str:
    """Return a condition of rows whose value the new type does not have; empty without any."""
    if old.is_array or new.is_array:
        return _impossible_array(column, old, new, now)
    if new.base in _BYTES and old.base in _TEXTS:
        return f"octet_length({column}) > {_BYTES[new.base]}"
    if {old.base, new.base} <= _TEXTS or {old.base, new.base} <= _BITS:
        return f"length({column}) > {new.first}" if _is_shorter(old, new) else ""
    if old.base in _TEXTS:
        return _no_value(column, new, now)
    if old.base in _ROUNDING.get(new.base, ()):
        return f"{column}::{new.sql}::text::numeric <> {column}::text::numeric"
    if old.base in _NUMBERS and new.base in _NUMBERS:
        return _out_of_range(column, old, new)
    if new.base in _TIMES and old.base == "interval":
        return f"{column}::{new.sql}::interval <> {column}"
    if new.base in _TIMES and old.base != new.base:
        # The date goes, or the zone.
        return "" if old.base == "time without time zone" else f"{column} IS NOT NULL"
    if old.base in (_WITH, _WITHOUT) and new.base in (_WITH, _WITHOUT, "date"):
        is_same = new.base != "date" and (new.first is None or new.first >= (old.first or 6))
        if is_same or (new.base != "date" and new.base != old.base):
            return ""
        return f"{column}::{new.sql}::{old.sql} <> {column}"
    return ""


def _impossible_array(column: str, old: _Type, new: _Type, now: Situation) -> str:
    """Return a condition of rows that lose something because one of the types is an array."""
    if not old.is_array:
        return _no_value(column, new, now) if old.base in _TEXTS else ""
    if not new.is_array or (new.base in ("text", old.base) and new.first is None):
        return ""
    if old.base in _TEXTS and new.base not in _TEXTS:
        return _no_value(column, new, now)
    return f"{column}::{new.sql}::{old.sql} IS DISTINCT FROM {column}"


def _is_shorter(old: _Type, new: _Type) -> bool:
    return new.first is not None and (old.first is None or old.first > new.first)


def _no_value(column: str, new: _Type, now: Situation) -> str:
    if now.version >= _ASKED:
        now.need(_ASKED)
        return f"NOT pg_input_is_valid({column}::text, {quote_literal(new.sql)})"
    form = None if new.is_array else FORMS.get(new.base)
    return f"{column} !~ {quote_literal(form)}" if form else ""


def _out_of_range(column: str, old: _Type, new: _Type) -> str:
    bound = _BOUNDS.get(new.base)
    if bound is not None:
        if _BOUNDS.get(old.base, bound + 1) <= bound:
            return ""
        whole = "" if old.base in _BOUNDS else f" OR {column} <> trunc({column}::numeric)"
        return f"{column} NOT BETWEEN {-bound} AND {bound - 1}{whole}"
    if new.base != "numeric" or new.first is None:
        return ""
    scale, room = new.second or 0, new.first - (new.second or 0)
    if old.base == "numeric" and old.first is not None:
        is_wider = (old.second or 0) <= scale and old.first - (old.second or 0) <= room
        if is_wider:
            return ""
    value = f"{column}::numeric"
    return f"{value} <> round({value}, {scale}) OR abs({value}) >= 1e{room}::numeric"
