"""Resolving relationships: finding the foreign key of each, and checking that both sides agree."""

from __future__ import annotations

from typing import Any

from ormkit_gen.diagnostics.diagnostic import did_you_mean
from ormkit_gen.ir import ForeignKey, Relationship, RelationshipKind
from ormkit_gen.schema.associations import find_association
from ormkit_gen.schema.document import Path
from ormkit_gen.schema.draft import ModelDraft, SchemaDraft
from ormkit_gen.schema.fields import Fields
from ormkit_gen.schema.name_checks import unreserved_name
from ormkit_gen.schema.names import attribute_name, is_attribute

KEYS = ("target", "back_populates", "secondary", "foreign_key", "many")


def resolve_relationships(draft: SchemaDraft) -> None:
    """Resolve the relationships of all models, then check that both sides agree."""
    for model in list(draft.models.values()):
        if model.is_association:
            continue
        for name, value, path in model.fields.named("relationships"):
            if found := resolve_relationship(draft, model, name, value, path):
                model.relationships.append(found)
    for model in draft.models.values():
        for relationship in model.relationships:
            check_other_side(draft, model, relationship)


def resolve_relationship(
    draft: SchemaDraft, model: ModelDraft, name: str, value: Any, path: Path
) -> Relationship | None:
    """Return the relationship, or record the problem and return None."""
    if isinstance(value, str):
        value = {"target": value}
    fields = Fields(model.fields.document, path, value, draft.problems, f"{model.name}.{name}")
    fields.only(KEYS)
    name = unreserved_name(fields, name)
    check_name(draft, model, fields, name)
    target = find_target(draft, fields)
    if target is None:
        return None
    if not target.primary_key:
        draft.problems.error(
            "no-key",
            f"{target.name} has no key to tell its rows apart, which relationships need",
            f'name unique columns of {target.name}, as in key = ["code"]',
            fields.value_at("target"),
        )
        return None
    if "secondary" in fields.data:
        return many_to_many(draft, model, target, name, fields)
    return by_foreign_key(draft, model, target, name, fields)


def other_side(fields: Fields) -> str | None:
    """Return the attribute on the other side that a relationship names."""
    name = fields.text("back_populates")
    return None if name is None else attribute_name(name)


def check_name(draft: SchemaDraft, model: ModelDraft, fields: Fields, name: str) -> None:
    """Record a name that cannot be an attribute, or that a column has."""
    if not is_attribute(name):
        draft.problems.error(
            "bad-identifier",
            f"{name!r} cannot be an attribute",
            "it needs a Python name without a leading or a double underscore",
            fields.at,
        )
    elif any(column.name == name for column in model.columns):
        draft.problems.error(
            "name-clash",
            f"{model.name}.{name} is both a column and a relationship",
            "rename the relationship",
            fields.at,
        )


def find_target(draft: SchemaDraft, fields: Fields) -> ModelDraft | None:
    """Return the target model of a relationship."""
    name = fields.text("target")
    if name is None:
        draft.problems.error(
            "missing-key", f"{fields.what} needs target", 'as in target = "Post"', fields.at
        )
        return None
    target = draft.models.get(name)
    if target is None or target.is_association:
        known = [model.name for model in draft.models.values() if not model.is_association]
        draft.problems.error(
            "unknown-model",
            f"{fields.what} refers to {name!r}, which is not a model",
            did_you_mean(name, known),
            fields.value_at("target"),
        )
        return None
    return target


def many_to_many(
    draft: SchemaDraft, model: ModelDraft, target: ModelDraft, name: str, fields: Fields
) -> Relationship | None:
    found = find_association(draft, model, target, fields)
    if found is None:
        return None
    to_local, to_remote = found.to_local, found.to_remote
    chosen = fields.texts("foreign_key")
    if model is target and chosen and chosen != to_local.columns:
        to_local, to_remote = to_remote, to_local
    return Relationship(
        name=name,
        target=target.name,
        kind="many_to_many",
        local=to_local.target_columns,
        remote=to_remote.target_columns,
        is_owner=False,
        is_nullable=False,
        secondary=found.model.name,
        secondary_local=to_local.columns,
        secondary_remote=to_remote.columns,
        back_populates=other_side(fields),
        at=fields.at,
    )


def by_foreign_key(
    draft: SchemaDraft, model: ModelDraft, target: ModelDraft, name: str, fields: Fields
) -> Relationship | None:
    """Return the relationship that uses one foreign key, on either side."""
    found = find_key(draft, model, target, fields)
    if found is None:
        return None
    key, is_owner = found
    holder = model if is_owner else target
    is_single = holder.is_unique(key.columns)
    many = wants_many(fields)
    is_to_many = not is_owner and not is_single if many is None else many
    if is_owner and is_to_many:
        draft.problems.error(
            "to-many-over-own-key",
            f"{fields.what} cannot be a list: the foreign key is in {model.name} itself",
            f"use many = false, or put a foreign key to {model.name} into {target.name}",
            fields.at,
        )
        return None
    columns = [holder.column(each) for each in key.columns]
    kind: RelationshipKind = "many_to_one"
    if is_to_many:
        kind = "one_to_many"
    elif is_single or not is_owner:
        kind = "one_to_one"
    return Relationship(
        name=name,
        target=target.name,
        kind=kind,
        local=key.columns if is_owner else key.target_columns,
        remote=key.target_columns if is_owner else key.columns,
        is_owner=is_owner,
        is_nullable=not is_owner or any(each is not None and each.is_nullable for each in columns),
        back_populates=other_side(fields),
        at=fields.at,
    )


