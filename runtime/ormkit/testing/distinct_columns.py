"""The columns that unique and exclusion constraints keep apart, as a package's SQL says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ..models.columns import AnyColumn
from ..models.package import Schema
from ..models.table import Table
from ..postgres.identifiers import quote
from ..postgres.values import UNSET

#: What keeps rows apart, in a line of its own.
CONSTRAINT = re.compile(r"\b(?:UNIQUE|EXCLUDE)\b(.*)")


def distinct_columns(schema: Schema, table: Table) -> list[AnyColumn]:
    """Return the columns whose default would let a table have one row.

    They are those of a constraint all of whose columns have a default that is a value.
    """
    found: dict[str, AnyColumn] = {}
    for named in unique_columns(schema, table):
        if all(column.initial is not UNSET and column.initial is not None for column in named):
            found |= {column.slot: column for column in named}
    return [*found.values()]


def unique_columns(schema: Schema, table: Table) -> Iterator[Sequence[AnyColumn]]:
    """Yield the columns of each constraint and index that keeps rows apart."""
    yield table.primary_key
    for text in constraints_of(schema.ddl(), table):
        yield [column for column in table.columns if is_named(column, text)]


def constraints_of(ddl: str, table: Table) -> Iterator[str]:
    """Yield what the constraints and unique indexes of a table are about, without conditions."""
    names = [table.schema, table.name] if table.schema else [table.name]
    name = re.escape(".".join(map(quote, names)))
    body = re.search(rf"^CREATE TABLE IF NOT EXISTS {name} \((.*?)^\)", ddl, re.M | re.S)
    for line in body[1].splitlines() if body is not None else ():
        if found := CONSTRAINT.search(line):
            yield found[1].partition(" WHERE ")[0]
    for index in re.findall(rf"^CREATE UNIQUE INDEX .* ON {name} (.*)$", ddl, re.M):
        yield index.partition(" WHERE ")[0]


def is_named(column: AnyColumn, text: str) -> bool:
    """Return whether a text of SQL names a column."""
    return re.search(rf'(?<![\w"]){re.escape(quote(column.name))}(?![\w"])', text) is not None
