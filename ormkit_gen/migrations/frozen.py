"""The packages `before` and `after` of a data.py: generated code of one state, frozen for ever."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path

from ormkit_gen.diagnostics.diagnostic import did_you_mean
from ormkit_gen.diagnostics.refusal import Refusal, problem
from ormkit_gen.formatting.parallel import Progress
from ormkit_gen.ir import Model, Schema
from ormkit_gen.output.package import Draft, finish
from ormkit_gen.rendering.fingerprint import fingerprint
from ormkit_gen.rendering.render import render

BEFORE, AFTER = "before", "after"


def frozen_packages(
    before: Schema | None, after: Schema, names: Collection[str], progress: Progress
) -> dict[str, bytes]:
    """Return the files of both packages, by their paths within the folder of a migration.

    names: the models that they have, with those that are related to them; empty for all.

    Raises:
        Refusal: There is no model of a name.
    """
    known = {each.name for schema in (before, after) if schema for each in schema.models}
    for name in names:
        if name not in known:
            message = f"there is no model {name!r}"
            raise Refusal(problem("unknown-model", message, did_you_mean(name, known)))
    drafts = [
        Draft(Path(where), where, ("state.json",), render(schema), fingerprint(schema))
        for where, schema in _schemas(before, after, names)
        if schema.models
    ]
    return {
        f"{package.label}/{name}": content
        for package in finish(drafts, progress)
        for name, content in package.files.items()
    }


def _schemas(
    before: Schema | None, after: Schema, names: Collection[str]
) -> Iterator[tuple[str, Schema]]:
    for where, schema in ((BEFORE, before), (AFTER, after)):
        if schema is not None:
            yield where, _plain(_only(schema, names) if names else schema)


def _only(schema: Schema, names: Collection[str]) -> Schema:
    """Return the schema with some models and all that their foreign keys and relationships name."""
    wanted, waiting = set[str](), [name for name in names if _has(schema, name)]
    while waiting:
        name = waiting.pop()
        if name in wanted:
            continue
        wanted.add(name)
        model = schema.model(name)
        waiting += (key.target for key in model.foreign_keys)
    models = tuple(
        replace(each, relationships=tuple(r for r in each.relationships if _stays(r, wanted)))
        for each in schema.models
        if each.name in wanted
    )
    types = {column.type.name for model in models for column in model.columns}
    enums = tuple(each for each in schema.enums if each.name in types)
    return replace(schema, models=models, enums=enums, sequences=(), objects=())


def _stays(relationship: object, wanted: Collection[str]) -> bool:
    target = getattr(relationship, "target", "")
    secondary = getattr(relationship, "secondary", None)
    return target in wanted and (secondary is None or secondary in wanted)


def _has(schema: Schema, name: str) -> bool:
    return any(each.name == name for each in schema.models)


def _plain(schema: Schema) -> Schema:
    """Return the schema without the user's own code, which changes after the migration."""
    return replace(schema, models=tuple(map(_without_code, schema.models)))


def _without_code(model: Model) -> Model:
    columns = tuple(
        replace(each, factory=None, json_type=None, codec=None, python_type=None)
        for each in model.columns
    )
    return replace(model, methods=None, columns=columns, computed=())
