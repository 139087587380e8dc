"""Read the catalog of a database, in one read-only snapshot."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from .facts import Catalog, Fact
from .queries import definitions
from .rights import RIGHTS

if TYPE_CHECKING:
    from ..engine import Engine
    from ..transactions.transaction import Transaction

#: Two versions of PostgreSQL that stand for all that the reader treats alike.
OLDEST, NEWEST = 14, 18
#: Names are qualified, and constants are printed alike, whatever the database and the role say.
SETTINGS = {
    "search_path": "",
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "extra_float_digits": "1",
    "quote_all_identifiers": "off",
}


async def read_catalog(engine: Engine, *, rights: bool = False) -> Catalog:
    """Return the facts about a database: all that `pg_dump --schema-only` would write.

    It runs one read-only transaction at the level REPEATABLE READ, needs no right beyond reading
    PostgreSQL's own catalogs, and changes nothing. It leaves out the objects of the system, and
    those that belong to extensions. It works on a hot standby and through PgBouncer.

    rights: whether to read owners and grants too, as facts of the kinds `owner` and `grant`.

    Raises ConnectionFailed, and the DatabaseError that the server reports.
    """
    async with catalog_transaction(engine) as tx:
        return await read_facts(tx, rights=rights)


@asynccontextmanager
async def catalog_transaction(engine: Engine) -> AsyncGenerator[Transaction]:
    """Run a block in the one transaction in which a catalog is read.

    It is read-only and at the level REPEATABLE READ, and PostgreSQL prints names qualified in it.
    """
    async with engine.transaction(
        isolation="repeatable read", read_only=True, settings=SETTINGS
    ) as tx:
        yield tx


async def read_facts(tx: Transaction, *, rights: bool = False) -> Catalog:
    """Return the facts about a database.

    tx: a transaction of `catalog_transaction()`.
    """
    number = await tx.execute_raw("SELECT current_setting('server_version_num')::integer")
    version = number.scalar() // 10_000
    facts: list[Fact] = []
    for query in (*definitions(version), *(RIGHTS if rights else ())):
        found = await tx.execute_raw(query)
        facts += [Fact(*row) for row in found.tuples()]
    return Catalog(facts, version)


def reader_version() -> str:
    """Return a text that changes with what is read: a catalog that was kept fits only the same."""
    queries = "\n".join((*definitions(OLDEST), *definitions(NEWEST), *RIGHTS, str(SETTINGS)))
    return hashlib.sha256(queries.encode()).hexdigest()
