"""What edits a schema file, whatever its language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from ormkit_gen.pull.model_parts import ModelParts
from ormkit_gen.pull.toml_layout import Path


class SchemaEditor(Protocol):
    """A schema file under edit: its values by their paths, as TOML has them."""

    def get(self, path: Path) -> Any:
        """Return the value at a path, or None."""

    def table(self, path: Path) -> dict[str, Any]:
        """Return the table at a path; an empty one where there is none."""
        ...

    def set(self, path: Path, value: Any) -> None:
        """Set the value at a path."""

    def delete(self, path: Path) -> None:
        """Remove the value at a path."""

    def append_item(self, path: Path, entry: Mapping[str, Any]) -> None:
        """Add a table to an array of tables."""

    def append_model(self, model: ModelParts) -> None:
        """Add a model."""

    def set_relationship(self, path: Path, entry: Mapping[str, Any], *, is_list: bool) -> None:
        """Add a relationship."""

    def is_spread(self, path: Path) -> bool:
        """Return whether the table at a path has a line for each of its entries."""
        ...
