"""Settings of tables and columns that are facts of the catalog as they stand."""

from __future__ import annotations

from typing import Any

from ormkit.catalog import Catalog, Table
from ormkit_gen.drift.places import plain

_COLUMN_SETTINGS = {
    "column storage": "storage",
    "compression": "compression",
    "statistics target": "statistics",
}
_ROW_SECURITY = {"ENABLE": "enabled", "FORCE": "forced"}


class TableFacts:
    """The facts of tables, by their plain names."""

    def __init__(self, catalog: Catalog) -> None:
        self._facts = {
            (plain(fact.object), fact.kind, fact.name): fact.definition for fact in catalog
        }

    def get(self, table: Table, kind: str, name: str = "") -> str | None:
        """Return the definition of a fact of a table."""
        return self._facts.get((f"table {table.schema}.{table.name}", kind, name))

    def has_object(self, label: str) -> bool:
        """Return whether the database has an object of its own with this plain label."""
        return (label, "object", "") in self._facts

    def settings(self, table: Table) -> dict[str, Any]:
        """Return the settings of a table that no other part of the model says."""
        found: dict[str, Any] = {}
        security = self.get(table, "row security")
        if security in _ROW_SECURITY:
            found["row_level_security"] = _ROW_SECURITY[security]
        identity = self.get(table, "replica identity")
        if identity in ("FULL", "NOTHING"):
            found["replica_identity"] = identity.lower()
        elif identity is not None:
            found["replica_identity"] = plain(identity.removeprefix("USING INDEX "))
        return found

    def column_settings(self, table: Table, column: str) -> dict[str, Any]:
        """Return how a column is stored, where that is not the default."""
        found: dict[str, Any] = {}
        for kind, setting in _COLUMN_SETTINGS.items():
            if (value := self.get(table, kind, column)) is not None:
                found[setting] = int(value) if value.isdigit() else value.lower()
        return found
