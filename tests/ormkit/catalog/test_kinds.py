"""Each kind of fact that the queries name comes, changes and goes, and each step is found."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Iterator

import asyncpg
import pytest

from ormkit.catalog import Catalog, Difference, Fact, compare
from ormkit.catalog.queries import definitions
from ormkit.catalog.reader import SETTINGS
from ormkit.catalog.rights import RIGHTS as OF_RIGHTS
from ormkit_gen.drift.repairs import repair
from ormkit_gen.drift.sides import Sides, keyword, kind_and_name
from ormkit_gen.drift.statement import ordered
from tests.ormkit.catalog.changes import BASE
from tests.ormkit.catalog.lives import (
    ALSO,
    COMMENTED,
    FIXED,
    GIVEN,
    GRANTED,
    OBJECTS,
    OTHER_RIGHTS,
    PARSER,
    PARTS,
    REPAIRED,
    ROLES,
    Key,
    Life,
    granted,
)
from tests.servers import Server

pytestmark = pytest.mark.one_interpreter

Way = str
Seen = set[tuple[str, str, Way]]
#: Kinds that others imply, or whose facts have no definition that could change.
UNCHANGEABLE = {
    *((kind, "object") for kind in ("schema", "operator family", "foreign table")),
    *((kind, "not null") for kind in ("table", "domain", "foreign table")),
    *(("table", kind) for kind in ("unfinished", "clustered", "compression", "inherits")),
    ("materialized view", "clustered"),
    ("publication", "published schema"),
}
#: The columns of views are those of their queries, and the server of a foreign table stays.
IMPLIED = {
    *(("view", "column"), ("materialized view", "column"), ("foreign table", "server")),
    ("operator class", "member"),
}
#: Words of the queries that name no kind of fact.
WORDS = {
    *("builtin", "libc", "icu", "colliculocale", "collicurules", "colllocale", "pubgencols"),
    *("char", "double", "main", "plain", "extended", "external", "heap", "pglz", "plpgsql"),
    *("delete", "insert", "truncate", "update", "database", "role", "large object", "migration"),
    *("domain constraint", "table constraint", "statistics object", "public"),
    *("standard public schema", "table ", "column ", "constraint ", "domain ", "index "),
    *("types", "functions", "tables", "sequences", "schemas", "large objects"),
    *("default rights of", "in ", "on", "to"),
}


#: Removes the comments that the database has before.
SILENT = "COMMENT ON TABLE app.parent IS NULL; COMMENT ON TYPE app.mood IS NULL"


class Database:
    """A database in a transaction, whose catalog is read in it."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def run(self, statements: Iterable[str]) -> None:
        for each in statements:
            try:
                await self._connection.execute(each.replace(" CONCURRENTLY", ""))
            except asyncpg.PostgresError as error:
                error.add_note(each)
                raise

    async def read(self) -> Catalog:
        await self.run(f"SET LOCAL {name} = '{value}'" for name, value in SETTINGS.items())
        queries = (*definitions(18), *OF_RIGHTS)
        rows = [row for query in queries for row in await self._connection.fetch(query)]
        # Rights on objects to come have no object that others could lack.
        wholes = (whole for whole, _, _ in OTHER_RIGHTS if whole.startswith("default "))
        facts = [Fact(*row) for row in rows]
        return Catalog((*facts, *(Fact(whole, "object", "", "") for whole in wholes)), 18)


def statements_of(found: Iterable[Difference], sides: Sides) -> list[str]:
    each = [("", statement) for difference in found for statement in repair(difference, sides)]
    return [statement.sql for _, statement in ordered(each)]


def differences(before: Catalog, after: Catalog) -> list[Difference]:
    return compare(before, after, leave_out=frozenset())


def ways(found: Iterable[Difference]) -> dict[Key, Way]:
    return {
        each.fact.key: (
            "added" if each.expected is None else "removed" if each.found is None else "changed"
        )
        for each in found
    }


async def read_lives(url: str, seen: Seen) -> None:
    """Let all kinds of facts live, each group in a transaction of its own."""
    connection = await asyncpg.connect(url)
    database = Database(connection)
    whole = [GIVEN, PARSER, *(add for add, _, _ in OBJECTS.values())]
    objects = {(name, "object", ""): life for name, life in OBJECTS.items()}
    grants = {key: of_role(key, granted(*given)) for key, given in GRANTED.items()}
    groups: list[tuple[list[str], dict[Key, Life]]] = [
        ([GIVEN], PARTS),
        ([PARSER], objects),
        ([*whole, ROLES], {**grants, **OTHER_RIGHTS}),
    ]
    try:
        for given, lives in groups:
            transaction = connection.transaction()
            await transaction.start()
            seen |= await live(database, given, lives)
            await transaction.rollback()
        transaction = connection.transaction()
        await transaction.start()
        await database.run([*whole, ROLES, SILENT])
        built = await database.read()
        seen |= await live(
            database,
            [],
            dict(
                comments(
                    {
                        fact.object
                        for fact in built
                        if fact.kind == "object" and not fact.object.startswith("default")
                    }
                )
            ),
        )
        await change_owners(database, seen)
        await transaction.rollback()
    finally:
        await connection.close()


