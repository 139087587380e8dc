"""Objects that few databases have, as the statements that `ormkit diff` prints for them."""

from __future__ import annotations

from collections.abc import Iterator

from ormkit.catalog import Catalog, Difference, Fact
from ormkit_gen.drift.repairs import repair
from ormkit_gen.drift.sides import Sides, kind_and_name
from ormkit_gen.postgres.object_kinds import RANKS
from ormkit_gen.pull.snapshot import DatabaseObject

_KINDS = (
    *("language", "conversion", "operator family", "operator class", "access method", "transform"),
    *("text search parser", "text search template"),
)


def rare_objects(catalog: Catalog) -> Iterator[DatabaseObject]:
    """Yield the objects of a catalog that no query of its own describes."""
    sides = Sides(catalog, Catalog((), catalog.server_version))
    for fact in catalog:
        kind, name = kind_and_name(fact.object)
        if fact.kind == "object" and kind in _KINDS:
            parts = [each for each in catalog if each.object == fact.object and each != fact]
            sql = "\n".join(_statements([fact, *parts], sides))
            if sql and kind in RANKS:
                yield DatabaseObject(kind, name, sql, None)
            elif sql:
                yield DatabaseObject("statement", f"{kind} {name}", sql, None)


def _statements(facts: list[Fact], sides: Sides) -> Iterator[str]:
    found: dict[str, None] = {}
    for fact in facts:
        for each in repair(Difference("pending", fact, None), sides):
            found[each.sql] = None
    yield from found
