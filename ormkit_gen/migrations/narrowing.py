"""The part of two schemas that a migration can change, so that its proof builds no more than that.

A proof of one new column in a thousand tables needs the table, what it refers to and what refers to
it. Every other table has the same facts before and after the migration.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, replace

from ormkit_gen.ir import Enum, ForeignKey, Model, Schema

#: Schemas with fewer models are built as a whole, which takes no longer.
_SMALL = 50


@dataclass(frozen=True, slots=True)
class Narrowing:
    """Which models of two schemas are built."""

    #: Those that differ, and their neighbors; None for all models.
    names: frozenset[str] | None
    changed: frozenset[str] = frozenset()

    def part(self, schema: Schema) -> Schema:
        """Return what is built of a schema."""
        if self.names is None:
            return schema
        models = tuple(
            model if model.name in self.changed else _without_foreign_keys(model, self.changed)
            for model in schema.models
            if model.name in self.names
        )
        return replace(schema, models=models)

    def renamed(self, names: Mapping[str, str]) -> Narrowing:
        """Return the same of a schema in which models have other names."""
        if self.names is None:
            return self

        def both(old: Set[str]) -> frozenset[str]:
            return frozenset((*old, *(names[each] for each in old if each in names)))

        return Narrowing(both(self.names), both(self.changed))

    def whole(self, part: Schema, schema: Schema) -> Schema:
        """Return a schema with the models of a part that differ, and all others as they are."""
        if self.names is None:
            return part
        same = [each for each in schema.models if each.name not in self.changed]
        known = {each.name for each in same}
        found = (each for each in part.models if each.name not in known)
        return replace(part, models=tuple(sorted((*same, *found), key=lambda each: each.name)))


def narrowing(old: Schema, new: Schema) -> Narrowing:
    """Return which models a proof of a change has to build.

    All of them where a view or an SQL object might depend on any model, and where few models are
    the same.
    """
    if max(len(old.models), len(new.models)) < _SMALL or not (_is_plain(old) and _is_plain(new)):
        return Narrowing(None)
    names = {each.name for schema in (old, new) for each in schema.models}
    suspects = names - _surely_the_same(old, new)
    before, after = _descriptions(old, suspects), _descriptions(new, suspects)
    changed = frozenset(name for name in suspects if before.get(name) != after.get(name))
    wanted = changed | _neighbors(old, changed) | _neighbors(new, changed)
    if len(wanted) > len(names) // 2:
        return Narrowing(None)
    return Narrowing(wanted, changed)


def _is_plain(schema: Schema) -> bool:
    """Return whether what its models depend on can be read from them."""
    return not (
        schema.objects
        or schema.sequences
        or any(model.view or model.inherits or model.partitions for model in schema.models)
    )


@dataclass(frozen=True, slots=True)
class _Description:
    """What the DDL of a model is made of."""

    model: Model
    #: The tables and columns that its foreign keys name.
    targets: tuple[tuple[str | None, str, tuple[str, ...]], ...]
    enums: tuple[Enum, ...]


def _surely_the_same(old: Schema, new: Schema) -> set[str]:
    """Return the models that are the same objects, as are all those that their keys refer to."""
    if old.enums != new.enums:
        return set()
    before = {each.name: each for each in old.models}
    same = {each.name for each in new.models if before.get(each.name) is each}
    return {
        each.name
        for each in new.models
        if each.name in same and all(key.target in same for key in each.foreign_keys)
    }


def _descriptions(schema: Schema, names: Set[str]) -> dict[str, _Description]:
    enums = {enum.name: enum for enum in schema.enums}
    models = (model for model in schema.models if model.name in names)
    return {model.name: _description(model, schema, enums) for model in models}


def _description(model: Model, schema: Schema, enums: Mapping[str, Enum]) -> _Description:
    used = {each.type.name for each in model.columns if each.type.is_enum}
    return _Description(
        # Relationships and computed attributes are no DDL.
        replace(model, relationships=(), computed=()),
        tuple(_target(key, schema) for key in model.foreign_keys),
        tuple(enums[name] for name in sorted(used)),
    )


def _target(key: ForeignKey, schema: Schema) -> tuple[str | None, str, tuple[str, ...]]:
    target = schema.model(key.target)
    columns = tuple(target.column(name).db_name for name in key.target_columns)
    return target.schema, target.table, columns


def _neighbors(schema: Schema, changed: Set[str]) -> set[str]:
    """Return the models that refer to changed ones, or that those refer to."""
    found: set[str] = set()
    for model in schema.models:
        targets = {key.target for key in model.foreign_keys}
        if model.name in changed:
            found |= targets
        elif targets & changed:
            found.add(model.name)
    return found


def _without_foreign_keys(model: Model, kept: Set[str]) -> Model:
    """Return a model without its foreign keys, except those to the models that are kept."""
    keys = tuple(key for key in model.foreign_keys if key.target in kept)
    return replace(model, foreign_keys=keys, relationships=())
