"""Diagrams of a schema as text: Mermaid, DBML and the language of Graphviz."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ormkit_gen.ddl.spelling import sql_type
from ormkit_gen.documenting.selection import Reference, references
from ormkit_gen.ir import Column, Model, Schema


def mermaid(schema: Schema) -> str:
    """Return an entity-relationship diagram of Mermaid, which GitHub shows within Markdown."""
    lines = ["erDiagram"]
    for model in schema.models:
        lines.append(f"    {model.name} {{")
        lines += [f"        {_mermaid_column(model, each, schema)}" for each in model.columns]
        lines.append("    }")
    for each in references(schema.models):
        one = "o|" if each.is_optional else "||"
        many = "|o" if each.is_unique else "}o"
        label = ", ".join(each.key.columns)
        lines.append(f'    {each.source.name} {many}--{one} {each.target.name} : "{label}"')
    return "\n".join(lines) + "\n"


def _mermaid_column(model: Model, column: Column, schema: Schema) -> str:
    # A type is a single word there.
    type_ = re.sub(r"[^\w\[\]()]+", "_", sql_type(column.type, schema)).strip("_")
    marks = ["PK"] if column.name in model.primary_key else []
    marks += ["FK"] if any(column.name in key.columns for key in model.foreign_keys) else []
    name = re.sub(r"\W", "_", column.db_name)
    return f"{type_} {name}" + (f" {', '.join(marks)}" if marks else "")


def dbml(schema: Schema) -> str:
    """Return the schema in DBML, which dbdiagram.io and other tools read."""
    blocks = ["\n".join(_dbml_table(model, schema)) for model in schema.models]
    for enum in schema.enums:
        labels = [f"  {_quoted(label)}" for _, label in enum.members]
        blocks.append("\n".join([f"Enum {_dbml_name(enum.schema, enum.db_name)} {{", *labels, "}"]))
    blocks += ["\n".join(map(_dbml_reference, references(schema.models)))]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _dbml_table(model: Model, schema: Schema) -> Iterator[str]:
    yield f"Table {_dbml_name(model.schema, model.table)} {{"
    for column in model.columns:
        notes = ["pk"] if model.primary_key == (column.name,) else []
        notes += [] if column.is_nullable else ["not null"]
        notes += ["increment"] if column.identity is not None or column.is_serial else []
        if column.server_default is not None:
            notes.append(f"default: `{column.server_default}`")
        if column.comment:
            notes.append(f"note: {_text(column.comment)}")
        type_ = sql_type(column.type, schema)
        shown = type_ if re.fullmatch(r"[\w.]+(\([\d, ]+\))?(\[\])*", type_) else _quoted(type_)
        more = f" [{', '.join(notes)}]" if notes else ""
        yield f"  {_quoted(column.db_name)} {shown}{more}"
    indexes = [f"({_dbml_columns(model, model.primary_key)}) [pk]"] * (len(model.primary_key) > 1)
    indexes += [
        f"({_dbml_columns(model, each.columns)}) [unique, name: {_text(each.name)}]"
        for each in sorted(model.uniques, key=lambda each: each.name)
    ]
    if indexes:
        yield "  indexes {"
        yield from (f"    {each}" for each in indexes)
        yield "  }"
    if model.comment:
        yield f"  Note: {_text(model.comment)}"
    yield "}"


def _dbml_columns(model: Model, names: tuple[str, ...]) -> str:
    return ", ".join(_quoted(model.column(name).db_name) for name in names)


def _dbml_reference(reference: Reference) -> str:
    source, key, target = reference.source, reference.key, reference.target
    ends = (
        f"{_dbml_name(source.schema, source.table)}.({_dbml_columns(source, key.columns)})",
        f"{_dbml_name(target.schema, target.table)}.({_dbml_columns(target, key.target_columns)})",
    )
    action = f" [delete: {key.on_delete}]" if key.on_delete != "no action" else ""
    return f"Ref: {ends[0]} {'-' if reference.is_unique else '>'} {ends[1]}{action}"


def _dbml_name(namespace: str | None, name: str) -> str:
    return f"{_quoted(namespace)}.{_quoted(name)}" if namespace else _quoted(name)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _text(text: str) -> str:
    plain = " ".join(text.split()).replace("\\", "\\\\").replace("'", "\\'")
    return f"'{plain}'"


def dot(schema: Schema) -> str:
    """Return a graph for Graphviz: `ormkit docs --format dot | dot -Tsvg`."""
    lines = ["digraph schema {", "  rankdir = LR;", "  node [shape = record];"]
    for model in schema.models:
        rows = [
            f"<{place}> {_dot_text(f'{each.db_name}: {sql_type(each.type, schema)}')}\\l"
            for place, each in enumerate(model.columns)
        ]
        label = "|".join([_dot_text(model.name), *rows])
        lines.append(f'  {_quoted(model.name)} [label = "{label}"];')
    for each in references(schema.models):
        place = [column.name for column in each.source.columns].index(each.key.columns[0])
        lines.append(f"  {_quoted(each.source.name)}:{place} -> {_quoted(each.target.name)};")
    return "\n".join([*lines, "}"]) + "\n"


def _dot_text(text: str) -> str:
    return re.sub(r'([\\"{}|<> ])', r"\\\1", text)
