"""The names in a text of SQL: identifiers outside of strings, comments and function bodies."""

from __future__ import annotations

import re
from collections.abc import Iterator

_IDENTIFIER = r'(?:"(?:[^"]|"")*"|[^\W\d][\w$]*)'
_TOKEN = re.compile(
    rf"""
    --[^\n]*+
    | /\*.*?\*/
    | \bE'(?:[^'\\]|''|\\.)*+'
    | '(?:[^']|'')*+'
    | \$(?P<tag>(?:[^\W\d]\w*)?)\$.*?\$(?P=tag)\$
    | (?P<name>{_IDENTIFIER}(?:\s*+\.\s*+{_IDENTIFIER})*+)
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_PART = re.compile(_IDENTIFIER)
#: A string that is the name of an object: nextval('orders_id_seq'), 'english'::regconfig.
_NAMING = re.compile(
    r"(?:\bnextval\s*\(\s*'(?P<called>(?:[^']|'')*)')|'(?P<cast>(?:[^']|'')*)'\s*::\s*reg[a-z]",
    re.IGNORECASE,
)

#: A name in parts, without quotes, such as ("public", "users").
Name = tuple[str, ...]


def name_parts(text: str) -> Name:
    """Return the parts of a dotted name as PostgreSQL stores them."""
    return tuple(_stored(each) for each in _PART.findall(text))


def plain_name(name: str) -> str:
    """Return the last part of a name as PostgreSQL stores it: users of public."users"."""
    return name_parts(name)[-1]


def names_in(text: str) -> Iterator[Name]:
    """Yield the names in a text of SQL, each in its parts, keywords and columns among them.

    Of strings, only those that name an object count.
    """
    for found in _TOKEN.finditer(text):
        if found["name"] is not None:
            yield name_parts(found["name"])
    for found in _NAMING.finditer(text):
        yield name_parts((found["called"] or found["cast"] or "").replace("''", "'"))


def names_in_bodies(text: str) -> Iterator[Name]:
    """Yield the names in the strings of a text of SQL: a function's body is one."""
    for found in _TOKEN.finditer(text):
        string = found[0]
        if string.startswith("$"):
            yield from names_in(string[len(found["tag"]) + 2 : -len(found["tag"]) - 2])
        elif string.endswith("'"):
            yield from names_in(string[string.index("'") + 1 : -1].replace("''", "'"))


def _stored(identifier: str) -> str:
    if identifier.startswith('"'):
        return identifier[1:-1].replace('""', '"')
    return identifier.lower()
