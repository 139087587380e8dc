"""What goes in two phases: old programs still have it after the first, and nobody after the second.

The schema between the phases is the new one, with what goes still there: columns are retired and
may be NULL, tables, enums and labels are as they were.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Protocol

from ormkit_gen.ir import Column, Domain, Enum, Model, NumberSequence, Partition, Schema
from ormkit_gen.migrations.attaching import is_partition, names_of


class _Named(Protocol):
    @property
    def name(self) -> str: ...


def between(old: Schema, new: Schema) -> Schema:
    """Return the schema between the phases; the new one where nothing goes.

    old: the schema before, with the names of the new one.
    """
    models = {each.name: each for each in new.models}
    present = {each.name: each for each in old.models}
    merged = [
        _model(present[each.name], each, old, models) if each.name in present else each
        for each in new.models
    ]
    parts = names_of(new.models)
    gone = [
        each
        for each in old.models
        if each.name not in models and _is_kept(each) and not is_partition(each, parts)
    ]
    kept = {each.name: each for each in (*merged, *gone)}
    merged += [_with_targets(each, kept) for each in gone]
    enums = _enums(old, new, merged)
    found = replace(
        new,
        models=tuple(sorted(merged, key=lambda each: each.name)),
        enums=enums,
        domains=_needed_domains(old, new, merged),
        sequences=_needed_sequences(old, new),
    )
    return new if found == new else found


def _is_kept(model: Model) -> bool:
    return model.view is None and model.is_managed


def _model(old: Model, new: Model, schema: Schema, models: dict[str, Model]) -> Model:
    """Return the new table with the columns that go, and what is about them."""
    tables = {(each.schema, each.table) for each in models.values()}
    new = replace(new, partitions=_with_partitions(old.partitions, new.partitions, tables))
    names = {each.name for each in new.columns}
    gone = [each for each in old.columns if each.name not in names]
    if not gone or new.view is not None or old.view is not None:
        return new
    lost = {each.name for each in gone}

    def about(columns: Iterable[str | None]) -> bool:
        return not lost.isdisjoint(columns)

    constraints = {name for names in map(_names, _parts(new)) for name in names}
    return replace(
        new,
        columns=(*new.columns, *map(_retired, gone)),
        uniques=(
            *new.uniques,
            *(each for each in old.uniques if about(each.columns) and each.name not in constraints),
        ),
        foreign_keys=(
            *new.foreign_keys,
            *(
                each
                for each in old.foreign_keys
                if about(each.columns)
                and each.name not in constraints
                and _has_target(each.target, each.target_columns, models, schema)
            ),
        ),
        indexes=(
            *new.indexes,
            *(
                each
                for each in old.indexes
                if about(part.column for part in each.elements) and each.name not in constraints
            ),
        ),
    )


def _with_partitions(
    olds: tuple[Partition, ...],
    news: tuple[Partition, ...],
    tables: set[tuple[str | None, str]],
) -> tuple[Partition, ...]:
    """Return the new partitions with those that go, unless others take their place."""
    names = {each.name for each in news}
    before = {each.name: each for each in olds}
    gone = [
        each for each in olds if each.name not in names and (each.schema, each.name) not in tables
    ]
    merged = (
        (
            replace(
                each,
                partitions=_with_partitions(before[each.name].partitions, each.partitions, tables),
            )
            if each.name in before
            else each
        )
        for each in news
    )
    is_replaced = any(
        each.name not in before or each.bound != before[each.name].bound for each in news
    )
    return (*merged, *(() if is_replaced else gone))


def _parts(model: Model) -> Iterable[Iterable[_Named]]:
    return (model.uniques, model.checks, model.foreign_keys, model.indexes, model.excludes)


def _names(parts: Iterable[_Named]) -> Iterable[str]:
    return (each.name for each in parts)


def _retired(column: Column) -> Column:
    """Return a column that programs no longer write."""
    is_optional = column.has_server_value or column.default is not None
    return replace(
        column,
        is_retired=True,
        is_primary_key=False,
        is_nullable=column.is_nullable or not is_optional,
    )


def _has_target(
    target: str, columns: tuple[str, ...], models: dict[str, Model], schema: Schema
) -> bool:
    """Return whether what a foreign key references is still there, and unique."""
    model = models.get(target)
    if model is None:
        return any(each.name == target and _is_kept(each) for each in schema.models)
    keys = [model.primary_key, *(each.columns for each in model.uniques)]
    keys += [tuple(part.column or "" for part in each.elements) for each in model.indexes]
    return columns in keys


def _with_targets(model: Model, kept: dict[str, Model]) -> Model:
    """Return a table that goes, with the foreign keys whose targets are there until then."""
    return replace(
        model,
        foreign_keys=tuple(
            each
            for each in model.foreign_keys
            if each.target in kept
            and all(_has(kept[each.target], column) for column in each.target_columns)
            and (
                each.target_columns == kept[each.target].primary_key
                or any(each.target_columns == one.columns for one in kept[each.target].uniques)
            )
        ),
        relationships=(),
        computed=(),
        methods=None,
    )


def _has(model: Model, column: str) -> bool:
    return any(each.name == column for each in model.columns)


def _enums(old: Schema, new: Schema, models: list[Model]) -> tuple[Enum, ...]:
    """Return the enums: each label stays until nothing has it, and so does a type."""
    before = {each.name: each for each in old.enums}
    found = [
        _with_labels(before[each.name], each) if each.name in before else each for each in new.enums
    ]
    names = {each.name for each in new.enums}
    used = {column.type.name for model in models for column in model.columns if column.type.is_enum}
    found += [each for each in old.enums if each.name not in names and each.name in used]
    return tuple(sorted(found, key=lambda each: each.name))


def _with_labels(old: Enum, new: Enum) -> Enum:
    labels = [label for _, label in new.members]
    if all(label in labels for _, label in old.members):
        return new
    fresh = [each for each in new.members if each[1] not in {label for _, label in old.members}]
    members = list(old.members)
    for each in fresh:
        # Behind the label that stands before it in the new schema.
        place = new.members.index(each)
        above = [label for _, label in new.members[:place]]
        places = [at for at, (_, label) in enumerate(members) if label in above]
        members.insert(max(places) + 1 if places else 0, each)
    return replace(new, members=tuple(members))


def _needed_domains(old: Schema, new: Schema, models: list[Model]) -> tuple[Domain, ...]:
    names = {(each.schema, each.name) for each in new.domains}
    texts = " ".join(column.type.spelling or "" for model in models for column in model.columns)
    kept = [
        each for each in old.domains if (each.schema, each.name) not in names and each.name in texts
    ]
    return (*new.domains, *kept)


def _needed_sequences(old: Schema, new: Schema) -> tuple[NumberSequence, ...]:
    names = {(each.schema, each.name) for each in new.sequences}
    kept = (each for each in old.sequences if (each.schema, each.name) not in names)
    return (*new.sequences, *kept)