def find_key(
    draft: SchemaDraft, model: ModelDraft, target: ModelDraft, fields: Fields
) -> tuple[ForeignKey, bool] | None:
    """Return the foreign key of a relationship, and whether it is on this side."""
    own = keys_between(model, target)
    theirs = keys_between(target, model)
    many = wants_many(fields)
    candidates = [(key, True) for key in own] + [(key, False) for key in theirs]
    if model is target:
        candidates = self_reference(draft, own, fields)
    chosen = fields.texts("foreign_key")
    if chosen:
        candidates = [each for each in candidates if each[0].columns == chosen]
    if model is not target and own and theirs and many is not None:
        candidates = [(key, holds) for key, holds in candidates if holds != many]
    if len(candidates) == 1:
        return candidates[0]
    explain(draft, model, target, candidates, chosen, fields)
    return None


def keys_between(model: ModelDraft, target: ModelDraft) -> list[ForeignKey]:
    """Return the model's foreign keys to the target. Of two with the same columns, the first."""
    keys: dict[tuple[str, ...], ForeignKey] = {}
    for key in model.foreign_keys:
        if key.target == target.name:
            keys.setdefault(key.columns, key)
    return list(keys.values())


def wants_many(fields: Fields) -> bool | None:
    """Return whether the relationship is declared as a list, or None if it does not say."""
    return fields.flag("many") if "many" in fields.data else None


def self_reference(
    draft: SchemaDraft, own: list[ForeignKey], fields: Fields
) -> list[tuple[ForeignKey, bool]]:
    """Return the possible interpretations of a model's foreign keys to itself."""
    many = wants_many(fields)
    if many is None and own:
        draft.problems.error(
            "ambiguous-self-reference",
            f"{fields.what} refers to its own model and could be either side of the foreign key",
            "add many = true for the list of rows that refer to this one, many = false for the "
            "row that this one refers to",
            fields.at,
        )
        return []
    return [(key, not many) for key in own]


def explain(
    draft: SchemaDraft,
    model: ModelDraft,
    target: ModelDraft,
    candidates: list[tuple[ForeignKey, bool]],
    chosen: tuple[str, ...],
    fields: Fields,
) -> None:
    """Record that a relationship has no foreign key, or more than one candidate."""
    if candidates:
        keys = [
            f"{(model if is_owner else target).name} ({', '.join(key.columns)})"
            for key, is_owner in candidates
        ]
        choices = list(dict.fromkeys(_setting(key.columns) for key, _ in candidates))
        draft.problems.error(
            "ambiguous-relationship",
            f"{fields.what} could use {len(candidates)} foreign keys: {', '.join(keys)}",
            (
                f"choose: {' or '.join(choices)}"
                if len(choices) > 1
                else f"add many = true for a list of {target.name}, many = false for one"
            ),
            fields.at,
        )
    elif any(each.at == fields.at for each in draft.problems.found):
        return
    elif chosen:
        draft.problems.error(
            "unknown-foreign-key",
            f"{fields.what}: no foreign key between {model.name} and {target.name} has the "
            f"columns {', '.join(chosen)}",
            "name the columns of the foreign key, on whichever side they are",
            fields.value_at("foreign_key"),
        )
    elif not unresolved(draft, model, target):
        draft.problems.error(
            "unexplained-relationship",
            f"{fields.what}: there is no foreign key between {model.name} and {target.name}",
            f'add one to a column, or secondary = "{model.table}_{target.table}" for a '
            f"many-to-many",
            fields.at,
        )


def _setting(columns: tuple[str, ...]) -> str:
    """Return the setting with which a relationship chooses these columns."""
    names = [f'"{column}"' for column in columns]
    return f"foreign_key = {names[0] if len(names) == 1 else '[' + ', '.join(names) + ']'}"


def unresolved(draft: SchemaDraft, model: ModelDraft, target: ModelDraft) -> bool:
    """Return whether a foreign key could not be resolved. One diagnostic is enough for that."""
    return any(
        len(side.foreign_keys) < len(side.references)
        or len(side.columns) < sum(1 for _ in side.fields.named("columns"))
        for side in (model, target)
    )


def check_other_side(draft: SchemaDraft, model: ModelDraft, relationship: Relationship) -> None:
    """Record a back_populates without a matching relationship on the other side."""
    name = relationship.back_populates
    if name is None:
        return
    target = draft.models[relationship.target]
    at = relationship.at
    other = next((each for each in target.relationships if each.name == name), None)
    if other is None:
        written = [attribute_name(each) for each, *_ in target.fields.named("relationships")]
        if name in written:
            return
        draft.problems.error(
            "unknown-back-populates",
            f"{model.name}.{relationship.name} names {target.name}.{name}, but there is no such "
            f"relationship",
            did_you_mean(name, [each.name for each in target.relationships]),
            at,
        )
    elif other.target != model.name or other.back_populates not in (None, relationship.name):
        draft.problems.error(
            "mismatched-back-populates",
            f"{model.name}.{relationship.name} and {target.name}.{name} do not refer to each "
            f"other",
            f'write back_populates = "{relationship.name}" at {target.name}.{name}',
            at,
        )
