"""Names: those of attributes and enum members in Python, those of constraints in PostgreSQL."""

from __future__ import annotations

import enum
import keyword
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ormkit_gen.ddl.schema import schema_sql
from ormkit_gen.ir import Schema
from ormkit_gen.schema import load
from ormkit_gen.schema.names import (
    MAX_IDENTIFIER,
    attribute_name,
    constraint_name,
    is_attribute,
    is_class_name,
    is_database_name,
    is_member,
    member_name,
)
from tests.ormkit_gen.schema.conftest import Diagnose, Read
from tests.servers import Server

KEY = 'id = { type = "bigint", primary_key = true }\n'
NAMES = st.text(min_size=1, max_size=40)


@given(NAMES | st.sampled_from([*keyword.kwlist, "int", "self", "mro"]))
def test_an_attribute_is_a_name_in_python(name: str) -> None:
    attribute = attribute_name(name)
    if is_attribute(attribute):
        namespace: dict[str, int] = {}
        exec(f"{attribute} = 1", namespace)
        assert namespace[attribute] == 1


@given(NAMES)
def test_the_member_for_any_label_is_a_name_that_an_enum_takes(label: str) -> None:
    """And one that leaves the methods of a text as they are."""
    member = member_name(label)
    assert is_member(member)
    assert enum.StrEnum("Mood", {member: label})[member] == label


@pytest.mark.parametrize(
    ("label", "member"),
    [
        ("in progress", "in_progress"),
        ("so-so", "so_so"),
        ("3d", "n3d"),
        ("class", "class_"),
        ("title", "title_"),
        ("name", "name_"),
        ("", "empty"),
        ("½", "n1_2"),
        ("ﬁne", "fine"),
        ("größer", "größer"),
        ("…", "empty"),
    ],
)
def test_members_are_near_their_labels(label: str, member: str) -> None:
    assert member_name(label) == member


@pytest.mark.parametrize("name", ["a__b", "_a", "ﬁeld", "a b", "1a", "", "a-b"])
def test_what_a_filter_or_python_reads_differently_is_no_attribute(name: str) -> None:
    assert not is_attribute(name)


@pytest.mark.parametrize("name", ["user", "_User", "True", "Ⅷ", "User-Name", "1User"])
def test_a_class_is_in_cap_words(name: str) -> None:
    assert not is_class_name(name)


def test_names_in_postgresql_are_measured_in_bytes() -> None:
    assert is_database_name("ä" * 31)
    assert not is_database_name("ä" * 32)
    assert not is_database_name("")
    assert not is_database_name("a\0")
    assert not is_database_name("\ud800")


@given(NAMES, st.lists(NAMES, max_size=5).map(tuple), st.sampled_from(["key", "idx", "fkey"]))
def test_names_of_constraints_fit(table: str, columns: tuple[str, ...], ending: str) -> None:
    if not any("\ud800" <= each <= "\udfff" for each in "".join((table, *columns))):
        name = constraint_name(table, columns, ending)
        assert len(name.encode()) <= MAX_IDENTIFIER
        assert name.endswith(f"_{ending}")


def test_long_names_of_constraints_differ_by_their_hash(read: Read) -> None:
    long = "a_column_with_a_name_as_long_as_a_name_can_be_in_postgresql"
    (model,) = read(
        f"[models.User.columns]\n{KEY}"
        f'{long}_1 = {{ type = "text", unique = true }}\n'
        f'{long}_2 = {{ type = "text", unique = true }}\n'
    ).models
    first, second = (each.name for each in model.uniques)
    assert first != second
    assert len(first) == len(second) == MAX_IDENTIFIER


def test_a_constraint_is_named_as_postgresql_would_name_it(server18: Server, read: Read) -> None:
    schema = read(
        f"[models.User.columns]\n{KEY}"
        'email = { type = "text", unique = true }\n'
        'age = { type = "integer", index = true }\n'
        'boss_id = { type = "bigint?", foreign_key = "user.id" }\n'
        '[[models.User.checks]]\nexpression = "age > 0"\n'
    )
    names = "SELECT conname FROM pg_constraint WHERE conrelid = '\"user\"'::regclass ORDER BY 1"
    with server18.database() as url:
        server18.run_script(
            url,
            'CREATE TABLE "user" (id bigint PRIMARY KEY, email text NOT NULL UNIQUE, '
            'age integer NOT NULL, boss_id bigint REFERENCES "user", CHECK (age > 0))',
        )
        wanted = [row[0] for row in server18.fetch(url, names)]
    with server18.database() as url:
        server18.run_script(url, schema_sql(schema))
        # A check over one column is named after it: the expression is SQL, and is not read here.
        found = [
            row[0].replace("user_check", "user_age_check") for row in server18.fetch(url, names)
        ]
    assert sorted(found) == sorted(wanted)


def test_a_reserved_word_keeps_its_name_in_the_database(tmp_path: Path) -> None:
    file = tmp_path / "schema.toml"
    file.write_text(f'[models.User.columns]\n{KEY}class = "text"\nfrom = "text"\n')
    loaded = load([file], tmp_path)
    columns = loaded.schema.model("User").columns
    assert [(each.name, each.db_name) for each in columns[1:]] == [
        ("class_", "class"),
        ("from_", "from"),
    ]
    assert [each.code for each in loaded.warnings] == ["reserved-word", "reserved-word"]


def test_constraints_name_a_column_by_either_of_its_names(read: Read) -> None:
    schema: Schema = read(
        f'[models.User.columns]\n{KEY}kind = {{ type = "text", column = "class" }}\n'
        '[[models.User.indexes]]\ncolumns = ["class"]\n'
        '[[models.User.uniques]]\ncolumns = ["kind"]\n'
    )
    (model,) = schema.models
    assert [each.elements[0].column for each in model.indexes] == ["kind"]
    assert [(each.name, each.columns) for each in model.uniques] == [("user_class_key", ("kind",))]


def test_two_names_for_one_column_in_postgresql_clash(diagnose: Diagnose) -> None:
    text = f'[models.User.columns]\n{KEY}a = "text"\nb = {{ type = "text", column = "a" }}\n'
    assert diagnose(text) == [("name-clash", 4)]


def test_the_empty_text_is_a_label(read: Read) -> None:
    """PostgreSQL takes it; only its member needs a name."""
    schema = read(f'[enums]\nMood = ["", "good"]\n[models.User.columns]\n{KEY}mood = "Mood"')
    assert schema.enums[0].members == (("empty", ""), ("good", "good"))
