"""Steps that run Python: the function `migrate` of a migration's data.py, with backfills."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from ..driver.connection import Connection
from ..engine import Engine
from ..errors import ConnectionLost, MigrationError, UsageError
from ..models.columns import AnyColumn
from ..models.model import Model
from ..models.table import Table, table_of
from ..pool.options import PoolOptions
from ..pool.pool import Pool
from ..session import AsyncSession
from ..sql.context import Scope
from ..sql.expressions import Condition
from .backend import Backend
from .backfills import BackfillRecord, Position
from .files import DATA
from .keyset import Key, Keyset
from .run import Place, Run

M = TypeVar("M", bound=Model)
#: What is called with the rows of a batch, in its transaction.
Each = Callable[[list[M]], Awaitable[object]]

#: The packages beside data.py that are made from the schema before and after the migration.
PACKAGES = ("before", "after")
#: How many connections a data step may use at once, beside the one that has the lock.
CONNECTIONS = 5


async def run_data(run: Run, place: Place) -> None:
    """Call `migrate(session, backfill)` of data.py, on connections of their own.

    The call ends with an error if the connection with the lock breaks.
    """
    directory = place.migration.directory
    if directory is None:
        raise MigrationError(f"{place.migration.id} has no folder, and its {DATA} is needed")
    engine = data_engine(run.engine, run.backend)
    try:
        with imported(directory) as module:
            migrate = getattr(module, "migrate", None)
            if not callable(migrate):
                raise MigrationError(
                    f"{directory / DATA} has no function: write `async def migrate(session: "
                    "AsyncSession, backfill: Backfill) -> None`"
                )
            session = AsyncSession(engine)
            work = migrate(session, Backfill(run, place, session))
            await while_connected(run.connection, work)
    finally:
        await engine.close()
    await run.finish(place)


def data_engine(engine: Engine, backend: Backend) -> Engine:
    """Return an engine whose connections have the settings and the role of the run."""

    async def settle(connection: Connection) -> None:
        settled = Backend(connection, backend.options, backend.token)
        await settled.settle()

    async def connect() -> Connection:
        connection = await engine.pool.open_apart()
        await connection.initialize(settle)
        return connection

    pool = Pool(connect, PoolOptions(min_connections=0, max_connections=CONNECTIONS))
    return Engine(pool, engine.url)


async def while_connected(connection: Connection, work: Any) -> None:
    """Await the work, and cancel it when a connection breaks."""
    task = asyncio.ensure_future(work)
    connection.on_close(lambda _: task.cancel())
    try:
        await task
    except asyncio.CancelledError:
        if connection.is_closed and not task_is_cancelling():
            raise ConnectionLost("the connection that has the lock broke") from None
        task.cancel()
        raise


def task_is_cancelling() -> bool:
    """Return whether the current task itself was told to end."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


@contextmanager
def imported(directory: Path) -> Generator[ModuleType]:
    """Import the data.py of a migration, with the packages beside it, for the block.

    `from .before import User` and `from before import User` both mean the package beside it.
    """
    name = f"ormkit_migration_{directory.name.replace('-', '_')}"
    hidden = {each: sys.modules.pop(each) for each in list(sys.modules) if is_package(each)}
    package = ModuleType(name)
    package.__path__ = [str(directory)]
    sys.modules[name] = package
    sys.path.insert(0, str(directory))
    try:
        spec = importlib.util.spec_from_file_location(f"{name}.data", directory / DATA)
        if spec is None or spec.loader is None:
            raise MigrationError(f"{directory / DATA} cannot be imported")
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        yield module
    except FileNotFoundError as error:
        raise MigrationError(f"a step of {directory.name} needs {error.filename}") from error
    finally:
        sys.path.remove(str(directory))
        for each in list(sys.modules):
            if is_package(each) or each.partition(".")[0] == name:
                del sys.modules[each]
        sys.modules.update(hidden)


def is_package(module: str) -> bool:
    """Return whether a module is of the packages beside a data.py."""
    return module.partition(".")[0] in PACKAGES


