"""Rendered packages: the same from every spelling, and the same every time."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from ormkit_gen.rendering.render import render
from ormkit_gen.schema import load

ROOT = Path(__file__).parents[3]
BOTH = ["blog", "everything"]


@pytest.mark.parametrize("name", BOTH)
def test_both_spellings_give_the_same_schema_and_the_same_bytes(name: str) -> None:
    toml = load([ROOT / f"schemas/{name}.toml"], ROOT).schema
    python = load([ROOT / f"schemas/{name}.py"], ROOT).schema
    assert toml == python
    assert render(toml) == render(python)


@pytest.mark.parametrize("name", BOTH)
def test_rendering_twice_gives_the_same(name: str) -> None:
    schema = load([ROOT / f"schemas/{name}.toml"], ROOT).schema
    assert render(schema) == render(schema)


@pytest.mark.parametrize("name", BOTH)
def test_every_module_is_valid_python(name: str) -> None:
    for file, text in render(load([ROOT / f"schemas/{name}.toml"], ROOT).schema).items():
        if file.endswith(".py"):
            ast.parse(text)


def test_keywords_are_closed_without_the_union_of_their_values() -> None:
    # closed=True makes pyright compare the types of all keys with each other.
    rendered = render(load([ROOT / "schemas/blog.toml"], ROOT).schema)
    modules = [text for text in rendered.values() if "Filter(TypedDict" in text]
    assert modules
    for text in modules:
        assert text.count("(TypedDict, total=False, extra_items=ReadOnly[Never])") >= 2
        assert "closed=" not in text
