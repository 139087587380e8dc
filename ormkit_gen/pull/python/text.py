"""Declarations of a schema in Python: the texts of columns, models, enums and the like."""

from __future__ import annotations

import ast
import datetime as dt
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, TypeGuard

from ormkit_gen.postgres.types import BASE_TYPES
from ormkit_gen.pull.document import SchemaDocument
from ormkit_gen.pull.model_parts import ARRAYS, ModelParts
from ormkit_gen.pull.python.names import PythonNames, with_imports
from ormkit_gen.schema.columns import OF_FOREIGN_KEYS
from ormkit_gen.schema.document import is_list, is_table
from ormkit_gen.schema.enums import members_of
from ormkit_gen.schema.naming import snake_case
from ormkit_gen.schema.python_annotations import BadAnnotation, type_words
from ormkit_gen.schema.type_words import BadType, parse_type

CALLS: Mapping[str, str] = {
    "uniques": "UniqueConstraint",
    "checks": "CheckConstraint",
    "indexes": "Index",
    "foreign_keys": "ForeignKeyConstraint",
    "excludes": "ExcludeConstraint",
    "primary_key": "PrimaryKeyConstraint",
}
#: The functions that declare what has no class.
FUNCTIONS: Mapping[str, str] = {
    "extensions": "extension",
    "schemas": "namespace",
    "domains": "domain",
    "sequences": "sequence",
}
#: The settings that are positional arguments; the last one with a star takes all that follow.
POSITIONAL: Mapping[str, tuple[str, ...]] = {
    "UniqueConstraint": ("*columns",),
    "Index": ("*columns",),
    "PrimaryKeyConstraint": ("*columns",),
    "ExcludeConstraint": ("*elements",),
    "CheckConstraint": ("expression",),
    "ForeignKeyConstraint": ("columns", "target", "target_columns"),
    "ForeignKey": ("foreign_key",),
    "relationship": ("target",),
    "domain": ("", "type"),
    **dict.fromkeys(("sequence", "extension", "namespace"), ("",)),
    "enum_type": (),
}
#: The settings of a model that a class says otherwise than in `__table_args__`.
OWN_SETTINGS = ("table", "methods", "mixins", "columns", "relationships", "computed", *CALLS)
#: Where a new file with a schema in Python begins.
HEAD = '"""The tables of the database."""\n\nfrom __future__ import annotations\n'
INDENT = "    "


def schema_text(document: SchemaDocument) -> str:
    """Return a whole schema file."""
    names = PythonNames(ast.parse(HEAD))
    base = names.own("Base") if document.models else ""
    calls = [
        named_text(section, name, entry, names)
        for section in FUNCTIONS
        for name, entry in getattr(document, section).items()
    ]
    enums = [enum_text(name, entry, names) for name, entry in document.enums.items()]
    models = [model_text(each, base, names) for each in document.models.values()]
    paragraphs = ["\n".join(calls), *enums, *models]
    text = f"{HEAD}\n" + "\n\n".join(filter(None, paragraphs))
    return with_imports(text, sorted(names.needed), 100)


def model_text(model: ModelParts, base: str, names: PythonNames) -> str:
    """Return the class of a model."""
    document = model.document()
    lines = [f"class {model.name}({base}):\n{INDENT}__tablename__ = {source(document['table'])}\n"]
    arguments = table_arguments(document, names)
    if arguments:
        lines.append(f"{INDENT}{arguments_text(arguments)}\n")
    lines.append("\n")
    lines += [
        f"{INDENT}{column_text(each, document['columns'][each], names)}\n" for each in model.columns
    ]
    lines += [
        f"{INDENT}{relationship_text(name, entry, is_list=name in model.lists, names=names)}\n"
        for name, entry in model.relationships.items()
    ]
    return "".join(lines)


def table_arguments(document: Mapping[str, Any], names: PythonNames) -> list[str]:
    """Return the items of `__table_args__` for a model."""
    found: list[str] = []
    if "primary_key" in document:
        found.append(call_text("primary_key", document["primary_key"], names))
    for array in ARRAYS:
        found += [call_text(array, each, names) for each in document.get(array, ())]
    settings = {key: value for key, value in document.items() if key not in OWN_SETTINGS}
    return [*found, source(settings)] if settings else found


def arguments_text(arguments: list[str]) -> str:
    """Return the assignment of `__table_args__`."""
    if len(arguments) == 1 and arguments[0].startswith("{"):
        return f"__table_args__ = {arguments[0]}"
    items = "".join(f"{INDENT * 2}{each},\n" for each in arguments)
    return f"__table_args__ = (\n{items}{INDENT})"


def column_text(attribute: str, entry: Mapping[str, Any], names: PythonNames) -> str:
    """Return the declaration of a column."""
    type_ = str(entry["type"])
    words = annotation(type_, names)
    arguments: list[str] = []
    if not is_implied(type_.rstrip("?"), words, names):
        arguments.append(source(type_.rstrip("?")))
    if "foreign_key" in entry:
        arguments.append(reference_text(entry, names))
    left_out = ("type", "foreign_key", *OF_FOREIGN_KEYS)
    arguments += [f"{key}={source(value)}" for key, value in entry.items() if key not in left_out]
    declared = f"{attribute}: {names.own('Mapped')}[{words}]"
    if not arguments:
        return declared
    return f"{declared} = {names.own('mapped_column')}({', '.join(arguments)})"


