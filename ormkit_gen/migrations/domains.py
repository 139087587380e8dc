"""Plans for domains: their checks, and other types, which PostgreSQL does not give to a domain."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable

from ormkit.catalog import Catalog, Difference, Fact
from ormkit_gen.drift.objects import created
from ormkit_gen.drift.parts import changed
from ormkit_gen.drift.sides import beside, kind_and_name
from ormkit_gen.migrations.dependents import dependents
from ormkit_gen.migrations.moving import ColumnOfType, NewType, replaced
from ormkit_gen.migrations.pieces import Piece, Rank, piece
from ormkit_gen.migrations.situation import PREPARED, REPLACED, Situation, ending, quoted
from ormkit_gen.postgres.identifiers import quote_literal
from ormkit_gen.postgres.sql_names import plain_name

#: Why a check of a domain is not online.
_VALIDATED = (
    "PostgreSQL validates a check of a domain only while nobody writes the tables that have the "
    "domain; a check of a table keeps nobody waiting"
)
#: From this version on, PostgreSQL says whether a text is a value of a domain.
_ASKED = 16
_SHOWN = 10


async def domain_checked(difference: Difference, now: Situation) -> AsyncGenerator[Piece]:
    """Yield what adds, changes or drops a check of a domain, which is validated apart."""
    expected, found, fact = difference.expected, difference.found, difference.fact
    _, name = kind_and_name(fact.object)
    if expected is None:
        for each in changed(None, found, now.sides):
            yield piece(each)
        return
    own = quoted(fact.name if found is None else ending(fact.name, PREPARED))
    words = expected.definition.removesuffix(" NOT VALID")
    add = f"ALTER DOMAIN {name} ADD CONSTRAINT {own} {words} NOT VALID;"
    yield Piece(rank=Rank.CONSTRAINTS, sql=add, is_alone=True)
    if now.wanted.get((fact.object, "unfinished", fact.name)) is None:
        validate = f"ALTER DOMAIN {name} VALIDATE CONSTRAINT {own};"
        if now.version >= _ASKED:
            now.need(_ASKED)
            for of_type in await now.trial.columns_of_type(name):
                yield _wrong(fact, name, of_type, now)
        yield Piece(rank=Rank.VALIDATE, sql=validate, is_alone=True, note=_VALIDATED)
    if found is not None:
        swap = (
            f"ALTER DOMAIN {name} DROP CONSTRAINT {quoted(fact.name)};\n"
            f"ALTER DOMAIN {name} RENAME CONSTRAINT {own} TO {quoted(fact.name)};"
        )
        yield Piece(rank=Rank.SWAP, sql=swap, is_alone=True)


def _wrong(fact: Fact, name: str, of_type: ColumnOfType, now: Situation) -> Piece:
    """Return what looks for values that a check forbids, which new rows have to meet already."""
    table, column, is_array = of_type
    shown = ", ".join(dict.fromkeys((*now.key(table), quoted(column))))
    type_ = f"{name}[]" if is_array else name
    condition = f"NOT pg_input_is_valid({quoted(column)}::text, {quote_literal(type_)})"
    return Piece(
        rank=Rank.CHECK_KEYS,
        sql=f"SELECT {shown} FROM {table}\nWHERE {condition}\nLIMIT {_SHOWN};",
        mode="check",
        message=f"rows of {table} that {fact.name} of {name} forbids; mend them and resume",
        is_alone=True,
    )


async def domain_retyped(difference: Difference, now: Situation) -> list[Piece]:
    """Return what puts a domain over another type in the place of one, for all its columns."""
    fact = difference.expected
    assert fact is not None
    _, name = kind_and_name(fact.object)
    columns = await now.trial.columns_of_type(name)
    now.done.update(each.key for side in (now.wanted, now.present) for each in _parts(fact, side))
    around = await dependents([(table, column) for table, column, _ in columns], now)
    plain = _plain(fact, name, columns, now)
    sql = [*around.drops, *plain, *around.creates]
    tables = dict.fromkeys(table for table, _, _ in columns)
    agreed = [now.answers.consents_to("rewrite", *now.names(each)) for each in tables]
    rewrites = [await now.trial.rewrites(sql, each) for each in tables]
    if any(rewrites) and not all(agreed):
        new = NewType(
            "DOMAIN",
            name,
            creates=lambda other: _creates(fact, name, other, now),
            value=_cast_to,
            comments=_comments(fact, now),
        )
        if found := await replaced(new, columns, now):
            return found
    around.take(now)
    allowed = "many-locks because the columns of a domain change together"
    return [Piece(rank=Rank.CONVERT, sql="\n".join(sql), is_alone=True, allowed=allowed)]


def _parts(fact: Fact, catalog: Catalog) -> list[Fact]:
    return catalog.facts_of(fact.object)


def _creates(fact: Fact, name: str, other: str, now: Situation) -> list[str]:
    """Return what creates the domain under another name, with its checks."""
    first = next(each.sql for each in created(fact, now.fresh))
    return [first.replace(f"CREATE DOMAIN {name} ", f"CREATE DOMAIN {other} ", 1)]


def _comments(fact: Fact, now: Situation) -> list[str]:
    found = now.wanted.facts_of(fact.object, "comment")
    return [each.sql for comment in found for each in changed(comment, None, now.fresh)]


def _plain(fact: Fact, name: str, columns: list[ColumnOfType], now: Situation) -> list[str]:
    """Return what does it in one transaction."""
    old = quoted(ending(plain_name(name), REPLACED))
    sql = [f"ALTER DOMAIN {name} RENAME TO {old};", *_creates(fact, name, name, now)]
    for table, column, is_array in columns:
        alter = f"ALTER TABLE {table} ALTER COLUMN {quoted(column)}"
        key = (f"table {table}", "default", column)
        wanted = now.wanted.get(key)
        now.done.add(key)
        if now.present.get(key) is not None:
            sql.append(f"{alter} DROP DEFAULT;")
        type_ = f"{name}[]" if is_array else name
        sql.append(f"{alter} TYPE {type_} USING {quoted(column)}::{type_};")
        if wanted is not None:
            sql.append(f"{alter} SET DEFAULT {wanted.definition};")
    return [*sql, f"DROP DOMAIN {beside(name, old)};", *_comments(fact, now)]


def _cast_to(type_: str) -> Callable[[str], str]:
    return lambda column: f"{column}::{type_}"
