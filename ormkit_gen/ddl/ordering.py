"""The order of tables in DDL: referenced tables come first."""

from __future__ import annotations

from collections.abc import Iterator

from ormkit_gen.ir import Model, Schema


def creation_order(schema: Schema) -> list[Model]:
    """Return the models so that each follows the models that it references, except in cycles.

    Ties are ordered by name. In a cycle of foreign keys, one key references a later table, and its
    constraint must be added after both tables are created.
    """
    models = {model.name: model for model in schema.models}
    ordered: dict[str, Model] = {}
    for root in sorted(models):
        if root in ordered:
            continue
        path = {root}
        stack: list[tuple[str, Iterator[str]]] = [(root, _parents(models[root]))]
        while stack:
            name, parents = stack[-1]
            parent = next(
                (each for each in parents if each not in ordered and each not in path), None
            )
            if parent is None:
                ordered[name] = models[name]
                path.discard(name)
                stack.pop()
            else:
                path.add(parent)
                stack.append((parent, _parents(models[parent])))
    return list(ordered.values())


def _parents(model: Model) -> Iterator[str]:
    return iter(sorted({key.target for key in model.foreign_keys} - {model.name}))
