"""Try the migrations of a project on a shadow server: over rows, with old code, and back."""

from __future__ import annotations

import asyncio
import importlib
import sys
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ormkit import (
    AsyncSession,
    Engine,
    MigrationError,
    OrmKitError,
    UnreadableValue,
    create_engine,
)
from ormkit.catalog import Catalog, compare, read_catalog, scratch_database
from ormkit.migrations import Chain, Migration, Options, down, migrate
from ormkit_gen.diagnostics.diagnostic import Diagnostic
from ormkit_gen.drift.shadow import shadow_server
from ormkit_gen.generation import read_schemas
from ormkit_gen.ir import Schema
from ormkit_gen.migrations.authoring import project_chain, state_of
from ormkit_gen.migrations.frozen import BEFORE, frozen_packages
from ormkit_gen.migrations.invented_rows import inserts, invent
from ormkit_gen.migrations.pending import pending_change
from ormkit_gen.migrations.verification import verify
from ormkit_gen.project.settings import Settings

_CHECK, _LOSES = "check", "loses-data"
#: How many rows of each model the code of before reads.
_READ = 50


@dataclass(slots=True)
class Outcome:
    """What became of the migrations of a project."""

    #: What is wrong with each one that ran.
    problems: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    #: Why the others did not run.
    reason: str = ""


def verification_problems(settings: Settings) -> list[str]:
    """Return what `ormkit migrate check` finds wrong.

    Raises:
        Refusal: Several targets share the migrations.
    """
    settings = settings.of(settings.targets[0])
    chain = project_chain(settings.root / settings.migrations)
    schemas = [read_schemas(settings, [target]).schemas[0] for target in settings.targets]
    problems = asyncio.run(_verified(settings, chain, schemas))
    return [_text(each) for each in problems if each.severity == "error"]


async def _verified(
    settings: Settings, chain: Chain, schemas: Sequence[Schema]
) -> list[Diagnostic]:
    found = await verify(chain, settings.shadow, settings.migrations)
    problems = [each for verified in found for each in verified.problems]
    for schema in schemas:
        change = await pending_change(chain, schema, settings.migrations, settings.shadow)
        if change is not None:
            problems.append(change)
    return problems


def try_migrations(settings: Settings) -> Outcome:
    """Run each migration over invented rows, with the code of before, and back."""
    chain = project_chain(settings.root / settings.migrations)
    with shadow_server(settings.shadow) as server:
        return asyncio.run(_tried(settings, chain, server))


async def _tried(settings: Settings, chain: Chain, server: str) -> Outcome:
    outcome = Outcome()
    before: Schema | None = None
    directory = settings.root / settings.migrations
    async with scratch_database(server) as url, await create_engine(url) as engine:
        for migration in chain:
            attempt = _Attempt(engine, directory, migration, before)
            try:
                await attempt.run()
            except MigrationError as error:
                attempt.problems.append(str(error))
            outcome.problems[migration.id] = attempt.problems
            if attempt.problems:
                outcome.reason = f"{migration.id}, which is before it, has failed"
                break
            before = state_of(migration)
    return outcome


class _Attempt:
    """One migration on a database that has all those before it."""

    def __init__(
        self, engine: Engine, directory: Path, migration: Migration, before: Schema | None
    ) -> None:
        self._engine, self._directory = engine, directory
        self._migration, self._before = migration, before
        self.problems: list[str] = []

    async def run(self) -> None:
        """Run the migration, and note what is wrong."""
        if self._before is None:
            await self._apply()
            return
        taken = await self._taken(self._before)
        await self._invent(self._before)
        catalog = await read_catalog(self._engine)
        await self._apply()
        if self._migration.header.phase == "expand":
            await self._use_old_code(self._before, taken)
        await self._take_back(catalog)

    async def _apply(self) -> None:
        """Run the migration. Rows that one of its checks names may not be there."""
        name = self._migration.id
        try:
            await migrate(self._engine, self._directory, to=name, progress=_silent)
        except MigrationError as error:
            if error.code != _CHECK:
                raise
            await self._empty()
            await migrate(self._engine, self._directory, to=name, resume=True, progress=_silent)

    async def _empty(self) -> None:
        """Remove all rows."""
        if tables := ", ".join(
            dict.fromkeys(each.table for each in inserts(self._before or _NONE))
        ):
            await self._engine.execute(f"TRUNCATE {tables} CASCADE")

    async def _invent(self, schema: Schema) -> None:
        async with self._engine.pool.connection() as connection:
            connection.mark_dirty()
            await invent(connection, schema)

    async def _taken(self, schema: Schema) -> dict[str, int]:
        """Return how many rows each table takes of programs that know the schema."""
        async with self._engine.pool.connection() as connection:
            connection.mark_dirty()
            await connection.script("BEGIN")
            try:
                if tables := _tables(schema):
                    await connection.script(f"TRUNCATE {tables} CASCADE")
                return await invent(connection, schema)
            finally:
                await connection.script("ROLLBACK")

    async def _use_old_code(self, before: Schema, taken: dict[str, int]) -> None:
        """Insert rows and read them as programs do that know only the schema of before."""
        for table, number in (await self._taken(before)).items():
            if taken.get(table) and not number:
                self.problems.append(
                    f"programs of before {self._migration.id} cannot insert into {table} any more"
                )
        with _package(before) as models:
            async with AsyncSession(self._engine) as session:
                for model in models:
                    try:
                        await session.query(model).limit(_READ).all()
                    except UnreadableValue:
                        continue
                    except OrmKitError as error:
                        self.problems.append(
                            f"programs of before {self._migration.id} cannot read "
                            f"{model.__name__} any more: {error}"
                        )

    async def _take_back(self, catalog: Catalog) -> None:
        if self._migration.down is None:
            return
        name = self._migration.id
        try:
            await down(self._engine, options=Options(), report=_silent)
        except MigrationError as error:
            if error.code != _LOSES:
                self.problems.append(f"the down of {name} fails: {error}")
                return
        else:
            for each in compare(catalog, await read_catalog(self._engine)):
                fact = each.fact
                self.problems.append(
                    f"the down of {name} leaves another {fact.kind} {fact.name} of {fact.object}"
                )
        await self._apply()


_NONE = Schema(models=())


def _tables(schema: Schema) -> str:
    """Return the tables with invented rows, as SQL."""
    return ", ".join(dict.fromkeys(each.table for each in inserts(schema)))


def _silent(progress: object) -> None:
    """Say nothing of the steps: pytest says what fails."""


@contextmanager
def _package(schema: Schema) -> Generator[list[Any]]:
    """Yield the models of the code that was generated for a schema."""
    name = f"ormkit_tried_{id(schema)}"
    files = frozen_packages(schema, schema, (), lambda done, total: None)
    with tempfile.TemporaryDirectory() as directory:
        for path, content in files.items():
            package, _, rest = path.partition("/")
            if package == BEFORE:
                file = Path(directory, name, rest)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
        sys.path.insert(0, directory)
        importlib.invalidate_caches()
        try:
            module: Any = importlib.import_module(name) if schema.models else None
            names = [each.name for each in schema.models if not each.is_association]
            yield [getattr(module, each) for each in names]
        finally:
            sys.path.remove(directory)
            for each in [each for each in sys.modules if each.partition(".")[0] == name]:
                del sys.modules[each]


def _text(diagnostic: Diagnostic) -> str:
    at = diagnostic.at
    place = f"{at.file}:{at.line}: " if at else ""
    return f"{place}{diagnostic.message} [{diagnostic.code}]\n  {diagnostic.remedy}"
