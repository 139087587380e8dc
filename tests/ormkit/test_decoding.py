"""Rows become the same objects by the accelerator and in Python, of whatever model they are."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from types import MethodType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import examples.blog.db as blog
from ormkit import AsyncSession, Engine, Model, create_engine, decoding, joinedload, jsonload
from ormkit import selectinload
from ormkit.decoding import decode, decode_part, decoder_of
from tests.generated import ROOT, import_models
from tests.servers import Server

pytest.importorskip(
    "ormkit._accelerator", reason="no C compiler was there to build the accelerator"
)
Decoder: Any = decoding.Decoder
pytestmark = pytest.mark.skipif(Decoder is None, reason="the accelerator is switched off")

TEXT = st.text(max_size=5)
LABELS = st.sampled_from(["small", "large"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=4,
)
#: Types of columns, with values as the driver gives them.
TYPES: dict[str, st.SearchStrategy[Any]] = {
    "bigint": st.integers(-(2**63), 2**63 - 1),
    "double precision": st.floats(),
    "numeric": st.decimals(),
    "boolean": st.booleans(),
    "text": TEXT,
    "bytea": st.binary(max_size=4),
    "timestamptz": st.datetimes(timezones=st.just(dt.UTC)),
    "jsonb": JSON,
    "Size": LABELS,
    "text[]": st.lists(st.none() | TEXT, max_size=3),
    "Size[]": st.lists(st.none() | LABELS, max_size=3),
    "jsonb[]": st.lists(JSON, max_size=3),
    "vector(2)": st.sampled_from(["[1,2]", "[0.5,-3]"]),
}
COLUMNS = st.lists(st.tuples(st.sampled_from(list(TYPES)), st.booleans()), max_size=12)


def random_model(directory: Path, columns: list[tuple[str, bool]]) -> Any:
    """Return a model with a key and these columns: their types, and whether they hold NULL."""
    lines = ['[enums]\nSize = ["small", "large"]\n\n[models.Thing.columns]']
    lines.append('id = { type = "bigint", primary_key = true }')
    for number, (words, is_nullable) in enumerate(columns):
        lines.append(f'column{number} = "{words}{"?" * is_nullable}"')
    schema = directory / "schema.toml"
    schema.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return import_models(directory, schema).Thing


def rows_of(columns: list[tuple[str, bool]]) -> st.SearchStrategy[list[tuple[Any, ...]]]:
    values = [TYPES[words] | st.none() if null else TYPES[words] for words, null in columns]
    return st.lists(st.tuples(TYPES["bigint"], *values), max_size=5)


def seen(value: Any) -> Any:
    """What can be seen of an object, and of what it holds: types and values, NaN as itself."""
    if isinstance(value, list):
        return [seen(each) for each in value]
    if isinstance(value, Model):
        slots: tuple[str, ...] = type(value).__slots__
        held = [(name, seen(getattr(value, name))) for name in slots if hasattr(value, name)]
        return type(value), held
    return type(value), repr(value)


@given(st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_objects_of_any_model_and_rows_are_the_same(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    columns = data.draw(COLUMNS)
    model = random_model(tmp_path_factory.mktemp("models"), columns)
    make = decoder_of(model.__decode__)
    assert type(make) is Decoder
    for _ in range(3):
        rows = data.draw(rows_of(columns))
        wanted = seen(model.__decode__(rows))
        assert seen(make(rows)) == wanted
        assert seen(make(list(map(list, rows)))) == wanted
        joined = [(None, *row, "beside") for row in rows]
        assert seen(decode_part(model, joined, 1)) == wanted


@pytest.mark.parametrize("schema", ["blog", "everything"])
def test_every_generated_model_is_decoded_by_the_accelerator(tmp_path: Path, schema: str) -> None:
    package = import_models(tmp_path, ROOT / f"schemas/{schema}.toml")
    models = [each for each in vars(package).values() if isinstance(each, type)]
    found = [each for each in models if issubclass(each, Model)]
    assert found
    assert {type(decoder_of(model.__decode__)) for model in found} == {Decoder}


def edited(directory: Path, old: str, new: str) -> Any:
    """Return a model whose generated code was edited."""
    columns = [("Size", False), ("Size", True), ("Size[]", False), ("text", True)]
    package = type(sys)(random_model(directory, columns).__module__)
    (file,) = directory.glob("*/thing.py")
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1, old
    vars(package)["__package__"] = package.__name__.rpartition(".")[0]
    exec(compile(text.replace(old, new), str(file), "exec"), vars(package))
    return vars(package)["Thing"]


def test_an_untouched_copy_of_its_code_is_as_good(tmp_path: Path) -> None:
    model = edited(tmp_path, "return decoded", "return decoded  # unchanged")
    assert type(decoder_of(model.__decode__)) is Decoder


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("return decoded", "return decoded[::-1]"),
        ("return decoded", "return list(decoded)"),
        ("return decoded", "del decoded[3:]\n        return decoded"),
        ("SIZE[o.column0]", "SIZE.get(o.column0)"),
        ("SIZE[o.column0]", "SIZE[o.column0 or 'small']"),
        ("SIZE[o.column0]", "OTHER[o.column0]"),
        ("SIZE = {", "SIZE = {'tiny': None} | {"),
        ("if o.column1 is not None else None", "if o.column1 else None"),
        ("Thing.column2.decode(o.column2)", "Thing.column0.decode(o.column2)"),
        ("Thing.column2.decode(o.column2)", "o.column2"),
        ("o.column0 = SIZE", "o.column3 = SIZE"),
        ("for row in rows:", "for row in rows or ():"),
        ("for row in rows:", "for row in rows[:100]:"),
        ("cls.__new__(cls)", "Thing.__new__(cls)"),
        ("cls.__new__(cls)", "object.__new__(cls)"),
        ("decoded: list[Self] = []", "decoded: list[Self] = [] or []"),
        ("def __decode__(cls, rows:", "def __decode__(cls, rows: Any, more: Any = None, *,  x:"),
        ("    @classmethod\n    def __decode__", "    @classmethod\n    @same\n    def __decode__"),
        ("    __slots__ = (", "    def __new__(cls): return super().__new__(cls)\n    __slots__ = ("),
        (
            "    __slots__ = (",
            "    def __setattr__(self, *a): super().__setattr__(*a)\n    __slots__ = (",
        ),
        ('"column3",', ""),
    ],
)
def test_edited_code_is_what_counts(tmp_path: Path, old: str, new: str) -> None:
    before = "from __future__ import annotations\n"
    defined = f"{before}from functools import wraps\nOTHER = {{}}\n{SAME}"
    file = edited_source(tmp_path, old, new, before, defined)
    method = file.__decode__
    assert type(decoder_of(method)) is not Decoder
    assert decoder_of(method).args == (method,)


SAME = """
def same(function):
    @wraps(function)
    def call(*arguments):
        return function(*arguments)
    return call
