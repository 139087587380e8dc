"""Patches of Python schema files, where facts of their tables differ."""

from __future__ import annotations

import ast
import datetime as dt
import difflib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard

from ormkit.catalog import COLUMN_PARTS
from ormkit_gen.ir import Column, Model, Position
from ormkit_gen.postgres.types import BASE_TYPES
from ormkit_gen.pull.model_parts import FactName, ModelParts, Part
from ormkit_gen.schema.document import is_list, is_table
from ormkit_gen.schema.type_words import BadType, parse_type

#: The settings that `ForeignKey(...)` takes beside the column that it references.
_REFERENCE = ("on_delete", "on_update", "deferrable", "initially_deferred")
_CALLS = {
    "uniques": "UniqueConstraint",
    "checks": "CheckConstraint",
    "indexes": "Index",
    "foreign_keys": "ForeignKeyConstraint",
    "excludes": "ExcludeConstraint",
}
#: The settings of each that are positional arguments.
_POSITIONAL = {
    "checks": ("expression",),
    "foreign_keys": ("columns", "target", "target_columns"),
}


class PythonPatch:
    """Collects the changes of Python files."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        """Take the texts of the files by their paths."""
        self._texts = texts
        #: New lines in place of others: from one line to another, both counted from 1.
        self._changes: defaultdict[str, list[tuple[int, int, list[str]]]] = defaultdict(list)

    def text(self) -> str:
        """Return the patch as a unified diff."""
        return "".join(line for name in self._changes for line in self._diff(name))

    def remove(self, known: Model) -> None:
        """Remove a model whose table is gone."""
        if (node := self._class(known)) is not None and known.at is not None:
            self._replace(known.at.file, node, [])

    def edit(self, known: Model, wanted: ModelParts, facts: set[FactName]) -> None:
        """Change the class of a model where these facts differ."""
        node = self._class(known)
        if node is None or known.at is None:
            return
        file = known.at.file
        columns = {each for each in map(_column_of, facts) if each is not None}
        parts = [part for part in wanted.parts if facts & set(part.facts)]
        columns |= {
            name
            for name, attribute in wanted.attributes.items()
            if any(part.column == attribute for part in parts)
        }
        columns |= {
            each.db_name for each in known.columns if self._has_gone_part(known, each, facts)
        }
        new: list[str] = []
        for name in sorted(columns):
            attribute = wanted.attributes.get(name)
            there = next((each for each in known.columns if each.db_name == name), None)
            statement = self._statement(node, there.at) if there else None
            lines = [] if attribute is None else [column_line(attribute, wanted.entry(attribute))]
            if statement is not None:
                self._replace(file, statement, lines)
            else:
                new += lines
        if new:
            last = max((each.at.line for each in known.columns if each.at), default=node.lineno)
            self._changes[file].append((last + 1, last, new))
        self._edit_arguments(file, node, known, [part for part in parts if part.array], facts)

    def _has_gone_part(self, known: Model, column: Column, facts: set[FactName]) -> bool:
        """Return whether a constraint that the column has alone is one of the facts."""
        names = {name for kind, name in facts if kind in ("constraint", "index")}
        places = [
            *(each.at for each in known.uniques if each.name in names),
            *(each.at for each in known.indexes if each.name in names),
            *(each.at for each in known.foreign_keys if each.name in names),
        ]
        return column.at is not None and column.at.line in {at.line for at in places if at}

    def _edit_arguments(
        self, file: str, node: ast.ClassDef, known: Model, parts: list[Part], facts: set[FactName]
    ) -> None:
        gone = {name for kind, name in facts if kind in ("constraint", "index", "unfinished")}
        given = next(
            (
                each
                for each in node.body
                if isinstance(each, ast.Assign)
                and any(isinstance(t, ast.Name) and t.id == "__table_args__" for t in each.targets)
            ),
            None,
        )
        new = [f"        {call_of(part)}," for part in parts]
        if given is None:
            if new:
                lines = ["    __table_args__ = (", *new, "    )"]
                self._changes[file].append((node.body[0].lineno, node.body[0].lineno - 1, lines))
            return
        groups = (known.uniques, known.checks, known.indexes, known.excludes, known.foreign_keys)
        places = {
            each.at.line for group in groups for each in group if each.name in gone and each.at
        }
        elements = given.value.elts if isinstance(given.value, ast.Tuple) else []
        for element in elements:
            if places & set(range(element.lineno, (element.end_lineno or element.lineno) + 1)):
                self._replace(file, element, [])
        if new and given.value.end_lineno is not None:
            first = elements[0].lineno if elements else given.value.end_lineno
            self._changes[file].append((first, first - 1, new))

    def _class(self, known: Model) -> ast.ClassDef | None:
        if known.at is None:
            return None
        tree = ast.parse(self._texts[known.at.file])
        return next(
            (
                each
                for each in ast.walk(tree)
                if isinstance(each, ast.ClassDef) and each.name == known.name
            ),
            None,
        )

    def _statement(self, node: ast.ClassDef, at: Position | None) -> ast.stmt | None:
        return next(
            (
                each
                for each in node.body
                if at is not None and each.lineno <= at.line <= (each.end_lineno or each.lineno)
            ),
            None,
        )

    def _replace(self, file: str, node: ast.stmt | ast.expr, lines: list[str]) -> None:
        if lines and node.end_lineno is not None and node.end_col_offset is not None:
            # A comment behind the statement stays.
            line = self._texts[file].splitlines()[node.end_lineno - 1]
            rest = line.encode()[node.end_col_offset :].decode()
            lines = [*lines[:-1], lines[-1] + rest]
        self._changes[file].append((node.lineno, node.end_lineno or node.lineno, lines))

    def _diff(self, name: str) -> Iterator[str]:
        before = self._texts[name].splitlines(keepends=True)
        after = list(before)
        for first, last, lines in sorted(self._changes[name], reverse=True):
            after[first - 1 : last] = [f"{line}\n" for line in lines]
        yield from difflib.unified_diff(before, after, f"a/{name}", f"b/{name}")


def column_line(attribute: str, entry: Mapping[str, Any]) -> str:
    """Return the line of a column in a class."""
    words = str(entry["type"])
    arguments = [_source(words.rstrip("?"))]
    if "foreign_key" in entry:
        options = {name: entry[name] for name in _REFERENCE if name in entry}
        arguments.append(f"ForeignKey({_arguments([entry['foreign_key']], options)})")
    left_out = ("type", "foreign_key", *_REFERENCE)
    options = {name: value for name, value in entry.items() if name not in left_out}
    arguments += [f"{name}={_source(value)}" for name, value in options.items()]
    return f"    {attribute}: Mapped[{annotation(words)}] = mapped_column({', '.join(arguments)})"


def annotation(words: str) -> str:
    """Return the annotation of a column of a type: that of its values, as far as it is short."""
    try:
        type_ = parse_type(words, ()).type
        python = type_.base.python.rpartition(".")[2] if type_.name in BASE_TYPES else "str"
    except BadType:
        python, type_ = words.rstrip("?[]"), None
    python = python if "[" not in python and "]" not in python else "Any"
    dimensions = type_.dimensions if type_ is not None else words.count("[]")
    for _ in range(dimensions):
        python = f"list[{python}]"
    return f"{python} | None" if words.endswith("?") else python


def call_of(part: Part) -> str:
    """Return the call in `__table_args__` for a constraint or an index."""
    array = str(part.array)
    entry = dict(part.entry)
    if array in ("uniques", "indexes"):
        positional = entry.pop("columns")
    elif array == "excludes":
        positional = [
            (each["column"], each["operator"]) if set(each) == {"column", "operator"} else each
            for each in entry.pop("elements")
        ]
    else:
        positional = [entry.pop(name) for name in _POSITIONAL[array] if name in entry]
    return f"{_CALLS[array]}({_arguments(positional, entry)})"


def _arguments(positional: list[Any], named: Mapping[str, Any]) -> str:
    words = [*map(_source, positional)]
    return ", ".join([*words, *(f"{name}={_source(value)}" for name, value in named.items())])


def is_tuple(value: object) -> TypeGuard[tuple[object, ...]]:
    """Return whether this is a tuple."""
    return isinstance(value, tuple)


def _source(value: Any) -> str:
    """Return a value in Python's words, with double quotes."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if is_table(value):
        items = (f"{_source(name)}: {_source(each)}" for name, each in value.items())
        return f"{{{', '.join(items)}}}"
    if is_tuple(value):
        return f"({', '.join(map(_source, value))})"
    if is_list(value):
        return f"[{', '.join(map(_source, value))}]"
    return _source(str(value)) if isinstance(value, (dt.date, dt.time)) else repr(value)


def _column_of(fact: FactName) -> str | None:
    kind, name = fact
    if kind == "column" or kind in COLUMN_PARTS:
        return name
    return name.removeprefix("column ") if kind == "comment" and name[:7] == "column " else None
