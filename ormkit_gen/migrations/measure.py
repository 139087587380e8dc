"""Run one step on a database of the shadow server, and ask PostgreSQL what it did.

Locks are read from pg_locks before the step commits. A rewrite shows in the file of a table, a scan
in the counters of the transaction, an index in pg_index. No step is judged by its wording.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from ormkit import DatabaseError, Engine
from ormkit.catalog import SHADOW_SETTINGS
from ormkit.migrations.files import Step

#: The names of all tables, as SQL.
TABLES = """
SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
"""
#: The locks of tables from the weakest to the strongest, as pg_locks names them.
LOCKS = (
    *("AccessShare", "RowShare", "RowExclusive", "ShareUpdateExclusive"),
    *("Share", "ShareRowExclusive", "Exclusive", "AccessExclusive"),
)
#: Locks that make another client's SELECT wait, and those that make its UPDATE wait.
BLOCKS_READERS = frozenset(("AccessExclusive",))
BLOCKS_WRITERS = frozenset(("Share", "ShareRowExclusive", "Exclusive", "AccessExclusive"))
#: Weaker ones are those of every query.
_TOLD = LOCKS[2:]
_WRITES = "RowExclusive"
_FIRST_OWN = 16384
#: What a relation is, and how often it was scanned.
_RELATIONS = f"""
SELECT c.oid, format('%I.%I', n.nspname, c.relname), c.relkind::text,
    coalesce(pg_relation_filenode(c.oid), 0), i.indrelid, {{scans}}(c.oid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_index i ON i.indexrelid = c.oid
WHERE c.oid >= {_FIRST_OWN} AND c.relkind <> 't' AND n.nspname !~ '^pg_'
"""
_SCANNED = f"""
SELECT c.oid, {{scans}}(c.oid) FROM pg_class c
WHERE c.oid >= {_FIRST_OWN} AND {{scans}}(c.oid) > 0
"""
_CONSTRAINTS = f"""
SELECT k.oid, quote_ident(k.conname), k.conrelid FROM pg_constraint k
WHERE k.oid >= {_FIRST_OWN} AND k.convalidated AND k.contype IN ('c', 'f', 'n') AND k.conrelid <> 0
"""
#: The transaction that comes next, and whether a row of a catalog is of that one or a later one.
_NEXT = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text"
_IS_NEW = "age({row}.xmin) <= age($1::text::xid8::xid)"
_HELD = f"""
SELECT l.relation, replace(l.mode, 'Lock', '') FROM pg_locks l
WHERE l.locktype = 'relation' AND l.pid = {{pid}} AND l.relation >= {_FIRST_OWN}
AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
"""
_WAITS = """
SELECT coalesce(bool_or(wait_event_type = 'Lock'), true) FROM pg_stat_activity WHERE pid = {pid}
"""


@dataclass(frozen=True, slots=True)
class StepMeasure:
    """What a step did to relations that were there before it. All names are SQL."""

    #: The strongest lock on each table or view.
    locks: Mapping[str, str] = field(default_factory=dict[str, str])
    #: The tables that got a new file.
    rewrites: tuple[str, ...] = ()
    #: The tables that were read.
    scans: tuple[str, ...] = ()
    #: The tables into which rows may have been written.
    writes: tuple[str, ...] = ()
    #: The indexes that were built, by their table.
    builds: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    #: The constraints that were validated, by their table.
    validates: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])

    @property
    def lines(self) -> tuple[str, ...]:
        """What a person reads in the file of the step."""
        return tuple(self._lines())

    def _lines(self) -> Iterator[str]:
        for table, lock in sorted(self.locks.items()):
            yield f"{lock} on {table}"
        yield from (f"rewrites {table}" for table in self.rewrites)
        yield from (f"scans {table}" for table in self.scans if table not in self.rewrites)
        for indexes in self.builds.values():
            yield from (f"builds {index}" for index in indexes)
        for table, names in self.validates.items():
            yield from (f"validates {name} of {table}" for name in names)

    def blocking(self, tables: frozenset[str]) -> dict[str, str]:
        """Return what would keep other clients waiting for long: the lock, by its table.

        A table is read or written by others as long as the lock is held. The step reads a table or
        writes it anew while it holds a lock that makes others wait.

        tables: those that have rows. New ones are used by nobody.
        """
        works = {*self.rewrites, *self.scans, *self.builds, *self.validates} & tables
        held = {
            table: lock
            for table, lock in self.locks.items()
            if table in tables and lock in BLOCKS_WRITERS
        }
        return held if works else {}


@dataclass(frozen=True, slots=True)
class _Relation:
    name: str
    kind: str
    file: int
    #: The table of an index.
    table: int | None
    scans: int


@dataclass(frozen=True, slots=True)
class _Picture:
    """Relations and valid constraints of a database, by their numbers."""

    relations: Mapping[int, _Relation]
    constraints: Mapping[int, tuple[str, int]]

    def followed_by(self, changed: _Picture) -> _Picture:
        """Return the picture with what is different. What is gone stays in it."""
        return _Picture(
            {**self.relations, **changed.relations}, {**self.constraints, **changed.constraints}
        )


@dataclass(frozen=True, slots=True)
class _Start:
    """What a database was like before a step."""

    #: The first transaction after it.
    transaction: str
    #: How often relations were scanned, by their numbers.
    scans: Mapping[int, int]


class Gauge:
    """Measures steps, one after the other, on a database that nobody else uses.

    After each step it reads only what the step has changed: of thousands of tables that is little.
    """

    def __init__(self, engine: Engine) -> None:
        """Take an engine with three connections to the database."""
        self._engine = engine
        #: All that there was before the step; None where that has to be read.
        self._known: _Picture | None = None

    async def run(self, step: Step) -> StepMeasure:
        """Run a step, commit it, and return what it did.

        Raises:
            DatabaseError: The server refused a statement of the step.
        """
        if step.mode == "data":
            return StepMeasure()
        try:
            if step.mode == "no transaction":
                return await self._run_alone(step.sql)
            return await self._run_in_transaction(step.sql)
        except BaseException:
            # A statement that fails outside a transaction may leave something behind.
            self._known = None
            raise

    async def _run_in_transaction(self, sql: str) -> StepMeasure:
        async with self._engine.pool.connection() as connection:
            connection.mark_dirty()
            await connection.script(f"{SHADOW_SETTINGS} BEGIN")
            try:
                scans = "pg_stat_get_xact_numscans"
                before = await self._before(connection)
                start = await _start(connection, scans)
                await connection.script(sql)
                held = await connection.fetch(_HELD.format(pid="pg_backend_pid()"))
                changed = await _picture(connection, scans, start.transaction)
            except BaseException:
                with suppress(DatabaseError):
                    await connection.script("ROLLBACK")
                raise
            await connection.script("COMMIT")
        self._known = before.followed_by(changed)
        return _measured(before, start, changed, held)

    async def _run_alone(self, sql: str) -> StepMeasure:
        """Run a statement outside a transaction, and read its locks while it waits for another one.

        CREATE INDEX CONCURRENTLY and its kind wait for every transaction that writes the table, so
        one that has locked all tables keeps it from ending until its locks are read.
        """
        pool = self._engine.pool
        async with (
            pool.connection() as runner,
            pool.connection() as writer,
            pool.connection() as observer,
        ):
            runner.mark_dirty()
            writer.mark_dirty()
            await runner.script(SHADOW_SETTINGS)
            for each in (runner, writer, observer):
                await _flush_counters(each)
            before = await self._before(observer)
            start = await _start(observer, "pg_stat_get_numscans")
            tables = ", ".join(name for (name,) in await observer.fetch(TABLES))
            listed = f"LOCK TABLE {tables} IN ROW EXCLUSIVE MODE" if tables else ""
            await writer.script(f"BEGIN; {listed}")
            running = asyncio.ensure_future(runner.script(sql))
            try:
                held = await _held_while_waiting(observer, runner.backend, running)
            finally:
                await writer.script("ROLLBACK")
                await running
            await _flush_counters(runner)
            changed = await _picture(observer, "pg_stat_get_numscans", start.transaction)
        self._known = before.followed_by(changed)
        return _measured(before, start, changed, held)

    async def _before(self, connection: Any) -> _Picture:
        return self._known or await _picture(connection, "0 * pg_stat_get_numscans")


async def _flush_counters(connection: Any) -> None:
    """Make others see the counters of a connection, which are reported once a second otherwise."""
    if connection.server_version >= 15:
        await connection.script("SELECT pg_stat_force_next_flush()")


async def _held_while_waiting(observer: Any, backend: int, running: asyncio.Future[str]) -> Any:
    """Return the locks of a backend once it waits for one, or has ended."""
    while not running.done():
        (row,) = await observer.fetch(_WAITS.format(pid=backend))
        if row[0]:
            return await observer.fetch(_HELD.format(pid=backend))
        await asyncio.sleep(0.002)
    return []


async def _start(connection: Any, scans: str) -> _Start:
    ((transaction,),) = await connection.fetch(_NEXT)
    scanned = await connection.fetch(_SCANNED.format(scans=scans))
    return _Start(transaction, dict(scanned))


async def _picture(connection: Any, scans: str, since: str | None = None) -> _Picture:
    """Return what a database has.

    scans: the function that counts the scans of a relation.
    since: a transaction: only what it and later ones have changed, and what was scanned.
    """
    relations, constraints = _RELATIONS.format(scans=scans), _CONSTRAINTS
    arguments = () if since is None else (since,)
    if since is not None:
        own, namespace, constraint = (_IS_NEW.format(row=each) for each in "cnk")
        relations += f" AND ({own} OR {namespace} OR {scans}(c.oid) > 0)"
        constraints += f" AND {constraint}"
    found = await connection.fetch(relations, arguments)
    valid = await connection.fetch(constraints, arguments)
    return _Picture(
        {oid: _Relation(*rest) for oid, *rest in found},
        {oid: (name, table) for oid, name, table in valid},
    )


def _measured(before: _Picture, start: _Start, changed: _Picture, held: Any) -> StepMeasure:
    locks: dict[str, str] = {}
    writes: set[str] = set()
    for oid, mode in held:
        relation = before.relations.get(oid)
        written = relation or changed.relations.get(oid)
        if mode == _WRITES and written is not None and written.kind in "rp":
            writes.add(written.name)
        if relation is not None and relation.kind not in "iIS" and mode in _TOLD:
            locks[relation.name] = max(mode, locks.get(relation.name, mode), key=LOCKS.index)
    rewrites, scans = set[str](), set[str]()
    builds: dict[str, tuple[str, ...]] = {}
    for oid, relation in changed.relations.items():
        earlier = before.relations.get(oid)
        is_scanned = earlier is not None and relation.scans > start.scans.get(oid, 0)
        is_new = earlier is None or earlier.file != relation.file
        if relation.table is not None:
            table = before.relations.get(relation.table)
            if table is None:
                continue
            if is_new and relation.kind == "i":
                builds[table.name] = (*builds.get(table.name, ()), relation.name)
            elif is_scanned:
                scans.add(table.name)
        elif earlier is not None:
            if is_new and relation.kind in "rm":
                rewrites.add(earlier.name)
            if is_scanned and relation.kind in "rpm":
                scans.add(earlier.name)
    validates: dict[str, tuple[str, ...]] = {}
    for oid, (name, owner) in changed.constraints.items():
        table = before.relations.get(owner)
        if oid not in before.constraints and table is not None and table.name in scans:
            validates[table.name] = (*validates.get(table.name, ()), name)
    return StepMeasure(
        locks=locks,
        rewrites=tuple(sorted(rewrites)),
        scans=tuple(sorted(scans)),
        writes=tuple(sorted(writes)),
        builds=builds,
        validates=validates,
    )
