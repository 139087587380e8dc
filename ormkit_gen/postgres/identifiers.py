"""Quoting of names and texts. Schema text is quoted into SQL only here."""

from __future__ import annotations

#: Words that PostgreSQL 18 does not accept as an unquoted column, table or type name:
#: pg_get_keywords() with a catcode other than U,
#: https://www.postgresql.org/docs/18/sql-keywords-appendix.html
KEYWORDS = """
    all analyse analyze and any array as asc asymmetric authorization between bigint binary bit
    boolean both case cast char character check coalesce collate collation column concurrently
    constraint create cross current_catalog current_date current_role current_schema current_time
    current_timestamp current_user dec decimal default deferrable desc distinct do else end except
    exists extract false fetch float for foreign freeze from full grant greatest group grouping
    having ilike in initially inner inout int integer intersect interval into is isnull join json
    json_array json_arrayagg json_exists json_object json_objectagg json_query json_scalar
    json_serialize json_table json_value lateral leading least left like limit localtime
    localtimestamp merge_action national natural nchar none normalize not notnull null nullif
    numeric offset on only or order out outer overlaps overlay placing position precision primary
    real references returning right row select session_user setof similar smallint some substring
    symmetric system_user table tablesample then time timestamp to trailing treat trim true union
    unique user using values varchar variadic verbose when where window with xmlattributes
    xmlconcat xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot xmlserialize
    xmltable
    """

_KEYWORDS = frozenset(KEYWORDS.split())

#: The longest identifier: NAMEDATALEN - 1.
MAX_BYTES = 63


def quote_identifier(name: str) -> str:
    """Return the name in double quotes, or unchanged if it needs none.

    Raises ValueError for an invalid identifier: an empty name, or one with a NUL.
    """
    if not name or "\0" in name:
        raise ValueError(f"{name!r} cannot be a name in PostgreSQL")
    is_plain = name.isascii() and name.isidentifier() and name == name.lower()
    if is_plain and name not in _KEYWORDS:
        return name
    return '"' + name.replace('"', '""') + '"'


def qualified(schema: str | None, name: str) -> str:
    """Return the quoted name, with its PostgreSQL schema if it has one."""
    return (
        f"{quote_identifier(schema)}.{quote_identifier(name)}" if schema else quote_identifier(name)
    )


def quote_literal(text: str) -> str:
    """Return the text as a string constant for any setting of standard_conforming_strings.

    Raises ValueError for text with a NUL, which PostgreSQL cannot store.
    """
    if "\0" in text:
        raise ValueError("text with a NUL character cannot be stored in PostgreSQL")
    quoted = text.replace("'", "''")
    if "\\" not in quoted:
        return f"'{quoted}'"
    escaped = quoted.replace("\\", "\\\\")
    return f"E'{escaped}'"


def dollar_quote(lines: str, name: str = "") -> str:
    """Return lines of text between dollar quotes, with a tag that does not occur in them.

    name: the tag, by default an empty one.
    """
    tag, count = f"${name}$", 0
    while tag in lines:
        count += 1
        tag = f"${name or 'do'}{count}$"
    return f"{tag}{lines}{tag}"


def sequence_name(table: str, column: str) -> str:
    """Return the name that PostgreSQL chooses for the sequence of a serial or identity column.

    Where it would be too long, the longer one of the two names loses its end.
    """
    room = MAX_BYTES - len("__seq")
    # Neither can keep more, and a name may be of any length.
    names = [table.encode()[:room], column.encode()[:room]]
    while sum(map(len, names)) > room:
        longer = 0 if len(names[0]) > len(names[1]) else 1
        names[longer] = names[longer][:-1]
    first, second = (name.decode(errors="ignore") for name in names)
    return f"{first}_{second}_seq"
