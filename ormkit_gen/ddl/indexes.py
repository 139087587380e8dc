"""CREATE INDEX, and the elements of indexes and EXCLUDE constraints."""

from __future__ import annotations

from collections.abc import Iterable

from ormkit_gen.ddl.spelling import parenthesised
from ormkit_gen.ir import Index, IndexElement, Model, Storage
from ormkit_gen.postgres.identifiers import qualified, quote_identifier

#: A statement is on one line up to this length.
_WIDTH = 100
_BREAK = "\n    "


def create_index(model: Model, index: Index) -> str:
    """Return the statement that creates an index."""
    unique = "UNIQUE " if index.is_unique else ""
    elements = ", ".join(index_element(model, element) for element in index.elements)
    clauses = [
        f"CREATE {unique}INDEX IF NOT EXISTS {quote_identifier(index.name)}",
        f"ON {qualified(model.schema, model.table)}{using(index.method)} ({elements})",
    ]
    if index.include:
        clauses.append(f"INCLUDE ({column_list(model, index.include)})")
    if index.nulls_not_distinct:
        clauses.append("NULLS NOT DISTINCT")
    if index.storage:
        clauses.append(with_storage(index.storage))
    if index.where is not None:
        clauses.append(f"WHERE {parenthesised(index.where)}")
    line = " ".join(clauses)
    return f"{line if len(line) < _WIDTH else _BREAK.join(clauses)};"


def index_element(model: Model, element: IndexElement) -> str:
    """Return one key of an index, with its operator class and order."""
    if element.column is not None:
        parts = [column_list(model, [element.column])]
    else:
        parts = [parenthesised(element.expression or "")]
    if element.collation is not None:
        parts.append(f"COLLATE {element.collation}")
    if element.opclass is not None:
        parts.append(element.opclass)
    if element.is_descending:
        parts.append("DESC")
    if element.nulls is not None:
        parts.append(f"NULLS {element.nulls.upper()}")
    return " ".join(parts)


def with_storage(storage: Storage) -> str:
    """Return the WITH clause for storage parameters."""
    return f"WITH ({', '.join(f'{name} = {value}' for name, value in storage)})"


def using(method: str) -> str:
    """Return the USING clause of an index method other than the default one."""
    return "" if method == "btree" else f" USING {quote_identifier(method)}"


def column_list(model: Model, names: Iterable[str]) -> str:
    """Return the database names of columns that are given by their Python names."""
    return ", ".join(quote_identifier(model.column(name).db_name) for name in names)