async def change_owners(database: Database, seen: Seen) -> None:
    """Give each object that can have one another owner."""
    before = await database.read()
    owned = [fact for fact in before if fact.kind == "owner"]
    for fact in owned:
        kind, name = kind_and_name(fact.object)
        await database.run([f"ALTER {keyword(kind)} {name} OWNER TO catalog_owner"])
    after = await database.read()
    found = differences(before, after)
    assert ways(found) == dict.fromkeys((fact.key for fact in owned), "changed")
    await database.run(statements_of(found, Sides(before, after)))
    assert differences(before, await database.read()) == []
    seen |= {(kind_and_name(fact.object)[0], "owner", "changed") for fact in owned}


def of_role(key: Key, life: Life) -> Life:
    role = key[2].partition(" ")[0]
    add, change, remove = (each.format(role) for each in life)
    return add, change, remove


async def live(database: Database, given: Iterable[str], lives: dict[Key, Life]) -> Seen:
    """Let facts come, change and go; each step is found, and what is printed undoes it."""
    await database.run(given)
    nothing = await database.read()
    everything = {*lives, *(other for key, other in ALSO.items() if key in lives)}
    adds = [add for add, _, _ in lives.values()]
    await database.run(adds)
    first = await database.read()
    found = [ways(differences(nothing, first))]
    assert found[0] == dict.fromkeys(everything, "added")

    await database.run(filter(None, (change for _, change, _ in lives.values())))
    second = await database.read()
    changed = differences(first, second)
    found.append(ways(changed))
    assert found[1] == dict.fromkeys((key for key in lives if lives[key][1]), "changed")
    await database.run(statements_of(kept(changed), Sides(first, second)))
    third = await database.read()
    assert set(ways(differences(first, third))) == FIXED & lives.keys()

    await database.run(filter(None, (remove for _, _, remove in reversed(lives.values()))))
    fourth = await database.read()
    removed = differences(third, fourth)
    found.append(ways(removed))
    assert found[2] == dict.fromkeys(everything, "removed")
    assert differences(nothing, fourth) == []
    await database.run(statements_of(kept(removed), Sides(third, fourth)))
    fifth = await database.read()
    assert set(ways(differences(third, fifth))) <= FIXED | REPAIRED

    await database.run(statements_of(kept(differences(nothing, fifth)), Sides(nothing, fifth)))
    there = ways(differences(nothing, await database.read()))
    assert all(kind == "object" for _, kind, _ in there.keys() - FIXED)
    return {
        (kind_and_name(whole)[0], kind, way)
        for one in found
        for (whole, kind, _), way in one.items()
    }


def kept(found: Iterable[Difference]) -> list[Difference]:
    return [each for each in found if each.fact.kind != "security label"]


def comments(wholes: Iterable[str]) -> Iterator[tuple[Key, Life]]:
    for whole in sorted(wholes):
        kind, name = kind_and_name(whole)
        name = name.replace("total()", "total(*)")
        yield (whole, "comment", ""), comment(f"{keyword(kind)} {name}")
    for key, target in COMMENTED.items():
        yield key, comment(target)


def comment(target: str) -> Life:
    on = f"COMMENT ON {target} IS"
    return f"{on} 'x'", f"{on} 'y'", f"{on} NULL"


@pytest.fixture(scope="module")
def seen(server18: Server) -> Iterator[Seen]:
    """The ways in which each kind of fact of each kind of object was seen to differ."""
    found: Seen = set()
    in_place = {"allow_in_place_tablespaces": "on"}
    names = ("catalog_one", "catalog_two")
    for name in names:
        server18.fetch(server18.url, f"CREATE TABLESPACE {name} LOCATION ''", settings=in_place)
    try:
        with server18.database() as url:
            server18.run_script(url, BASE)
            asyncio.run(read_lives(url, found))
            yield found
    finally:
        for name in names:
            server18.fetch(server18.url, f"DROP TABLESPACE {name}")


def test_each_kind_of_fact_comes_changes_and_goes(seen: Seen) -> None:
    pairs = {(whole, kind) for whole, kind, _ in seen} | IMPLIED
    lacking = {
        (whole, kind, way)
        for whole, kind in pairs - IMPLIED
        for way in ("added", "changed", "removed")
        if (whole, kind, way) not in seen
        and not (way == "changed" and (whole, kind) in UNCHANGEABLE)
        and not (way != "changed" and kind == "owner")
    }
    assert lacking == set()


def test_the_queries_name_no_other_kind(seen: Seen) -> None:
    """A kind that a query gets has to get a life, too."""
    queries = "\n".join((*definitions(18), *OF_RIGHTS))
    words = set(re.findall(r"'([a-z][a-z -]+)'", queries)) - WORDS
    kinds = {kind for _, kind, _ in seen} | {kind for _, kind in IMPLIED}
    wholes = {whole for whole, _, _ in seen}
    assert words - kinds - wholes == set()
    formatted = set(re.findall(r"format\('([a-z][a-z -]+) %", queries))
    assert {each.partition(" for")[0] for each in formatted} - wholes == set()
