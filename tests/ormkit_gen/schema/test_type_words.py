"""The words of column types: PostgreSQL's own, with their aliases, modifiers and dimensions."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ormkit_gen.ddl.spelling import sql_type
from ormkit_gen.ir import Schema
from ormkit_gen.postgres.types import ALIASES, BASE_TYPES, ColumnType
from ormkit_gen.schema.type_words import BadType, Typing, parse_type
from tests.servers import Server

ENUMS = {"Mood", "text_kind"}


@pytest.mark.parametrize(
    ("words", "type_"),
    [
        ("text", ColumnType("text")),
        ("TEXT", ColumnType("text")),
        (" Double   Precision ", ColumnType("double precision")),
        ("varchar(100)", ColumnType("varchar", (100,))),
        ("character varying ( 100 )", ColumnType("varchar", (100,))),
        ("numeric(10,2)", ColumnType("numeric", (10, 2))),
        ("numeric(10, -2)", ColumnType("numeric", (10, -2))),
        ("decimal(10)", ColumnType("numeric", (10,))),
        ("timestamp(3) with time zone", ColumnType("timestamptz", (3,))),
        ("time (0) without time zone[]", ColumnType("time", (0,), 1)),
        ("text[]", ColumnType("text", (), 1)),
        ("integer[3][]", ColumnType("integer", (), 2)),
        ("varchar(5) [] []", ColumnType("varchar", (5,), 2)),
        ("Mood", ColumnType("Mood", is_enum=True)),
        ("Mood[]", ColumnType("Mood", (), 1, is_enum=True)),
        ("text_kind", ColumnType("text_kind", is_enum=True)),
    ],
)
def test_words_name_a_type(words: str, type_: ColumnType) -> None:
    assert parse_type(words, ENUMS) == Typing(type_, is_nullable=False)
    assert parse_type(f"{words}?", ENUMS) == Typing(type_, is_nullable=True)


@pytest.mark.parametrize("alias", sorted(ALIASES))
def test_aliases_are_what_postgresql_takes_them_for(server18: Server, alias: str) -> None:
    type_ = parse_type(alias, ()).type
    sql = f"SELECT NULL::{alias} IS NULL, to_regtype('{alias}') = to_regtype('{type_.name}')"
    assert tuple(server18.fetch(server18.url, sql)[0]) == (True, True)


@pytest.mark.parametrize(
    ("words", "code", "remedy"),
    [
        ("strng", "unknown-type", "'text'"),
        ("varchr(10)", "unknown-type", "'varchar'"),
        ("mood", "unknown-type", "'Mood'"),
        ("serial", "unknown-type", "'integer'"),
        ("datetime", "unknown-type", "'timestamptz'"),
        ("varchar(10", "unknown-type", "write a PostgreSQL type"),
        ("text??", "unknown-type", "write a PostgreSQL type"),
        ("text?[]", "unknown-type", "write a PostgreSQL type"),
        ("text; DROP TABLE users", "unknown-type", "write a PostgreSQL type"),
        ("text(5)", "bad-modifier", "'text'"),
        ("varchar(1, 2)", "bad-modifier", "varchar(10)"),
        ("varchar(-1)", "bad-modifier", "1 to 10485760"),
        ("varchar(10485761)", "bad-modifier", "1 to 10485760"),
        ("varchar(99999999999)", "bad-modifier", "varchar(10)"),
        ("numeric(1001)", "bad-modifier", "1 to 1000"),
        ("float(54)", "bad-modifier", "1 to 53"),
        ("numeric(10, 1001)", "bad-modifier", "-1000 to 1000"),
        ("timestamptz(7)", "bad-modifier", "0 to 6"),
        ("vector(16001)", "bad-modifier", "1 to 16000"),
        ("Mood(1)", "bad-modifier", "'Mood'"),
        ("text[][][][][][][]", "too-many-dimensions", "jsonb"),
    ],
)
def test_other_words_are_refused_with_a_remedy(words: str, code: str, remedy: str) -> None:
    with pytest.raises(BadType) as caught:
        parse_type(words, ENUMS)
    assert caught.value.code == code
    assert remedy in caught.value.remedy


@given(st.text(max_size=30) | st.from_regex(r"[a-z ]{0,9}(\([-0-9, ]*\))?(\[\d*\])*\??"))
def test_any_text_is_refused_or_a_type_that_its_own_words_name(words: str) -> None:
    with suppress(BadType):
        typing = parse_type(words, ())
        own = sql_type(typing.type, Schema(models=())) + "?" * typing.is_nullable
        assert parse_type(own, ()) == typing


def test_the_limits_of_modifiers_are_those_of_postgresql(server18: Server) -> None:
    """Each type takes its largest modifier, and PostgreSQL has no place for a larger one."""
    for name, base in BASE_TYPES.items():
        if not base.modifiers[1] or base.extension:
            continue
        words = sql_type(parse_type(f"{name}({base.max_modifier})", ()).type, Schema(models=()))
        server18.fetch(server18.url, f"SELECT NULL::{words}")
        with pytest.raises(BadType):
            parse_type(f"{name}({base.max_modifier + 1})", ())
