"""Comparing some of PostgreSQL's schemas only."""

from __future__ import annotations

from collections.abc import Collection

from ormkit.catalog import Catalog, Fact
from ormkit_gen.diagnostics.diagnostic import did_you_mean
from ormkit_gen.diagnostics.refusal import Refusal, problem
from ormkit_gen.drift.places import plain
from ormkit_gen.drift.sides import kind_and_name, schema_of


def check_namespaces(wanted: Collection[str], *catalogs: Catalog) -> None:
    """Raise Refusal for a schema of PostgreSQL that no catalog has."""
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


def within(catalog: Catalog, namespaces: Collection[str]) -> Catalog:
    """Return the facts about objects in some of PostgreSQL's schemas, and about these."""

    def is_within(fact: Fact) -> bool:
        kind, name = kind_and_name(fact.object)
        return plain(name if kind == "schema" else schema_of(name)) in namespaces

    return Catalog(filter(is_within, catalog), catalog.server_version)
