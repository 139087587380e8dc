"""The types of keywords and names, such as UserFilter, made when a program first asks for them.

Generated modules declare them for type checkers only: they need a TypedDict that is closed, and
most programs never use them. A framework that reads annotations at run time finds them here.
"""

from __future__ import annotations

import sys
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal, cast, get_args, get_type_hints

from ..sql.expressions import Expression
from ..sql.lookups import PATTERNS, operators_of

if TYPE_CHECKING:
    from .columns import AnyColumn
    from .model import Model

#: Operators whose value has the same type for every column.
VALUES: Mapping[str, Any] = {
    "isnull": bool,
    "isnotnull": bool,
    "len": int,
    "has_key": str,
    "has_keys": Sequence[str],
    "has_any_key": Sequence[str],
    "matches": str,
    **dict.fromkeys(PATTERNS, str),
}


class KeywordTypes:
    """The `__getattr__` of a generated module: makes the types of its models' keywords."""

    def __init__(self, module: types.ModuleType) -> None:
        self._module = module
        self._models: dict[str, type[Model]] = {}

    def add(self, model: type[Model]) -> None:
        """Offer the types of a model."""
        self._models[model.__name__] = model

    def __call__(self, name: str) -> Any:
        """Return the type of this name; the module keeps it."""
        for suffix, make in MAKERS.items():
            model = self._models.get(name.rstrip("_").removesuffix(suffix))
            if model is not None and name.rstrip("_").endswith(suffix):
                made = make(name, model)
                setattr(self._module, name, made)
                return made
        raise AttributeError(f"module {self._module.__name__!r} has no attribute {name!r}")


def offer(model: type[Model]) -> None:
    """Let the module of a model have the types of its keywords at run time."""
    module = sys.modules.get(model.__module__)
    if module is None:
        return
    offered = vars(module).setdefault("__getattr__", KeywordTypes(module))
    if isinstance(offered, KeywordTypes):
        offered.add(model)


def filter_type(name: str, model: type[Model]) -> Any:
    """Return the keywords of filter(), with every operator of each column."""
    hints = get_type_hints(model)
    fields: dict[str, Any] = {}
    for attribute, column in attributes(model).items():
        hint = fields[attribute] = hints[attribute]
        bare = without_none(hint)
        for word in sorted(operators_of(column) - {"eq"}):
            fields[f"{attribute}__{word}"] = operand(word, hint, bare, column)
    return keywords(name, fields)


def keywords(name: str, fields: Mapping[str, Any]) -> Any:
    """Return a TypedDict of which no key is required, and for which pydantic allows no others."""
    # Before CPython 3.12, pydantic takes the one of typing_extensions only.
    home = find_spec("typing_extensions") and import_module("typing_extensions")
    typed_dict: Any = (home or typing).TypedDict
    made = typed_dict(name, fields, total=False)
    made.__pydantic_config__ = {"extra": "forbid"}
    return made


def operand(word: str, hint: Any, bare: Any, column: AnyColumn) -> Any:
    """Return the type of the value that an operator of a column takes."""
    if word == "ne":
        return hint
    if word in ("in", "notin"):
        return Sequence[bare]
    if word == "between":
        return tuple[bare, bare]
    if column.is_json and word in ("contains", "contained_by"):
        return Any
    if column.is_array and word == "contains":
        return bare
    return VALUES.get(word, bare)


def values_type(name: str, model: type[Model]) -> Any:
    """Return the keywords of update(): the columns that can be written, and expressions."""
    hints = get_type_hints(model)
    fields = {
        column.slot: hints[column.slot] | Expression[Any, Any, Any]
        for column in model.__table__.columns
        if not column.is_generated
    }
    return keywords(name, fields)


def attributes(model: type[Model]) -> dict[str, AnyColumn]:
    """Return the columns, and those that stand for computed attributes, by attribute."""
    table = model.__table__
    found = {column.slot: column for column in table.columns}
    return found | {name: each.column for name, each in table.computed_attributes.items()}


def paths(model: type[Model]) -> list[str]:
    """Return the attributes, and the paths through one to-one relationship to those of a model."""
    steps = [
        f"{name}__{attribute}"
        for name, relationship in model.__table__.relationships.items()
        if not relationship.is_to_many
        for attribute in attributes(relationship.target.model)
    ]
    return [*attributes(model), *steps]


def literal(found: Iterable[str]) -> Any:
    """Return the type of these texts."""
    return cast("Any", Literal)[tuple(found)]


def without_none(hint: Any) -> Any:
    """Return a type without None."""
    rest = [each for each in get_args(hint) if each is not type(None)]
    if len(rest) == len(get_args(hint)):
        return hint
    union: Any = rest[0]
    for each in rest[1:]:
        union |= each
    return union


MAKERS: Mapping[str, Callable[[str, type[Model]], Any]] = {
    "Filter": filter_type,
    "Values": values_type,
    "Name": lambda _, model: literal(attributes(model)),
    "Path": lambda _, model: literal(paths(model)),
    "Order": lambda _, model: literal(
        [f"{sign}{name}" for sign in ("", "-") for name in paths(model)]
    ),
    "Relation": lambda _, model: literal(model.__table__.relationships),
}
