"""Redaction: what a server says of a value, in words that cannot hold the value.

A server says it in the language of `lc_messages`, with quotes of its own, so that no look at the
text tells where a value begins. Whether it may hold one is decided by SQLSTATE and by the fields of
the error. Such a text is dropped whole; of the sentences that PostgreSQL writes in English, those
below come back, without the value. Any other is told by the name of its SQLSTATE.
"""

from __future__ import annotations

import re
from typing import Any

#: The class of SQLSTATEs that is about values.
DATA = "22"
#: SQLSTATEs of what a value may name that is not there, where it is read as a name at run time:
#: '...'::regclass, ::regtype, ::regconfig, ::jsonpath.
NAMED_BY_VALUES = frozenset(
    ("3F000", "42601", "42602", "42622", "42704", "42725", "42883", "42P01")
)
#: Files of PostgreSQL that read a search, whose errors are of a syntax error's class.
SEARCHES = frozenset(("tsquery.c", "tsvector_parser.c"))

NAME = r'"?[\w .]+"?(?:\[\])?'
#: What PostgreSQL finds wrong with regular expressions.
REGEX_FAULTS = (
    *("invalid collating element", "invalid character class", "invalid escape \\ sequence"),
    *("invalid backreference number", "brackets [] not balanced", "parentheses () not balanced"),
    *("braces {} not balanced", "invalid repetition count(s)", "invalid character range"),
    *("quantifier operand invalid", "invalid embedded option"),
    *("regular expression is too complex", "too many colors"),
)
#: Sentences of PostgreSQL, and what of them is told.
SENTENCES = {
    re.compile(pattern, re.ASCII | re.DOTALL): told
    for pattern, told in (
        (rf'(invalid input syntax for type {NAME}): ".*', r'\1: "..."'),
        (rf"(invalid input syntax for type {NAME})", r"\1"),
        (rf'(invalid input value for enum {NAME}): ".*', r'\1: "..."'),
        (rf'value ".*" (is out of range for type {NAME})', r'value "..." \1'),
        (r'(malformed (?:array|record|range|multirange) literal): ".*', r'\1: "..."'),
        (r'((?:no operand|syntax error) in (?:tsquery|tsvector)): ".*', r'\1: "..."'),
        (r'(invalid byte sequence for encoding) "\w+": 0x00', r'\1 "...": 0x00'),
        (r'(invalid byte sequence for encoding) "\w+": .*', r'\1 "..."'),
        (rf'unit ".*" (not (?:recognized|supported) for type {NAME})', r'unit "..." \1'),
        (r'time zone ".*" not recognized', 'time zone "..." not recognized'),
        (r'(date/time field value out of range): ".*', r'\1: "..."'),
        (r'(invalid value for parameter) ".*', r'\1 "..."'),
        (rf"(invalid regular expression: (?:{'|'.join(map(re.escape, REGEX_FAULTS))}))", r"\1"),
        (r"((?:smallint|integer|bigint|date|timestamp|interval|OID) out of range)", r"\1"),
        (r"(division by zero|numeric field overflow|unsupported Unicode escape sequence)", r"\1"),
        (r"(value too long for type character(?: varying)?\(\d+\))", r"\1"),
        (r"(bit string too long for type bit varying\(\d+\))", r"\1"),
        (r"(COPY [a-z ]+ (?:cannot|must) [a-z ]+)", r"\1"),
        (r"(LIKE pattern must not end with escape character)", r"\1"),
        (r"(argument of [a-z_]+ must be greater than zero)", r"\1"),
        (r"(expected \d+ dimensions, not \d+)", r"\1"),
        (r"((?:NaN|infinite value) not allowed in (?:half|sparse)?vec(?:tor)?)", r"\1"),
        # Names that code gives, though as parameters.
        (r'(text search configuration "[\w.]{1,127}" does not exist)', r"\1"),
        (r'(unrecognized configuration parameter "[\w.]{1,127}")', r"\1"),
        (r"(bit string length \d+ does not match type bit\(\d+\))", r"\1"),
    )
}
WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def is_about_search(error: Any) -> bool:
    """Return whether the server could not read a search, which is a value as well."""
    return getattr(error, "server_source_filename", None) in SEARCHES


def may_hold_value(error: Any, has_values: bool) -> bool:
    """Return whether the server's text may hold a value.

    has_values: whether the statement was sent with any. What is wrong with its own text has a
    position there, and what a function runs has one in its own.
    """
    state: str = error.sqlstate or ""
    if state.startswith(DATA) or is_about_search(error):
        return True
    has_position = error.position or error.internal_position
    return has_values and state in NAMED_BY_VALUES and not has_position


def redacted(error: Any, said: str) -> str:
    """Return the server's text without what may be a value."""
    for sentence, told in SENTENCES.items():
        if found := sentence.fullmatch(said):
            return found.expand(told)
    return f"{condition(error)} ({error.sqlstate}); the server's words are on detail"


def condition(error: Any) -> str:
    """Return the name of the error's SQLSTATE, as the driver calls its class."""
    name = type(error).__name__.removesuffix("Error").removeprefix("Postgres")
    return WORDS.sub(" ", name).lower() or "error"
