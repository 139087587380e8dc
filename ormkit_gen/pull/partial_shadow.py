"""Building a schema on a shadow server that lacks some of its extensions."""

from __future__ import annotations

import re
from dataclasses import replace

from ormkit import DatabaseError
from ormkit.catalog import Catalog
from ormkit_gen.diagnostics.refusal import Refusal
from ormkit_gen.drift.shadow import expected_catalog
from ormkit_gen.ir import Schema

_FEATURE_NOT_SUPPORTED = "0A000"
_NOT_AVAILABLE = re.compile(r'extension "([^"]+)" is not available')


async def catalog_without_missing(
    schema: Schema, shadow: str | None
) -> tuple[Catalog, tuple[str, ...]]:
    """Return the catalog of a database with the schema, and the extensions that it lacks.

    An extension that the server does not have is left out. That is enough where only the bodies of
    functions use it.

    Raises:
        Refusal: There is no server, or something needs an extension that it lacks.
    """
    missing: list[str] = []
    while True:
        try:
            return await expected_catalog([schema], shadow), tuple(missing)
        except Refusal as refusal:
            name = _missing_extension(refusal)
            kept = tuple(each for each in schema.extensions if each.name != name)
            if name is None or len(kept) == len(schema.extensions):
                raise
            missing.append(name)
            schema = replace(schema, extensions=kept)


def _missing_extension(refusal: Refusal) -> str | None:
    error = refusal.__cause__
    if not isinstance(error, DatabaseError) or error.sqlstate != _FEATURE_NOT_SUPPORTED:
        return None
    found = _NOT_AVAILABLE.search(str(error))
    return found[1] if found else None
