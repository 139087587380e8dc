"""Reading the models of a document as drafts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ormkit_gen.diagnostics.diagnostic import Problems
from ormkit_gen.ir import Column, Default, Enum, Index, IndexElement
from ormkit_gen.postgres.types import ColumnType
from ormkit_gen.schema.columns import read_columns
from ormkit_gen.schema.computed import read_computed
from ormkit_gen.schema.constraints import read_constraints
from ormkit_gen.schema.document import Document, Path, is_list, is_table
from ormkit_gen.schema.draft import ModelDraft, SchemaDraft
from ormkit_gen.schema.fields import Fields
from ormkit_gen.schema.index_methods import check_key_count
from ormkit_gen.schema.keys import read_key
from ormkit_gen.schema.methods import read_methods
from ormkit_gen.schema.name_checks import check_class_name, check_database_name, check_schema_name
from ormkit_gen.schema.names import constraint_name
from ormkit_gen.schema.naming import module_name, snake_case
from ormkit_gen.schema.table_options import KEYS as TABLE_KEYS
from ormkit_gen.schema.table_options import read_table_options
from ormkit_gen.schema.view_models import read_view

KEYS = frozenset(
    [
        "table",
        "schema",
        "comment",
        "columns",
        "computed",
        "relationships",
        "indexes",
        "uniques",
        "checks",
        "foreign_keys",
        "excludes",
        "mixins",
        "methods",
        "primary_key",
        "key",
        "view",
        "materialized",
        "read_only",
        "managed",
        "renamed_from",
        *TABLE_KEYS,
    ]
)
MIXINS = ("soft_delete", "timestamps", "version")

TIMESTAMPTZ = ColumnType("timestamptz")
#: The columns that each mixin adds, and the attribute of the model that refers to one of them.
MIXIN_COLUMNS: Mapping[str, tuple[Column, ...]] = {
    "soft_delete": (
        Column(name="deleted_at", db_name="deleted_at", type=TIMESTAMPTZ, is_nullable=True),
    ),
    "timestamps": tuple(
        Column(name=name, db_name=name, type=TIMESTAMPTZ, server_default="now()")
        for name in ("created_at", "updated_at")
    ),
    "version": (
        Column(name="version", db_name="version", type=ColumnType("integer"), default=Default(1)),
    ),
}


def read_model(
    draft: SchemaDraft, document: Document, name: str, value: Any, path: Path
) -> ModelDraft:
    """Return the model with columns and constraints. References are still names."""
    fields = Fields(document, path, value, draft.problems, f"model {name}")
    fields.only(KEYS)
    check_class_name(fields, name)
    model = ModelDraft(
        name=name,
        table=fields.text("table") or snake_case(name),
        schema=fields.text("schema"),
        comment=fields.text("comment"),
        renamed_from=fields.text("renamed_from"),
        fields=fields,
        at=fields.at,
    )
    for key in ("table", "schema"):
        check_database_name(fields, key, getattr(model, key), key)
    check_schema_name(fields, model.schema)
    read_columns(model, draft.types)
    read_computed(model, draft.types)
    add_mixins(model, fields)
    model.methods = read_methods(fields)
    read_view(model)
    read_table_options(model)
    read_key(model)
    number_key(model)
    check_key(model, draft.problems)
    read_constraints(model)
    add_mixin_index(model, fields)
    return model


def add_mixins(model: ModelDraft, fields: Fields) -> None:
    """Add the columns of the mixins, except those that the model defines itself."""
    for index, mixin in enumerate(fields.texts("mixins")):
        if mixin not in MIXIN_COLUMNS:
            at = fields.document.value_at((*fields.path, "mixins", index))
            fields.problems.error(
                "unknown-mixin",
                f"there is no mixin {mixin!r}",
                f"it is one of: {', '.join(MIXINS)}",
                at,
            )
            continue
        for column in MIXIN_COLUMNS[mixin]:
            if model.column(column.name) is None:
                model.columns.append(column)
        if mixin == "soft_delete":
            model.soft_delete = "deleted_at"
        elif mixin == "version":
            model.version = "version"
        else:
            model.updated_at = "updated_at"


def add_mixin_index(model: ModelDraft, fields: Fields) -> None:
    """Add an index on the column of the mixin soft_delete, unless the model has one."""
    column = model.column(model.soft_delete) if model.soft_delete else None
    if column is None:
        return
    if any(each.elements[0].column == column.name for each in model.indexes if each.elements):
        return
    name = constraint_name(model.table, (column.db_name,), "idx")
    element = IndexElement(column=column.name)
    model.indexes.append(Index(name=name, elements=(element,), at=fields.key_at("mixins")))


def number_key(model: ModelDraft) -> None:
    """Make a primary key of one integer an identity, unless it has another source of values."""
    key = [column for column in model.columns if column.is_primary_key]
    if len(key) != 1 or not key[0].type.is_integer or model.key_constraint is None:
        return
    (column,) = key
    written = model.fields.data.get("columns", {})
    says = written.get(column.db_name, written.get(column.name, {}))
    is_told = isinstance(says, dict) and ("identity" in says or "autoincrement" in says)
    is_foreign = any(column.name in reference.columns for reference in model.references)
    is_foreign = is_foreign or column.db_name in _in_foreign_keys(model)
    given = column.default is not None or column.server_default or column.generated
    given = given or column.factory
    if not (is_told or is_foreign or given or column.is_serial):
        place = model.columns.index(column)
        model.columns[place] = replace(column, identity="by default")


def _in_foreign_keys(model: ModelDraft) -> set[object]:
    """Return the columns that foreign keys of the model name; those keys are read later."""
    keys = model.fields.data.get("foreign_keys")
    named = [each.get("columns") for each in keys if is_table(each)] if is_list(keys) else []
    lists = [each if is_list(each) else [each] for each in named]
    return {name for each in lists for name in each if isinstance(name, str)}


def check_key(model: ModelDraft, problems: Problems) -> None:
    """Record a model without columns or without a primary key."""
    if not model.fields.is_table:
        return
    if not model.fields.data.get("columns"):
        problems.error(
            "empty-model",
            f"the model {model.name} has no columns",
            'add them under columns, as in id = { type = "bigint", primary_key = true }',
            model.at,
        )
    check_key_count(model.fields, len(model.primary_key), "columns")


def add_model(draft: SchemaDraft, model: ModelDraft, enums: Mapping[str, Enum]) -> None:
    """Add the model to the draft, unless its name, table or module is taken."""
    problems = draft.problems
    module = module_name(model.name)
    if (other := draft.modules.get(module)) and other.name != model.name:
        problems.error(
            "name-clash",
            f"{other.name} and {model.name} would both be written to {module}.py",
            "rename one of them",
            model.at,
        )
    elif (other := draft.tables.get(model.full_table)) and other.name != model.name:
        problems.error(
            "duplicate-table",
            f"{other.name} and {model.name} both have the table {model.full_table}",
            f"rename one; {other.name} is in {other.at.file}:{other.at.line}",
            model.fields.value_at("table"),
        )
    if model.name in draft.models:
        other = draft.models[model.name]
        problems.error(
            "duplicate-model",
            f"there are two models {model.name}",
            f"rename one; the other is in {other.at.file}:{other.at.line}",
            model.at,
        )
    elif model.name in enums:
        problems.error(
            "name-clash",
            f"{model.name} is both a model and an enum",
            "rename one of them",
            model.at,
        )
    else:
        draft.add(model)
