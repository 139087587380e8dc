"""Reading what identifies the rows of a model: its primary key, or other unique columns."""

from __future__ import annotations

from dataclasses import replace

from ormkit_gen.ir import PrimaryKey
from ormkit_gen.schema.columns import find_columns
from ormkit_gen.schema.constraints import name_of
from ormkit_gen.schema.document import is_list, is_table
from ormkit_gen.schema.draft import ModelDraft
from ormkit_gen.schema.fields import Fields

KEYS = ("columns", "name", "include", "deferrable", "initially_deferred", "comment")


def read_key(model: ModelDraft) -> None:
    """Read the settings `primary_key` and `key` of a model. A model without a key is read-only."""
    fields = model.fields
    if "primary_key" in fields.data:
        read_primary_key(model)
    if "key" in fields.data:
        read_unique_key(model)
    elif model.view is not None:
        model.key_constraint = None
    if not model.primary_key:
        model.key_constraint = None
    is_unwritable = model.view is not None or not model.primary_key
    is_told = "read_only" in fields.data or _names_a_key(fields)
    if not model.primary_key and model.view is None and not is_told:
        fields.problems.warning(
            "missing-primary-key",
            f"the model {model.name} has no primary key, and is read-only",
            "add primary_key = true to the column or columns that identify its rows, or write "
            "read_only = true to say that it has none",
            model.at,
        )
    model.is_read_only = fields.flag("read_only") or is_unwritable
    if is_unwritable and fields.data.get("read_only") is False:
        fields.problems.error(
            "read-only",
            f"{model.name} is read-only, because it is a view or has no key",
            'leave out read_only = false, or name unique columns, as in key = ["code"]',
            fields.key_at("read_only"),
        )


def _names_a_key(fields: Fields) -> bool:
    """Return whether there are no columns, or a column that cannot be read is the key."""
    columns = fields.data.get("columns")
    values = columns.values() if is_table(columns) else ()
    return not values or any(is_table(each) and bool(each.get("primary_key")) for each in values)


def read_primary_key(model: ModelDraft) -> None:
    """Read the table `primary_key`, or the list of its columns."""
    value = model.fields.data["primary_key"]
    data = {"columns": value} if is_list(value) or isinstance(value, str) else value
    path = (*model.fields.path, "primary_key")
    what = f"primary_key of {model.name}"
    fields = Fields(model.fields.document, path, data, model.fields.problems, what)
    fields.only(KEYS)
    if "columns" in fields.data:
        set_key(model, find_columns(model, fields, fields.texts("columns"), "columns"))
    name = name_of(model, fields, (), "pkey") if "name" in fields.data else None
    model.key_constraint = PrimaryKey(
        name=None if name == f"{model.table}_pkey" else name,
        include=find_columns(model, fields, fields.texts("include"), "include"),
        is_deferrable=fields.flag("deferrable") or fields.flag("initially_deferred"),
        is_initially_deferred=fields.flag("initially_deferred"),
        comment=fields.text("comment"),
    )


def read_unique_key(model: ModelDraft) -> None:
    """Read the columns that identify a row although they are no primary key."""
    fields = model.fields
    if model.primary_key:
        fields.problems.error(
            "two-keys",
            f"{model.name} has both a primary key and a key",
            "keep one: the key stands in for a primary key that is missing",
            fields.key_at("key"),
        )
        return
    names = find_columns(model, fields, fields.texts("key"), "key")
    for name in names if model.view is None else ():
        column = model.column(name)
        if column is not None and column.is_nullable:
            fields.problems.error(
                "nullable-key",
                f"{model.name}.{name} cannot be nullable: it is the key",
                "leave out the ? or nullable = true",
                column.at or fields.key_at("key"),
            )
    set_key(model, names)
    model.key_constraint = None


def check_unique_key(model: ModelDraft) -> None:
    """Record a key that nothing keeps unique; of a view and a table of others nobody knows."""
    is_told = model.key_constraint is None and model.view is None and model.is_managed
    if not is_told or not model.primary_key:
        return
    wanted = set(model.primary_key)
    keys = [unique.columns for unique in model.uniques]
    keys += [
        tuple(element.column or "" for element in index.elements)
        for index in model.indexes
        if index.is_unique and index.where is None
    ]
    if not any(set(key) == wanted for key in keys):
        model.fields.problems.error(
            "key-not-unique",
            f"the key of {model.name} is not unique: two rows may have the same one",
            "add unique = true to the column, or a unique constraint over the columns",
            model.fields.key_at("key"),
        )


def set_key(model: ModelDraft, names: tuple[str, ...]) -> None:
    """Make these columns the key, in this order."""
    model.named_key = names
    for place, column in enumerate(model.columns):
        is_key = column.name in names
        if column.is_primary_key != is_key:
            model.columns[place] = replace(column, is_primary_key=is_key)
