"""Reading the columns of a model."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import Any

from ormkit_gen.diagnostics.diagnostic import did_you_mean
from ormkit_gen.ir import Column, Default, Identity, Index, IndexElement, SequenceOptions, Unique
from ormkit_gen.postgres.types import BASE_TYPES, ColumnType
from ormkit_gen.schema.codecs import read_codec
from ormkit_gen.schema.column_checks import check_column, is_comparable
from ormkit_gen.schema.defaults import BadDefault, default_value
from ormkit_gen.schema.document import Path
from ormkit_gen.schema.draft import ModelDraft, Reference, Types
from ormkit_gen.schema.factories import read_factory
from ormkit_gen.schema.fields import Fields
from ormkit_gen.schema.json_types import read_json_type
from ormkit_gen.schema.migration_settings import COLUMN_KEYS, with_migration_settings
from ormkit_gen.schema.name_checks import check_database_name
from ormkit_gen.schema.names import (
    MAX_IDENTIFIER,
    attribute_name,
    constraint_name,
    is_attribute,
    is_database_name,
)
from ormkit_gen.schema.sequence_options import OPTIONS, read_options
from ormkit_gen.schema.type_words import BadType

KEYS = frozenset(
    [
        "type",
        "primary_key",
        "nullable",
        "unique",
        "index",
        "default",
        "default_factory",
        "server_default",
        "identity",
        "generated",
        "foreign_key",
        "on_delete",
        "on_update",
        "deferrable",
        "initially_deferred",
        "comment",
        "column",
        "python_type",
        "private",
        "max_length",
        "json_type",
        "codec",
        "collation",
        "virtual",
        "storage",
        "compression",
        "statistics",
        "match",
        "on_delete_columns",
        "not_valid",
        *COLUMN_KEYS,
    ]
)
#: The settings that few columns have, which `rare_settings` reads.
RARE_KEYS = (
    *("identity", "server_default", "generated", "comment"),
    *("python_type", "json_type", "codec", "private", "virtual", "collation"),
    *("storage", "compression", "statistics", "default_factory"),
)
#: The settings of an identity that is written as a table.
IDENTITY_KEYS = (*OPTIONS, "generated", "name")
IDENTITIES: tuple[Identity, ...] = ("always", "by default")
#: How PostgreSQL keeps long values, and how it makes them shorter.
STORAGES = ("plain", "external", "extended", "main")
COMPRESSIONS = ("pglz", "lz4")
#: The settings of a column that belong to its foreign key.
OF_FOREIGN_KEYS = (
    *("on_delete", "on_update", "deferrable", "initially_deferred"),
    *("match", "on_delete_columns", "not_valid"),
)
#: The types that stand for an integer with a sequence.
SERIALS = {
    **dict.fromkeys(("smallserial", "serial2"), "smallint"),
    **dict.fromkeys(("serial", "serial4"), "integer"),
    **dict.fromkeys(("bigserial", "serial8"), "bigint"),
}
#: PostgreSQL's own limit, MaxHeapAttributeNumber.
MAX_COLUMNS = 1600


def read_columns(model: ModelDraft, types: Types) -> None:
    """Read every column of the model, its single-column constraints and its references."""
    entries = list(model.fields.named("columns"))
    # Each column is compared with the previous ones, so their number is limited first.
    for name, value, path in entries[: MAX_COLUMNS + 1]:
        if column := read_column(model, name, value, path, types):
            model.columns.append(column)
    if len(model.columns) > MAX_COLUMNS:
        model.fields.problems.error(
            "too-many-columns",
            f"{model.name} has {len(entries)} columns",
            f"PostgreSQL allows at most {MAX_COLUMNS} in a table",
            model.at,
        )


def read_column(
    model: ModelDraft, name: str, value: Any, path: Path, types: Types
) -> Column | None:
    """Return the column, or None if its name or type cannot be determined."""
    if isinstance(value, str):
        value = {"type": value}
    what = f"{model.name}.{name}"
    document = model.fields.document
    fields = Fields(document, path, value, model.fields.problems, what)
    fields.only(KEYS)
    typed = read_type(fields, types)
    attribute = read_name(model, fields, name)
    if typed is None or attribute is None:
        return None
    type_, is_nullable = typed
    db_name = fields.text("column", name) or name
    is_nullable = fields.flag("nullable", is_nullable)
    is_plain = fields.data.keys().isdisjoint(RARE_KEYS)
    column = Column(
        name=attribute,
        db_name=db_name,
        type=type_,
        is_nullable=is_nullable,
        is_primary_key=fields.flag("primary_key"),
        default=read_default(fields, type_, types, is_nullable=is_nullable),
        is_serial=is_serial(fields),
        at=fields.at,
        **({} if is_plain else rare_settings(fields, type_)),
    )
    check_column(fields, column)
    column = with_migration_settings(fields, column)
    read_constraints(model, fields, column)
    return column


def rare_settings(fields: Fields, type_: ColumnType) -> dict[str, Any]:
    """Return what the settings of RARE_KEYS say, by the fields of a column."""
    json_type = read_json_type(fields, type_)
    of_json = None if json_type is None else json_type.replace(":", ".")
    return {
        "identity": read_identity(fields),
        "identity_options": read_identity_options(fields),
        "server_default": fields.text("server_default"),
        "generated": fields.text("generated"),
        "comment": fields.text("comment"),
        "python_type": read_python_type(fields) or of_json,
        "json_type": json_type,
        "codec": read_codec(fields, type_),
        "is_private": fields.flag("private"),
        "is_virtual": read_virtual(fields),
        "collation": fields.collation("collation"),
        "storage": fields.choice("storage", STORAGES),
        "compression": fields.choice("compression", COMPRESSIONS),
        "statistics": fields.number("statistics"),
        "factory": read_factory(fields, type_),
    }


def read_type(fields: Fields, types: Types) -> tuple[ColumnType, bool] | None:
    """Return the type and whether it allows NULL, or record the problem and return None."""
    words = fields.text("type")
    if words is None:
        if fields.is_table and "type" not in fields.data:
            fields.problems.error(
                "missing-type", f"{fields.what} has no type", 'as in type = "text"', fields.at
            )
        return None
    words = SERIALS.get(words.strip().lower(), words)
    try:
        typing = types.parse(words)
    except BadType as error:
        is_short = (*fields.path, "type") not in fields.document.keys
        at = fields.document.value_at(fields.path) if is_short else fields.value_at("type")
        fields.problems.error(error.code, error.message, error.remedy, at)
        return None
    return with_length(fields, typing.type), typing.is_nullable


def with_length(fields: Fields, type_: ColumnType) -> ColumnType:
    """Return the type with the setting max_length, or record that it takes none."""
    length = fields.whole("max_length")
    if length is None:
        return type_
    if type_.is_enum or type_.name not in ("text", "varchar", "char") or type_.modifiers:
        fields.problems.error(
            "bad-max-length",
            f"{fields.what} cannot have max_length: only text, varchar and char have it, and once",
            'leave it out, or write the type as in "varchar(100)"',
            fields.key_at("max_length"),
        )
        return type_
    limit = BASE_TYPES["varchar"].max_modifier
    if length > limit:
        fields.problems.error(
            "bad-max-length",
            f"max_length of {fields.what} is more than PostgreSQL allows",
            f"write a number up to {limit}, or leave it out",
            fields.value_at("max_length"),
        )
        return type_
    name = "varchar" if type_.name == "text" else type_.name
    return replace(type_, name=name, modifiers=(length,))


def read_name(model: ModelDraft, fields: Fields, name: str) -> str | None:
    """Return the attribute's name, or record the problem and return None."""
    problems = fields.problems
    db_name = fields.text("column", name) or name
    if not is_database_name(db_name):
        problems.error(
            "long-name",
            f"the column name {db_name!r} does not fit PostgreSQL",
            f"a name may have up to {MAX_IDENTIFIER} bytes",
            fields.at,
        )
    attribute = attribute_name(name)
    if not is_attribute(attribute):
        safe = "_".join(
            part for part in "".join(c if c.isalnum() else "_" for c in name).split("_") if part
        )
        problems.error(
            "bad-identifier",
            f"{name!r} cannot be an attribute: it needs a Python name without a leading or a "
            f"double underscore",
            f'write {safe or "other"} = {{ column = "{name}", ... }} to keep its name in the table',
            fields.at,
        )
        return None
    if attribute != name:
        problems.warning(
            "reserved-word",
            f"{fields.what} becomes {attribute} in Python, where {name} is reserved",
            f"its name in PostgreSQL stays the same; to avoid this warning, write {attribute} = "
            f'{{ column = "{db_name}", ... }}',
            fields.at,
        )
    for other in model.columns:
        if attribute == other.name or db_name == other.db_name:
            problems.error(
                "name-clash",
                f"{model.name} has two columns named "
                f"{attribute if attribute == other.name else db_name}",
                "rename one of them",
                fields.at,
            )
            return None
    return attribute


