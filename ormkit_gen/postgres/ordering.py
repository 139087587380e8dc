"""The order of tables in DDL: what a foreign key points to comes first."""

from __future__ import annotations

from collections.abc import Iterator

from ormkit_gen.ir import Model, Schema


def creation_order(schema: Schema) -> list[Model]:
    """Return the models so that each follows those it points to, as far as there is no cycle.

    Ties go by name. Where foreign keys form a cycle, the key that closes it points forward, and
    its constraint has to be added once both tables are there.
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
