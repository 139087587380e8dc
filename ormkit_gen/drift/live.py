"""Reading the catalogs of a live database, with errors that say what to do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from ormkit import ConfigurationError, ConnectionFailed, DatabaseError, Engine, create_engine
from ormkit_gen.diagnostics.refusal import Refusal, problem
from ormkit_gen.postgres.identifiers import quote_identifier

T = TypeVar("T")
#: Options of an engine for one transaction: nothing is prepared, so it may be behind PgBouncer.
ONCE: Any = {"max_connections": 1, "reconnect_timeout": 0, "statement_cache_size": 0}
_INSUFFICIENT = "42501"


async def read_live(database: str, read: Callable[[Engine], Awaitable[T]]) -> T:
    """Return what a function reads of a live database's catalogs.

    Raises:
        Refusal: It cannot be reached, or its catalog cannot be read.
    """
    try:
        async with await create_engine(database, **ONCE) as engine:
            try:
                return await read(engine)
            except DatabaseError as error:
                role = (await engine.execute("SELECT current_user")).scalar()
                raise _unreadable(error, role) from error
    except (ConfigurationError, ConnectionFailed) as error:
        remedy = "check the URL of --database, DATABASE_URL or the setting `database`"
        raise Refusal(problem("no-database", str(error), remedy)) from error


def _unreadable(error: DatabaseError, role: str) -> Refusal:
    message = f"the catalog of the database cannot be read: {error}"
    remedy = "use a role that may connect and read pg_catalog, as every role may by default"
    if error.sqlstate == _INSUFFICIENT:
        _, _, denied = str(error).partition(" for ")
        kind, _, name = denied.partition(" ")
        right = "EXECUTE ON FUNCTION" if kind == "function" else "SELECT ON"
        remedy = f"as the owner: GRANT {right} pg_catalog.{name} TO {quote_identifier(role)}"
    return Refusal(problem("no-catalog", message, remedy))
