"""A change of a schema, tried on a database with rows: planned, proved, run, and compared."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from ormkit import MigrationError, create_engine
from ormkit.catalog import compare, read_catalog
from ormkit.migrations import Migration, Options, down, migrate
from ormkit.migrations.files import Step
from ormkit_gen.ddl.schema import schema_sql
from ormkit_gen.diagnostics.refusal import Refusal
from ormkit_gen.drift.shadow import expected_catalog
from ormkit_gen.ir import Schema
from ormkit_gen.migrations.answers import Answers
from ormkit_gen.migrations.drafting import Draft, Drafts, draft
from ormkit_gen.migrations.folder import texts_of, write_folder
from ormkit_gen.schema import load
from tests.servers import Server

#: As migrations and the shadow server have it.
SESSION = "SET search_path = public; SET TimeZone = 'UTC'"


class FoundRows(Exception):
    """A step of the mode `check` found rows."""


def schema_of(text: str, *sql: str, name: str = "schema.toml") -> Schema:
    """Return the schema of one file, and of the objects that it has as SQL."""
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        (root / name).write_text(text, encoding="utf-8")
        for number, content in enumerate(sql):
            (root / f"{number}.sql").write_text(content, encoding="utf-8")
        return load([root / name], root, sql_files=sorted(root.glob("*.sql"))).schema


@dataclass(slots=True)
class Change:
    """A database with the old schema, and what leads to the new one."""

    old: Schema
    new: Schema
    connection: Any
    url: str
    drafts: Drafts

    @property
    def steps(self) -> list[Step]:
        """The steps of all migrations, in their order."""
        return [step for each in self.drafts.drafts for step in each.steps]

    @property
    def sql(self) -> str:
        """The SQL of all steps."""
        return "\n".join(step.sql for step in self.steps)

    @property
    def measured(self) -> list[str]:
        """What was measured, by step."""
        return ["; ".join(step.measured) for step in self.steps]

    async def run(self, steps: Sequence[Step] | None = None) -> None:
        """Run all migrations as users do, or those up to the one that has these steps.

        One that has failed goes on. Other steps are run by themselves.

        Raises:
            FoundRows: A check found rows.
            MigrationError: Another step has failed.
        """
        drafts = self.drafts.drafts
        ends = {each.steps: number for number, each in enumerate(drafts, 1)}
        if steps is None:
            await self._migrate(drafts)
        elif tuple(steps) in ends:
            await self._migrate(drafts[: ends[tuple(steps)]])
        else:
            for step in steps:
                await run(self.connection, step)

    async def take_back(self) -> None:
        """Take the last migration back as `ormkit migrate down` does."""
        async with await create_engine(self.url, max_connections=1) as engine:
            await down(engine, options=Options(), report=_silent)

    async def _migrate(self, drafts: Sequence[Draft]) -> None:
        if not drafts:
            return
        with tempfile.TemporaryDirectory() as directory:
            last: Migration | None = None
            for number, each in enumerate(drafts):
                name = f"20300101-000{number}-change-abc{number}"
                last = write_folder(Path(directory), name, texts_of(each, last), {})
            async with await create_engine(self.url, max_connections=1) as engine:
                try:
                    await migrate(engine, directory, resume=True, progress=_silent)
                except MigrationError as error:
                    if error.code != "check":
                        raise
                    found = await self.connection.fetch(self._failed(error).sql)
                    rows = [tuple(each) for each in found]
                    raise FoundRows(str(error), rows) from error

    def _failed(self, error: MigrationError) -> Step:
        (name,), number = error.migrations, error.step
        assert number is not None
        return self.drafts.drafts[int(name[12])].steps[number - 1]

    async def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        return [tuple(each) for each in await self.connection.fetch(sql)]

    async def value(self, sql: str) -> Any:
        """Return the value of a query."""
        return await self.connection.fetchval(sql)

    async def left(self, server: Server) -> list[Any]:
        """Return how the database differs from the new schema."""
        wanted = await expected_catalog([self.new], server.url)
        async with await create_engine(self.url, max_connections=1) as engine:
            return list(compare(wanted, await read_catalog(engine)))


def _silent(progress: object) -> None:
    """Say nothing of the steps."""


async def run(connection: Any, step: Step) -> None:
    """Run a step as a migration does, without state and retries."""
    if step.mode == "check":
        found = await connection.fetch(step.sql)
        if found:
            raise FoundRows(step.message, [tuple(each) for each in found])
    elif step.mode in ("no transaction", "batches"):
        await connection.execute(step.sql)
    elif step.mode == "transaction":
        async with connection.transaction():
            await connection.execute(step.sql)


async def refusals(
    server: Server, old: Schema | None, new: Schema, version: int | None = None, **flags: Any
) -> list[tuple[str, str]]:
    """Return why a change is not planned: message and remedy of each reason."""
    try:
        await draft(old, new, Answers(**flags), server.url, version)
    except Refusal as refusal:
        return [(each.message, each.remedy) for each in refusal.diagnostics]
    return []


@asynccontextmanager
async def change(
    server: Server,
    old: Schema,
    new: Schema,
    rows: str = "",
    *,
    version: int | None = None,
    renames: Iterable[tuple[str, str]] = (),
    drops: Iterable[str] = (),
    consents: Iterable[str] = (),
    answers: Answers | None = None,
    with_way_back: bool = False,
) -> AsyncIterator[Change]:
    """Yield a change, planned and proved, and a database with the old schema and some rows."""
    answers = answers or Answers(tuple(renames), tuple(drops), tuple(consents))
    drafts = await draft(old, new, answers, server.url, version, with_way_back=with_way_back)
    url = await _database(server)
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(f"{SESSION};\n{schema_sql(old)}\n{rows}")
        yield Change(old, new, connection, url, drafts)
    finally:
        await connection.close()
        await _drop(server, url)


async def _database(server: Server) -> str:
    from urllib.parse import urlsplit

    global _number
    _number += 1
    name = f"change_{_number}"
    connection = await asyncpg.connect(server.url)
    try:
        await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE template1 {server.strategy}")
    finally:
        await connection.close()
    return urlsplit(server.url)._replace(path=f"/{name}").geturl()


async def _drop(server: Server, url: str) -> None:
    from urllib.parse import urlsplit

    connection = await asyncpg.connect(server.url)
    try:
        await connection.execute(f"DROP DATABASE {urlsplit(url).path[1:]} WITH (FORCE)")
    finally:
        await connection.close()


_number = 0
