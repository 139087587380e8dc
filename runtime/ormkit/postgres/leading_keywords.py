"""Read the leading keywords of an SQL statement, past blanks, comments and semicolons.

The rules are those of PostgreSQL's lexer. One pass reads the text, so that the time is linear in
its length.
"""

from __future__ import annotations

import re

BLANK = re.compile(r"[ \t\n\r\f\v]*")
END_OF_LINE = re.compile(r"[\n\r]")
#: Where a block comment begins or ends; block comments nest.
COMMENT_EDGE = re.compile(r"/\*|\*/")
WORD = re.compile(r"[A-Za-z_\x80-\U0010ffff][\w$]*")
#: A word or a quoted identifier. A doubled quote inside one matches as two identifiers.
NAME = re.compile(r'(?:[Uu]&)?"[^"]*"|' + WORD.pattern)


def declares_cursor_with_hold(sql: str) -> bool:
    """Return whether a DECLARE statement has WITH HOLD before its query."""
    at = skip_blanks(sql, 0, and_semicolons=True)
    before = ""
    while found := NAME.match(sql, at):
        word = found.group().upper()
        if word == "HOLD":
            return before == "WITH"
        if word == "FOR":
            return False
        before, at = word, skip_blanks(sql, found.end())
    return False


def leading_keywords(sql: str) -> tuple[str, str]:
    """Return the first two words of a statement in upper case; "" where there is no such word."""
    first, end = word_at(sql, skip_blanks(sql, 0, and_semicolons=True))
    second, _ = word_at(sql, skip_blanks(sql, end)) if first else ("", end)
    return first, second


def word_at(sql: str, at: int) -> tuple[str, int]:
    """Return the word that begins here, in upper case, and where it ends."""
    found = WORD.match(sql, at)
    return (found.group().upper(), found.end()) if found else ("", at)


def skip_blanks(sql: str, at: int, *, and_semicolons: bool = False) -> int:
    """Return where the next token begins."""
    while True:
        found = BLANK.match(sql, at)
        at = found.end() if found else at
        if sql.startswith("--", at):
            end = END_OF_LINE.search(sql, at)
            at = end.end() if end else len(sql)
        elif sql.startswith("/*", at):
            at = end_of_comment(sql, at)
        elif and_semicolons and sql.startswith(";", at):
            at += 1
        else:
            return at


def end_of_comment(sql: str, at: int) -> int:
    """Return where the comment that begins here ends; the end of the text where it does not."""
    depth = 0
    for edge in COMMENT_EDGE.finditer(sql, at):
        depth += 1 if edge.group() == "/*" else -1
        if not depth:
            return edge.end()
    return len(sql)