def read_python_type(fields: Fields) -> str | None:
    """Return the given annotation of the value. It must be a valid annotation."""
    text = fields.text("python_type")
    if text is None:
        return None
    try:
        tree = ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        tree = None
    allowed = (
        ast.Expression, ast.Name, ast.Attribute, ast.Subscript, ast.Tuple, ast.BinOp, ast.BitOr,
        ast.Constant, ast.Load, ast.List,
    )  # fmt: skip
    if tree is None or not all(isinstance(node, allowed) for node in ast.walk(tree)):
        fields.problems.error(
            "bad-python-type",
            f"{text!r} is not a type annotation",
            "as in dict[str, int] or app.types.Settings",
            fields.value_at("python_type"),
        )
        return None
    return text


def read_default(
    fields: Fields, type_: ColumnType, types: Types, *, is_nullable: bool
) -> Default | None:
    """Return the constant default, or None if there is none or if it has a problem."""
    if "default" not in fields.data:
        return None
    value = fields.data["default"]
    if value is None and is_nullable:
        return None
    try:
        if value is None:
            raise BadDefault(
                "NULL cannot be the default of a column that is not nullable", "make it nullable"
            )
        return Default(default_value(value, type_, types.enums))
    except BadDefault as error:
        message, remedy = error.args
        fields.problems.error(
            "bad-default", f"{fields.what}: {message}", remedy, fields.value_at("default")
        )
        return None


