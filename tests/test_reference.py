"""The reference lists what there is, and each entry's test is there and about it."""

from __future__ import annotations

import ast
import inspect
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import ormkit
from examples.blog.db import UserQuery
from ormkit.loading import options as load_options
from ormkit.persistence import related_set as related
from ormkit.sql import expressions, functions
from ormkit.sql.lookups import LOOKUPS

#: PostgreSQL and the code say the same on every interpreter.
pytestmark = pytest.mark.one_interpreter

ROOT = Path(__file__).parents[1]
ROW = re.compile(
    r"^\| `(?P<name>[^`]+)` \|.*\| \[(?P<test>\w+)\]\(\.\./(?P<file>[\w/]+\.py)\) \|$", re.MULTILINE
)

#: What each section lists: a class, whose public methods and properties are meant.
CLASSES: dict[str, type] = {
    "Engine": ormkit.Engine,
    "Result": ormkit.Result,
    "Session": ormkit.AsyncSession,
    "Transaction": ormkit.Transaction,
    "Query": UserQuery,
    "Rows": ormkit.Rows,
    "Stream": ormkit.Stream,
    "Change": ormkit.Change,
    "Load options": ormkit.Load,
    "Related objects": related.RelatedSet,
    "Expressions": ormkit.Expression,
    "Orders": ormkit.Order,
    "JSON": ormkit.JsonColumn,
    "Full-text search": ormkit.SearchColumn,
    "Vectors": ormkit.VectorColumn,
    "To-one relationships": ormkit.ToOne,
    "To-many relationships": ormkit.ToMany,
    "Aggregates": ormkit.Aggregate,
    "Functions": functions.Functions,
}
#: Free functions and classes that are called.
CALLED = {
    *("allow_repeats", "capture_statements", "case", "cast", "create_engine", "current_session"),
    *("detect_repeats", "exists", "query_budget"),
    *("inspect", "joinedload", "jsonload"),
    *("literal", "noload", "selectinload", "session_context", "to_tsvector", "validates", "Q"),
}
#: What generated code alone calls.
DECLARING = {"column", "computed", "to_many", "to_one"}
#: Parts of those classes that the runtime's own modules use, and no application.
INTERNAL = {
    *("executor", "run_counted", "run_many", "flush_pending", "use", "pool", "identity", "advice"),
    *("as_select", "key", "type", "values_", "sql", "encode", "decode", "is_plain", "is_array"),
    *("is_open", "suffixed", "related", "related_alive", "through", "to_target", "local", "remote"),
    *(
        "target",
        "secondary",
        "label",
        "is_to_many",
        "question",
        "is_owner",
        "name",
        "slot",
        "table",
    ),
    *("path", "enclosing", "session", "is_closed", "is_over", "engine", "arguments", "convert"),
    *("source", "template", "where", "expression", "is_descending", "nulls", "quoted", "cast"),
    *("selected", "placeholder", "carrier", "labels", "is_json", "is_read_as_text"),
    *("is_nullable", "has_default", "is_generated", "is_computed", "is_simple", "as_jsonb"),
    *("asked", "sent", "sent_as", "own", "combined", "computed", "among", "null_with"),
    *("operands", "mark", "pieces", "height", "compares_as_given", "is_moment", "is_of_any_kind"),
    *("json_type", "loaded", "is_object"),
    *("frame", "records", "tables", "encode_each", "exact", "sure"),
}
OPERATORS = {"==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%", "&", "|", "~", "[...]"}


def public(kind: type, section: str) -> set[str]:
    """Return the methods and properties that an application has of a class."""
    inherited: set[str] = set()
    if section in ("JSON", "Full-text search", "Vectors", "Aggregates"):
        inherited = set(dir(ormkit.Column)) | set(dir(functions.Function))
    if section == "Transaction":
        inherited = set(dir(ormkit.AsyncSession)) - {"begin"}
    found: set[str] = set()
    for name in dir(kind):
        value = inspect.getattr_static(kind, name)
        is_method = inspect.isfunction(value) or isinstance(value, property)
        if is_method and not name.startswith("_") and name not in INTERNAL | inherited:
            found.add(name)
    if issubclass(kind, expressions.Expression):
        # What an expression binds has the name of a method of queries.
        found -= {"values"}
    # What streams run on, with the name of the method of queries.
    return found - ({"stream"} if section in ("Engine", "Transaction") else set())


def sections() -> dict[str, list[re.Match[str]]]:
    text = (ROOT / "docs/reference.md").read_text(encoding="utf-8")
    _, *parts = re.split(r"^## ", text, flags=re.MULTILINE)
    return {part.partition("\n")[0]: list(ROW.finditer(part)) for part in parts}


@cache
def sources(file: str) -> dict[str, str]:
    """Return the source of each test of a file, with the parameters that stand before it."""
    text = (ROOT / file).read_text(encoding="utf-8")
    lines = text.splitlines()
    found: dict[str, str] = {}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            found[node.name] = "\n".join(lines[first - 1 : node.end_lineno])
    return found


@pytest.mark.parametrize("section", CLASSES)
def test_a_section_lists_every_public_method_and_nothing_else(section: str) -> None:
    rows = [row["name"].partition("(")[0] for row in sections()[section]]
    assert len(set(rows)) == len(rows)
    assert set(rows) - OPERATORS == public(CLASSES[section], section)


def test_operators_and_keywords_are_all_there() -> None:
    assert {row["name"] for row in sections()["Expressions"]} >= OPERATORS - {"[...]"}
    assert {row["name"] for row in sections()["Keyword operators"]} == set(LOOKUPS)


def test_free_functions_are_all_there() -> None:
    rows = {row["name"].partition("(")[0] for row in sections()["Functions to import"]}
    exported = {name for name in ormkit.__all__ if inspect.isfunction(getattr(ormkit, name))}
    exported -= DECLARING
    assert rows == exported | {"Q"} == CALLED
    assert {load_options.selectinload, load_options.noload} <= {
        getattr(ormkit, name) for name in exported
    }


def all_rows() -> list[Any]:
    return [
        pytest.param(section, row, id=f"{section}-{row['name']}")
        for section, rows in sections().items()
        for row in rows
    ]


@pytest.mark.parametrize(("section", "row"), all_rows())
def test_an_entry_s_test_is_there_and_uses_it(section: str, row: re.Match[str]) -> None:
    tests = sources(row["file"])
    assert row["test"] in tests
    name = row["name"].partition("(")[0]
    source = tests[row["test"]]
    if section == "Keyword operators":
        spelled = f"__{name}" in source or f'"{name}"' in source or name == "eq"
        assert spelled or "OPERATORS" in source
    elif name in OPERATORS:
        assert name.strip("[.]") in source
    else:
        assert re.search(rf"\b{name}\b", source)
