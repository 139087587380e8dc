"""Places in TOML: every key and value of any document is found where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import tomli
from hypothesis import given, settings

from ormkit_gen.ir import Position
from ormkit_gen.schema.document import Path
from ormkit_gen.schema.toml_positions import MAX_DEPTH, TomlPositions, TooDeep
from tests.lengths import examples
from tests.ormkit_gen.schema.toml_texts import toml_documents

pytestmark = pytest.mark.one_interpreter


def walk(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield the path and value of everything in a document."""
    entries = value.items() if isinstance(value, dict) else enumerate(value)
    for key, each in entries:
        yield (*path, key), each
        if isinstance(each, (dict, list)):
            yield from walk(each, (*path, key))


def shown(text: str, at: Position) -> str:
    """Return what the caret underlines."""
    line = text.split("\n")[at.line - 1]
    return line[at.column - 1 : at.column - 1 + at.width]


def is_on_one_line(text: str) -> bool:
    """Return whether a value is whole, as its lines after the first are not underlined."""
    try:
        tomli.loads(f"a = {text}")
    except tomli.TOMLDecodeError:
        return False
    return True


@given(toml_documents())
@settings(max_examples=examples(100), deadline=None)
def test_every_key_stands_where_it_is_told(document: tuple[str, dict[str, Any]]) -> None:
    text, data = document
    assert tomli.loads(text) == data
    positions = TomlPositions("schema.toml", text)
    for path, _ in walk(data):
        if isinstance(path[-1], str):
            (name,) = tomli.loads(f"{shown(text, positions.keys[path])} = 1")
            assert name == path[-1]


@given(toml_documents())
@settings(max_examples=examples(100), deadline=None)
def test_every_value_stands_where_it_is_told(document: tuple[str, dict[str, Any]]) -> None:
    """Tables under headers or of dotted keys have no value in the text, only a key."""
    text, data = document
    positions = TomlPositions("schema.toml", text)
    for path, value in walk(data):
        if path not in positions.values:
            assert isinstance(value, (dict, list))
            continue
        found = shown(text, positions.values[path])
        if is_on_one_line(found):
            assert tomli.loads(f"a = {found}") == {"a": value}
        else:
            assert found.startswith(('"""', "'''", "[", "{"))


@given(toml_documents())
@settings(max_examples=examples(35), deadline=None)
def test_nothing_else_is_told(document: tuple[str, dict[str, Any]]) -> None:
    text, data = document
    positions = TomlPositions("schema.toml", text)
    assert {*positions.keys, *positions.values} <= {path for path, _ in walk(data)}


def test_tables_of_an_array_are_told_apart() -> None:
    text = "[[a]]\nb = 1\n[[a]]\nb = 2\n[a.c]\nd = 3\n[[a.e]]\n[[a.e]]\nf = 4\n"
    keys = TomlPositions("schema.toml", text).keys
    assert {path: keys[path].line for path in keys if len(path) > 1} == {
        ("a", 0): 1,
        ("a", 0, "b"): 2,
        ("a", 1): 3,
        ("a", 1, "b"): 4,
        ("a", 1, "c"): 5,
        ("a", 1, "c", "d"): 6,
        ("a", 1, "e"): 7,
        ("a", 1, "e", 0): 7,
        ("a", 1, "e", 1): 8,
        ("a", 1, "e", 1, "f"): 9,
    }


@pytest.mark.parametrize(
    "text", ["a = {0}1{1}", "{2}a = 1", "[{2}a]", "[[{2}a]]", "a = {{ {2}a = 1 }}"]
)
def test_depth_is_bounded_whatever_the_spelling(text: str) -> None:
    """The cost of a path grows with the square of its depth."""

    def nested(depth: int) -> str:
        return text.format("[" * depth, "]" * depth, "a." * depth)

    TomlPositions("schema.toml", nested(MAX_DEPTH - 3))
    with pytest.raises(TooDeep) as caught:
        TomlPositions("schema.toml", nested(MAX_DEPTH + 1))
    assert caught.value.at.column > MAX_DEPTH
