"""Pages and diagrams of a schema say the same each time, and show what is in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ormkit_gen.documenting.diagrams import dbml, dot, mermaid
from ormkit_gen.documenting.markdown import markdown
from ormkit_gen.documenting.selection import around
from ormkit_gen.ir import Schema
from ormkit_gen.schema import load
from tests.golden_files import Golden

pytestmark = pytest.mark.one_interpreter

ROOT = Path(__file__).parents[3]
FORMS = {"md": markdown, "mmd": mermaid, "dbml": dbml, "dot": dot}


def schema_of(*patterns: str) -> Schema:
    files = [file for pattern in patterns for file in sorted(ROOT.glob(pattern))]
    return load(files, ROOT, (), ()).schema


@pytest.mark.parametrize("form", FORMS)
def test_a_schema_is_shown_in_each_form(form: str, golden: Golden) -> None:
    golden.check(f"documenting/blog.{form}", FORMS[form](schema_of("schemas/blog.toml")))


@pytest.mark.parametrize("form", FORMS)
def test_each_feature_of_a_schema_can_be_shown(form: str) -> None:
    schema = schema_of("schemas/everything.toml")
    text = FORMS[form](schema)
    assert text == FORMS[form](schema)
    for model in schema.models:
        assert (model.table if form == "dbml" else model.name) in text


def test_a_part_of_the_schema_is_what_is_near_a_model() -> None:
    schema = schema_of("schemas/blog.toml")

    def near(name: str, depth: int) -> list[str]:
        return [model.name for model in around(schema, name, depth).models]

    assert near("Tag", 0) == ["Tag"]
    assert near("Tag", 1) == ["PostTags", "Tag"]
    assert near("Tag", 2) == ["Post", "PostTags", "Tag"]
    with pytest.raises(KeyError):
        near("Nobody", 1)
