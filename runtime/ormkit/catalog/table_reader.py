"""Read the tables and enums of a database as values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from .table_queries import (
    COLUMNS,
    CONSTRAINTS,
    DOMAIN_CHECKS,
    DOMAINS,
    ELEMENTS,
    ENUMS,
    INDEXES,
    SCHEMAS,
    SEQUENCES,
    TABLES,
)
from .tables import (
    Domain,
    DomainCheck,
    EnumType,
    IndexElement,
    Sequence,
    Table,
    TableColumn,
    TableConstraint,
    TableIndex,
    TypeName,
)

if TYPE_CHECKING:
    from ..transactions.transaction import Transaction


T = TypeVar("T")


async def read_tables(tx: Transaction) -> tuple[Table, ...]:
    """Return the tables, views and foreign tables of a database, sorted by schema and name.

    tx: a transaction of `catalog_transaction()`.
    """
    columns = grouped(await rows(tx, COLUMNS), column)
    constraints = grouped(await rows(tx, CONSTRAINTS), constraint)
    elements = grouped(await rows(tx, ELEMENTS), element)
    indexes: defaultdict[int, list[TableIndex]] = defaultdict(list)
    for of_table, number, *row in await rows(tx, INDEXES):
        indexes[of_table].append(index(tuple(row), tuple(elements[number])))
    return tuple(
        table(row[1:], tuple(columns[row[0]]), tuple(constraints[row[0]]), tuple(indexes[row[0]]))
        for row in await rows(tx, TABLES)
    )


async def read_schemas(tx: Transaction) -> tuple[str, ...]:
    """Return the names of the schemas of a database, sorted."""
    return tuple(name for (name,) in await rows(tx, SCHEMAS))


async def read_enums(tx: Transaction) -> tuple[EnumType, ...]:
    """Return the enum types of a database, sorted by schema and name."""
    return tuple(
        EnumType(schema, name, tuple(labels or ()), comment)
        for schema, name, labels, comment in await rows(tx, ENUMS)
    )


async def read_sequences(tx: Transaction) -> tuple[Sequence, ...]:
    """Return the sequences of a database, those of identity columns with them."""
    return tuple(sequence(row) for row in await rows(tx, SEQUENCES))


async def read_domains(tx: Transaction) -> tuple[Domain, ...]:
    """Return the domains of a database, sorted by schema and name."""
    checks = grouped(await rows(tx, DOMAIN_CHECKS), domain_check)
    return tuple(domain(row[1:], tuple(checks[row[0]])) for row in await rows(tx, DOMAINS))


async def rows(tx: Transaction, query: str) -> list[tuple[Any, ...]]:
    """Return the rows of a query."""
    return (await tx.execute_raw(query)).tuples()


def grouped(
    found: Iterable[tuple[Any, ...]], made: Callable[[tuple[Any, ...]], T]
) -> defaultdict[int, list[T]]:
    """Return what is made of each row, by the oid in its first column."""
    groups: defaultdict[int, list[T]] = defaultdict(list)
    for row in found:
        groups[row[0]].append(made(row[1:]))
    return groups


def table(
    row: tuple[Any, ...],
    columns: tuple[TableColumn, ...],
    constraints: tuple[TableConstraint, ...],
    indexes: tuple[TableIndex, ...],
) -> Table:
    """Return the table of a row of TABLES."""
    schema, name, kind, comment, is_partition, parents, bounds, key, *more = row
    is_unlogged, of_type, storage, definition = more
    return Table(
        *(schema, name, kind, comment, is_partition, pairs(parents), bounds, key),
        *(is_unlogged, of_type, pairs(storage), definition),
        *(columns, constraints, indexes),
    )


def column(row: tuple[Any, ...]) -> TableColumn:
    """Return the column of a row of COLUMNS."""
    name, type_, rest = row[0], TypeName(*row[1:9]), row[9:]
    return TableColumn(name, type_, *rest)


def sequence(row: tuple[Any, ...]) -> Sequence:
    """Return the sequence of a row of SEQUENCES."""
    values: Any = (*row[:-2], tuple(row[-2]) if row[-2] else None, row[-1])
    return Sequence(*values)


def domain_check(row: tuple[Any, ...]) -> DomainCheck:
    """Return the check of a row of DOMAIN_CHECKS."""
    return DomainCheck(*row)


def element(row: tuple[Any, ...]) -> IndexElement:
    """Return the key of a row of ELEMENTS."""
    return IndexElement(*row)


def domain(row: tuple[Any, ...], checks: tuple[DomainCheck, ...]) -> Domain:
    """Return the domain of a row of DOMAINS."""
    schema, name, *rest = row
    is_not_null, default, collation, comment = rest[8:]
    type_ = TypeName(*rest[:8])
    return Domain(schema, name, type_, is_not_null, default, collation, comment, checks)


def constraint(row: tuple[Any, ...]) -> TableConstraint:
    """Return the constraint of a row of CONSTRAINTS."""
    name, kind, columns, target, target_columns, on_delete, on_update, set_columns, *rest = row
    return TableConstraint(
        *(name, kind, tuple(columns), tuple(target) if target else None, tuple(target_columns)),
        *(on_delete, on_update, tuple(set_columns), *rest),
    )


def index(row: tuple[Any, ...], elements: tuple[IndexElement, ...]) -> TableIndex:
    """Return the index of a row of INDEXES."""
    name, method, include, is_unique, is_not_distinct, predicate, storage, *rest = row
    return TableIndex(
        *(name, method, elements, tuple(include), is_unique, is_not_distinct, predicate),
        *(pairs(storage), *rest),
    )


def pairs(found: Iterable[Iterable[str]]) -> tuple[tuple[str, str], ...]:
    """Return pairs of texts as tuples."""
    return tuple((first, second) for first, second in found)
