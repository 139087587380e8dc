"""OrmKit in a web application: one engine for as long as the application runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from ..connecting.options import check_seconds
from ..engine import Engine, create_engine
from ..errors import OrmKitError, UsageError
from ..pool.stats import PoolStats
from .cursor_signatures import CursorSignatures

#: Seconds within which the database has to answer to be healthy.
HEALTH_TIMEOUT = 1.0


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the database answers, and what the connection pool does."""

    is_healthy: bool
    pool: PoolStats

    @property
    def status(self) -> int:
        """The status of the answer to a health check."""
        return 200 if self.is_healthy else 503

    def body(self) -> dict[str, Any]:
        """Return the answer to a health check."""
        return {"status": "ok" if self.is_healthy else "failing", "pool": asdict(self.pool)}


class Service:
    """The database of a web application; the class of each framework adds how it is installed."""

    def __init__(
        self,
        url: str,
        *,
        cursor_key: str | bytes | None = None,
        constraints: Mapping[str, tuple[str, str]] | None = None,
        drain: float | None = None,
        **options: Any,
    ) -> None:
        """Take what the engine is opened with when the application starts.

        cursor_key: a secret that signs the cursors of pages, so that nobody can make one up.
        constraints: for the name of a constraint, the field that an answer about its violation
            names, and the text for it: `{"users_email_key": ("email", "is taken")}`.
        drain: seconds that the end of the application waits for what still uses the database, such
            as background tasks.
        options: the options of create_engine().
        """
        if drain is not None:
            check_seconds("drain", drain)
        self._drain = drain
        self._url = url
        self._options = options
        self._engine: Engine | None = None
        self.constraints = dict(constraints or {})
        self.cursors = CursorSignatures(cursor_key)

    @property
    def is_open(self) -> bool:
        """Whether the application has started."""
        return self._engine is not None

    @property
    def engine(self) -> Engine:
        """The engine; raises UsageError before the application has started."""
        if self._engine is None:
            raise UsageError(
                "the application has not started: its server runs lifespan(), and tests call "
                "`with db.use(engine):`, or the fixture ormkit_app"
            )
        return self._engine

    @asynccontextmanager
    async def opened(self) -> AsyncGenerator[Engine]:
        """Open the engine for the block, unless use() has given one."""
        if self._engine is not None:
            yield self._engine
            return
        async with await create_engine(self._url, **self._options) as engine:
            with self.use(engine):
                yield engine
                await engine.close(drain=self._drain)

    @contextmanager
    def use(self, database: Engine | str) -> Generator[None]:
        """Use this engine during the block, or open one with this URL, as tests do."""
        before = self._engine, self._url
        if isinstance(database, str):
            self._engine, self._url = None, database
        else:
            self._engine = database
        try:
            yield
        finally:
            self._engine, self._url = before

    async def healthy(self, timeout: float = HEALTH_TIMEOUT) -> Health:
        """Return whether the database answers a statement in time, and the state of the pool."""
        engine = self.engine
        is_healthy = True
        try:
            async with asyncio.timeout(timeout):
                await engine.execute("SELECT 1")
        except (OrmKitError, TimeoutError):
            is_healthy = False
        return Health(is_healthy, engine.pool_stats())
