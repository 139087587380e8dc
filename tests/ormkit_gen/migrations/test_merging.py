"""Two schemas with one ancestor become one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ormkit_gen.migrations.merging import MergeConflict, merged
from ormkit_gen.migrations.state import canonical
from tests.definitions import column, enum, key, model, schema

pytestmark = pytest.mark.one_interpreter

USER = model("User", key(), column("name", "text"), table="users")
POST = model("Post", key(), table="posts")
MOOD = enum("Mood", "sad")
BASE = schema(USER, POST, enums=(MOOD,))
AGE, BIO = column("age", "integer"), column("bio", "text")
WITH_AGE = replace(USER, columns=(*USER.columns, AGE))
WITH_BIO = replace(USER, columns=(*USER.columns, BIO))


def test_what_each_side_adds_changes_and_removes_is_in_the_result() -> None:
    tag = model("Tag", key())
    more = replace(MOOD, members=(*MOOD.members, ("glad", "glad")))
    ours = schema(WITH_AGE, POST, tag, enums=(more,))
    theirs = schema(WITH_BIO, enums=(MOOD,))
    both = replace(USER, columns=(*USER.columns, AGE, BIO))
    assert merged(BASE, ours, theirs) == canonical(schema(both, tag, enums=(more,)))
    assert merged(BASE, BASE, theirs) == canonical(theirs)
    assert merged(BASE, ours, BASE) == canonical(ours)


def test_the_same_change_of_both_is_no_conflict() -> None:
    ours = schema(WITH_AGE, POST, enums=(MOOD,))
    assert merged(BASE, ours, ours) == canonical(ours)


@pytest.mark.parametrize("is_ours", [True, False])
def test_two_changes_of_one_element_are_a_conflict(is_ours: bool) -> None:
    one = schema(replace(USER, columns=(USER.columns[0], column("name", "varchar(9)"))), POST)
    other = schema(replace(USER, columns=USER.columns[:1]), POST)
    ours, theirs = (one, other) if is_ours else (other, one)
    with pytest.raises(MergeConflict, match=r"the column User\.name"):
        merged(schema(USER, POST), ours, theirs)
