"""The databases of the tests of one process: copies of a template, made and dropped."""

from __future__ import annotations

import asyncio
import itertools
import json
import secrets
from collections.abc import Generator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from typing import Any

from ..connecting.conninfo import ConnInfo, parts_of_url
from ..driver.connection import Connection
from ..driver.errors import ROLLED_BACK
from ..engine import Engine, create_engine
from ..errors import ConfigurationError, DatabaseError
from ..postgres.values import Record
from ..session import AsyncSession
from .background_loop import BackgroundLoop
from .kept_connection import KeptConnection
from .settings import Contents

#: Begins the names of templates, those of templates that are being made, and those of the databases
#: of tests, which the process's token follows.
TEMPLATE = "ormkit_template_"
MAKING = "ormkit_making_"
DATABASE = "ormkit_test_"
#: The key of the advisory lock under which one process at a time makes a template.
TEMPLATE_LOCK = 0x6F726D6B7470
#: After so long, a template that no tests have used is dropped.
UNUSED = timedelta(days=7)
#: The constraints that are initially deferred. A name can stand for several, one of which is not.
DEFERRED = """\
SELECT quote_ident(nspname) || '.' || quote_ident(conname) AS name
FROM pg_constraint JOIN pg_namespace ON pg_namespace.oid = connamespace
GROUP BY nspname, conname HAVING bool_and(condeferred) ORDER BY 1"""
NAMED = """\
SELECT datname, shobj_description(oid, 'pg_database') FROM pg_database
WHERE starts_with(datname, $1) ORDER BY datname"""
#: SQLSTATE of a role that may not create databases.
NOT_ALLOWED = "42501"


@dataclass(frozen=True, slots=True)
class Database:
    """A database for tests."""

    url: str
    name: str
    #: The constraints that are initially deferred, quoted.
    deferred: Sequence[str]
    #: Whether other tests use it too, so that each has to be rolled back.
    is_shared: bool
    #: The connection of the tests that are rolled back, between two of them.
    kept: KeptConnection = field(default_factory=KeptConnection)