class Backfill:
    """Changes the rows of a table in batches; what it has done survives the end of the process.

    `await backfill(User, set={"age": 0}, where=User.age.is_(None))` in a data.py. The greatest key
    is fixed at the start, so that it ends however many rows are added meanwhile. Each batch is
    committed together with the record of its last key. After a kill it goes on with the next batch.
    """

    def __init__(self, run: Run, place: Place, session: AsyncSession) -> None:
        self._run = run
        self._place = place
        self._session = session
        self._count = 0

    async def __call__(
        self,
        model: type[M],
        *,
        set: Mapping[str, object] | None = None,
        where: Condition[M] | None = None,
        each: Each[M] | None = None,
        size: int = 5000,
        pause: float | None = None,
    ) -> int:
        """Change the rows of a model, and return how many batches have changed in all.

        set: values and expressions by attribute, for one UPDATE for each batch.
        where: which rows.
        each: in place of `set`, an async function that gets the objects of a batch in its
            transaction: what it changes of them is written.
        size: the number of rows that a batch walks over.
        pause: seconds between two batches; None takes the option of the run.

        A data.py calls it in the same order each time: by its number among the calls, a call finds
        how far it had come.
        """
        if (set is None) == (each is None):
            raise UsageError("backfill() takes `set`, or `each`")
        self._count += 1
        table = table_of(model)
        if not table.primary_key:
            raise UsageError(f"backfill() walks over a primary key, and {table.label} has none")
        keys = KeyedRows(self._session, table)
        record = BackfillRecord(self._run, self._place, self._count)
        async with self._session.begin():
            await keys.prepare()
            position = await record.begin(keys.execute, keys.fetch, keys.keyset)
        while not position.is_done and position.upper is not None:
            position = await self._batch(keys, record, position, (set, where, each, size))
            counts = {"batches": position.batches, "rows": position.rows}
            self._run.report(self._place.progress("batch", **counts))
            wait = self._run.options.batch_pause if pause is None else pause
            if wait and not position.is_done:
                await asyncio.sleep(wait)
        return position.rows

    async def _batch(
        self, keys: KeyedRows, record: BackfillRecord, position: Position, what: Any
    ) -> Position:
        values, where, each, size = what

        async def work(tx: Any) -> Position:
            upper = position.upper or ()
            end = await keys.keyset.end_of_batch(keys.fetch, position.last, upper, size)
            upto = end or upper
            model: Any = keys.table.model
            query: Any = self._session.query(model).filter(
                *keys.range(position.last, upto), *(() if where is None else (where,))
            )
            if each is None:
                rows = await query.update(**values)
            else:
                found = await query.order_by(*keys.table.primary_key).all()
                await each(found)
                await tx.flush()
                rows = len(found)
            is_done = end is None or end == upper
            return await record.advance(keys.execute, position, upto, rows, is_done=is_done)

        return await self._session.run(work, retries=self._run.options.tries)


class KeyedRows:
    """The rows of a model in the order of its primary key."""

    keyset: Keyset

    def __init__(self, session: AsyncSession, table: Table) -> None:
        self.table = table
        self._session = session

    async def prepare(self) -> None:
        """Learn the types of the key's columns."""
        columns = [column.quoted for column in self.table.primary_key]
        self.keyset = await Keyset.of(self.fetch, self.table.sql, columns)

    async def fetch(self, sql: str) -> Sequence[Any]:
        """Run a query in the session's transaction."""
        return (await self._session.execute_raw(sql)).tuples()

    async def execute(self, sql: str, args: Sequence[Any]) -> Sequence[Any]:
        """Run a statement on the state in the session's transaction."""
        return (await self._session.execute_raw(sql, list(args))).tuples()

    def range(self, after: Key | None, upto: Key) -> list[Condition[Any]]:
        """Return the conditions of a range of keys."""
        bounds = [("<=", upto)] if after is None else [(">", after), ("<=", upto)]
        columns, types = self.table.primary_key, self.keyset.types
        return [KeyBound(sign, columns, types, key) for sign, key in bounds]


class KeyBound(Condition[Any]):
    """A bound of a range of keys, whose values PostgreSQL reads from their texts."""

    __slots__ = ("_columns", "_operator", "_types")

    def __init__(
        self, operator: str, columns: Sequence[AnyColumn], types: Sequence[str], key: Key
    ) -> None:
        self._operator = operator
        self._columns = columns
        self._types = types
        self.key = (
            "key bound",
            operator,
            *((each.key, str(type_)) for each, type_ in zip(columns, types, strict=True)),
        )
        self.values = key
        self.type = "boolean"

    def sql(self, scope: Scope) -> str:
        names = ", ".join(column.sql(scope) for column in self._columns)
        values = ", ".join(f"{scope.bind(None)}::text::{type_}" for type_ in self._types)
        return f"({names}) {self._operator} ({values})"
