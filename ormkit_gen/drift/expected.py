"""What a database is to have, and what is not known about that."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, replace

from ormkit.catalog import Catalog, Difference, Fact
from ormkit_gen.drift.left_out import LeftOut, Missing
from ormkit_gen.drift.places import plain


@dataclass(frozen=True, slots=True)
class Expected:
    """The catalog that schemas have on a shadow server."""

    catalog: Catalog
    #: The extensions that the shadow server cannot have.
    missing: tuple[Missing, ...] = ()
    #: What cannot be built without them.
    left_out: tuple[LeftOut, ...] = ()
    #: Where the catalog is kept.
    key: str = ""

    def is_known(self, difference: Difference) -> bool:
        """Return whether a difference is one: what could not be built cannot be compared."""
        fact = difference.fact
        return not any(
            each.has(fact) and (each.kind or fact.object not in self.catalog.objects)
            for each in self.left_out
        )

    def beside(self, found: Catalog) -> Catalog:
        """Return the catalog with the missing extensions, to compare it with another one.

        Where the schema files do not say where an extension is, it is where the other one has it.
        """
        if not self.missing:
            return self.catalog
        there = {plain(fact.object): fact for fact in found if fact.object.startswith("extension ")}
        facts = list(self.catalog)
        for each in self.missing:
            live = there.get(f"extension {each.name}")
            whole = live.object if live else f"extension {each.name}"
            place = f"SCHEMA {each.namespace}" if each.namespace else ""
            facts.append(Fact(whole, "object", "", place or (live.definition if live else "")))
        return Catalog(facts, self.catalog.server_version)

    def without(self, objects: Set[str]) -> Expected:
        """Return it without some objects, such as those of others."""
        facts = [fact for fact in self.catalog if fact.object not in objects]
        if len(facts) == len(self.catalog):
            return self
        return replace(self, catalog=Catalog(facts, self.catalog.server_version))
