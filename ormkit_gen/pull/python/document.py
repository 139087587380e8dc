"""What a schema file in Python says, in the form in which TOML says it."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from ormkit_gen.pull.model_parts import ARRAYS
from ormkit_gen.pull.python.text import plain
from ormkit_gen.schema.document import is_list, is_table
from ormkit_gen.schema.enums import members_of
from ormkit_gen.schema.naming import snake_case
from ormkit_gen.spellings import ALIASES


class Item(dict[str, Any]):
    """A table of an array, which knows the number that it had in the file."""

    number: int | None = None


def canonical(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document without differences of spelling: aliases, or `nullable` for `?`."""
    found: dict[str, Any] = {
        section: {name: plain(entry) for name, entry in entries.items()}
        for section, entries in data.items()
        if section not in ("enums", "models") and entries
    }
    found["enums"] = {name: of_enum(name, each) for name, each in data.get("enums", {}).items()}
    found["models"] = {name: of_model(each) for name, each in data.get("models", {}).items()}
    return found


def of_enum(name: str, entry: Any) -> dict[str, Any]:
    """Return an enum with its members named."""
    found = deepcopy(entry) if is_table(entry) else {"values": list(entry)}
    found.setdefault("members", members_of(tuple(found["values"])))
    if found.get("name") == snake_case(name):
        del found["name"]
    return found


def of_model(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return a model without empty parts."""
    found: dict[str, Any] = {}
    for key, value in entry.items():
        if key == "columns":
            found[key] = {name: of_column(each) for name, each in value.items()}
        elif key == "relationships":
            found[key] = {name: of_relationship(each) for name, each in value.items()}
        elif key in ARRAYS:
            found[key] = [_item(number, each) for number, each in enumerate(value)]
        else:
            found[key] = plain(value)
    empty = ("relationships", "partitions", "storage", *ARRAYS)
    return {key: value for key, value in found.items() if value or key not in empty}


def of_column(entry: Any) -> dict[str, Any]:
    """Return a column whose type says whether it is nullable, and how long its texts are."""
    found = _settled(entry if is_table(entry) else {"type": entry})
    type_ = str(found["type"]).strip()
    is_nullable = found.pop("nullable", type_.endswith("?"))
    type_ = type_.rstrip("? ")
    length = found.pop("max_length", None)
    if length is not None:
        type_ = f"{'varchar' if type_ == 'text' else type_}({length})"
    found["type"] = f"{type_}{'?' if is_nullable else ''}"
    # It follows from the annotation, or stays as it is.
    found.pop("python_type", None)
    return found


def of_relationship(entry: Any) -> dict[str, Any]:
    """Return a relationship without what its annotation says."""
    found = _settled(entry if is_table(entry) else {"target": entry})
    found.pop("many", None)
    key = found.get("foreign_key")
    if is_list(key) and len(key) == 1:
        (found["foreign_key"],) = key
    return found


def _item(number: int, entry: Mapping[str, Any]) -> Item:
    found = Item(_settled(entry))
    found.number = number
    return found


def _settled(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {ALIASES.get(key, key): plain(value) for key, value in entry.items()}
