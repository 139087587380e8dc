"""COPY in the text format, for columns of types that the driver has no binary format for.

One such column makes all of the row text. The other values are written in the form in which the
server reads what the binary format would have sent.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..errors import InvalidValue
from ..postgres.identifiers import quote
from ..postgres.text_values import Write, writer_of
from ..postgres.type_words import Type, type_of
from .copy_rows import Copied

#: The size of a message, in bytes.
PIECE = 1 << 16
#: The types of pg_catalog that the driver sends in the binary format.
BINARY_NAMES = """
bit bool box bpchar bytea char cid cidr circle date float4 float8 inet int2 int4 int8 interval
json jsonb jsonpath line lseg name numeric oid path pg_lsn pg_snapshot point polygon text tid
time timestamp timestamptz timetz txid_snapshot uuid varbit varchar xid xid8 xml
"""
BINARY = frozenset(BINARY_NAMES.split())

#: The types of columns, and those that they consist of, from the outermost inwards.
TYPES = """
WITH RECURSIVE part (number, depth, type) AS (
    SELECT a.attnum, 0, a.atttypid FROM pg_catalog.pg_attribute a
    WHERE a.attrelid OPERATOR(pg_catalog.=) pg_catalog.to_regclass($1)
        AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped
    UNION
    SELECT p.number, p.depth OPERATOR(pg_catalog.+) 1, inner_types.type
    FROM part p
    JOIN pg_catalog.pg_type t ON t.oid OPERATOR(pg_catalog.=) p.type
    CROSS JOIN LATERAL (
        SELECT t.typbasetype WHERE t.typtype OPERATOR(pg_catalog.=) 'd'
        UNION ALL SELECT t.typelem
        WHERE t.typoutput OPERATOR(pg_catalog.=) 'pg_catalog.array_out'::pg_catalog.regproc
        UNION ALL SELECT r.rngsubtype FROM pg_catalog.pg_range r
        WHERE r.rngtypid OPERATOR(pg_catalog.=) t.oid
            OR r.rngmultitypid OPERATOR(pg_catalog.=) t.oid
        UNION ALL SELECT f.atttypid FROM pg_catalog.pg_attribute f
        WHERE t.typtype OPERATOR(pg_catalog.=) 'c'
            AND f.attrelid OPERATOR(pg_catalog.=) t.typrelid
            AND f.attnum OPERATOR(pg_catalog.>) 0 AND NOT f.attisdropped
    ) inner_types (type)
)
SELECT a.attname::pg_catalog.text, t.typname::pg_catalog.text, n.nspname::pg_catalog.text,
    CASE WHEN t.typoutput OPERATOR(pg_catalog.=) 'pg_catalog.array_out'::pg_catalog.regproc
        THEN 'a' ELSE t.typtype::pg_catalog.text END,
    t.typdelim::pg_catalog.text
FROM part p
JOIN pg_catalog.pg_type t ON t.oid OPERATOR(pg_catalog.=) p.type
JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) t.typnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) pg_catalog.to_regclass($1)
    AND a.attnum OPERATOR(pg_catalog.=) p.number
ORDER BY p.number, p.depth
"""


@dataclass(frozen=True, slots=True)
class ColumnType:
    """The type of a column, as the driver sees it."""

    #: The driver's name: of a domain, that of its base type.
    name: str
    #: True if it has a part that the driver sends only as text.
    is_text: bool
    #: What stands between the elements of an array.
    delimiter: str
    is_multirange: bool = False


#: Stands for a column that the table lacks, which the server reports.
UNKNOWN = ColumnType("", is_text=False, delimiter=",")


def column_types(rows: Iterable[Sequence[Any]]) -> dict[str, ColumnType]:
    """Return the types of columns by the rows of TYPES."""
    found: dict[str, ColumnType] = {}
    #: The columns whose rows so far are domains or an array, whose base or elements follow.
    outer: dict[str, str] = {}
    for column, name, schema, kind, delimiter in rows:
        is_text = kind == "b" and not (schema == "pg_catalog" and name in BINARY)
        if column in found:
            if is_text:
                found[column] = replace(found[column], is_text=True)
        elif kind in ("a", "d"):
            outer[column] = outer.get(column, "") or ("[]" if kind == "a" else "")
        else:
            known = name if schema == "pg_catalog" else f'"{schema}"."{name}"'
            found[column] = ColumnType(
                known + outer.get(column, ""), is_text, delimiter, kind == "m"
            )
    return found


def has_own_delimiter(types: Sequence[Type]) -> bool:
    """Return whether an array may have another delimiter than a comma."""
    return any(each.dimensions and each.base.is_sent_as_text for each in types)


async def writers(
    cells: Copied, schema: str | None, fetch: Callable[..., Awaitable[Any]]
) -> list[Write] | None:
    """Return what writes the values of each column; None where the driver sends them as binary.

    schema: the table's; None where the search_path decides.
    fetch: runs a query with arguments and returns its rows.
    """
    types = cells.types
    if types and not cells.is_text:
        return None
    found: dict[str, ColumnType] = {}
    if not types or has_own_delimiter(types):
        parts = (cells.table,) if schema is None else (schema, cells.table)
        found = column_types(await fetch(TYPES, ".".join(map(quote, parts))))
    of_columns = [found.get(name, UNKNOWN) for name in cells.names]
    if types:
        return [
            writer_of(known, cells.encoder, column.delimiter, is_stored=True)
            for known, column in zip(types, of_columns, strict=True)
        ]
    if not any(column.is_text for column in of_columns):
        return None
    return [
        writer_of(
            type_of(column.name),
            cells.encoder,
            column.delimiter,
            is_multirange=column.is_multirange,
        )
        for column in of_columns
    ]


async def pieces(
    cells: Copied, records: Iterable[Any] | AsyncIterable[Any], write: Sequence[Write]
) -> AsyncGenerator[bytes, None]:
    """Yield the rows as lines, several in each piece."""
    held = bytearray()
    if isinstance(records, AsyncIterable):
        async for _ in records:
            held += line(cells, write)
            if len(held) >= PIECE:
                yield bytes(held)
                held.clear()
    else:
        for _ in records:
            held += line(cells, write)
            if len(held) >= PIECE:
                yield bytes(held)
                held.clear()
    if held:
        yield bytes(held)


def line(cells: Copied, writers: Sequence[Write]) -> bytes:
    """Return the current row as a line; raises InvalidValue, which names the column and the row."""
    parts: list[bytes] = []
    for place, write in enumerate(writers):
        value = cells[place]
        if value is None:
            parts.append(b"\\N")
            continue
        try:
            parts.append(escaped(write(value)).encode())
        except InvalidValue as error:
            raise InvalidValue(f"{cells.described()}: {error}") from None
    return b"\t".join(parts) + b"\n"


def escaped(text: str) -> str:
    r"""Return a text as a field of a line, in which \N is NULL, and tabs and line breaks end it."""
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
