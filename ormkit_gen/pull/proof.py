"""The proof of a pull: what the written files build is what the database has."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from ormkit.catalog import Catalog, Difference, compare
from ormkit_gen.drift.expected import Expected
from ormkit_gen.drift.namespaces import within
from ormkit_gen.drift.places import plain


@dataclass(frozen=True, slots=True)
class Unproven:
    """A fact in which the files and the database differ, and why."""

    difference: Difference
    reason: str


def prove(
    expected: Expected,
    live: Catalog,
    *,
    schemas: Collection[str],
    foreign: Collection[str] = (),
) -> tuple[Unproven, ...]:
    """Return the facts in which what the files build differs from the database.

    What the shadow server cannot build is not among them.

    schemas: the schemas to which the pull was limited, if it was.
    foreign: the plain names of tables that the files leave to others.
    """
    built = expected.beside(live)
    if schemas:
        built, live = within(built, schemas), within(live, schemas)
    return tuple(
        Unproven(each, _reason(each, built, live))
        for each in compare(built, live)
        if plain(each.fact.object) not in foreign and expected.is_known(each)
    )


def _reason(difference: Difference, built: Catalog, live: Catalog) -> str:
    expected, found = difference.expected, difference.found
    if difference.fact.kind == "unfinished" and difference.fact.definition == "INVALID":
        return "an index cannot be created invalid; rebuild it with REINDEX"
    if found is None:
        return "the files make it, and the database does not have it"
    if built.server_version != live.server_version:
        versions = f"{built.server_version}, and the database's is {live.server_version}"
        return f"the shadow server's version of PostgreSQL is {versions}; use --shadow URL"
    if expected is None:
        return "neither the schema language nor a file of SQL says it"
    return "the schema language says it only in part"
