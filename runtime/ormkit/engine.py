"""The Engine class: a connection pool for one database, raw SQL, and transactions."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import (
    Awaitable,
    Callable,
    Coroutine,
    Generator,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import contextmanager
from functools import partial
from types import TracebackType
from typing import Any, ClassVar, Self, TypeVar

from .connecting.conninfo import ConnInfo, without_secrets
from .connecting.options import EMBEDDED, check_count, check_seconds, check_url, checked_settings
from .connecting.secret import Secret, check_secret, opened_with
from .driver.connection import DEFAULT_STATEMENTS, Connection
from .embedded.server import EmbeddedServer
from .embedded.url import open_embedded
from .errors import ConfigurationError, SchemaDifference, UsageError
from .events.event import ConnectionEvent, StatementEvent, TransactionEvent
from .events.listeners import Listening
from .events.slow_queries import ALL, SlowQueries, log_each
from .hints import Hinted, refusing_keywords
from .models.methods import attach_pending
from .models.package import Schema
from .other_names.engines import ENGINES
from .pool.options import PoolOptions
from .pool.pool import Pool
from .pool.stats import PoolStats
from .postgres.json_hooks import PYTHONS, Decoder, Encoder, JsonFunctions
from .postgres.several import Listed
from .queries.batched_get import Lookups
from .statements.create_all import create_schemas
from .statements.executor import Executor
from .statements.generic_plans import GenericPlans
from .statements.init_hook import Init, initializer
from .statements.pool_executor import PoolExecutor
from .statements.raw_sql import check_lasting, check_statement, checked_rows, run, run_pipelined
from .statements.result import Result
from .statements.row_limits import engine_counts
from .statements.schema_check import (
    Check,
    check_option,
    check_schemas,
    report,
    schemas_to_use,
)
from .transactions.copy import Copying
from .transactions.options import Isolation, TransactionOptions
from .transactions.retries import run_with_retries
from .transactions.transaction import Transaction

T = TypeVar("T")

#: The default application_name, and the default seconds until a connection attempt fails.
DEFAULT_NAME = "ormkit"
DEFAULT_CONNECT_TIMEOUT = 10.0
#: The oldest major version of PostgreSQL that the tests cover.
OLDEST_VERSION = 16
LOGGER = logging.getLogger("ormkit")
_warned_of: set[int] = set()


@refusing_keywords
async def create_engine(
    url: str,
    *,
    min_connections: int = 1,
    max_connections: int = 10,
    acquire_timeout: float | None = 30.0,
    idle_lifetime: float | None = 600.0,
    max_lifetime: float | None = 3600.0,
    reconnect_timeout: float = 5.0,
    leak_threshold: float | None = None,
    connect_timeout: float = DEFAULT_CONNECT_TIMEOUT,
    statement_timeout: float | None = None,
    application_name: str = DEFAULT_NAME,
    statement_cache_size: int = DEFAULT_STATEMENTS,
    server_settings: Mapping[str, str] | None = None,
    init: Init | None = None,
    password: Secret | None = None,
    coalesce: bool = True,
    slow_query: float | SlowQueries | None = None,
    json_encoder: Encoder | None = None,
    json_decoder: Decoder | None = None,
    check: Check | None = None,
    schemas: Sequence[Schema] = (),
) -> Engine:
    """Open an engine and its first connections, so that a wrong URL fails here.

    If the server does not accept connections yet, this call retries for `reconnect_timeout`
    seconds. A wrong password or database fails at once. The engine logs a warning for a server
    older than PostgreSQL 16.

    url: postgresql://user:password@host:port/database, with libpq's options and run-time
        parameters as query parameters (sslmode, host for a unix socket, several hosts); or
        embedded://PATH, which runs a private PostgreSQL server in that directory (the extra
        `embedded`).
    min_connections, max_connections: the number of connections that the pool keeps open, and the
        largest number that it opens.
    acquire_timeout: seconds to wait for a free connection; None waits without a limit.
    idle_lifetime, max_lifetime: seconds after which the pool closes an idle connection, and
        replaces an old one; None sets no limit.
    reconnect_timeout: seconds for which this call and later statements retry while the server
        refuses connections.
    leak_threshold: for development: seconds after which the logger `ormkit` reports a connection
        that is still held, with the stack that acquired it; None disables the report.
    connect_timeout: seconds until one connection attempt fails. At its default, the URL's
        connect_timeout takes precedence.
    application_name: the name of the connections in pg_stat_activity. At its default, the URL's
        application_name takes precedence.
    statement_timeout: seconds after which the server cancels a statement; None sets no limit.
    statement_cache_size: the number of prepared statements that each connection keeps; use 0
        behind PgBouncer.
    server_settings: run-time parameters of PostgreSQL, set on each connection.
    init: an async function that is called with each new connection before its first use, and again
        after each reset. Its argument has `execute(sql, params)`. If it raises, the connection
        fails.
    password: the password, or a function that returns it, plain or async, which is called for each
        new connection: for tokens that expire. It takes precedence over the URL's.
    coalesce: whether concurrent lookups by key from several tasks share statements (batching).
    slow_query: seconds from which the logger `ormkit.slow` reports a statement, at WARNING; a
        SlowQueries also says how often it reports the same statement, and whether with a plan. None
        reports nothing. The
        logger `ormkit.sql` gets every statement if it is enabled for DEBUG when this is called.
    json_encoder, json_decoder: functions that write a value as JSON, and read a document, of json
        and jsonb columns: `orjson.dumps`, or a `json.loads` with parse_float=Decimal. They hold for
        this engine alone.
    check: "raise" compares the database with the generated packages, by one query, and raises
        SchemaMismatch if their statements would fail; "warn" warns with SchemaMismatchWarning.
    schemas: the SCHEMA of each package whose tables are in this database, for `check`,
        `engine.check()` and `create_all()`; without any, those of all imported packages.

    Raises ConfigurationError, ConnectionFailed, EmbeddedServerError, SchemaMismatch.
    """
    attach_pending()
    check_option(check)
    check_url(url)
    functions = JsonFunctions(json_encoder, json_decoder)
    functions.check()
    if init is not None and not callable(init):
        raise ConfigurationError(
            f"init={init!r}: give an async function that takes a new connection"
        )
    check_secret(password)
    check_seconds("connect_timeout", connect_timeout)
    check_count("statement_cache_size", statement_cache_size)
    if slow_query is not None and not isinstance(slow_query, SlowQueries):
        slow_query = SlowQueries(slow_query)
    settings = checked_settings(application_name, server_settings, statement_timeout)
    options = PoolOptions(
        min_connections,
        max_connections,
        acquire_timeout,
        idle_lifetime,
        max_lifetime,
        reconnect_timeout,
        leak_threshold,
    )
    server = None
    if url.startswith(EMBEDDED):
        server, info = await open_embedded(url)
    else:
        info = ConnInfo.of(url)
    connect = opener(
        info, settings, connect_timeout, statement_cache_size, init, password, functions
    )
    pool = Pool(connect, options, None if functions == PYTHONS else functions)
    try:
        await pool.start()
    except BaseException:
        if server is not None:
            await asyncio.to_thread(server.stop)
        raise
    engine = Engine(pool, without_secrets(url), server, coalesce=coalesce, schemas=schemas)
    if slow_query is not None:
        note = partial(slow_query.note, explain=GenericPlans(pool).explain)
        engine.listen(on_statement=note)
    if ALL.isEnabledFor(logging.DEBUG):
        engine.listen(on_statement=log_each)
    if check is not None:
        try:
            report(await engine.check(), check)
        except BaseException:
            await engine.close()
            raise
    return engine


def warn_of_version(version: int) -> None:
    """Log a warning for a server older than OLDEST_VERSION, once per version and process."""
    if version < OLDEST_VERSION and version not in _warned_of:
        _warned_of.add(version)
        LOGGER.warning(
            "the server is PostgreSQL %d, and OrmKit is tested on %d and later: statements that "
            "need what came later fail; upgrade the server",
            version,
            OLDEST_VERSION,
        )


def opener(
    info: ConnInfo,
    settings: Mapping[str, str],
    connect_timeout: float,
    statement_cache_size: int,
    init: Init | None,
    password: Secret | None = None,
    functions: JsonFunctions = PYTHONS,
) -> Callable[[], Coroutine[Any, Any, Connection]]:
    """Return a function that opens a connection.

    The URL's connect_timeout and application_name replace arguments that have their defaults.
    """
    timeout: float | None = connect_timeout
    if connect_timeout == DEFAULT_CONNECT_TIMEOUT:
        timeout = info.connect_timeout(connect_timeout)
    every = {**info.settings, **settings}
    if settings["application_name"] == DEFAULT_NAME and info.application_name:
        every["application_name"] = info.application_name
    initialize = None if init is None else initializer(init, timeout)

    async def open_as(secret: str | None) -> Connection:
        arguments = {**info.arguments(), "timeout": timeout, "server_settings": every}
        if secret is not None:
            arguments["password"] = secret
        return await Connection.open(arguments, statement_cache_size, functions)

    async def connect() -> Connection:
        connection = await (open_as(None) if password is None else opened_with(password, open_as))
        warn_of_version(connection.server_version)
        if initialize is not None:
            await connection.initialize(initialize)
        return connection

    return connect


@contextmanager
def capture_statements(engine: Engine, *, values: bool = False) -> Generator[list[StatementEvent]]:
    """Yield a list that receives each statement of the engine, in the order in which they end.

    values: whether the events hold the values that were bound.

    Raises UsageError for anything but an engine.
    """
    given: object = engine
    if not isinstance(given, Engine):
        raise UsageError(f"capture_statements() takes an engine, not {type(given).__name__}")
    captured: list[StatementEvent] = []
    with engine.listen(on_statement=captured.append, values=values):
        yield captured


class Engine(Hinted, Copying):
    """A database and its connection pool; create_engine() makes it."""

    __hints__: ClassVar[Mapping[str, str]] = ENGINES

    def __init__(
        self,
        pool: Pool,
        url: str,
        server: EmbeddedServer | None = None,
        *,
        coalesce: bool = True,
        schemas: Sequence[Schema] = (),
    ) -> None:
        self.pool = pool
        self._schemas = tuple(schemas)
        self._url = url
        self._executor = PoolExecutor(pool)
        #: The counts of the limits and offsets that are literals in SQL texts.
        self.counts = engine_counts()
        #: Batches concurrent lookups by key; None if batching is off.
        self.lookups = Lookups(self._executor, pool.origin) if coalesce else None
        self._server = server

    @property
    def url(self) -> str:
        """The URL that the engine was opened with, with `***` in place of the password."""
        return self._url

    def executor(self) -> Executor:
        return self._executor

    def listen(
        self,
        *,
        on_statement: Callable[[StatementEvent], None] | None = None,
        on_transaction: Callable[[TransactionEvent], None] | None = None,
        on_connection: Callable[[ConnectionEvent], None] | None = None,
        values: bool = False,
    ) -> Listening:
        """Call functions with each statement, transaction and change of a connection that ends.

        values: whether events of statements hold the values that were bound. They are of every
            user of the engine, and may be secrets.

        The functions run in the task that sent the statement, before its caller goes on, so they
        should be quick. What they raise is logged once, and changes nothing. Statements that a
        listener sends make no events. `close()` of the result ends it, as does the end of a `with`
        block. Without any listener, statements run the same code as if there were no events.

        Raises ConfigurationError for an async function.
        """
        return self.pool.listeners.add(on_statement, on_transaction, on_connection, values=values)

    def pool_stats(self) -> PoolStats:
        """Return what the connection pool holds now, and what it has done since it was opened."""
        return self.pool.stats()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self, *, drain: float | None = None) -> None:
        """Close every connection, and stop the embedded server unless others use it.

        drain: seconds to wait until no connection is in use and nobody waits for one. Statements
            go on being served meanwhile. What is in use afterwards is closed once it is returned,
            and the logger `ormkit` says who holds it.

        Raises ConfigurationError for what is not a number of seconds.
        """
        if drain is not None:
            check_seconds("drain", drain)
            await self.pool.drain(drain)
        await self.pool.close()
        if self._server is not None:
            server, self._server = self._server, None
            await asyncio.to_thread(server.stop)

    async def execute(
        self, sql: str, params: Listed[object] = (), *, timeout: float | None = None
    ) -> Result:
        """Run one SQL statement; $1, $2 ... stand for the parameters in order.

        timeout: seconds until QueryCanceled is raised; None sets no limit.

        Raises UsageError for BEGIN, COMMIT, SET LOCAL, LOCK TABLE and similar statements, since the
        pool provides a connection for one statement only. `begin()` holds one for a transaction.
        """
        check_lasting(sql, check_statement(sql, params))
        if timeout is not None:
            check_seconds("timeout", timeout)
        async with self.pool.connection() as connection:
            return await run(connection, sql, params, timeout)

    async def execute_many(self, sql: str, rows: Iterable[Listed[object]]) -> Result:
        """Run one SQL statement for each row of parameters, all or none.

        The result holds the returned rows of all runs, and its `rowcount` is the total. SELECT,
        VALUES, INSERT, UPDATE, DELETE and statements with RETURNING are pipelined: all rows are
        sent without waiting for the answers in between. Other statements run row by row.
        """
        words = check_statement(sql)
        check_lasting(sql, words)
        listed = checked_rows(rows)
        async with self.pool.connection() as connection:
            result = await run_pipelined(connection, sql, words[0], listed)
        if result is not None:
            return result
        async with self.transaction() as tx:
            return await tx.execute_raw_many(sql, listed)

    def transaction(
        self,
        *,
        isolation: Isolation | None = None,
        read_only: bool | None = None,
        deferrable: bool | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> Transaction:
        """Return an independent transaction for `async with`; options as in session.begin().

        It is never nested in another transaction. `tx.begin()` opens a savepoint in it.

        Raises ConfigurationError for an invalid option.
        """
        options = TransactionOptions.of(isolation, read_only, deferrable, settings)
        # A new owner keeps it from nesting in another transaction.
        return Transaction(object(), self.pool, self.counts, options)

    async def run(
        self,
        fn: Callable[[Transaction], Awaitable[T]],
        *,
        retries: int = 3,
        isolation: Isolation | None = None,
        read_only: bool | None = None,
        deferrable: bool | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> T:
        """Run `await fn(tx)` in a new transaction, and retry it after a RetryableError.

        retries: the maximum number of retries, with an increasing random backoff.

        It works like session.run(), without a session. It never nests in an open transaction.

        Raises the last RetryableError, and whatever `fn` raises.
        """
        begin = partial(
            self.transaction,
            isolation=isolation,
            read_only=read_only,
            deferrable=deferrable,
            settings=settings,
        )
        return await run_with_retries(begin, fn, retries)

    async def create_all(self, *schemas: Schema) -> None:
        """Create the tables, types and indexes of generated packages that the database lacks.

        schemas: the SCHEMA of each package; without any, those that the engine was opened with, or
            those of all imported packages.

        Each schema is created in one transaction. Existing objects stay unchanged, even if they
        differ. If nothing is missing, the role needs no right to create.

        Raises StatementError, which names the columns that existing tables lack, or the objects
        that the role may not create. Raises UsageError if no generated package was imported.
        """
        wanted = schemas_to_use(schemas or self._schemas, "create_all()")
        async with self.pool.connection() as connection:
            await create_schemas(connection, wanted)

    async def check(self, *schemas: Schema) -> tuple[SchemaDifference, ...]:
        """Return how the database differs from generated packages, by one query of its catalog.

        schemas: the SCHEMA of each package; without any, those that the engine was opened with, or
            those of all imported packages.

        It compares tables, columns, types, nullability, labels of enums, primary keys, UNIQUE
        constraints and foreign keys. The result is empty if all are the same. `ormkit check`
        compares everything, such as defaults, indexes and views.

        Raises UsageError if no generated package was imported.
        """
        wanted = schemas_to_use(schemas or self._schemas, "check()")
        async with self.pool.connection() as connection:
            return await check_schemas(connection, wanted)
