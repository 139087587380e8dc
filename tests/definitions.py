"""Schemas written down as values, in few words."""

from __future__ import annotations

import re
from typing import Any

from ormkit_gen.ir import Column, Default, DefaultValue, Enum, ForeignKey, Model, Schema
from ormkit_gen.postgres.types import BASE_TYPES, ColumnType

_UNSET: Any = object()


def type_of(text: str) -> ColumnType:
    """Return a column type: "varchar(5)", "integer[][]", or the Python name of an enum."""
    found = re.fullmatch(r"([\w ]+)(?:\(([\d,]+)\))?((?:\[\])*)", text)
    assert found is not None, text
    name, modifiers, dimensions = found.groups()
    return ColumnType(
        name,
        tuple(map(int, modifiers.split(","))) if modifiers else (),
        len(dimensions) // 2,
        is_enum=name not in BASE_TYPES,
    )


def column(name: str, type_: str, *, default: DefaultValue = _UNSET, **options: Any) -> Column:
    """Return a column; its name in the database is the same unless `db_name` says otherwise."""
    options.setdefault("db_name", name)
    if default is not _UNSET:
        options["default"] = Default(default)
    return Column(name=name, type=type_of(type_), **options)


def key(name: str = "id") -> Column:
    """Return the usual primary key."""
    return column(name, "bigint", is_primary_key=True, identity="by default")


def model(name: str, *columns: Column, **options: Any) -> Model:
    """Return a model; its table has the name in lower case unless `table` says otherwise."""
    options.setdefault("table", name.lower())
    options.setdefault("primary_key", tuple(each.name for each in columns if each.is_primary_key))
    return Model(name=name, columns=columns, **options)


def foreign_key(column_name: str, target: str, **options: Any) -> ForeignKey:
    """Return a foreign key of one column to the target's id."""
    options.setdefault("name", f"{column_name}_fkey")
    options.setdefault("columns", (column_name,))
    options.setdefault("target_columns", ("id",))
    return ForeignKey(target=target, **options)


def enum(name: str, *labels: str, **options: Any) -> Enum:
    """Return an enum whose type has the name in lower case unless `db_name` says otherwise."""
    options.setdefault("db_name", name.lower())
    members = tuple((f"member_{place}", label) for place, label in enumerate(labels))
    return Enum(name=name, members=members, **options)


def schema(*models: Model, enums: tuple[Enum, ...] = ()) -> Schema:
    """Return a schema of these models."""
    return Schema(models=tuple(sorted(models, key=lambda each: each.name)), enums=enums)
