"""Several changes at once of objects that depend on each other: all are found, and undone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from random import Random

import asyncpg
import pytest

from ormkit.catalog import Catalog, Difference, Fact, compare
from ormkit.catalog.queries import definitions
from ormkit.catalog.reader import SETTINGS
from ormkit_gen.drift.dependents import DEPENDENTS, roots_of, script
from ormkit_gen.drift.drift import Finding
from ormkit_gen.drift.repairs import repair, reverse
from ormkit_gen.drift.sides import Sides
from tests.lengths import IS_NIGHTLY, examples
from tests.ormkit.catalog.combined import BASE, CHANGES, sql_of
from tests.servers import Server

pytestmark = pytest.mark.one_interpreter

Key = tuple[str, str, str]
#: How many combinations of two or three changes are tried; each run of the long form tries others.
COMBINATIONS = examples(6)


class Database:
    """A database whose changes are made in transactions that are rolled back."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    @asynccontextmanager
    async def undone(self) -> AsyncIterator[None]:
        transaction = self._connection.transaction()
        await transaction.start()
        try:
            yield
        finally:
            await transaction.rollback()

    async def run(self, statements: Iterable[str]) -> None:
        for each in statements:
            try:
                await self._connection.execute(each.replace(" CONCURRENTLY", ""))
            except asyncpg.PostgresError as error:
                error.add_note(each)
                raise

    async def read(self) -> Catalog:
        await self.run(f"SET LOCAL {name} = '{value}'" for name, value in SETTINGS.items())
        rows = [row for query in definitions(18) for row in await self._connection.fetch(query)]
        return Catalog([Fact(*row) for row in rows], 18)

    async def statements(
        self, findings: list[Finding], wanted: Catalog, present: Catalog
    ) -> list[str]:
        """Return what `ormkit diff --sql` prints for the database as it is."""
        roots = roots_of(findings)
        columns = [[root[place] for root in roots] for place in range(3)]
        rows = await self._connection.fetch(DEPENDENTS, *columns) if roots else []
        dependents = [((row[0], row[1], row[2]), row[3]) for row in rows]
        lines = script(findings, dependents, wanted, present, lambda finding: "")
        return [statement.sql for _, statement in lines]


def findings_of(wanted: Catalog, present: Catalog) -> list[Finding]:
    there, back = Sides(wanted, present), Sides(present, wanted)
    every = [
        Finding(each, None, repair(each, there), repair(reverse(each), back))
        for each in compare(wanted, present)
    ]
    return [each for each in every if each.counts]


def left(wanted: Catalog, present: Catalog, findings: list[Finding]) -> list[Difference]:
    """Return what differs still, but for what no statement does, which is said."""
    without = {each.difference.fact.key for each in findings if not each.forward}
    return [each for each in compare(wanted, present) if each.fact.key not in without]


async def changes_together(database: Database, before: Catalog, changes: Iterable[str]) -> set[Key]:
    """Make changes, and undo them and make them by what is printed; return what differs."""
    async with database.undone():
        await database.run(map(sql_of, changes))
        after = await database.read()
        findings = findings_of(before, after)
        await database.run(await database.statements(findings, before, after))
        rest = left(before, await database.read(), findings)
        assert [each for each in rest if each.cause != "unmanaged"] == []
    # Objects that the changes create are not the schema's, and no statement creates them.
    theirs = {each.fact.object for each in compare(before, after) if each.cause == "unmanaged"}
    async with database.undone():
        turned = [each.turned() for each in findings]
        await database.run(await database.statements(turned, after, before))
        rest = left(after, await database.read(), turned)
        assert [each for each in rest if each.fact.object not in theirs] == []
    return {each.fact.key for each in compare(before, after)}


async def try_combinations(url: str, seed: int) -> list[str]:
    """Return what failed."""
    connection = await asyncpg.connect(url)
    database, random = Database(connection), Random(seed)
    wrong: list[str] = []
    alone: dict[str, set[Key]] = {}
    try:
        await connection.execute(BASE)
        async with database.undone():
            before = await database.read()
        for _ in range(COMBINATIONS):
            changes = random.sample(list(CHANGES), random.choice((2, 2, 3)))
            try:
                together = await changes_together(database, before, changes)
                for each in changes if IS_NIGHTLY else changes[:1]:
                    if each not in alone:
                        alone[each] = await changes_together(database, before, [each])
            except (asyncpg.PostgresError, AssertionError) as error:
                if is_impossible(error):
                    continue
                wrong.append(f"{seed} {changes}: {error} {getattr(error, '__notes__', '')}")
                continue
            expected = set[Key]().union(*(alone[each] for each in changes if each in alone))
            # A change may undo a part of another one, or do all of it.
            objects = {each.partition(".")[0] for each in changes}
            if IS_NIGHTLY and len(objects) == len(changes) and together - expected:
                wrong.append(f"{seed} {changes}: {sorted(together - expected)}")
    finally:
        await connection.close()
    assert len(alone) > 3
    return wrong


def is_impossible(error: BaseException) -> bool:
    """Return whether the changes by hand exclude each other: their own SQL failed."""
    notes = getattr(error, "__notes__", [])
    return bool(notes) and notes[0] in {sql_of(change) for change in CHANGES}


def test_changes_together_are_found_and_made_and_undone(server18: Server) -> None:
    seed = Random().getrandbits(32) if IS_NIGHTLY else 2
    with server18.database() as url:
        assert asyncio.run(try_combinations(url, seed)) == []


@pytest.mark.nightly
def test_each_change_alone_is_found_and_made_and_undone(server18: Server) -> None:
    async def each_alone(url: str) -> None:
        connection = await asyncpg.connect(url)
        database = Database(connection)
        try:
            await connection.execute(BASE)
            async with database.undone():
                before = await database.read()
            for change in CHANGES:
                assert await changes_together(database, before, [change])
        finally:
            await connection.close()

    with server18.database() as url:
        asyncio.run(each_alone(url))
