"""Redacts values from the server's error messages.

The server writes messages in the language of `lc_messages`, with that language's quotes. The text
therefore does not show where a value begins. The SQLSTATE and the fields of the error decide
whether a message may hold a value. Such a message is replaced as a whole. If it matches one of the
English sentences below, its replacement is that sentence without the value. Otherwise it is the
name of the SQLSTATE.
"""

from __future__ import annotations

import re
from typing import Any

#: The SQLSTATE class of data exceptions.
DATA = "22"
#: SQLSTATEs of a value that is parsed as a name at run time, as by '...'::regclass, ::regtype,
#: ::regconfig or ::jsonpath, and names an object that does not exist.
NAMED_BY_VALUES = frozenset(
    ("3F000", "42601", "42602", "42622", "42704", "42725", "42883", "42P01")
)
#: PostgreSQL's source files that parse text searches. Their errors have a syntax error's SQLSTATE.
SEARCHES = frozenset(("tsquery.c", "tsvector_parser.c"))

NAME = r'"?[\w .]+"?(?:\[\])?'
#: PostgreSQL's messages about invalid regular expressions.
REGEX_FAULTS = (
    *("invalid collating element", "invalid character class", "invalid escape \\ sequence"),
    *("invalid backreference number", "brackets [] not balanced", "parentheses () not balanced"),
    *("braces {} not balanced", "invalid repetition count(s)", "invalid character range"),
    *("quantifier operand invalid", "invalid embedded option"),
    *("regular expression is too complex", "too many colors"),
)
#: Patterns of PostgreSQL's messages, and their replacements without the value.
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
        # These names come from code, although they are sent as parameters.
        (r'(text search configuration "[\w.]{1,127}" does not exist)', r"\1"),
        (r'(unrecognized configuration parameter "[\w.]{1,127}")', r"\1"),
        (r"(bit string length \d+ does not match type bit\(\d+\))", r"\1"),
    )
}
WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def is_about_search(error: Any) -> bool:
    """Return whether the server failed to parse a text search, which is a value too."""
    return getattr(error, "server_source_filename", None) in SEARCHES


def may_hold_value(error: Any, has_values: bool) -> bool:
    """Return whether the server's message may hold a value.

    has_values: whether the statement had parameters. An error with a position is about the text of
        the statement, or about that of a function's query.
    """
    state: str = error.sqlstate or ""
    if state.startswith(DATA) or is_about_search(error):
        return True
    has_position = error.position or error.internal_position
    return has_values and state in NAMED_BY_VALUES and not has_position


def redacted(error: Any, said: str) -> str:
    """Return the server's message without a possible value."""
    for sentence, told in SENTENCES.items():
        if found := sentence.fullmatch(said):
            return found.expand(told)
    return f"{condition(error)} ({error.sqlstate}); the server's message is in the error's detail"


def condition(error: Any) -> str:
    """Return the name of the error's SQLSTATE, derived from the driver's class name."""
    name = type(error).__name__.removesuffix("Error").removeprefix("Postgres")
    return WORDS.sub(" ", name).lower() or "error"