def reference_text(entry: Mapping[str, Any], names: PythonNames) -> str:
    """Return the foreign key of a column."""
    options = {name: entry[name] for name in OF_FOREIGN_KEYS if name in entry}
    words = [source(entry["foreign_key"]), *keywords(options)]
    return f"{names.own('ForeignKey')}({', '.join(words)})"


def annotation(type_: str, names: PythonNames) -> str:
    """Return the annotation of a column of a type: that of its values, as far as it is short."""
    scalar = type_.rstrip("?[]")
    dimensions = type_.count("[]")
    try:
        parsed = parse_type(type_, ()).type
        python = parsed.base.python if parsed.name in BASE_TYPES else "str"
        dimensions = parsed.dimensions
    except BadType:
        # An enum of this file has its class; the values of all others are texts.
        python = scalar if scalar in names.classes else "str"
    if python.startswith("ormkit.") or "[" in python:
        python = "typing.Any"
    python = names.use(python)
    for _ in range(dimensions):
        python = f"list[{python}]"
    return f"{python} | None" if type_.endswith("?") else python


def is_implied(type_: str, words: str, names: PythonNames) -> bool:
    """Return whether a column with this annotation has the type by itself."""
    node = ast.parse(words.removesuffix(" | None"), mode="eval").body
    try:
        return type_words(names.plain(node), names.classes) == type_
    except BadAnnotation:
        return False


def relationship_text(
    name: str, entry: Mapping[str, Any], *, is_list: bool, names: PythonNames
) -> str:
    """Return the declaration of a relationship."""
    target = f'"{entry["target"]}"'
    words = f"list[{target}]" if is_list else target
    options = {key: value for key, value in entry.items() if key not in ("target", "many")}
    arguments = ", ".join(keywords(options))
    return f"{name}: {names.own('Mapped')}[{words}] = {names.own('relationship')}({arguments})"


def call_text(section: str, entry: Mapping[str, Any], names: PythonNames) -> str:
    """Return the call in `__table_args__` for a constraint or an index."""
    return f"{names.own(CALLS[section])}({', '.join(arguments_of(CALLS[section], entry))})"


def named_text(section: str, name: str, entry: Mapping[str, Any], names: PythonNames) -> str:
    """Return the statement that declares a domain, sequence, extension or schema."""
    function = FUNCTIONS[section]
    words = [source(name), *arguments_of(function, entry)]
    return f"{names.own(function)}({', '.join(words)})\n"


def arguments_of(function: str, entry: Mapping[str, Any]) -> list[str]:
    """Return the arguments of a call for these settings."""
    rest = dict(entry)
    found: list[str] = []
    for each in POSITIONAL[function]:
        if each.startswith("*"):
            found += map(item_source, rest.pop(each[1:], ()))
        elif each in rest:
            found.append(source(rest.pop(each)))
    return [*found, *keywords(rest)]


def item_source(value: Any) -> str:
    """Return a key of an index or an exclusion constraint."""
    if is_table(value) and set(value) == {"column", "operator"}:
        return source((value["column"], value["operator"]))
    return source(value)


def enum_text(name: str, entry: Any, names: PythonNames) -> str:
    """Return the class of an enum."""
    settings = dict(entry) if is_table(entry) else {"values": entry}
    labels = settings.pop("values")
    members = settings.pop("members", None) or members_of(tuple(labels))
    if settings.get("name") == snake_case(name):
        del settings["name"]
    lines = [f"class {name}({names.use('enum.Enum')}):\n"]
    if settings:
        lines.insert(0, f"@{names.own('enum_type')}({', '.join(keywords(settings))})\n")
    lines += [f"{INDENT}{member_text(*each)}\n" for each in zip(members, labels, strict=True)]
    return "".join(lines)


def member_text(member: str, label: str) -> str:
    """Return a member of an enum."""
    return f"{member} = {source(label)}"


def keywords(settings: Mapping[str, Any]) -> list[str]:
    """Return settings as arguments with keywords."""
    return [f"{name}={source(value)}" for name, value in settings.items()]


def is_tuple(value: object) -> TypeGuard[tuple[object, ...]]:
    """Return whether this is a tuple."""
    return isinstance(value, tuple)


def source(value: Any) -> str:
    """Return a value in Python's words, with double quotes."""
    if isinstance(value, str):
        return _text(value)
    if is_table(value):
        items = (f"{source(name)}: {source(each)}" for name, each in value.items())
        return f"{{{', '.join(items)}}}"
    if is_tuple(value):
        return f"({', '.join(map(source, value))})"
    if is_list(value):
        return f"[{', '.join(map(source, value))}]"
    return source(plain(value)) if isinstance(value, (dt.date, dt.time, Decimal)) else repr(value)


def plain(value: Any) -> Any:
    """Return a value as a schema file in Python says it: moments as texts, for example."""
    if isinstance(value, (dt.date, dt.time)):
        return str(value)
    if isinstance(value, Decimal):
        return float(value)
    if is_table(value):
        return {name: plain(each) for name, each in value.items()}
    if is_list(value) or is_tuple(value):
        return list(map(plain, value))
    return value


def _text(value: str) -> str:
    if value.isprintable():
        return json.dumps(value, ensure_ascii=False)
    escaped = "".join(_escaped(each) for each in value)
    return f'"{escaped}"'


def _escaped(character: str) -> str:
    if character in ('"', "\\"):
        return f"\\{character}"
    return character if character.isprintable() else repr(character)[1:-1]
