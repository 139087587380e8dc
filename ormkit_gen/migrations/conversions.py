"""Plans for columns whose type changes."""

from __future__ import annotations

import re

from ormkit.catalog import Difference, Fact
from ormkit_gen.drift.sides import kind_and_name
from ormkit_gen.migrations.dependents import Dependents, dependents
from ormkit_gen.migrations.pieces import Piece, Rank
from ormkit_gen.migrations.situation import Situation, quoted
from ormkit_gen.postgres.identifiers import quote_literal

_PLAIN = re.compile(r"(.*?)(?:\((\d+)(?:,(-?\d+))?\))?( with(?:out)? time zone)?(\[\])?")
_TEXTS = frozenset(("text", "character varying", "character", "citext", "bpchar", '"char"'))
_NUMBERS = frozenset(("numeric", "smallint", "integer", "bigint", "real", "double precision"))
_BOUNDS = {"smallint": 1 << 15, "integer": 1 << 31, "bigint": 1 << 63}
_WITH, _WITHOUT = "timestamp with time zone", "timestamp without time zone"
#: What texts of a type look like, for servers that cannot be asked whether a text is one.
_FORMS = {
    **dict.fromkeys(("smallint", "integer", "bigint"), r"^\s*[-+]?\d+\s*$"),
    "numeric": r"^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*$",
    "uuid": r"^\s*[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\s*$",
    "date": r"^\s*\d{4}-\d{2}-\d{2}\s*$",
    "boolean": r"^\s*(?i:t|true|f|false|y|yes|n|no|on|off|0|1)\s*$",
}
#: From this version on, PostgreSQL says whether a text is a value of a type.
_ASKED = 16
_SHOWN = 10


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


async def retyped(difference: Difference, now: Situation) -> list[Piece]:
    """Return what gives a column another type, after a look for rows that cannot have it."""
    expected, found = difference.expected, difference.found
    assert expected is not None
    assert found is not None
    kind, table = kind_and_name(expected.object)
    old, new = _Type(found.definition), _Type(expected.definition)
    column = quoted(expected.name)
    using = _zoned(expected, old, new, now)
    if using is None:
        return []
    around = await dependents([(table, expected.name)], now)
    statements = await _statements(expected, table, using, old, new, around, now)
    if statements is None:
        now.refuse(
            "no-conversion",
            f"{found.definition} of {table}.{expected.name} cannot become {expected.definition}: "
            "PostgreSQL has no cast",
            "add a new column with backfill, and drop this one in a later migration",
            now.column(table, expected.name),
        )
        return []
    pieces = [Piece(rank=Rank.CONVERT, sql=around.around(*statements), table=table, is_alone=True)]
    condition = _impossible(column, old, new, now)
    if condition and not now.answers.may_drop(*now.names(table, expected.name)):
        pieces.insert(0, _check(expected, table, condition, new, now))
    default = (expected.object, "default", expected.name)
    now.done.add(default)
    return pieces if kind == "table" else pieces[-1:]


def _check(fact: Fact, table: str, condition: str, new: _Type, now: Situation) -> Piece:
    shown = ", ".join(dict.fromkeys((*now.key(table), quoted(fact.name))))
    return Piece(
        rank=Rank.CHECK,
        sql=f"SELECT {shown} FROM {table}\nWHERE {condition}\nLIMIT {_SHOWN};",
        mode="check",
        message=f"rows of {table} whose {fact.name} is no {new.sql}, or would lose a part of it",
        is_alone=True,
    )


def _zoned(fact: Fact, old: _Type, new: _Type, now: Situation) -> str | None:
    """Return USING between types with and without a time zone, which a setting has to name."""
    if {old.base, new.base} != {_WITH, _WITHOUT}:
        return ""
    _, table = kind_and_name(fact.object)
    column = now.column(table, fact.name)
    if column is not None and column.time_zone is not None and not new.is_array:
        return f" USING {quoted(fact.name)} AT TIME ZONE {quote_literal(column.time_zone)}"
    now.refuse(
        "no-time-zone",
        f"{table}.{fact.name} changes from {old.sql} to {new.sql}, and nothing says in which time "
        "zone its values are",
        'add time_zone = "UTC", or the zone that programs have written, to the column',
        column,
    )
    return None


async def _statements(
    fact: Fact,
    table: str,
    using: str,
    old: _Type,
    new: _Type,
    around: Dependents,
    now: Situation,
) -> list[str] | None:
    """Return the statements; the first cast that PostgreSQL has is the one to take."""
    column = quoted(fact.name)
    key = (fact.object, "default", fact.name)
    before, after = now.present.get(key), now.wanted.get(key)
    alter = f"ALTER TABLE {table} ALTER COLUMN {column}"
    texts = "text[]" if new.is_array else "text"
    is_computed = any(
        now.present.get((fact.object, each, fact.name)) for each in ("generated", "virtual")
    )
    casts = [using] if using or is_computed else ["", f"{column}::{new.sql}"]
    if not using and not is_computed:
        casts.append(f"{column}::{texts}::{new.sql}")
    for cast in casts:
        clause = f" USING {cast}" if cast and not cast.startswith(" USING") else cast
        found = [f"{alter} TYPE {fact.definition}{clause};"]
        if before is not None:
            found.insert(0, f"{alter} DROP DEFAULT;")
        # A new type may not be there yet: its labels and itself come before.
        creates = _types(new, now)
        if await now.trial.works(*creates, *around.drops, *found):
            if after is not None:
                found.append(f"{alter} SET DEFAULT {after.definition};")
            return found
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
        return ""
    if old.base in _TEXTS and new.base in _TEXTS:
        return f"length({column}) > {new.first}" if _is_shorter(old, new) else ""
    if old.base in _TEXTS:
        return _no_value(column, new, now)
    if old.base in _NUMBERS and new.base in _NUMBERS:
        return _out_of_range(column, old, new)
    if old.base in (_WITH, _WITHOUT) and new.base in (_WITH, _WITHOUT, "date"):
        is_same = new.base != "date" and (new.first is None or new.first >= (old.first or 6))
        if is_same or (new.base != "date" and new.base != old.base):
            return ""
        return f"{column}::{new.sql}::{old.sql} <> {column}"
    return ""


def _is_shorter(old: _Type, new: _Type) -> bool:
    return new.first is not None and (old.first is None or old.first > new.first)


def _no_value(column: str, new: _Type, now: Situation) -> str:
    if now.version >= _ASKED:
        now.need(_ASKED)
        return f"NOT pg_input_is_valid({column}::text, {quote_literal(new.sql)})"
    form = _FORMS.get(new.base)
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
