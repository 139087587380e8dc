"""Literals in SQL texts: raw SQL may have its values in the text."""

from __future__ import annotations

import re

from .event import StatementEvent

#: Texts, dollar-quoted texts and numbers; a quoted identifier is matched to be left as it is.
LITERAL = re.compile(
    r"""(?P<identifier>"(?:[^"]|"")*")|[eE]'(?:[^'\\]|''|\\.)*'|(?:[xXbBnN]|[uU]&)?'(?:[^']|'')*'"""
    r"""|\$(?P<tag>[A-Za-z_]\w*|)\$.*?\$(?P=tag)\$|(?<![\w$.])\d+(?:\.\d*)?(?:[eE][+-]?\d+)?\b""",
    re.DOTALL,
)
PARAMETER = re.compile(r"\$\d")


def query_text(event: StatementEvent) -> str:
    """Return the SQL text; literals of raw SQL without parameters become `?`."""
    sql = event.sql
    if not event.is_raw or PARAMETER.search(sql):
        return sql
    return without_literals(sql)


def without_literals(sql: str) -> str:
    """Return the text with `?` in place of each literal."""
    return LITERAL.sub(lambda found: found["identifier"] or "?", sql)
