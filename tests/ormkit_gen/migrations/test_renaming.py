"""Pairs and renames of models that are the same objects in both schemas, as most of them are."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ormkit_gen.ir import Column, Model, Schema
from ormkit_gen.migrations.answers import Answers
from ormkit_gen.migrations.narrowing import narrowing
from ormkit_gen.migrations.pairing import pair
from ormkit_gen.migrations.renaming import Renaming, rename
from tests.definitions import column, enum, foreign_key, key, model, schema

pytestmark = pytest.mark.one_interpreter

MOODS = enum("Mood", "sad", "glad")
USER = model("User", key(), column("mood", "Mood"))
POST = model(
    "Post", key(), column("user_id", "bigint"), foreign_keys=(foreign_key("user_id", "User"),)
)
OTHERS = tuple(model(f"Other{number:02}", key()) for number in range(60))


def renamed(old: Schema, new: Schema, *flags: tuple[str, str]) -> Renaming:
    answers = Answers(flags, (), ())
    found = pair(old, new, answers)
    assert not found.problems
    answers.refuse_unused()
    return rename(old, new, found)


def with_columns(changed: Model, *columns: Column) -> Model:
    return replace(changed, columns=columns)


def test_a_model_that_stays_is_passed_on_as_it_is() -> None:
    old = schema(USER, POST, enums=(MOODS,))
    more = with_columns(POST, *POST.columns, column("title", "text"))
    found = renamed(old, schema(USER, more, enums=(MOODS,)))
    assert found.schema.model("User") is USER
    assert found.schema.model("Post") == POST
    assert not found.steps


def test_it_follows_what_it_names() -> None:
    old = schema(USER, POST, enums=(MOODS,))
    person = replace(USER, name="Person", table="person", renamed_from="User")
    found = renamed(old, schema(person, POST, enums=(MOODS,)))
    assert found.schema.model("Post").foreign_keys[0].target == "Person"
    feeling = replace(MOODS, name="Feeling", renamed_from="Mood")
    found = renamed(old, schema(USER, POST, enums=(feeling,)))
    assert found.schema.model("User").column("mood").type.name == "Feeling"


def test_two_of_its_columns_swap_their_names() -> None:
    both = model("Pair", key(), column("a", "text"), column("b", "text"))
    old = schema(both)
    (step,) = renamed(old, old, ("pair.a", "pair.b"), ("pair.b", "pair.a")).steps
    assert step.sql.count("RENAME COLUMN") == 3


def test_its_hints_are_done() -> None:
    old = schema(with_columns(USER, key(), replace(column("mood", "text"), renamed_from="m")))
    (warning,) = pair(old, old, Answers((), (), ())).warnings
    assert warning.code == "done-hint"


def test_it_is_built_where_what_it_names_differs() -> None:
    old = schema(USER, POST, *OTHERS, enums=(MOODS,))
    moved = replace(USER, table="people")
    found = narrowing(old, schema(moved, POST, *OTHERS, enums=(MOODS,)))
    assert found.changed == {"User", "Post"}
    sadder = replace(MOODS, members=(*MOODS.members, ("sadder", "sadder")))
    found = narrowing(old, schema(USER, POST, *OTHERS, enums=(sadder,)))
    assert (found.changed, found.names) == ({"User"}, {"User", "Post"})
