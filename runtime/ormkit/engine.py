"""The engine: one database, its pool, and raw SQL."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import (
    Awaitable,
    Callable,
    Coroutine,
    Iterable,
    Mapping,
    Sequence,
)
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeVar

from .connecting.conninfo import ConnInfo
from .connecting.options import EMBEDDED, check_count, check_seconds, check_url, checked_settings
from .driver.connection import DEFAULT_STATEMENTS, Connection
from .embedded.server import EmbeddedServer
from .embedded.url import open_embedded
from .errors import ConfigurationError, UsageError
from .models.package import Schema, known_schemas
from .pool.options import PoolOptions
from .pool.pool import Pool
from .queries.batched_get import Lookups
from .statements.create_all import create_schemas
from .statements.executor import Executor
from .statements.init_hook import Init, initializer
from .statements.pool_executor import PoolExecutor
from .statements.raw_sql import check_lasting, check_statement, checked_rows, run, run_pipelined
from .statements.result import Result
from .statements.row_limits import engine_counts
from .transactions.copy import Copying
from .transactions.options import Isolation, TransactionOptions
from .transactions.retries import run_with_retries
from .transactions.transaction import Transaction

T = TypeVar("T")

#: What connections are called, and the seconds that one may take to be made, unless told otherwise.
DEFAULT_NAME = "ormkit"
DEFAULT_CONNECT_TIMEOUT = 10.0
#: The oldest version of PostgreSQL that everything is tested on.
OLDEST_VERSION = 16
LOGGER = logging.getLogger("ormkit")
_warned_of: set[int] = set()


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
    coalesce: bool = True,
) -> Engine:
    """Open an engine: the first connections are made, so that a wrong URL fails here.

    A server that is not up yet is waited for, up to `reconnect_timeout`; a wrong password or
    database fails at once. Of one older than PostgreSQL 16 a warning is logged.

    url: postgresql://user:password@host:port/database with libpq's words and run-time parameters
        as query parameters (sslmode, host for a unix socket, several hosts), or embedded://PATH
        for a PostgreSQL of one's own in that directory (the extra `embedded`).
    min_connections, max_connections: how many connections are kept open, and at most.
    acquire_timeout: seconds to wait for a free connection; None waits for ever.
    idle_lifetime, max_lifetime: seconds after which a connection is closed or replaced.
    reconnect_timeout: seconds for which this call and statements wait while the server refuses
        connections.
    leak_threshold: seconds after which a connection still held is logged with the stack that took
        it (logger `ormkit`), for development; None looks at none.
    connect_timeout, application_name: seconds for one connection to be made, and what connections
        are called; where they are left at their defaults, the URL's words of these names count.
    statement_timeout: seconds after which the server stops a statement; None sets no limit.
    statement_cache_size: prepared statements kept on each connection; 0 for PgBouncer.
    server_settings: run-time parameters of PostgreSQL, set on each connection.
    init: an async function that is called with each new connection before its first use, and again
        after each reset; it has `execute(sql, params)`. What it raises fails the connection.

    coalesce: let lookups by key that many tasks make at once share statements.

    Raises ConfigurationError, ConnectionFailed, EmbeddedServerError.
    """
    check_url(url)
    if init is not None and not callable(init):
        raise ConfigurationError(f"init={init!r}: give an async function of a new connection")
    check_seconds("connect_timeout", connect_timeout)
    check_count("statement_cache_size", statement_cache_size)
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
    connect = opener(info, settings, connect_timeout, statement_cache_size, init)
    pool = Pool(connect, options)
    try:
        await pool.start()
    except BaseException:
        if server is not None:
            await asyncio.to_thread(server.stop)
        raise
    return Engine(pool, server, coalesce=coalesce)


def warn_of_version(version: int) -> None:
    """Log, once in this process for each version, that the server is older than what is tested."""
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
) -> Callable[[], Coroutine[Any, Any, Connection]]:
    """Return what opens a connection; words of the URL stand in for options at their defaults."""
    timeout: float | None = connect_timeout
    if connect_timeout == DEFAULT_CONNECT_TIMEOUT:
        timeout = info.connect_timeout(connect_timeout)
    every = {**info.settings, **settings}
    if settings["application_name"] == DEFAULT_NAME and info.application_name:
        every["application_name"] = info.application_name
    initialize = None if init is None else initializer(init, timeout)

    async def connect() -> Connection:
        arguments = {
            **info.arguments(),
            "timeout": timeout,
            "server_settings": every,
        }
        connection = await Connection.open(arguments, statement_cache_size)
        warn_of_version(connection.server_version)
        if initialize is not None:
            await connection.initialize(initialize)
        return connection

    return connect


class Engine(Copying):
    """A database and the pool of connections to it; made by create_engine()."""

    def __init__(
        self, pool: Pool, server: EmbeddedServer | None = None, *, coalesce: bool = True
    ) -> None:
        self.pool = pool
        self._executor = PoolExecutor(pool)
        #: The limits and offsets that stand in the text of statements.
        self.counts = engine_counts()
        #: Lookups by key that share statements; None where each goes out by itself.
        self.lookups = Lookups(self._executor, pool.origin) if coalesce else None
        self._server = server

    def executor(self) -> Executor:
        return self._executor

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every connection, and stop the embedded server where no one else uses it."""
        await self.pool.close()
        if self._server is not None:
            server, self._server = self._server, None
            await asyncio.to_thread(server.stop)

    async def execute(
        self, sql: str, params: Sequence[object] = (), *, timeout: float | None = None
    ) -> Result:
        """Run one SQL statement, with $1, $2 ... standing for the parameters in their order.

        timeout: seconds until QueryCanceled.

        Raises UsageError for BEGIN, COMMIT, SET LOCAL, LOCK TABLE and the like: a connection of the
        pool serves one statement, and `begin()` holds one for a transaction.
        """
        check_lasting(sql, check_statement(sql, params))
        if timeout is not None:
            check_seconds("timeout", timeout)
        async with self.pool.connection() as connection:
            return await run(connection, sql, params, timeout)

    async def execute_many(self, sql: str, rows: Iterable[Sequence[object]]) -> Result:
        """Run one SQL statement for each row of parameters, all or none.

        The result holds everything that came back, and its `rowcount` is the total. The rows go out
        without waiting for the answers in between; other than SELECT, VALUES, statements with
        RETURNING, and INSERT, UPDATE and DELETE, a statement runs row by row.
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
        """Return a transaction of its own for `async with`, with the options of session.begin().

        It is never part of another one; `tx.begin()` is a savepoint in it.
        """
        options = TransactionOptions.of(isolation, read_only, deferrable, settings)
        # An owner of its own, so that no other transaction is ever around it.
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
        """Run `await fn(tx)` in a transaction of its own, and again where it must be repeated.

        It is session.run() without a session: never part of a transaction that is open.
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
        """Create what the generated packages describe and the database does not have yet.

        schemas: each package's SCHEMA; without any, those of every package imported so far.

        Each runs in one transaction. What is there already stays as it is, also where it differs. A
        role without the right to create may call it where nothing is missing.

        Raises StatementError, which names what is missing: columns of tables that are there, and
        what the role may not create.
        """
        wanted = schemas or known_schemas()
        if not wanted:
            raise UsageError("no generated package was imported: import it, or pass its SCHEMA")
        for each in wanted:
            if not isinstance(each, Schema):
                raise UsageError(
                    f"create_all() takes the SCHEMA of generated packages, not "
                    f"{type(each).__name__}"
                )
        async with self.pool.connection() as connection:
            await create_schemas(connection, wanted)
