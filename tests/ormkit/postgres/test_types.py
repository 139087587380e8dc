"""The records of PostgreSQL's types: the runtime's and the generator's say the same of each."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

import ormkit
from ormkit.driver.codecs import json_codecs
from ormkit.driver.timestamptz import FORMS
from ormkit.models.columns import Column
from ormkit.postgres.base_type import BaseType
from ormkit.postgres.type_words import scalar_of, type_of
from ormkit.postgres.types import ALIASES, TYPES
from ormkit.sql.lookups import PARTIAL, PATTERNS, operators_of
from ormkit.sql.templates import CONTAINS
from ormkit_gen.postgres import types as generator
from ormkit_gen.postgres.types import BASE_TYPES, ColumnType
from ormkit_gen.rendering.operators import ENDINGS
from tests.ormkit.postgres.test_round_trip import CASES

NAMES = sorted(BASE_TYPES)
RUNTIME = Path(ormkit.__file__).parent


class Mood(StrEnum):
    CALM = "calm"
    CROSS = "cross"


def offered(type_: ColumnType) -> set[str]:
    """Return the operators that generated code offers for columns of the type."""
    return {ending.removeprefix("__") or "eq" for ending in ENDINGS[type_.family]}


def test_both_sides_have_an_entry_of_each_type() -> None:
    assert set(TYPES) == set(BASE_TYPES)


def test_both_sides_know_the_same_other_names() -> None:
    assert ALIASES == generator.ALIASES


def test_each_type_makes_the_round_trip() -> None:
    tried = {type_of(case.words).base.name for case in CASES}
    # `test_extensions` has the case of citext, which needs a server with the extension.
    assert set(BASE_TYPES) - tried == {"citext"}


@pytest.mark.parametrize("name", NAMES)
def test_both_sides_say_the_same_of_a_type(name: str) -> None:
    known, generated = TYPES[name], BASE_TYPES[name]
    assert known.family == generated.family
    assert known.is_json == generated.is_json
    assert known.has_equality == generated.is_comparable
    assert (known.decode is not None) == generated.is_decoded
    assert {kind.__name__ for kind in known.python} == {*generated.annotations} - {"Any"}
    if known.arithmetic == "whole":
        assert known.bits == generated.bits
    assert known.bound is None or "Range[" in generated.python


@pytest.mark.parametrize("dimensions", [0, 1])
@pytest.mark.parametrize("name", NAMES)
def test_columns_have_the_operators_that_generated_code_offers(name: str, dimensions: int) -> None:
    column: Column[Any, Any, Any] = Column(name + "[]" * dimensions)
    wanted = offered(ColumnType(name, dimensions=dimensions))
    assert wanted <= operators_of(column)
    # JSON is matched as text too, which its keywords in generated code leave out.
    if not column.is_json or column.is_array:
        left_out = (operators_of(column) - wanted) & PARTIAL
        # So are the rarer patterns of text.
        assert left_out <= (PATTERNS if column.known.base.family == "text" else frozenset())


def test_every_family_has_its_operators_on_both_sides() -> None:
    families = {known.family for known in TYPES.values()}
    assert families | {"array"} == set(ENDINGS)


def test_the_driver_has_the_codecs_that_the_records_tell_of() -> None:
    assert {*json_codecs([]), *FORMS} == {n for n, known in TYPES.items() if known.has_codec}


@pytest.mark.parametrize(
    "name", ["json_kind", "vectors", "numeric_kind", "agerange", "text", "citext"]
)
def test_an_enum_is_no_type_that_its_name_reminds_of(name: str) -> None:
    column: Column[Any, Any, Any] = Column(name, labels=Mood)
    column.label = "User.mood"
    assert not column.is_json
    assert column.encode("calm") == "calm"
    assert column.carrier == column.cast == name
    assert column.is_simple
    assert not column.is_mutable
    assert column.decode("calm") is Mood.CALM
    assert operators_of(column) & PARTIAL == set()


@pytest.mark.parametrize("name", ["json_text", "vector_of_three", "timerange", "shop.text"])
def test_a_type_without_a_record_is_left_to_the_driver(name: str) -> None:
    column: Column[Any, Any, Any] = Column(name)
    assert column.is_plain
    assert column.is_simple
    assert not column.is_json
    assert column.stored({"a": (1, 2)}) == {"a": (1, 2)}


def test_an_array_of_texts_with_a_length_is_no_text() -> None:
    column: Column[Any, Any, Any] = Column("varchar(5)[]")
    column.label = "Post.tags"
    condition: Any = column.contains(["a"])
    assert condition.template is CONTAINS
    assert not type_of(column.type).is_text
    assert type_of("varchar(5)").is_text


def test_words_are_taken_apart() -> None:
    assert type_of("numeric(10, -2)[][]").modifiers == (10, -2)
    assert type_of("numeric(10,2)[][]").bare == "numeric[][]"
    assert type_of("char(3)[]").cast == "bpchar[]"
    assert type_of("int4").base is TYPES["integer"]
    assert type_of("timestamp with time zone").base is TYPES["timestamptz"]
    odd = type_of('shop."odd(1)[]"[]')
    assert (odd.base.name, odd.modifiers, odd.dimensions) == ('shop."odd(1)[]"', (), 1)
    assert scalar_of("integer[]").arithmetic == "not known"


#: Names that mean nothing else, so that a text which is one of them stands for the type.
TELLING = {*TYPES, *ALIASES} - {
    "text",
    "json",
    "date",
    "time",
    "bit",
    "char",
    "bpchar",
    "int",
    "float",
    "bool",
}
#: The records, and what they are made of.
RECORDS = {"postgres/types.py", "postgres/base_type.py"}
#: What says of pairs of types what an operator returns.
PAIRS = {"sql/operators.py"}
#: What encodes and decodes a type, by its name in the catalog.
CODECS = {"driver/codecs.py", "driver/timestamptz.py"}


METHODS = {"startswith", "endswith", "removesuffix", "fromkeys"}


def compared_texts(tree: ast.AST) -> Iterator[ast.Constant]:
    """Yield the texts that something is compared with or looked up among."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            yield from constants([node.left, *node.comparators])
        elif isinstance(node, (ast.Set, ast.List, ast.Tuple)):
            yield from constants(node.elts)
        elif isinstance(node, ast.Dict):
            yield from constants([key for key in node.keys if key is not None])
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") in METHODS:
            yield from constants(node.args)


def constants(nodes: list[ast.expr]) -> Iterator[ast.Constant]:
    return (each for node in nodes for each in ast.walk(node) if isinstance(each, ast.Constant))


@pytest.mark.one_interpreter
@pytest.mark.parametrize("file", sorted(RUNTIME.rglob("*.py")), ids=lambda file: file.stem)
def test_only_the_records_tell_types_by_their_names(file: Path) -> None:
    place = file.relative_to(RUNTIME).as_posix()
    if place in {*RECORDS, *PAIRS, *CODECS}:
        return
    found = [each for each in compared_texts(ast.parse(file.read_text())) if each.value in TELLING]
    assert [(each.lineno, each.value) for each in found] == []


def test_an_unknown_type_has_the_defaults_of_a_record() -> None:
    assert isinstance(type_of("hstore").base, BaseType)
    assert type_of("hstore").base.in_records == "text"
