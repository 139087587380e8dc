"""Objects of models as dicts, and what other libraries need to read and write them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, get_type_hints

from ..errors import InvalidValue, MissingValue, UnknownName, UsageError, did_you_mean
from ..postgres.values import UNSET
from .columns import AnyColumn, Column
from .computed import Computed
from .json_columns import JsonColumn
from .relationships import Relationship
from .table import Table

if TYPE_CHECKING:
    from .model import Model

#: A name, "posts" or "posts.title", or an attribute of the model's class.
Included = str | AnyColumn | Computed[Any, Any, Any] | Relationship[Any, Any]


def to_dict(instance: Model, include: Iterable[Included] | None) -> dict[str, Any]:
    """Return the object as a dict; see Model.to_dict."""
    table = type(instance).__table__
    wanted = tree_of(table, include or ())
    columns = [each for each in table.columns if each.slot in wanted]
    if not columns:
        columns = [each for each in table.columns if not each.is_private]
    found = {
        each.slot: getattr(instance, each.slot) for each in columns if hasattr(instance, each.slot)
    }
    for name, deeper in wanted.items():
        if name in table.by_name:
            continue
        value = getattr(instance, name)
        if name not in table.relationships or value is None:
            found[name] = value
        elif table.relationships[name].is_to_many:
            found[name] = [to_dict(each, deeper) for each in value]
        else:
            found[name] = to_dict(value, deeper)
    return found


def tree_of(table: Table, include: Iterable[Included]) -> dict[str, list[str]]:
    """Return the names of this level, each with the paths below it; raises UnknownName."""
    if isinstance(include, str):
        raise UsageError(f'include takes several names: write include=["{include}"]')
    known = {**table.by_name, **table.computed_attributes, **table.relationships}
    wanted: dict[str, list[str]] = {}
    for each in include:
        name, _, rest = (each if isinstance(each, str) else name_of(table, each)).partition(".")
        if name not in known or (rest and name not in table.relationships):
            raise UnknownName(f"{table.label} has no {name!r}: {did_you_mean(name, known)}")
        wanted.setdefault(name, [])
        if rest:
            wanted[name].append(rest)
    return wanted


def name_of(table: Table, included: Any) -> str:
    """Return the name of an attribute of a model; raises UsageError for one of another model."""
    if not isinstance(included, (Column, Computed, Relationship)) or included.table is not table:
        raise UsageError(f"include takes attributes of {table.label}, not {included!r}")
    return str(included.slot if isinstance(included, Column) else included.name)


def from_dict(model: Any, data: Mapping[str, Any]) -> Any:
    """Return a new object with the values of a dict; see Model.from_dict."""
    table: Table = model.__table__
    if not isinstance(data, Mapping):
        raise InvalidValue(f"from_dict() takes a dict, not {type(data).__name__}")
    known = {**table.by_name, **table.relationships}
    given: dict[str, Any] = {}
    for name, value in data.items():
        if name in table.computed_attributes:
            continue
        if name not in known:
            raise UnknownName(f"{table.label} has no {name!r}: {did_you_mean(name, known)}")
        if name in table.by_name:
            column = table.by_name[name]
            if not column.is_generated:
                given[name] = read_value(column, value)
        else:
            given[name] = read_related(table.relationships[name], value)
    missing = [each.slot for each in table.columns if is_missing(table, each, given)]
    if missing:
        raise MissingValue(f"{table.label} needs a value for {', '.join(missing)}")
    return model(**given)


def is_missing(table: Table, column: AnyColumn, given: Mapping[str, Any]) -> bool:
    """Return whether a column has no value, no default and no related object that gives it one."""
    if column.slot in given or column.has_default or column.initial is not UNSET:
        return False
    if column.factory is not None:
        return False
    owners = [each for each in table.owned if any(own is column for own in each.local)]
    return not column.is_generated and not any(each.name in given for each in owners)


def read_value(column: AnyColumn, value: Any) -> Any:
    """Return the value of a column for what JSON has in its place.

    Raises InvalidValue for what is no form of such a value.
    """
    if isinstance(column, JsonColumn) and column.json_type is not None:
        if value is None or column.json_type.is_value(value):
            return value
        try:
            return column.loaded(value)
        except InvalidValue as error:
            raise InvalidValue(f"{column.label}: {error}") from None
    if column.is_object or column.is_json or value is None:
        return value
    if column.is_array and isinstance(value, list):
        return [read_value(column, each) for each in list[Any](value)]  # pyright: ignore
    form = column.known.base.json_form
    if form is not None and form.special is None and isinstance(value, (str, Mapping)):
        try:
            return form.read(value)
        except InvalidValue as error:
            raise InvalidValue(f"{column.label}: {error}") from None
    if not isinstance(value, str):
        return value
    if column.labels is not None:
        if value not in column.labels:
            raise InvalidValue(f"{column.label} has no label {value!r}")
        return column.labels[value]
    reader = column.known.base.from_cursor
    if reader is None or str in column.known.base.reads:
        return value
    try:
        return reader(value)
    except Exception:
        reason = f"{column.label} is of type {column.type} and cannot take this text"
        raise InvalidValue(reason) from None


def read_related(relationship: Relationship[Any, Any], value: Any) -> Any:
    """Return the object of a to-one relationship; raises UsageError for a list."""
    if relationship.is_to_many:
        raise UsageError(
            f"{relationship.label} leads to many rows: make their objects with from_dict() and "
            f"insert them"
        )
    model = relationship.target.model
    return from_dict(model, value) if isinstance(value, Mapping) else value  # pyright: ignore


def loaded_dict(instance: Model, above: tuple[int, ...] = ()) -> dict[str, Any]:
    """Return the object with everything that is loaded: columns, computed values, relationships.

    above: the ids of the objects that it is nested in, to which no relationship leads back.
    """
    table = type(instance).__table__
    path = (*above, id(instance))
    found = to_dict(instance, None)
    for each in table.computed_attributes.values():
        if hasattr(instance, each.slot):
            found[each.name] = getattr(instance, each.slot)
    for related in table.relationships.values():
        value: Any = getattr(instance, related.slot, UNSET)
        if related.is_to_many and value is not UNSET:
            items = [item for item in value if id(item) not in path]
            found[related.name] = [loaded_dict(item, path) for item in items]
        elif value is None:
            found[related.name] = None
        elif value is not UNSET and id(value) not in path:
            found[related.name] = loaded_dict(value, path)
    return found


def pydantic_schema(model: Any, handler: Any) -> Any:
    """Return pydantic's schema of a model: an object of it, or a dict of its values."""
    # Only pydantic calls this.
    core_schema: Any = import_module("pydantic_core.core_schema")
    table: Table = model.__table__
    hints = get_type_hints(model)
    fields = {
        column.slot: core_schema.typed_dict_field(
            handler.generate_schema(hints[column.slot]),
            required=is_missing(table, column, {}),
        )
        for column in table.columns
        if not column.is_private
    }
    values = core_schema.typed_dict_schema(fields, cls_name=table.label, extra_behavior="allow")
    built = core_schema.no_info_after_validator_function(model.from_dict, values)
    return core_schema.json_or_python_schema(
        json_schema=built,
        python_schema=core_schema.union_schema([core_schema.is_instance_schema(model), built]),
        serialization=core_schema.plain_serializer_function_ser_schema(loaded_dict),
    )
