"""Schema text as Python source. Strings are escaped into generated code only here."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from uuid import UUID

from ormkit_gen.ir import DefaultValue, Schema
from ormkit_gen.postgres.types import ColumnType
from ormkit_gen.rendering.annotations import Imports
from ormkit_gen.rendering.own_names import own

#: Maximum width of a line of names in a `Literal`, and of one that stands behind its name.
LITERAL_WIDTH, ALONE_WIDTH = 88, 76
#: How many types | joins. Type checkers parse it as one expression within another, 256 at most.
MAX_UNION = 64


def python_string(text: str) -> str:
    """Return the text as a Python string literal."""
    return ascii(text) if any(not each.isprintable() for each in text) else repr(text)


def docstring(text: str) -> str:
    """Return the text as the content of a docstring, on one line."""
    return "".join(map(_inside_quotes, " ".join(text.split())))


def _inside_quotes(character: str) -> str:
    if character in '\\"':
        return f"\\{character}"
    return character if character.isprintable() else ascii(character)[1:-1]


def literal(value: DefaultValue, type_: ColumnType, schema: Schema, imports: Imports) -> str:
    """Return a default value as Python source, and record its imports."""
    if value is None or isinstance(value, (bool, int)):
        return repr(value)
    if isinstance(value, str):
        return _text(value, type_, schema, imports)
    if isinstance(value, float):
        return repr(value) if value - value == 0 else f'{own("float")}("{value}")'
    if isinstance(value, Decimal):
        return f'{imports.add("decimal", "Decimal")}("{value}")'
    if isinstance(value, UUID):
        return f'{imports.add("uuid", "UUID")}("{value}")'
    if isinstance(value, (dt.datetime, dt.date, dt.time)):
        # For a class inside a class, only the last name would be imported.
        return imports.resolve(repr(value).replace("datetime.timezone.utc", "datetime.UTC"))
    return _collection(value, type_, schema, imports)


def _text(value: str, type_: ColumnType, schema: Schema, imports: Imports) -> str:
    if not type_.is_enum and type_.base.default in ("date", "timestamp"):
        # Their defaults can only be the texts infinity and -infinity.
        return value.replace("infinity", imports.add("ormkit", "INFINITY"))
    if not type_.is_enum:
        return python_string(value)
    members = {label: name for name, label in schema.enum(type_.name).members}
    return f"{imports.add('.enums', type_.name)}.{members[value]}"


def _collection(
    value: Sequence[DefaultValue] | Mapping[str, DefaultValue],
    type_: ColumnType,
    schema: Schema,
    imports: Imports,
) -> str:
    if isinstance(value, Mapping):
        items = (
            f"{python_string(key)}: {literal(each, type_, schema, imports)}"
            for key, each in value.items()
        )
        return "{" + ", ".join(items) + "}"
    return f"[{', '.join(literal(each, type_, schema, imports) for each in value)}]"


def names(values: Iterable[str]) -> str:
    """Return a tuple of strings as source text."""
    texts = [python_string(value) for value in values]
    return f"({', '.join(texts)}{',' if len(texts) == 1 else ''})"


def literal_type(values: Iterable[str]) -> str:
    """Return one `Literal[...]` with all of the names, several in a line; empty without names.

    Black would give each name a line. A union of a `Literal` for each line costs type checkers more
    than one: pyrefly takes half the time without.
    """
    words = [f'"{name}"' for name in values]
    if not words:
        return ""
    if len(line := ", ".join(words)) <= ALONE_WIDTH:
        return f"{own('Literal')}[{line}]"
    lines = [words[0]]
    for word in words[1:]:
        if len(lines[-1]) + len(word) > LITERAL_WIDTH:
            lines.append(word)
        else:
            lines[-1] += f", {word}"
    every = ",\n        ".join(lines)
    return f"{own('Literal')}[\n        {every}\n    ]"


def literal_types(values: Iterable[str]) -> Iterator[str]:
    """Yield `Literal[...]` with each of the names, as many of them as fit into a line."""
    line = ""
    for word in [f'"{name}"' for name in values]:
        if line and len(line) + len(word) > LITERAL_WIDTH - len("Literal[]"):
            yield f"{own('Literal')}[{line}]"
            line = ""
        line += f", {word}" if line else word
    if line:
        yield f"{own('Literal')}[{line}]"


def union(types: Sequence[str], imports: Imports) -> str:
    """Return the union of types, which checkers can parse however many there are."""
    if len(types) <= MAX_UNION:
        return " | ".join(types)
    return f"{imports.add('typing', 'Union')}[{', '.join(types)}]"
