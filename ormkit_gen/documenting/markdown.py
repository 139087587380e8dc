"""A page in Markdown: for each model its columns, constraints, and who refers to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ormkit_gen.ddl.spelling import sql_constant, sql_type
from ormkit_gen.documenting.selection import Reference, references
from ormkit_gen.ir import Column, IndexElement, Model, Schema


def markdown(schema: Schema) -> str:
    """Return the page."""
    found = list(references(schema.models))
    lines = ["# Schema", ""]
    lines += [f"- [{model.name}](#{model.name.lower()}){_brief(model)}" for model in schema.models]
    for model in schema.models:
        lines += ["", *_section(model, schema, found)]
    if schema.enums:
        lines += ["", "## Enums", "", "| enum | type | labels |", "|---|---|---|"]
        for enum in schema.enums:
            labels = ", ".join(_code(label) for _, label in enum.members)
            lines.append(f"| {enum.name} | {_code(enum.db_name)} | {labels} |")
    return "\n".join(lines) + "\n"


def _brief(model: Model) -> str:
    first = (model.comment or "").strip().split("\n")[0]
    return f": {_text(first)}" if first else ""


def _section(model: Model, schema: Schema, found: Sequence[Reference]) -> Iterator[str]:
    yield f"## {model.name}"
    yield ""
    where = f"{model.schema}.{model.table}" if model.schema else model.table
    kind = model.view.kind if model.view is not None else "table"
    yield f"The {kind} {_code(where)}." + (f" {_text(model.comment)}" if model.comment else "")
    yield ""
    yield "| column | type | null | default | description |"
    yield "|---|---|---|---|---|"
    for column in model.columns:
        yield _column(model, column, schema)
    constraints = list(_constraints(model))
    if constraints:
        yield ""
        yield from constraints
    related = list(_related(model, found))
    if related:
        yield ""
        yield from related


def _column(model: Model, column: Column, schema: Schema) -> str:
    notes = ["primary key"] if column.name in model.primary_key else []
    notes += [
        f"references [{key.target}](#{key.target.lower()})"
        for key in model.foreign_keys
        if column.name in key.columns
    ]
    notes += ["never shown"] if column.is_private else []
    if column.comment:
        notes.append(_text(column.comment))
    name = _code(column.db_name)
    if column.name != column.db_name:
        name += f" ({_code(column.name)} in Python)"
    null = "yes" if column.is_nullable else "no"
    type_ = _code(sql_type(column.type, schema))
    return f"| {name} | {type_} | {null} | {_default(column, schema)} | {'; '.join(notes)} |"


def _default(column: Column, schema: Schema) -> str:
    if column.generated is not None:
        return f"generated: {_code(column.generated)}"
    if column.identity is not None or column.is_serial:
        return "numbered"
    if column.server_default is not None:
        return _code(column.server_default)
    if column.default is not None:
        return _code(sql_constant(column.default.value, column.type, schema))
    return ""


def _constraints(model: Model) -> Iterator[str]:
    for unique in sorted(model.uniques, key=lambda each: each.name):
        yield f"- unique {_code(unique.name)}: {_names(model, unique.columns)}"
    for check in sorted(model.checks, key=lambda each: each.name):
        yield f"- check {_code(check.name)}: {_code(check.expression)}"
    for exclude in sorted(model.excludes, key=lambda each: each.name):
        keys = ", ".join(f"{_element(model, each)} with {word}" for each, word in exclude.elements)
        yield f"- exclude {_code(exclude.name)}: {_code(keys)}"
    for index in sorted(model.indexes, key=lambda each: each.name):
        kind = "unique index" if index.is_unique else "index"
        keys = ", ".join(_element(model, each) for each in index.elements)
        where = f" where {_code(index.where)}" if index.where else ""
        method = f" using {index.method}" if index.method != "btree" else ""
        yield f"- {kind} {_code(index.name)}{method}: {_code(keys)}{where}"


def _element(model: Model, element: IndexElement) -> str:
    if element.column is None:
        text = f"({element.expression})"
    else:
        text = model.column(element.column).db_name
    return f"{text} DESC" if element.is_descending else text


def _related(model: Model, found: Sequence[Reference]) -> Iterator[str]:
    for relationship in model.relationships:
        kind = relationship.kind.replace("_", "-")
        target = f"[{relationship.target}](#{relationship.target.lower()})"
        yield f"- {_code(relationship.name)}: {kind}, {target}"
    for reference in found:
        if reference.target is model:
            source = f"[{reference.source.name}](#{reference.source.name.lower()})"
            names = _names(reference.source, reference.key.columns)
            action = reference.key.on_delete
            then = f", on delete {action}" if action != "no action" else ""
            yield f"- referenced by {source}: {names}{then}"


def _names(model: Model, names: Sequence[str]) -> str:
    return ", ".join(_code(model.column(name).db_name) for name in names)


def _code(text: str) -> str:
    """Return a text as code, in a cell of a table."""
    plain = " ".join(text.split()).replace("|", "\\|")
    return f"`` {plain} ``" if "`" in plain else f"`{plain}`"


def _text(text: str) -> str:
    """Return a comment as text: it makes neither rows nor markup."""
    plain = " ".join(text.split())
    for mark in "\\|<[`*_":
        plain = plain.replace(mark, f"\\{mark}")
    return plain
