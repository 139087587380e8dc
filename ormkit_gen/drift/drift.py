"""Compare schema files with a live database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ormkit import ConfigurationError, ConnectionFailed, DatabaseError, create_engine
from ormkit.catalog import COLUMN_PARTS, Catalog, Difference, compare, read_catalog
from ormkit_gen.diagnostics.refusal import Refusal, problem
from ormkit_gen.drift.places import Places
from ormkit_gen.drift.repairs import repair, reverse
from ormkit_gen.drift.shadow import expected_catalog
from ormkit_gen.ir import Position, Schema


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference, with its place in the schema files and the SQL that removes it."""

    difference: Difference
    at: Position | None
    #: Statements that make the database like the schema.
    forward: tuple[str, ...]
    #: Statements that would make the schema's database like the live one.
    backward: tuple[str, ...]

    def rank(self, *, backward: bool = False) -> int:
        """Return when its statements run: what goes before columns change, and what comes after."""
        fact = self.difference.fact
        wanted = self.difference.found if backward else self.difference.expected
        if fact.kind == "object":
            return 0
        if fact.kind == "column" or fact.kind in COLUMN_PARTS:
            return 2
        return 1 if wanted is None else 3

    @property
    def counts(self) -> bool:
        """Whether it makes `ormkit check` fail: objects of others do not."""
        return self.difference.cause != "unmanaged"


async def find_drift(
    schemas: Sequence[Schema], database: str, shadow: str | None
) -> tuple[Finding, ...]:
    """Return how a live database differs from the schemas. It is only read.

    Raises:
        Refusal: The database or the shadow server cannot be used.
    """
    found = await _live(database)
    expected = await expected_catalog(schemas, shadow)
    places = Places(schemas)
    return tuple(
        Finding(
            each,
            places.of(each.fact),
            tuple(repair(each, expected)),
            tuple(repair(reverse(each), found)),
        )
        for each in compare(expected, found)
    )


async def _live(database: str) -> Catalog:
    try:
        async with await create_engine(database, max_connections=1) as engine:
            return await read_catalog(engine)
    except (ConfigurationError, ConnectionFailed) as error:
        remedy = "check the URL of --database, DATABASE_URL or the setting `database`"
        raise Refusal(problem("no-database", str(error), remedy)) from error
    except DatabaseError as error:
        message = f"the catalog of the database cannot be read: {error}"
        remedy = "use a role that may connect and read pg_catalog, as every role may by default"
        raise Refusal(problem("no-catalog", message, remedy)) from error
