"""Which models a proof builds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ormkit_gen.ir import Enum, Model, Schema, SqlObject
from ormkit_gen.migrations.narrowing import narrowing
from tests.definitions import column, enum, foreign_key, key, model, schema

pytestmark = pytest.mark.one_interpreter

MOODS = enum("Mood", "sad", "glad")
OTHERS = tuple(model(f"Other{number:02}", key()) for number in range(60))
USER = model("User", key(), column("mood", "Mood"))
POST = model(
    "Post", key(), column("user_id", "bigint"), foreign_keys=(foreign_key("user_id", "User"),)
)
COMMENT = model(
    *("Comment", key(), column("post_id", "bigint"), column("other_id", "bigint")),
    foreign_keys=(foreign_key("post_id", "Post"), foreign_key("other_id", "Other01")),
)
LARGE = schema(USER, POST, COMMENT, *OTHERS, enums=(MOODS,))


def with_model(changed: Model, *, enums: tuple[Enum, ...] = (MOODS,)) -> Schema:
    kept = (each for each in LARGE.models if each.name != changed.name)
    return schema(changed, *kept, enums=enums)


def narrowed(old: Schema, new: Schema) -> tuple[Schema, Schema]:
    """Return the parts of two schemas; each must be made whole again."""
    found = narrowing(old, new)
    assert found.whole(found.part(new), new) == new
    return found.part(old), found.part(new)


def names(found: Schema) -> list[str]:
    return [each.name for each in found.models]


def with_column(changed: Model) -> Model:
    return replace(changed, columns=(*changed.columns, column("more", "text")))


def test_a_changed_model_brings_its_targets_and_those_that_refer_to_it() -> None:
    old, new = narrowed(LARGE, with_model(with_column(POST)))
    assert names(old) == names(new) == ["Comment", "Post", "User"]
    assert new.model("Post") == with_column(POST)
    assert [key.target for key in old.model("Comment").foreign_keys] == ["Post"]


def test_a_new_model_and_one_that_is_gone_are_in_one_part() -> None:
    fresh = model("Fresh", key())
    new_large = schema(*LARGE.models, fresh, enums=(MOODS,))
    old, new = narrowed(LARGE, new_large)
    assert (names(old), names(new)) == ([], ["Fresh"])
    assert [names(each) for each in narrowed(new_large, LARGE)] == [
        ["Fresh"],
        [],
    ]


def test_a_renamed_table_changes_those_that_refer_to_it() -> None:
    old, _ = narrowed(LARGE, with_model(replace(USER, table="people")))
    assert names(old) == ["Comment", "Post", "User"]


def test_a_changed_enum_brings_the_models_with_columns_of_it() -> None:
    more = replace(MOODS, members=(*MOODS.members, ("angry", "angry")))
    old, new = narrowed(LARGE, with_model(USER, enums=(more,)))
    assert names(old) == ["Post", "User"]
    assert (old.enums, new.enums) == ((MOODS,), (more,))


def test_what_no_ddl_says_changes_nothing() -> None:
    old, new = narrowed(LARGE, with_model(replace(POST, relationships=())))
    assert names(old) == names(new) == []


@pytest.mark.parametrize(
    "changed",
    [
        replace(LARGE, objects=(SqlObject(kind="view", name="v", text="CREATE VIEW v AS SELECT"),)),
        with_model(replace(POST, inherits=("public.user",))),
    ],
)
def test_a_schema_whose_dependencies_are_not_known_stays_whole(changed: Schema) -> None:
    assert narrowed(LARGE, changed) == (LARGE, changed)
    assert narrowed(changed, LARGE) == (changed, LARGE)


def test_a_small_schema_stays_whole() -> None:
    small = schema(USER, POST, enums=(MOODS,))
    assert narrowed(small, schema(USER, enums=(MOODS,))) == (small, schema(USER, enums=(MOODS,)))