class Databases:
    """Makes databases on a server, each a copy of the template with the contents."""

    def __init__(self, url: str, contents: Contents) -> None:
        """Connect to the server, and make the template if the server does not have it.

        Raises ConfigurationError if the role may not create databases, and what the server reports.
        """
        self._url = url
        self._contents = contents
        self._token = secrets.token_hex(7)
        self._numbers = itertools.count(1)
        self._loop = BackgroundLoop()
        self._dropping: list[Any] = []
        self._shared: Database | None = None
        self._prepared: Future[Database] | None = None
        try:
            self._loop.run(self._open())
        except BaseException:
            self._loop.close()
            raise

    @property
    def shared(self) -> Database:
        """The database for all tests of this process that are rolled back."""
        if self._shared is not None and self._shared.kept.is_spoilt:
            self._dropping.append(self._loop.start(self._drop(self._shared.name)))
            self._shared = None
        if self._shared is None:
            self._shared = self._loop.run(self._create(is_shared=True))
        return self._shared

    def prepare(self) -> Future[Database]:
        """Make a database in the background, for the next test that asks for its own."""
        if self._prepared is None:
            self._prepared = self._loop.start(self._create(is_shared=False))
        return self._prepared

    @contextmanager
    def own(self) -> Generator[Database]:
        """Yield a database for one test, which is dropped in the background."""
        prepared = self.prepare()
        self._prepared = None
        database = prepared.result()
        try:
            yield database
        finally:
            self._dropping.append(self._loop.start(self._drop(database.name)))

    def close(self) -> None:
        """Drop the databases, and disconnect."""
        try:
            self._loop.run(self._close())
        finally:
            self._loop.close()

    async def _open(self) -> None:
        info = ConnInfo.of(self._url)
        self._connection = await Connection.open(
            {**info.arguments(), "server_settings": {"application_name": "ormkit tests"}}
        )
        self._lock = asyncio.Lock()
        try:
            self._strategy = await self._find_strategy()
            # The lock tells other processes that the databases with the token are in use.
            await self._fetch("SELECT pg_advisory_lock($1)", int(self._token, 16))
            await self._fetch("SELECT pg_advisory_lock($1)", TEMPLATE_LOCK)
            try:
                self._deferred = await self._find_template()
                await self._drop_unused()
            finally:
                await self._fetch("SELECT pg_advisory_unlock($1)", TEMPLATE_LOCK)
        except BaseException:
            await self._connection.close()
            raise

    async def _find_strategy(self) -> str:
        """Return how the server is to copy a database.

        Copying files takes half the time, but waits for the disk where the server is durable.
        """
        ((fsync,),) = await self._fetch("SELECT current_setting('fsync')")
        has_strategies = self._connection.server_version >= 15
        return " STRATEGY file_copy" if fsync == "off" and has_strategies else ""

    async def _close(self) -> None:
        if self._prepared is not None:
            with suppress(DatabaseError, ConfigurationError):
                await self._drop((await asyncio.wrap_future(self._prepared)).name)
        for each in self._dropping:
            await asyncio.wrap_future(each)
        if self._shared is not None:
            await self._shared.kept.close()
            await self._drop(self._shared.name)
        await self._connection.close()

    async def _fetch(self, sql: str, *args: object) -> list[Record]:
        async with self._lock:
            return await self._connection.fetch(sql, args)

    async def _run(self, sql: str) -> None:
        """Run a statement about a database, which must be alone in its message."""
        async with self._lock:
            await self._connection.script(sql)

    async def _create(self, *, is_shared: bool) -> Database:
        name = f"{DATABASE}{self._token}_{next(self._numbers)}{ROLLED_BACK if is_shared else ''}"
        await self._create_database(name, self._template, is_open=not is_shared)
        kept = KeptConnection(partial(self._admit, name))
        return Database(self._url_of(name), name, self._deferred, is_shared, kept)

    async def _admit(self, name: str, is_open: bool) -> None:
        """Have a database take connections or refuse them; call it in any event loop."""
        sql = f"ALTER DATABASE {name} ALLOW_CONNECTIONS {'true' if is_open else 'false'}"
        await asyncio.wrap_future(self._loop.start(self._run(sql)))

    async def _create_database(self, name: str, template: str, *, is_open: bool = True) -> None:
        closed = "" if is_open else " ALLOW_CONNECTIONS false"
        try:
            await self._run(f"CREATE DATABASE {name} TEMPLATE {template}{self._strategy}{closed}")
        except DatabaseError as error:
            if error.sqlstate != NOT_ALLOWED:
                raise
            raise ConfigurationError(
                "the role of the tests may not create databases: ALTER ROLE ... CREATEDB"
            ) from error

    async def _drop(self, name: str) -> None:
        # Another process may drop what a killed one has left, at the same time.
        with suppress(DatabaseError):
            await self._run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    @property
    def _template(self) -> str:
        return f"{TEMPLATE}{self._contents.fingerprint}"

    async def _find_template(self) -> Sequence[str]:
        """Make the template unless it is there, and return its deferred constraints."""
        name, today = self._template, date.today().isoformat()
        found: dict[str, str | None] = {each[0]: each[1] for each in await self._fetch(NAMED, name)}
        if name not in found:
            return await self._make_template(today)
        note = noted(found[name])
        deferred: list[str] = note.get("deferred", [])
        if note.get("used") != today:
            await self._note(name, deferred, today)
        return deferred

    async def _make_template(self, today: str) -> list[str]:
        """Make the template under another name, which it loses when it is complete."""
        making = f"{MAKING}{self._contents.fingerprint}"
        await self._drop(making)
        await self._create_database(making, "template1")
        deferred = await self._fill(self._url_of(making))
        await self._note(making, deferred, today)
        # So nobody holds it, which would keep others from copying it.
        await self._run(f"ALTER DATABASE {making} ALLOW_CONNECTIONS false")
        await self._run(f"ALTER DATABASE {making} RENAME TO {self._template}")
        return deferred

    async def _note(self, database: str, deferred: Sequence[str], used: str) -> None:
        text = json.dumps({"deferred": deferred, "used": used}).replace("'", "''")
        await self._run(f"COMMENT ON DATABASE {database} IS '{text}'")

    async def _fill(self, url: str) -> list[str]:
        contents = self._contents
        async with await create_engine(url, max_connections=2) as engine:
            if contents.schemas:
                await engine.create_all(*contents.schemas)
            if contents.scripts:
                async with engine.pool.connection() as connection:
                    connection.mark_dirty()
                    for script in contents.scripts:
                        await connection.script(script)
            if contents.seed is not None:
                await contents.seed(AsyncSession(engine))
            return await deferred_constraints(engine)

    async def _drop_unused(self) -> None:
        """Drop templates that were not used for long, and databases of processes that are gone."""
        oldest = (date.today() - UNUSED).isoformat()
        for name, note in await self._fetch(NAMED, TEMPLATE):
            if noted(note).get("used", "") < oldest:
                await self._drop(name)
        tokens: dict[str, list[str]] = {}
        for name, _ in await self._fetch(NAMED, DATABASE):
            tokens.setdefault(name.removeprefix(DATABASE).partition("_")[0], []).append(name)
        tokens.pop(self._token, None)
        for token, names in tokens.items():
            with suppress(ValueError):
                key = int(token, 16)
                ((is_gone,),) = await self._fetch("SELECT pg_try_advisory_lock($1)", key)
                if is_gone:
                    for name in names:
                        await self._drop(name)
                    await self._fetch("SELECT pg_advisory_unlock($1)", key)

    def _url_of(self, database: str) -> str:
        """Return the URL of a database on the same server."""
        scheme, account, hosts, _, query = parts_of_url(self._url)
        words = [each for each in query.split("&") if each and not each.startswith("dbname=")]
        at = "@" if account else ""
        return f"{scheme}://{account}{at}{hosts}/{database}?{'&'.join(words)}".rstrip("?")


async def deferred_constraints(engine: Engine) -> list[str]:
    """Return the constraints of the database that are initially deferred, quoted."""
    return (await engine.execute(DEFERRED)).column()


def noted(comment: str | None) -> dict[str, Any]:
    """Return what the comment of a template says of it; nothing for a comment of another form."""
    try:
        found: Any = json.loads(comment or "{}")
    except ValueError:
        return {}
    return (
        {**found} if isinstance(found, dict) else {}
    )  # pyright: ignore[reportUnknownVariableType]
