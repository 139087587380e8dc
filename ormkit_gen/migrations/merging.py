"""Merge two schemas that have one ancestor, element by element."""

from __future__ import annotations

from typing import Any

from ormkit_gen.ir import Schema
from ormkit_gen.migrations.state import canonical, lines_of, schema_of

#: What a line of a state is about, such as ("column", "User.age").
Key = tuple[str, str]


class MergeConflict(Exception):
    """Both sides have changed one element, and not in the same way."""

    def __init__(self, key: Key) -> None:
        super().__init__(f"the {key[0]} {key[1]}")


def merged(base: Schema, ours: Schema, theirs: Schema) -> Schema:
    """Return `ours` with what `theirs` has changed since `base`.

    Raises:
        MergeConflict: Both have changed one element.
    """
    before, mine, other = (_elements(each) for each in (base, ours, theirs))
    found = dict(mine)
    for key in before.keys() | other.keys():
        was, now, there = before.get(key), other.get(key), mine.get(key)
        if now in (was, there):
            continue
        if there != was:
            raise MergeConflict(key)
        if now is None:
            del found[key]
        else:
            found[key] = now
    return schema_of(_in_order(found, [*mine, *other]))


def _elements(schema: Schema) -> dict[Key, dict[str, Any]]:
    found: dict[Key, dict[str, Any]] = {}
    for line in lines_of(canonical(schema)):
        called, name = next(iter(line.items()))
        found[called, name] = line
    return found


def _in_order(found: dict[Key, dict[str, Any]], order: list[Key]) -> list[dict[str, Any]]:
    """Return the lines, those of a model's parts after its own, as both sides have them."""
    keys = [key for key in dict.fromkeys(order) if key in found]
    models = {name: place for place, (called, name) in enumerate(keys) if called == "model"}

    def place(key: Key) -> tuple[int, int]:
        model = key[1].partition(".")[0]
        return models.get(model, -1), key[0] != "model"

    return [found[key] for key in sorted(keys, key=place)]
