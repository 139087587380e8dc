"""The server on which a schema is built, to compare PostgreSQL's own words on both sides."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ormkit import (
    ConnectionFailed,
    DatabaseError,
    EmbeddedServer,
    EmbeddedServerError,
)
from ormkit.catalog import Catalog, shadow_catalog
from ormkit_gen.ddl.schema import schema_sql
from ormkit_gen.diagnostics.refusal import Refusal, problem
from ormkit_gen.ir import Schema

_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
_REMEDY = (
    "name a server that may create databases, with --shadow URL or the setting `shadow`; a server "
    "of the version and with the extensions of your database serves best"
)


async def expected_catalog(schemas: Sequence[Schema], shadow: str | None) -> Catalog:
    """Return the catalog of a database that has exactly the schemas.

    shadow: the URL of the server to build them on; None means the embedded one.

    Raises:
        Refusal: There is no such server, or it lacks an extension or a right.
    """
    sql = "\n".join(schema_sql(schema) for schema in schemas)
    try:
        if shadow is not None:
            return await shadow_catalog(shadow, sql)
        with _embedded() as (url, is_lasting):
            return await shadow_catalog(url, sql, keep=is_lasting)
    except EmbeddedServerError as error:
        raise Refusal(problem("no-shadow", f"no shadow server: {error}", _REMEDY)) from error
    except ConnectionFailed as error:
        message = f"the shadow server cannot be reached: {error}"
        raise Refusal(problem("no-shadow", message, _REMEDY)) from error
    except DatabaseError as error:
        message = f"the shadow server cannot build the schema: {error}"
        raise Refusal(problem("shadow-failed", message, _REMEDY)) from error


@contextmanager
def _embedded() -> Generator[tuple[str, bool]]:
    """Yield the URL of an embedded server, and whether its databases last until the next run.

    Its directory is in the user's cache. Where the server cannot run there, as under the home
    directory of root, it is a temporary one.
    """
    directory = _cache() / "shadow"
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        server = EmbeddedServer.start(directory, settings=_FAST)
    except (EmbeddedServerError, OSError):
        with (
            tempfile.TemporaryDirectory(prefix="ormkit-shadow-") as temporary,
            EmbeddedServer.start(Path(temporary) / "data", settings=_FAST) as server,
        ):
            yield server.url, False
        return
    with server:
        yield server.url, True


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ormkit"
