"""Plans for enums: labels are added at once, and removed by a new type in place of the old one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from ormkit.catalog import Difference, Fact
from ormkit_gen.drift.objects import altered
from ormkit_gen.drift.parts import changed
from ormkit_gen.drift.sides import kind_and_name
from ormkit_gen.ir import Enum
from ormkit_gen.migrations.dependents import dependents
from ormkit_gen.migrations.moving import ColumnOfType, NewType, replaced
from ormkit_gen.migrations.pieces import Piece, Rank
from ormkit_gen.migrations.situation import REPLACED, Situation, ending, quoted
from ormkit_gen.postgres.identifiers import qualified, quote_literal
from ormkit_gen.postgres.sql_names import plain_name

_LABEL = re.compile(r"E?'((?:[^']|'')*)'")
_SHOWN = 10


async def enum_changed(difference: Difference, now: Situation) -> list[Piece]:
    """Return what gives an enum other labels."""
    expected, found = difference.expected, difference.found
    assert expected is not None
    assert found is not None
    statements = list(altered(expected, found, now.sides))
    wanted, there = labels_of(expected), labels_of(found)
    if statements or wanted == there:
        return [Piece(rank=Rank.LABELS, sql=each.sql, is_alone=True) for each in statements]
    return await _swapped(expected, wanted, there, now)


def labels_of(fact: Fact) -> list[str]:
    """Return the labels of an enum."""
    return [each.replace("''", "'") for each in _LABEL.findall(fact.definition)]


async def _swapped(fact: Fact, wanted: list[str], there: list[str], now: Situation) -> list[Piece]:
    """Return what puts a new type in place of one whose labels go or move."""
    _, name = kind_and_name(fact.object)
    enum = _enum(name, now)
    mapping = dict(enum.removed) if enum is not None else {}
    gone = [each for each in there if each not in wanted]
    columns = await now.trial.columns_of_type(name)
    pieces = list(_checks(name, [each for each in gone if each not in mapping], columns))
    if online := await _moved(fact, wanted, mapping, columns, now):
        return [*pieces, *online]
    old = quoted(ending(plain_name(name), REPLACED))
    old_name = f"{name.rpartition('.')[0]}.{old}"
    labels = ", ".join(map(quote_literal, wanted))
    around = await dependents([(table, column) for table, column, _ in columns], now)
    around.take(now)
    drops, creates = list(around.drops), list(around.creates)
    parts_dropped, parts_created = _parts(columns, name, now)
    statements = [
        f"ALTER TYPE {name} RENAME TO {old};",
        f"CREATE TYPE {name} AS ENUM ({labels});",
        *_converted(columns, name, mapping, now),
        f"DROP TYPE {old_name};",
    ]
    comment = now.wanted.get((fact.object, "comment", ""))
    if comment is not None:
        now.take(comment)
        statements += [each.sql for each in changed(comment, None, now.fresh)]
    sql = "\n".join([*drops, *parts_dropped, *statements, *parts_created, *creates])
    return [*pieces, Piece(rank=Rank.CONVERT, sql=sql, is_alone=True)]


def _enum(name: str, now: Situation) -> Enum | None:
    for each in now.schema.enums:
        if qualified(each.schema or "public", each.db_name) == name:
            return each
    return None


def _checks(name: str, gone: list[str], columns: list[tuple[str, str, bool]]) -> Iterator[Piece]:
    """Yield what looks for rows that have a label which goes, and for which there is no other."""
    if not gone:
        return
    listed = ", ".join(map(quote_literal, gone))
    for table, column, is_array in columns:
        own = quoted(column)
        condition = f"{own}::text IN ({listed})"
        if is_array:
            condition = f"{own}::text[] && ARRAY[{listed}]"
        yield Piece(
            rank=Rank.CHECK,
            sql=f"SELECT {own}, count(*) AS rows FROM {table} WHERE {condition}\n"
            f"GROUP BY {own} LIMIT {_SHOWN};",
            mode="check",
            message=f"rows of {table} have labels that {name} loses; say which label they get "
            "with removed = { old = new }",
            is_alone=True,
        )


def _converted(
    columns: list[tuple[str, str, bool]], name: str, mapping: dict[str, str], now: Situation
) -> Iterator[str]:
    """Yield what gives columns the new type, with the labels that replace others."""
    for table, column, is_array in columns:
        own = quoted(column)
        alter = f"ALTER TABLE {table} ALTER COLUMN {own}"
        default = (f"table {table}", "default", column)
        if now.present.get(default) is not None:
            yield f"{alter} DROP DEFAULT;"
        type_ = f"{name}[]" if is_array else name
        yield f"{alter} TYPE {type_} USING {_mapped(mapping, type_)(own)};"
        wanted = now.wanted.get(default)
        now.done.add(default)
        if wanted is not None:
            yield f"{alter} SET DEFAULT {wanted.definition};"


def _mapped(mapping: dict[str, str], type_: str) -> Callable[[str], str]:
    """Return what makes the value of a new type from a column, with labels for those that go."""
    if type_.endswith("[]"):

        def array(column: str) -> str:
            value = f"{column}::text[]"
            for was, becomes in mapping.items():
                value = f"array_replace({value}, {quote_literal(was)}, {quote_literal(becomes)})"
            return f"{value}::{type_}"

        return array
    cases = " ".join(
        f"WHEN {quote_literal(was)} THEN {quote_literal(becomes)}"
        for was, becomes in mapping.items()
    )

    def single(column: str) -> str:
        value = f"{column}::text"
        return f"(CASE {value} {cases} ELSE {value} END)::{type_}" if cases else f"{value}::{type_}"

    return single


async def _moved(
    fact: Fact,
    wanted: list[str],
    mapping: dict[str, str],
    columns: list[ColumnOfType],
    now: Situation,
) -> list[Piece]:
    """Return what gives columns of a new type the place of those of the old one.

    Nothing if that is not possible, or if flags agree to writing all the tables anew.
    """
    _, name = kind_and_name(fact.object)
    tables = dict.fromkeys(table for table, _, _ in columns)
    agreed = [now.answers.consents_to("rewrite", *now.names(each)) for each in tables]
    if not columns or all(agreed):
        return []
    labels = ", ".join(map(quote_literal, wanted))
    comment = now.wanted.get((fact.object, "comment", ""))
    new = NewType(
        "TYPE",
        name,
        creates=lambda other: [f"CREATE TYPE {other} AS ENUM ({labels});"],
        value=lambda type_: _mapped(mapping, type_),
        comments=[each.sql for each in changed(comment, None, now.fresh)] if comment else [],
    )
    found = await replaced(new, columns, now)
    if found and comment is not None:
        now.take(comment)
    return found


def _parts(
    columns: list[tuple[str, str, bool]], name: str, now: Situation
) -> tuple[list[str], list[str]]:
    """Return what drops constraints and indexes that name labels, and creates them again."""
    drops: list[str] = []
    creates: list[str] = []
    for table in dict.fromkeys(table for table, _, _ in columns):
        whole = f"table {table}"
        for kind in ("constraint", "index"):
            for fact in now.present.facts_of(whole, kind):
                if f"::{name}" not in fact.definition:
                    continue
                wanted = now.wanted.get(fact.key)
                now.done.add(fact.key)
                drops += [_plain(each.sql) for each in changed(None, fact, now.fresh)]
                if wanted is not None:
                    creates += [_plain(each.sql) for each in changed(wanted, None, now.fresh)]
                    key = (whole, "comment", f"{kind} {fact.name}")
                    comment = now.wanted.get(key)
                    if comment is not None:
                        now.take(comment)
                        creates += [each.sql for each in changed(comment, None, now.fresh)]
    return drops, creates


def _plain(sql: str) -> str:
    return sql.replace(" CONCURRENTLY", "", 1)