def read_identity(fields: Fields) -> Identity | None:
    """Return the kind of identity of the column.

    A primary key of one integer column is an identity unless it has another source of values.
    Whether it is the only column is known only after all columns are read.
    """
    value = fields.data.get("identity")
    if value is False:
        return None
    if value is True:
        return "by default"
    if isinstance(value, dict):
        return identity_fields(fields).choice("generated", IDENTITIES) or "by default"
    if value is not None:
        return fields.choice("identity", IDENTITIES)
    return None


def identity_fields(fields: Fields) -> Fields:
    """Return the settings of an identity that is written as a table."""
    path = (*fields.path, "identity")
    value = fields.data["identity"]
    found = Fields(fields.document, path, value, fields.problems, f"identity of {fields.what}")
    found.only(IDENTITY_KEYS)
    return found


def read_identity_options(fields: Fields) -> SequenceOptions | None:
    """Return how an identity counts, if the schema says so."""
    if not isinstance(fields.data.get("identity"), dict):
        return None
    found = identity_fields(fields)
    name = found.text("name")
    check_database_name(found, "name", name, "sequence")
    options = read_options(found, name)
    return None if options == SequenceOptions() else options


def is_serial(fields: Fields) -> bool:
    """Return whether the column's type is serial: an integer with a sequence of its own."""
    written = fields.data.get("type")
    return isinstance(written, str) and written.strip().lower() in SERIALS


def read_virtual(fields: Fields) -> bool:
    """Return whether a generated column is virtual; record one that is not generated."""
    is_virtual = fields.flag("virtual")
    if is_virtual and "generated" not in fields.data:
        fields.problems.error(
            "not-generated",
            f"{fields.what} is virtual, and is not generated",
            'add generated = "an SQL expression"',
            fields.key_at("virtual"),
        )
    return is_virtual


def read_constraints(model: ModelDraft, fields: Fields, column: Column) -> None:
    """Read the unique constraint, the index and the foreign key of one column."""
    is_unique = fields.flag("unique")
    is_indexed = fields.flag("index")
    if is_unique and not column.is_primary_key:
        name = constraint_name(model.table, (column.db_name,), "key")
        model.uniques.append(Unique(name=name, columns=(column.name,), at=fields.at))
    elif is_indexed and not column.is_primary_key:
        # A unique constraint, like a primary key, already has an index.
        name = constraint_name(model.table, (column.db_name,), "idx")
        element = IndexElement(column=column.name)
        model.indexes.append(Index(name=name, elements=(element,), at=fields.at))
    target = fields.text("foreign_key")
    if target is not None:
        read_reference(model, fields, column, target)
        return
    for key in OF_FOREIGN_KEYS:
        if key in fields.data:
            fields.problems.error(
                "no-foreign-key",
                f"{fields.what} has {key} but no foreign_key",
                'add foreign_key = "table.column"',
                fields.key_at(key),
            )


def read_reference(model: ModelDraft, fields: Fields, column: Column, target: str) -> None:
    """Record the foreign key of one column, written as table.column."""
    table, dot, target_column = target.rpartition(".")
    if not dot or not table or not target_column:
        fields.problems.error(
            "bad-foreign-key",
            f"{target!r} does not name a column",
            'write "table.column", as in "users.id"',
            fields.value_at("foreign_key"),
        )
        return
    model.references.append(
        Reference((column.name,), table, (target_column,), fields, fields.value_at("foreign_key"))
    )


def find_columns(
    model: ModelDraft, fields: Fields, names: tuple[str, ...], key: str
) -> tuple[str, ...]:
    """Return the Python names of the columns in a constraint. Record unknown ones."""
    found: list[str] = []
    for index, name in enumerate(names):
        column = model.column(name)
        if column is None:
            fields.problems.error(
                "unknown-column",
                f"{model.name} has no column {name!r}",
                did_you_mean(name, [each.name for each in model.columns]),
                fields.item_at(key, index),
            )
        elif not is_comparable(column) and key != "include":
            fields.problems.error(
                "json-key",
                f"{fields.what} cannot hold {name!r}: PostgreSQL does not compare json",
                "use jsonb",
                fields.item_at(key, index),
            )
        elif column.name in found:
            fields.problems.error(
                "repeated-column",
                f"{name!r} occurs twice in {key}",
                "keep one",
                fields.item_at(key, index),
            )
        else:
            found.append(column.name)
    return tuple(found)
