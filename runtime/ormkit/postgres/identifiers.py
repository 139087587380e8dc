"""Quote identifiers and string constants for SQL."""

from __future__ import annotations

from ..errors import InvalidValue


def quote(identifier: str) -> str:
    """Return the identifier, in double quotes where PostgreSQL needs them."""
    is_plain = identifier.isascii() and identifier.isidentifier() and identifier.islower()
    if is_plain and identifier not in RESERVED:
        return identifier
    return '"' + identifier.replace('"', '""') + '"'


def quoted_text(text: str) -> str:
    """Return the text as a string constant, valid for either standard_conforming_strings setting.

    Raises InvalidValue for a NUL character, which PostgreSQL's text cannot hold.
    """
    if "\0" in text:
        raise InvalidValue("PostgreSQL's text cannot hold the character NUL")
    doubled = text.replace("'", "''")
    return f"'{doubled}'" if "\\" not in text else "E'" + doubled.replace("\\", "\\\\") + "'"


#: Words that PostgreSQL 18 rejects as unquoted column or table names: pg_get_keywords() with
#: catcode R or T, https://www.postgresql.org/docs/18/sql-keywords-appendix.html
RESERVED = frozenset(
    [
        "all",
        "analyse",
        "analyze",
        "and",
        "any",
        "array",
        "as",
        "asc",
        "asymmetric",
        "authorization",
        "binary",
        "both",
        "case",
        "cast",
        "check",
        "collate",
        "collation",
        "column",
        "concurrently",
        "constraint",
        "create",
        "cross",
        "current_catalog",
        "current_date",
        "current_role",
        "current_schema",
        "current_time",
        "current_timestamp",
        "current_user",
        "default",
        "deferrable",
        "desc",
        "distinct",
        "do",
        "else",
        "end",
        "except",
        "false",
        "fetch",
        "for",
        "foreign",
        "freeze",
        "from",
        "full",
        "grant",
        "group",
        "having",
        "ilike",
        "in",
        "initially",
        "inner",
        "intersect",
        "into",
        "is",
        "isnull",
        "join",
        "lateral",
        "leading",
        "left",
        "like",
        "limit",
        "localtime",
        "localtimestamp",
        "natural",
        "not",
        "notnull",
        "null",
        "offset",
        "on",
        "only",
        "or",
        "order",
        "outer",
        "overlaps",
        "placing",
        "primary",
        "references",
        "returning",
        "right",
        "select",
        "session_user",
        "similar",
        "some",
        "symmetric",
        "system_user",
        "table",
        "tablesample",
        "then",
        "to",
        "trailing",
        "true",
        "union",
        "unique",
        "user",
        "using",
        "variadic",
        "verbose",
        "when",
        "where",
        "window",
        "with",
    ]
)
