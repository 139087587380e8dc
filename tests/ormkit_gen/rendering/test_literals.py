"""Schema text in generated Python: whatever it holds, it stays text."""

from __future__ import annotations

import ast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ormkit_gen.rendering.literals import docstring, python_string

HOSTILE = ['"""', "'''", "\\", '\\"', "\n", "\r", "\0", "{{ x }}", "{% raw %}", "\u2028", "\ud800"]
TEXT = st.text() | st.lists(st.sampled_from(HOSTILE)).map("".join)


@given(TEXT)
@example('a"')
@example("a\\")
def test_a_string_literal_reads_back_as_the_text(text: str) -> None:
    assert ast.literal_eval(python_string(text)) == text


@given(TEXT)
@example('ends with a quote"')
@example("ends with a backslash\\")
def test_a_docstring_is_one_line_and_says_the_text(text: str) -> None:
    source = f'"""{docstring(text)}"""'
    assert len(source.splitlines()) == 1
    assert ast.literal_eval(source) == " ".join(text.split())


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_cannot_end_a_docstring(text: str) -> None:
    module = ast.parse(f'"""{docstring(text)}"""\n')
    assert len(module.body) == 1
