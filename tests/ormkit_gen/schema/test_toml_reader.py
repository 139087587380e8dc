"""Whatever a TOML file holds, reading it ends soon, in a schema or in diagnostics."""

from __future__ import annotations

import copy
import datetime as dt
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tomli
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ormkit_gen.ddl.schema import schema_sql
from ormkit_gen.diagnostics.diagnostic import SchemaError, format_diagnostic
from ormkit_gen.rendering.render import render
from ormkit_gen.schema import Loaded, load
from tests.lengths import examples
from tests.ormkit_gen.schema.toml_texts import PlainWriter

pytestmark = pytest.mark.one_interpreter

SCHEMAS = Path(__file__).parents[3] / "schemas"
BLOG = (SCHEMAS / "blog.toml").read_text(encoding="utf-8")
EVERYTHING = (SCHEMAS / "everything.toml").read_text(encoding="utf-8")
#: What stands in a schema, in places where it should not.
PIECES = [
    *('"', "'", '"""', "[", "]", "[[", "]]", "{", "}", "=", ".", ",", "\n", "\r", "#", "\\", "?"),
    *("users.id", "id", "true", "0", "a", "__", "é", "\u212a", "\0", "\u2028", "\x85", "bigint"),
]
WRONG = [
    *(1, -1, "", "x", [], {}, True, False, 1.5, float("inf"), float("nan"), 10**400),
    *(dt.date(2030, 1, 1), dt.time(12), [1], [[]], [{}], {"a": 1}, "users.id"),
]
ENTRY = "[models.User.columns]\nid = { type = 'bigint', primary_key = true }\n"

in_one_directory = settings(
    max_examples=examples(70),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def read(directory: Path, text: str) -> Loaded | SchemaError:
    """Return the schema, or its diagnostics after a look at each in the text."""
    file = directory / "schema.toml"
    file.write_bytes(text.encode())
    try:
        return load([file], directory)
    except SchemaError as error:
        lines = text.split("\n")
        for each in error.diagnostics:
            assert each.at is not None
            assert each.at.line <= len(lines) + text.count("\r")
            assert format_diagnostic(each, lines)
        return error


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    entries = value.items() if isinstance(value, dict) else enumerate(value)
    for key, each in entries:
        yield (*path, key)
        if isinstance(each, (dict, list)):
            yield from places(each, (*path, key))


def replaced(data: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    changed = copy.deepcopy(data)
    inside: Any = changed
    for key in path[:-1]:
        inside = inside[key]
    inside[path[-1]] = value
    return changed


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """Draw a schema with a few pieces cut out, put in, doubled or cut off."""
    text = draw(st.sampled_from([BLOG, EVERYTHING]))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = start + draw(st.sampled_from([0, 1, 2, 10, 100]))
        piece = draw(st.sampled_from([*PIECES, "", text[start:end] * 2]))
        text = text[:start] + piece + text[end:]
    return text[: draw(st.integers(0, len(text)))] if draw(st.booleans()) else text


@given(mutated())
@in_one_directory
def test_a_mutated_schema_is_read_or_diagnosed(tmp_path: Path, text: str) -> None:
    found = read(tmp_path, text)
    if isinstance(found, Loaded):
        assert schema_sql(found.schema)
        assert render(found.schema)


@given(st.text(st.characters(exclude_categories=["Cs"])))
@in_one_directory
def test_a_text_that_is_no_schema_is_diagnosed(tmp_path: Path, text: str) -> None:
    assert isinstance(read(tmp_path, text), SchemaError)


@given(st.data())
@in_one_directory
def test_a_wrong_value_anywhere_is_read_or_diagnosed(tmp_path: Path, data: st.DataObject) -> None:
    """Values of every type, at every place of a schema."""
    schema = tomli.loads(data.draw(st.sampled_from([BLOG, EVERYTHING])))
    path = data.draw(st.sampled_from(sorted(places(schema), key=str)))
    changed = replaced(schema, path, data.draw(st.sampled_from(WRONG)))
    found = read(tmp_path, PlainWriter().document(changed))
    if isinstance(found, Loaded):
        assert schema_sql(found.schema)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param("a = " + "[" * 100_000, "nested-too-deeply", id="arrays"),
        pytest.param("a = " + "{a=" * 100_000, "nested-too-deeply", id="inline tables"),
        pytest.param("a." * 5000 + "a = 1", "nested-too-deeply", id="dotted keys"),
        pytest.param("[" + "a." * 5000 + "a]", "nested-too-deeply", id="headers"),
        pytest.param("\n".join(f"[{'a.' * 300}b{i}]" for i in range(1000)),
                     "nested-too-deeply", id="many headers"),
        pytest.param("a = " + "1" * 100_000, "broken-toml", id="decimal digits"),
        pytest.param(f"{ENTRY}n = {{ type = 'numeric', default = 0x{'f' * 150_000} }}",
                     "bad-default", id="hexadecimal digits"),
        pytest.param(f"{ENTRY}n = {{ type = 'numeric', default = '1e999999999' }}",
                     "bad-default", id="exponents"),
        pytest.param(f"{ENTRY}n = {{ type = 'jsonb', default = 0x{'f' * 10_000} }}",
                     "bad-default", id="digits in JSON"),
        pytest.param(f"{ENTRY}n = 'int{' ' * 100_000}!'", "unknown-type", id="blanks in a type"),
        pytest.param(f"{ENTRY}n = '{'a ' * 100_000}'", "unknown-type", id="words in a type"),
        pytest.param(f"{ENTRY}n = {{ type = 'jsonb', python_type = '{'list[' * 100_000}' }}",
                     "bad-python-type", id="brackets in an annotation"),
        pytest.param(f"{ENTRY}n = {{ type = 'jsonb', python_type = '{'a|' * 50_000}a' }}",
                     "bad-python-type", id="an annotation without end"),
        pytest.param(f"{ENTRY}{'n' * 1_000_000} = 'text'", "long-name", id="a name"),
    ],
)  # fmt: skip
def test_a_bomb_is_diagnosed_at_once(tmp_path: Path, text: str, code: str) -> None:
    started = time.process_time()
    found = read(tmp_path, text)
    assert isinstance(found, SchemaError)
    assert [each.code for each in found.diagnostics] == [code]
    assert time.process_time() - started < 10


def test_a_byte_order_mark_and_either_line_ends_change_nothing(tmp_path: Path) -> None:
    plain = read(tmp_path, ENTRY)
    assert isinstance(plain, Loaded)
    changed = read(tmp_path, "\ufeff" + ENTRY.replace("\n", "\r\n"))
    assert isinstance(changed, Loaded)
    assert changed == plain


def test_places_are_the_same_with_either_line_ends(tmp_path: Path) -> None:
    wrong = ENTRY + "name = 'txt'\nage = 'itneger'\n"
    plain, windows = read(tmp_path, wrong), read(tmp_path, wrong.replace("\n", "\r\n"))
    assert isinstance(plain, SchemaError)
    assert isinstance(windows, SchemaError)
    assert windows.diagnostics == plain.diagnostics
    assert [each.at and (each.at.line, each.at.column) for each in plain.diagnostics] == [
        (3, 8), (4, 7),
    ]  # fmt: skip
