"""Names that must differ across the whole schema: those of constraints and indexes."""

from __future__ import annotations

from collections.abc import Iterator

from ormkit_gen.ir import Position
from ormkit_gen.schema.draft import ModelDraft, SchemaDraft


def check_names(draft: SchemaDraft) -> None:
    """Note constraints of one table, and relations of one namespace, that share a name.

    An index, and the index behind a constraint, is a relation like a table.
    """
    taken = {
        ("relation", model.schema, model.table): f"the table of {model.name}"
        for model in draft.models.values()
    }
    for model in draft.models.values():
        for kind, name, at, is_relation in _named(model):
            scope = ("relation", model.schema, name) if is_relation else (model.name, None, name)
            if scope in taken and at is not None:
                draft.problems.error(
                    "name-clash",
                    f"the {kind} {name!r} of {model.name} is called like {taken[scope]}",
                    "give it a name of its own",
                    at,
                )
            taken.setdefault(scope, f"another {kind} of {model.name}")


def _named(model: ModelDraft) -> Iterator[tuple[str, str, Position | None, bool]]:
    for unique in model.uniques:
        yield "unique constraint", unique.name, unique.at, True
    for index in model.indexes:
        yield "index", index.name, index.at, True
    for exclude in model.excludes:
        yield "exclude constraint", exclude.name, exclude.at, True
    for check in model.checks:
        yield "check", check.name, check.at, False
    for key in model.foreign_keys:
        yield "foreign key", key.name, key.at, False
