"""Values as TOML text, laid out as one would write a schema file."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from ormkit_gen.pull.document import SchemaDocument
from ormkit_gen.pull.model_parts import ARRAYS, ModelParts
from ormkit_gen.schema.document import is_list, is_table
from ormkit_gen.schema.naming import snake_case

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
#: Lists longer than this are written with one item a line.
_WIDTH = 100


def schema_text(document: SchemaDocument) -> str:
    """Return a whole schema file."""
    paragraphs = [
        *_tables("extensions", document.extensions),
        *_tables("schemas", document.schemas),
        *_enums(document.enums),
        *_tables("domains", document.domains),
        *_tables("sequences", document.sequences),
        *(model_text(model) for model in document.models.values()),
    ]
    return "\n".join(paragraphs)


def model_text(model: ModelParts) -> str:
    """Return the tables of one model."""
    heading = f"models.{key(model.name)}"
    document = model.document()
    lines = [f"[{heading}]\n"]
    inner = ("columns", "relationships", "partitions")
    lines += [
        assignment(name, value) for name, value in document.items() if name not in (*inner, *ARRAYS)
    ]
    for name in inner:
        if name in document:
            lines.append(f"\n[{heading}.{name}]\n")
            lines += [assignment(each, short(value)) for each, value in document[name].items()]
    for name in ARRAYS:
        for entry in document.get(name, ()):
            lines.append(f"\n[[{heading}.{name}]]\n")
            lines += [assignment(each, value) for each, value in entry.items()]
    return "".join(lines)


def short(entry: Any) -> Any:
    """Return a column's or relationship's value: text alone where it has only a type."""
    if is_table(entry) and list(entry) == ["type"]:
        return entry["type"]
    return entry


def short_enum(name: str, entry: Mapping[str, Any]) -> Any:
    """Return an enum's value: the labels alone where the rest is what the name says."""
    if set(entry) == {"values", "name"} and entry["name"] == snake_case(name):
        return entry["values"]
    return entry


def _enums(enums: Mapping[str, Any]) -> Iterator[str]:
    if enums:
        lines = (assignment(name, short_enum(name, entry)) for name, entry in enums.items())
        yield "[enums]\n" + "".join(lines)


def _tables(heading: str, entries: Mapping[str, Any]) -> Iterator[str]:
    if entries:
        yield f"[{heading}]\n" + "".join(assignment(*each) for each in entries.items())


def assignment(name: str, value: Any) -> str:
    """Return a line that sets a key."""
    line = f"{key(name)} = {text(value)}\n"
    if is_list(value) and len(line) > _WIDTH:
        items = "".join(f"    {text(each)},\n" for each in value)
        return f"{key(name)} = [\n{items}]\n"
    return line


def key(name: str) -> str:
    """Return a key, quoted where necessary."""
    return name if _BARE.fullmatch(name) else _string(name)


def text(value: Any) -> str:
    """Return a value of TOML on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _literal(value)
    if isinstance(value, (int, float, Decimal)):
        return str(value)
    if is_table(value):
        items = ", ".join(f"{key(name)} = {text(each)}" for name, each in value.items())
        return f"{{ {items} }}" if items else "{}"
    if is_list(value):
        return f"[{', '.join(map(text, value))}]"
    if isinstance(value, dt.datetime):
        return value.isoformat()
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    raise TypeError(f"a {type(value).__name__} has no TOML")


def _literal(value: str) -> str:
    """Return a string in the quotes in which it needs no escapes, if there are such."""
    is_plain = value.isprintable() and "'" not in value
    return f"'{value}'" if is_plain and ('"' in value or "\\" in value) else _string(value)


def _string(value: str) -> str:
    parts = (
        _ESCAPES.get(each) or (each if each.isprintable() or each == " " else _escaped(each))
        for each in value
    )
    return f'"{"".join(parts)}"'


def _escaped(character: str) -> str:
    number = ord(character)
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
