"""The PostgreSQL extensions that a schema needs."""

from __future__ import annotations

from collections.abc import Iterator

from ormkit_gen.ir import IndexElement, Model, Schema

#: Operators that GiST supports for scalar types only with btree_gist.
_COMPARISONS = ("=", "<>", "<", "<=", ">", ">=")
_TRIGRAMS = ("gin_trgm_ops", "gist_trgm_ops")


def extensions(schema: Schema) -> list[str]:
    """Return the names of the extensions, sorted."""
    types = [column.type for model in schema.models for column in model.columns]
    types += [domain.type for domain in schema.domains]
    found = {type_.base.extension for type_ in types if not type_.is_enum}
    found.update(name for model in schema.models for name in _of_model(model))
    found.update(each.name for each in schema.extensions)
    return sorted(filter(None, found))


def _of_model(model: Model) -> Iterator[str]:
    for exclude in model.excludes:
        for element, operator in exclude.elements:
            yield from _of_element(model, exclude.method, element, operator)
    for index in model.indexes:
        for element in index.elements:
            yield from _of_element(model, index.method, element)


def _of_element(
    model: Model, method: str, element: IndexElement, operator: str = "="
) -> Iterator[str]:
    if element.opclass in _TRIGRAMS:
        yield "pg_trgm"
    if element.opclass is None and element.column is not None and operator in _COMPARISONS:
        type_ = model.column(element.column).type
        if type_.is_text:
            # A type that came with operator classes of its own.
            return
        if method == "gist" and type_.family not in ("array", "range", "document", "opaque"):
            yield "btree_gist"
        if method == "gin" and type_.family in ("ordered", "text", "boolean"):
            yield "btree_gin"
