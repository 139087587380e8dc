"""Whatever a name or a text holds, the server reads back the same."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ormkit_gen.postgres.identifiers import (
    dollar_quote,
    qualified,
    quote_identifier,
    quote_literal,
    sequence_name,
)
from tests.lengths import examples
from tests.servers import Server, run_on

pytestmark = pytest.mark.one_interpreter

#: Text that PostgreSQL can hold: neither NUL nor halves of surrogate pairs.
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
NAMES = TEXT.filter(lambda name: 0 < len(name.encode()) <= 63)

on_a_server = settings(
    max_examples=examples(20),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@on_a_server
@given(names=st.lists(NAMES, min_size=1, max_size=40, unique=True))
def test_a_name_comes_back_as_it_was(any_server: Server, names: list[str]) -> None:
    """As an alias, which takes every identifier that a column's name can be."""
    selected = ", ".join(f"1 AS {quote_identifier(name)}" for name in names)
    (row,) = any_server.fetch(any_server.url, f"SELECT {selected}")
    assert list(row.keys()) == names


@on_a_server
@given(texts=st.lists(TEXT | st.text("'\\\"$E\n%{:"), min_size=1, max_size=40))
@pytest.mark.parametrize("conforming", ["on", "off"])
def test_a_text_comes_back_as_it_was(any_server: Server, conforming: str, texts: list[str]) -> None:
    """Whether backslashes are plain characters (standard_conforming_strings) or not."""
    rows = any_server.fetch(
        any_server.url,
        f"SELECT unnest(ARRAY[{', '.join(map(quote_literal, texts))}])",
        settings={"standard_conforming_strings": conforming, "backslash_quote": "off"},
    )
    assert [row[0] for row in rows] == texts


@on_a_server
@given(lines=st.text("$do12\n'\\ ").map(lambda text: f"\n{text}\n"))
def test_dollar_quoted_lines_come_back_as_they_were(any_server: Server, lines: str) -> None:
    rows = any_server.fetch(any_server.url, f"SELECT {dollar_quote(lines)}")
    assert rows[0][0] == lines


def test_every_word_that_is_not_free_is_quoted(any_server: Server) -> None:
    """The server's own list of key words says which are."""
    rows = any_server.fetch(any_server.url, "SELECT word, catcode::text FROM pg_get_keywords()")
    quoted = {word for word, category in rows if category != "U"}
    assert {word for word, _ in rows if quote_identifier(word) != word} >= quoted
    assert len(quoted) > 100


@pytest.mark.parametrize("name", ["users", "_x", "post_status", "a1", "name"])
def test_a_plain_name_stands_bare(name: str) -> None:
    assert quote_identifier(name) == name


@pytest.mark.parametrize("name", ["User", "1a", "a b", "é", "a$", "order", 'a"b', "a.b"])
def test_any_other_name_is_quoted(name: str) -> None:
    assert quote_identifier(name) == '"' + name.replace('"', '""') + '"'


def test_a_schema_stands_before_the_name() -> None:
    assert qualified("audit", "Log") == 'audit."Log"'
    assert qualified(None, "log") == "log"


@pytest.mark.parametrize("name", ["", "a\0b"])
def test_what_no_name_can_be_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be a name"):
        quote_identifier(name)


def test_a_text_with_nul_is_refused() -> None:
    with pytest.raises(ValueError, match="NUL"):
        quote_literal("a\0b")


def test_a_sequence_has_the_name_that_postgresql_chooses(any_server: Server) -> None:
    names = [
        ("users", "id"),
        ("t" * 63, "id"),
        ("t", "c" * 63),
        ("u" * 40, "c" * 40),
        ("ü" * 30, "c" * 35),
        ("v" * 29, "ü" * 31),
        ("w" * 29, "c" * 29),
    ]

    async def made(connection: Any) -> list[str]:
        found: list[str] = []
        for table, column in names:
            await connection.execute(f'CREATE TEMP TABLE "{table}" ("{column}" serial)')
            query = "SELECT pg_get_serial_sequence(quote_ident($1), $2)"
            found.append(await connection.fetchval(query, table, column))
        return [each.rpartition(".")[2].strip('"') for each in found]

    assert run_on(any_server.url, made) == [sequence_name(*each) for each in names]
