"""state.json: the same schema is the same text, and comes back from it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ormkit_gen.ir import Schema
from ormkit_gen.migrations.state import State, StateError, canonical, read_state, state_text
from ormkit_gen.schema import load
from tests.ormkit_gen.migrations.changes import schema_of

pytestmark = pytest.mark.one_interpreter

ROOT = Path(__file__).parents[3]
SCHEMAS = ("blog.toml", "everything.toml", "people.toml", "extensions.toml")


def loaded(file: Path) -> Schema:
    return load([file], file.parent).schema


@pytest.mark.parametrize(
    "file", [*(ROOT / "schemas" / name for name in SCHEMAS), ROOT / "benchmarks/schema.toml"]
)
def test_a_schema_comes_back_from_its_state(file: Path) -> None:
    schema = loaded(file)
    text = state_text(schema)
    assert read_state(text) == canonical(schema)
    assert state_text(read_state(text)) == text
    # Each element is a line, so that two branches seldom change the same one.
    assert all(json.loads(line.rstrip(",")) for line in text.splitlines()[1:-1])


@pytest.mark.parametrize("name", ["blog", "everything"])
def test_both_spellings_are_the_same_state(name: str) -> None:
    texts = {state_text(loaded(ROOT / f"schemas/{name}.{end}")) for end in ("toml", "py")}
    assert len(texts) == 1


DEFAULTS = """
[models.A.columns]
id = { type = "bigint", primary_key = true }
a = { type = "numeric(10,2)", default = "1.50" }
b = { type = "date", default = 2026-01-02 }
c = { type = "timestamptz", default = 2026-01-02T03:04:05Z }
d = { type = "time", default = 03:04:05 }
e = { type = "uuid", default = "00000000-0000-0000-0000-000000000001" }
f = { type = "jsonb", default = { a = [1, { b = false }] } }
g = { type = "text[]", default = ["x"] }
h = { type = "double precision", default = 1.5 }
i = { type = "boolean", default = false }
"""


def test_every_kind_of_constant_comes_back() -> None:
    schema = schema_of(DEFAULTS)
    found = read_state(state_text(schema))
    assert found == canonical(schema)
    for one, other in zip(schema.models[0].columns, found.models[0].columns, strict=True):
        assert repr(one.default) == repr(other.default)


def test_hints_are_kept_and_ways_are_not() -> None:
    schema = schema_of(
        '[models.A]\nrenamed_from = "B"\n[models.A.columns]\n'
        'id = { type = "bigint", primary_key = true }\n'
        'n = { type = "int", backfill = "0", renamed_from = "m", retired = true }\n'
    )
    model = read_state(state_text(schema)).model("A")
    assert model.renamed_from == "B"
    column = model.column("n")
    assert (column.renamed_from, column.is_retired, column.is_nullable) == ("m", True, True)
    assert column.backfill is None


@pytest.mark.parametrize("text", ["", "{}", '{"format": 2, "elements": []}', "[]"])
def test_what_is_no_state_is_refused(text: str) -> None:
    with pytest.raises(StateError):
        read_state(text)
    with pytest.raises(StateError, match="not a state"):
        read_state('{"format": 1, "elements": [{"column": "A.b"}]}')


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_state_that_is_read_beside_a_schema_is_the_same(name: str) -> None:
    schema = loaded(ROOT / "schemas" / name)
    like = State.of(schema)
    assert like.text == state_text(schema)
    found = read_state(like.text, like)
    assert found == read_state(like.text)
    assert {id(each) for each in found.models} == {id(each) for each in like.schema.models}


TWO = """
[models.A.columns]
id = { type = "bigint", primary_key = true }
[models.B.columns]
id = { type = "bigint", primary_key = true }
n = "int?"
"""


def test_only_models_with_other_lines_are_read() -> None:
    before = state_text(schema_of(TWO))
    like = State.of(schema_of(TWO.replace("int?", "text?")))
    found = read_state(before, like)
    assert found == read_state(before)
    assert found.model("A") is like.schema.model("A")
    assert found.model("B").column("n").type.name == "integer"


def test_a_model_whose_lines_leave_something_out_is_read() -> None:
    before = state_text(schema_of(TWO))
    like = State.of(schema_of(TWO.replace('"int?"', '{ type = "int?", backfill = "1" }')))
    assert like.text == before
    assert read_state(before, like).model("B").column("n").backfill is None


def test_lines_that_were_moved_are_read() -> None:
    like = State.of(schema_of(TWO))
    lines = like.text.splitlines()
    moved = "\n".join((lines[0], *lines[3:-2], lines[-2] + ",", lines[1], lines[2][:-1], lines[-1]))
    assert read_state(f"{moved}\n", like) == canonical(read_state(f"{moved}\n"))
    # A further column of B behind the lines of A.
    more = lines[5].replace('"B.n"', '"B.m"')
    text = "\n".join((lines[0], *lines[3:5], f"{lines[5]},", *lines[1:3], more, lines[6], ""))
    assert read_state(text, like) == read_state(text)
    assert read_state(text, like).model("B").column("m").type.name == "integer"


@pytest.mark.parametrize("text", ["", "{}", '{"format": 2, "elements": []}', "[]"])
def test_what_is_no_state_is_refused_beside_a_schema(text: str) -> None:
    with pytest.raises(StateError):
        read_state(text, State.of(schema_of(TWO)))
