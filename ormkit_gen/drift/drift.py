"""Compare schema files with a live database."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ormkit import ConfigurationError, ConnectionFailed, DatabaseError, create_engine
from ormkit.catalog import Catalog, Difference, Fact, compare, read_catalog
from ormkit_gen.diagnostics.diagnostic import did_you_mean
from ormkit_gen.diagnostics.refusal import Refusal, problem
from ormkit_gen.drift.places import Places, plain
from ormkit_gen.drift.repairs import repair, reverse
from ormkit_gen.drift.shadow import expected_catalog
from ormkit_gen.drift.sides import Sides, kind_and_name, schema_of
from ormkit_gen.drift.statement import Statement
from ormkit_gen.ir import Position, Schema
from ormkit_gen.postgres.identifiers import quote_identifier

_INSUFFICIENT = "42501"


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference, with its place in the schema files and the SQL that removes it."""

    difference: Difference
    at: Position | None
    #: Statements that make the database like the schema.
    forward: tuple[Statement, ...]
    #: Statements that would make the schema's database like the live one.
    backward: tuple[Statement, ...]

    @property
    def counts(self) -> bool:
        """Whether it makes `ormkit check` fail: objects of others do not."""
        return self.difference.cause != "unmanaged"


async def find_drift(
    schemas: Sequence[Schema],
    database: str,
    shadow: str | None,
    namespaces: Collection[str] = (),
) -> tuple[Finding, ...]:
    """Return how a live database differs from the schemas. It is only read.

    namespaces: the names of PostgreSQL's schemas to compare; empty for all.

    Raises:
        Refusal: The database or the shadow server cannot be used, or there is no such schema.
    """
    found = await live_catalog(database)
    expected = await expected_catalog(schemas, shadow)
    if namespaces:
        _check_namespaces(namespaces, expected, found)
        expected, found = (_within(each, namespaces) for each in (expected, found))
    places = Places(schemas)
    there, back = Sides(expected, found), Sides(found, expected)
    return tuple(
        Finding(each, places.of(each.fact), repair(each, there), repair(reverse(each), back))
        for each in compare(expected, found)
    )


async def live_catalog(database: str) -> Catalog:
    """Return the catalog of a live database.

    Raises:
        Refusal: It cannot be reached, or its catalog cannot be read.
    """
    try:
        async with await create_engine(database, max_connections=1, reconnect_timeout=0) as engine:
            try:
                return await read_catalog(engine)
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


def _check_namespaces(wanted: Collection[str], *catalogs: Catalog) -> None:
    known = {
        plain(whole.removeprefix("schema "))
        for catalog in catalogs
        for whole in catalog.objects
        if whole.startswith("schema ")
    }
    for name in wanted:
        if name not in known:
            message = f"neither the database nor the schema files have the schema '{name}'"
            raise Refusal(problem("unknown-schema", message, did_you_mean(name, sorted(known))))


def _within(catalog: Catalog, namespaces: Collection[str]) -> Catalog:
    """Return the facts about objects in some of PostgreSQL's schemas, and about these."""

    def is_within(fact: Fact) -> bool:
        kind, name = kind_and_name(fact.object)
        return plain(name if kind == "schema" else schema_of(name)) in namespaces

    return Catalog(filter(is_within, catalog), catalog.server_version)
