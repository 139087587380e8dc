"""Every change of every kind of object is found, and nothing else, and SQL leads either way."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

import pytest

from ormkit import Engine, create_engine
from ormkit.catalog import Catalog, Difference, compare, read_catalog
from ormkit_gen.drift.repairs import repair, reverse
from ormkit_gen.drift.sides import Sides
from ormkit_gen.drift.statement import ordered
from tests.ormkit.catalog.changes import BASE, CHANGES
from tests.servers import Server

pytestmark = pytest.mark.one_interpreter

#: Changes that no plain statement undoes: labels that values may have.
BY_MIGRATION = {
    "ALTER TYPE app.mood RENAME VALUE 'sad' TO 'blue'",
    "ALTER TYPE app.mood ADD VALUE 'glad' BEFORE 'sad'",
}


@dataclass
class Database:
    """A database with an object of every kind, which goes on as long as it can be led back."""

    server: Server
    template: str
    before: Catalog
    runner: asyncio.Runner
    spoilt: bool = True
    url: str = ""
    engine: Engine | None = None
    _left: ExitStack = field(default_factory=ExitStack)

    def fresh(self) -> None:
        """Begin with a copy of the template, unless the last change was undone."""
        if not self.spoilt:
            return
        self.close()
        self.url = self._left.enter_context(self.server.database(template=self.template))
        self.engine = self.runner.run(create_engine(self.url, max_connections=1))
        self.spoilt = True

    def close(self) -> None:
        if self.engine is not None:
            self.runner.run(self.engine.close())
        self._left.close()

    def read(self) -> Catalog:
        assert self.engine is not None
        return self.runner.run(read_catalog(self.engine))

    def run(self, statements: Sequence[str]) -> None:
        """Run each by itself: CONCURRENTLY is not allowed in a transaction."""

        async def run() -> None:
            assert self.engine is not None
            async with self.engine.pool.connection() as connection:
                for each in statements:
                    await connection.script(each)

        self.runner.run(run())


@pytest.fixture(scope="module")
def database(server18: Server) -> Iterator[Database]:
    with asyncio.Runner() as runner, server18.database() as template:
        server18.run_script(template, BASE)

        async def read() -> Catalog:
            async with await create_engine(template, max_connections=1) as engine:
                return await read_catalog(engine)

        database = Database(server18, template, runner.run(read()), runner)
        yield database
        database.close()


def statements_of(found: Sequence[Difference], sides: Sides) -> list[str]:
    each = [("", statement) for difference in found for statement in repair(difference, sides)]
    return [statement.sql for _, statement in ordered(each)]


def managed(found: Sequence[Difference]) -> list[Difference]:
    return [each for each in found if each.cause != "unmanaged"]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.splitlines()[0][:60])
def test_each_change_is_found_and_can_be_undone_and_done(database: Database, change: str) -> None:
    expected, parts = CHANGES[change]
    database.fresh()
    before = database.before
    database.spoilt = True
    database.run([change])
    after = database.read()
    found = compare(before, after)
    assert {(each.fact.object, each.fact.kind, each.fact.name) for each in found} == set(parts)
    assert {each.cause for each in found} == {expected}
    # The other way round, what was pending is drift.
    assert len(compare(after, before)) >= 1
    undo = statements_of(found, Sides(before, after))
    redo = statements_of([reverse(each) for each in found], Sides(after, before))
    if expected == "unmanaged":
        assert undo == redo == []
        return
    if change in BY_MIGRATION:
        enum = [each for each in found if each.fact.object == "type app.mood"]
        assert statements_of(enum, Sides(before, after)) == []
        return
    database.run(undo)
    assert managed(compare(before, database.read())) == []
    database.run(redo)
    assert managed(compare(after, database.read())) == []
    database.run(undo)
    database.spoilt = compare(before, database.read()) != []


def test_statements_build_the_whole_database(server18: Server, database: Database) -> None:
    """From nothing, in the order in which objects need each other, and back."""
    wanted = database.before
    with server18.database() as url:
        engine = database.runner.run(create_engine(url, max_connections=1))
        database.engine, kept = engine, database.engine
        try:
            empty = database.read()
            sides = Sides(wanted, empty)
            found = compare(wanted, empty)
            database.run(statements_of(found, sides))
            assert compare(wanted, database.read()) == []
            database.run(statements_of([reverse(each) for each in found], Sides(empty, wanted)))
            assert database.read() == empty
        finally:
            database.engine = kept
            database.runner.run(engine.close())