"""


def edited_source(directory: Path, old: str, new: str, first: str, defined: str) -> Any:
    raise NotImplementedError


@pytest.fixture
def changed() -> Iterator[Any]:
    """The blog's tags, whose `__decode__` may be replaced until the test is over."""
    kept = vars(blog.Tag)["__decode__"]
    yield blog.Tag
    type.__setattr__(blog.Tag, "__decode__", kept)


def test_a_replaced_decode_is_called_from_then_on(changed: Any) -> None:
    rows = [(1, "a")] * 100
    (tag, *_) = decode(changed, rows)
    assert (tag.id, tag.name) == (1, "a")

    def shout(cls: Any, rows: Any) -> list[Any]:
        made = original(rows)
        for each in made:
            each.name = each.name.upper()
        return made

    original = changed.__decode__
    type.__setattr__(changed, "__decode__", classmethod(shout))
    assert {each.name for each in decode(changed, rows)} == {"A"}
    assert {each.name for each in decode_part(changed, [(0, *row, 0) for row in rows], 1)} == {"A"}


def test_what_is_no_generated_method_is_called_as_it_is() -> None:
    def make(rows: Any) -> list[Any]:
        return list(rows)

    class Derived(blog.Tag):
        __slots__ = ()

    for method in (make, len, MethodType(make, blog.Tag), Derived.__decode__, Model.__decode__):
        assert type(decoder_of(method)) is not Decoder
