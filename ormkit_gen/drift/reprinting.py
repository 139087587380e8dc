"""What a database of another version has, in the words of the shadow's version.

PostgreSQL 16 prints the columns of a view over one table without the table's name, and older
versions with it. So definitions that differ are built on the shadow, which prints them itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from ormkit import DatabaseError, Engine
from ormkit.catalog import Catalog, Difference, Fact, compare, read_catalog, reader_version
from ormkit_gen.drift.cache import cache_key, catalog_cache
from ormkit_gen.drift.expected import Expected
from ormkit_gen.drift.repairs import repair, reverse
from ormkit_gen.drift.shadow import read_shadow
from ormkit_gen.drift.sides import Sides
from ormkit_gen.ir import Schema


async def reprinted(
    expected: Expected, live: Catalog, shadow: str | None, schemas: Callable[[], Sequence[Schema]]
) -> Catalog:
    """Return the catalog of a database as the shadow's version prints it, where that matters.

    The result is kept for the next run with the same differences.

    shadow: the URL of the server that has built what is expected; None means the embedded one.
    schemas: returns what was built there.

    Raises:
        Refusal: The shadow server cannot be used.
    """
    wanted = expected.beside(live)
    is_same_version = expected.catalog.server_version == live.server_version
    changed = [
        each
        for each in compare(wanted, live)
        if not each.is_one_sided and not (is_same_version and _is_settled(each.fact))
    ]
    if not changed:
        return live
    texts = [part for each in changed for part in (*each.fact.key, _found(each).definition)]
    cache, key = catalog_cache(), cache_key("reprinted", expected.key, reader_version(), *texts)
    rows = cache.document(key) if expected.key else None
    if rows is None:
        found = await read_shadow(schemas(), shadow, partial(_reprint, changed, wanted, live))
        rows = [[*fact.key, fact.definition] for fact in found]
        if expected.key:
            cache.keep(key, rows)
    printed = {(row[0], row[1], row[2]): row[3] for row in rows}
    facts = (_with(fact, printed.get(fact.key)) for fact in live)
    return Catalog(facts, live.server_version)


async def _reprint(
    changed: Sequence[Difference], wanted: Catalog, live: Catalog, engine: Engine
) -> list[Fact]:
    """Give a new database what a live one has, as far as it can, and return how it prints that."""
    sides = Sides(live, wanted)
    built: list[Fact] = []
    async with engine.pool.connection() as connection:
        connection.mark_dirty()
        for each in changed:
            statements = sorted(repair(reverse(each), sides), key=lambda found: found.stage)
            sql = "\n".join(statement.sql.replace(" CONCURRENTLY", "") for statement in statements)
            try:
                # Several statements are one transaction: all of them take effect, or none.
                await connection.script(sql)
            except DatabaseError:
                continue
            if sql:
                built.append(_found(each))
    catalog = await read_catalog(engine)
    return [fact for each in built if (fact := catalog.get(each.key)) is not None]


def _is_settled(fact: Fact) -> bool:
    """Return whether PostgreSQL prints again what it has printed, after it has read that.

    It need not of a function whose body it has parsed: it adds the names of its columns.
    """
    return not (fact.kind == "object" and "\nBEGIN ATOMIC" in fact.definition)


def _found(difference: Difference) -> Fact:
    assert difference.found is not None
    return difference.found


def _with(fact: Fact, definition: str | None) -> Fact:
    if definition is None:
        return fact
    return Fact(*fact.key, definition, fact.position)
