"""Retired columns: tables have them until a migration drops them, and generated code does not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ormkit_gen.ir import Model, Relationship, Schema

#: The retired columns of each model.
_Gone = dict[str, frozenset[str]]


def without_retired(schema: Schema) -> Schema:
    """Return the schema without retired columns, and without what is about one of them."""
    gone = {
        model.name: frozenset(each.name for each in model.columns if each.is_retired)
        for model in schema.models
    }
    if not any(gone.values()):
        return schema
    return replace(schema, models=tuple(_model(model, gone) for model in schema.models))


def _model(model: Model, gone: _Gone) -> Model:
    own = gone[model.name]

    def stays(columns: Iterable[str | None]) -> bool:
        return own.isdisjoint(columns)

    return replace(
        model,
        columns=tuple(each for each in model.columns if each.name not in own),
        foreign_keys=tuple(
            each
            for each in model.foreign_keys
            if stays(each.columns) and gone[each.target].isdisjoint(each.target_columns)
        ),
        uniques=tuple(each for each in model.uniques if stays(each.columns)),
        indexes=tuple(
            each
            for each in model.indexes
            if stays(element.column for element in each.elements) and stays(each.include)
        ),
        excludes=tuple(
            each for each in model.excludes if stays(part.column for part, _ in each.elements)
        ),
        relationships=tuple(
            each for each in model.relationships if not _is_gone(model.name, each, gone)
        ),
        soft_delete=model.soft_delete if model.soft_delete not in own else None,
        version=model.version if model.version not in own else None,
        updated_at=model.updated_at if model.updated_at not in own else None,
    )


def _is_gone(model: str, each: Relationship, gone: _Gone) -> bool:
    """Return whether a relationship goes through a retired column."""
    ends = [(model, each.local), (each.target, each.remote)]
    if each.secondary is not None:
        ends.append((each.secondary, (*each.secondary_local, *each.secondary_remote)))
    return any(not gone[name].isdisjoint(columns) for name, columns in ends)
