"""Checks of what the objects that a schema has as SQL depend on."""

from __future__ import annotations

from ormkit_gen.ddl.dependencies import Dependencies
from ormkit_gen.diagnostics.diagnostic import did_you_mean
from ormkit_gen.ir import Schema
from ormkit_gen.schema.draft import SchemaDraft


def check_dependencies(draft: SchemaDraft) -> None:
    """Record dependencies on what the schema does not have, and circles of them."""
    if not any(each.depends_on for each in draft.objects) or draft.problems.has_errors:
        return
    schema = Schema(
        models=tuple(model.model() for model in draft.models.values()),
        enums=tuple(draft.enums.values()),
        domains=tuple(draft.domains.values()),
        sequences=tuple(draft.sequences.values()),
        objects=tuple(draft.objects),
    )
    dependencies = Dependencies(schema)
    for each, wanted in dependencies.unknown:
        if not _is_always_first(draft, wanted):
            draft.problems.error(
                "unknown-dependency",
                f"{each.label} depends on {wanted}, which the schema does not have",
                did_you_mean(wanted, dependencies.nodes),
                each.at,
            )
    if circle := dependencies.circle():
        first = dependencies.nodes[circle[0]].item
        draft.problems.error(
            "circular-dependency",
            f"these objects depend on each other: {', '.join(circle)}",
            "leave out one of the dependencies",
            first.at,
        )


def _is_always_first(draft: SchemaDraft, wanted: str) -> bool:
    """Return whether a dependency is on an enum, which is created before everything else."""
    kind, _, name = wanted.partition(" ")
    names = {name for enum in draft.enums.values() for name in (enum.name, enum.db_name)}
    return kind in ("enum", "type") and name.rpartition(".")[2].strip('"') in names
