"""Prove a migration on the shadow server: the old schema and the steps must give the new schema."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from ormkit import DatabaseError, Engine, create_engine
from ormkit.catalog import (
    SHADOW_SETTINGS,
    Catalog,
    Difference,
    compare,
    read_catalog,
    scratch_database,
)
from ormkit.migrations.files import Step
from ormkit_gen.ddl.schema import schema_sql
from ormkit_gen.diagnostics.refusal import Refusal, problem
from ormkit_gen.drift.roles import Roles
from ormkit_gen.drift.shadow import expected_catalog, managed, shadow_server
from ormkit_gen.ir import Schema
from ormkit_gen.migrations.measure import TABLES, Gauge, StepMeasure

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Proof:
    """What a migration does on the shadow server."""

    #: The steps, each with what was measured.
    steps: tuple[Step, ...]
    measures: tuple[StepMeasure, ...]
    #: The tables that were there before the migration.
    tables: frozenset[str]
    #: In what the result differs from the new schema. Nothing may be in it.
    differences: tuple[Difference, ...]


class Rehearsal:
    """A database of the shadow server on which steps run, one after the other."""

    def __init__(self, engine: Engine, roles: Roles) -> None:
        """Take an engine with three connections to the database, which nobody else uses."""
        self.engine, self._roles = engine, roles
        self._gauge = Gauge(engine)
        #: What the database has, if that was read since it was changed.
        self._catalog: Catalog | None = None

    async def run(self, steps: Sequence[Step], first: int = 1) -> tuple[StepMeasure, ...]:
        """Run steps, and return what each did.

        first: the number of the first one, for errors.

        Raises:
            Refusal: One of them fails. It names the step.
        """
        measures: list[StepMeasure] = []
        for number, step in enumerate(steps, first):
            self._catalog = None
            try:
                measures.append(await self._with_roles(partial(self._gauge.run, step)))
            except DatabaseError as error:
                raise _failed(number, step, error) from error
        return tuple(measures)

    async def script(self, sql: str) -> None:
        """Run statements that are no steps."""
        self._gauge, self._catalog = Gauge(self.engine), None
        async with self.engine.pool.connection() as connection:
            connection.mark_dirty()
            await self._with_roles(partial(connection.script, SHADOW_SETTINGS + sql))

    async def _with_roles(self, work: Callable[[], Awaitable[T]]) -> T:
        """Return what the work returns; it is repeated where it lacks a role.

        Work that fails must leave nothing behind.
        """
        while True:
            try:
                return await work()
            except DatabaseError as error:
                if not await self._roles.provide(error):
                    raise

    async def tables(self) -> frozenset[str]:
        """Return the names of the tables that the database has, as SQL."""
        found = await self.engine.execute(TABLES)
        return frozenset(name for (name,) in found.tuples())

    async def catalog(self) -> Catalog:
        """Return what the database has."""
        if self._catalog is None:
            self._catalog = await read_catalog(self.engine)
        return self._catalog


@asynccontextmanager
async def rehearsal(server: str, old: Schema | None = None) -> AsyncGenerator[Rehearsal]:
    """Yield a database that has a schema, and drop it at the end.

    server: the URL of a shadow server.
    old: the schema; None for an empty database.
    """
    # A role is dropped after the database whose policies name it.
    async with (
        Roles(server) as roles,
        scratch_database(server) as url,
        await create_engine(url, max_connections=3) as engine,
    ):
        found = Rehearsal(engine, roles)
        if old is not None:
            await found.script(schema_sql(old, with_unmanaged=True))
        yield found


async def prove(
    old: Schema | None,
    steps: Sequence[Step],
    new: Schema,
    shadow: str | None,
) -> Proof:
    """Run steps on a database with the old schema, and compare the result with the new schema.

    old: None for an empty database.
    shadow: the URL of the shadow server; None for the embedded one.

    Raises:
        Refusal: There is no shadow server, or a step fails on it.
    """
    with shadow_server(shadow) as server:
        async with rehearsal(server, old) as database:
            tables = await database.tables()
            measures = await database.run(steps)
            found = managed(await database.catalog(), [new])
        expected = await expected_catalog([new], server)
    return concluded(steps, measures, tables, compare(expected, found))


def concluded(
    steps: Sequence[Step],
    measures: Sequence[StepMeasure],
    tables: frozenset[str],
    differences: Iterable[Difference],
) -> Proof:
    """Return what a rehearsal of steps shows."""
    measured = (
        replace(step, measured=measure.lines) for step, measure in zip(steps, measures, strict=True)
    )
    return Proof(tuple(measured), tuple(measures), tables, tuple(differences))


def _failed(number: int, step: Step, error: DatabaseError) -> Refusal:
    first = step.sql.strip().splitlines()[0] if step.sql.strip() else ""
    message = f"step {number} fails on the shadow server: {error}\n  {first}"
    remedy = "mend the SQL of the step; the shadow server has the schema of the migration before it"
    return Refusal(problem("step-failed", message, remedy))
