"""Compare schema files with a live database."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ormkit.catalog import RIGHTS, Catalog, Difference, Fact, compare, read_catalog
from ormkit_gen.drift.expected import Expected
from ormkit_gen.drift.live import read_live
from ormkit_gen.drift.namespaces import check_namespaces, within
from ormkit_gen.drift.places import Places
from ormkit_gen.drift.repairs import repair, reverse
from ormkit_gen.drift.reprinting import reprinted
from ormkit_gen.drift.rights import Rights
from ormkit_gen.drift.shadow import expected_catalog
from ormkit_gen.drift.sides import Sides
from ormkit_gen.drift.statement import Statement
from ormkit_gen.ir import Position, Schema


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

    def turned(self) -> Finding:
        """Return it as it is seen from the live database."""
        return Finding(reverse(self.difference), self.at, self.backward, self.forward)


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
    found = await read_live(database, read_catalog)
    expected = Expected(await expected_catalog(schemas, shadow))
    found = await reprinted(expected, found, shadow, lambda: schemas)
    return findings(expected, found, Places(schemas), namespaces)


def findings(
    expected: Expected,
    live: Catalog,
    places: Places,
    namespaces: Collection[str] = (),
    rights: Rights | None = None,
) -> tuple[Finding, ...]:
    """Return how a live database differs from the expected one, as far as that is known.

    rights: the owners and grants that it is to have; None leaves them out.
    """
    wanted, found = sides_of(expected, live, rights)
    if namespaces:
        check_namespaces(namespaces, wanted, found)
        wanted, found = (within(each, namespaces) for each in (wanted, found))
    there, back = Sides(wanted, found), Sides(found, wanted)

    def place(fact: Fact) -> Position | None:
        return (rights.place(fact) if rights else None) or places.of(fact)

    return tuple(
        Finding(each, place(each.fact), repair(each, there), repair(reverse(each), back))
        for each in compare(wanted, found, leave_out=frozenset() if rights else RIGHTS)
        if expected.is_known(each)
    )


def sides_of(expected: Expected, live: Catalog, rights: Rights | None) -> tuple[Catalog, Catalog]:
    """Return the two catalogs that are compared: what is to be there, and what is."""
    wanted = expected.beside(live)
    return (wanted, live) if rights is None else rights.beside(wanted, live)
