"""Columns that take the place of others of another type, while programs read and write the table.

A new column stands beside the old one. A trigger gives it the value of each row that is written,
batches give it those of the rows that are there, and what is about the old column is built for the
new one. One short transaction then swaps the two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ormkit_gen.drift.dependents import restoring
from ormkit_gen.drift.sides import beside, kind_and_name, schema_of
from ormkit_gen.migrations.constraints import of_keys
from ormkit_gen.migrations.dependents import Dependents, dependents
from ormkit_gen.migrations.moved_table import MovedColumn, MovedTable, TypeSwap
from ormkit_gen.migrations.pieces import Piece, Rank
from ormkit_gen.migrations.situation import PREPARED, REPLACED, Situation, ending, quoted
from ormkit_gen.postgres.identifiers import quote_literal
from ormkit_gen.postgres.sql_names import plain_name

#: Keeps the rights on columns for the new ones: whoever has them in the database at hand.
_KEEP = """\
SELECT set_config('ormkit.column_rights', coalesce((
    SELECT string_agg(format('GRANT %s (%I) ON %s TO %s%s;', a.privilege_type, t.attname,
        t.attrelid::regclass,
        CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END,
        CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END), ' ')
    FROM pg_attribute t, aclexplode(t.attacl) a
    WHERE (t.attrelid, t.attname) IN ({})), ''), true);"""
_RESTORE = restoring("ormkit.column_rights")
#: A table as SQL, the plain name of a column, and whether it holds arrays of the type.
ColumnOfType = tuple[str, str, bool]


@dataclass(frozen=True, slots=True)
class NewType:
    """A type that takes the place of another one of the same name."""

    #: TYPE or DOMAIN.
    kind: str
    #: The name as SQL, with its schema.
    name: str
    #: Returns what creates it under a name.
    creates: Callable[[str], list[str]]
    #: Returns, for the type or an array of it, what makes its values from a column.
    value: Callable[[str], Callable[[str], str]]
    #: What comments on it once it has its name.
    comments: list[str]


@dataclass(slots=True)
class Moved:
    """The plan for some columns, and which of them it is for."""

    pieces: list[Piece] = field(default_factory=list[Piece])
    columns: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])


async def moved(
    columns: Sequence[MovedColumn],
    now: Situation,
    types: Iterable[str] = (),
    swap: TypeSwap | None = None,
) -> Moved:
    """Return what gives columns other types while others read and write them.

    A table is left out where something about its columns cannot be built beside what is there.

    types: what creates the new types on the shadow server.
    swap: the type that all the columns have; they are swapped together then, or not at all.
    """
    known = tuple(types)
    tables = {
        each: MovedTable(each, [one for one in columns if one.table == each], now, known, swap)
        for each in dict.fromkeys(one.table for one in columns)
    }
    for name in list(tables):
        if obstacle := await tables[name].obstacle():
            now.reasons[name] = obstacle
            del tables[name]
    if swap is not None and len(tables) != len({each.table for each in columns}):
        return Moved()
    found = Moved()
    groups = [list(tables.values())] if swap is not None else _groups(list(tables.values()))
    for group in groups:
        if group:
            await _add(found, group, now, swap)
    return found


async def replaced(new: NewType, columns: Iterable[ColumnOfType], now: Situation) -> list[Piece]:
    """Return what gives columns of a new type the place of those of the old one.

    Nothing if that is not possible for one of them.
    """
    name, plain = new.name, plain_name(new.name)
    own = name.removeprefix(f"{schema_of(name)}.")
    prepared, old = quoted(ending(plain, PREPARED)), quoted(ending(plain, REPLACED))
    fresh = beside(name, prepared)
    create = new.creates(fresh)
    names = (
        f"ALTER {new.kind} {name} RENAME TO {old};",
        f"ALTER {new.kind} {fresh} RENAME TO {own};",
    )
    undo = (
        f"ALTER {new.kind} {name} RENAME TO {prepared};",
        f"ALTER {new.kind} {beside(name, old)} RENAME TO {own};",
    )
    swap = TypeSwap(names, undo, (f"DROP {new.kind} {name};", names[1], *new.comments))
    moves: list[MovedColumn] = []
    for table, column, is_array in columns:
        type_ = f"{fresh}[]" if is_array else fresh
        moves.append(MovedColumn(table, column, type_, new.value(type_)))
    found = await moved(moves, now, create, swap)
    if not found.pieces:
        return []
    drop = f"DROP {new.kind} IF EXISTS {fresh};"
    first = Piece(rank=Rank.MOVE, sql="\n".join(create), is_alone=True, undo=drop)
    return [first, *found.pieces]


async def _add(
    found: Moved, group: list[MovedTable], now: Situation, swap: TypeSwap | None
) -> None:
    """Add the plan for tables whose columns are swapped in one transaction."""
    names = [(table.name, each) for table in group for each in table.names]
    around = await dependents(names, now)
    if any(each.startswith("CREATE MATERIALIZED VIEW") for each in around.creates):
        why = "a materialized view over the column is filled again in that step"
        now.reasons.update((table.name, why) for table in group)
    for table in group:
        found.pieces += table.prepare()
    found.pieces += _swap(group, around, now, swap)
    found.columns.update(names)


def _groups(tables: list[MovedTable]) -> Iterator[list[MovedTable]]:
    """Yield the tables that foreign keys over the columns connect."""
    left = list(tables)
    while left:
        group = [left.pop(0)]
        for each in group:
            near = [one for one in left if not each.keys.keys().isdisjoint(one.keys)]
            group += near
            left = [one for one in left if one not in near]
        yield group


def _swap(
    group: list[MovedTable], around: Dependents, now: Situation, swap: TypeSwap | None
) -> Iterator[Piece]:
    """Yield the transaction in which new columns take the places of old ones."""
    keys = dict.fromkeys(key for table in group for key in table.keys)
    drops, adds, validates = of_keys(keys, now)
    tables = dict.fromkeys(table.name for table in group)
    others = [kind_and_name(key[0])[1] for key in keys]
    columns = ", ".join(
        f"({quote_literal(table.name)}::regclass, {quote_literal(each)})"
        for table in group
        for each in table.names
    )
    sql = [
        f"LOCK TABLE {', '.join(sorted({*tables, *others}))} IN ACCESS EXCLUSIVE MODE;",
        _KEEP.format(columns),
        *around.drops,
        *drops,
        *(line for table in group for line in table.computed.drops),
        *(line for table in group for line in table.drops()),
        *(swap.swap if swap else ()),
        *(line for table in group for line in table.finishes()),
        *(line for table in group for line in table.computed.adds),
        _RESTORE,
        *adds,
        *around.creates,
    ]
    around.take(now)
    for table in group:
        table.take()
    allowed = "many-locks because columns of several tables change together, and no row is read"
    is_many = len({*tables, *others}) > 1
    yield Piece(
        rank=Rank.MOVE, sql="\n".join(sql), is_alone=True, allowed=allowed if is_many else ""
    )
    yield from validates
    for table in group:
        yield from table.computed.checks
        yield from table.renamed()
