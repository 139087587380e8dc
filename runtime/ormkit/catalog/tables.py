"""Table and its parts: what a database's relations consist of, as values and not as text.

`Catalog` holds every fact as PostgreSQL prints it, to compare databases. These classes hold the
tables and enums in parts, for programs that describe them in another language.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: How a relation stores its rows; the letters of pg_class.relkind.
TableKind = Literal["table", "partitioned table", "foreign table", "view", "materialized view"]
ConstraintKind = Literal["primary key", "unique", "foreign key", "check", "exclude"]
TypeKind = Literal["base", "domain", "enum", "composite", "range", "multirange"]
#: What a foreign key does to rows when the row that they reference is deleted or changes its key.
Action = Literal["no action", "restrict", "cascade", "set null", "set default"]
Match = Literal["simple", "full", "partial"]


@dataclass(frozen=True, slots=True)
class TypeName:
    """The type of a column, in parts."""

    #: As PostgreSQL writes it, such as `character varying(20)[]`.
    text: str
    #: The name in pg_type of the type, or of an array's elements: `varchar`.
    name: str
    schema: str
    kind: TypeKind
    #: What stands in parentheses, such as `(10,2)`; empty without.
    modifiers: str
    is_array: bool
    #: The dimensions as declared; an array may have 0 where the declaration does not say.
    dimensions: int
    #: The extension that the type comes with.
    extension: str | None

    @property
    def is_system(self) -> bool:
        """Whether PostgreSQL itself has the type."""
        return self.schema == "pg_catalog"


@dataclass(frozen=True, slots=True)
class Sequence:
    """A sequence and its options."""

    schema: str
    name: str
    type: str
    start: int
    increment: int
    minimum: int
    maximum: int
    cache: int
    cycle: bool
    is_unlogged: bool
    comment: str | None
    #: The column that owns it: schema, table and column; and whether it is an identity column.
    owner: tuple[str, str, str] | None
    is_identity: bool


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column of a relation."""

    name: str
    type: TypeName
    is_not_null: bool
    #: The expression of a default.
    default: str | None
    #: The expression of a generated column, and whether it is VIRTUAL.
    generated: str | None
    is_virtual: bool
    #: ALWAYS or BY DEFAULT.
    identity: str | None
    #: The collation, quoted and qualified, where it is not that of the type.
    collation: str | None
    comment: str | None
    #: Whether the column comes from a parent in an inheritance.
    is_inherited: bool


@dataclass(frozen=True, slots=True)
class IndexElement:
    """One key of an index or an exclusion constraint."""

    #: The column, or None for an expression.
    column: str | None
    #: The expression without its outer parentheses.
    expression: str | None
    #: The operator class with its parameters, quoted, where it is not the default one.
    opclass: str | None
    collation: str | None
    is_descending: bool
    is_nulls_first: bool
    #: The operator of an exclusion constraint.
    operator: str | None


@dataclass(frozen=True, slots=True)
class TableIndex:
    """An index, with those that belong to constraints."""

    name: str
    method: str
    elements: tuple[IndexElement, ...]
    include: tuple[str, ...]
    is_unique: bool
    is_nulls_not_distinct: bool
    #: The predicate of a partial index.
    predicate: str | None
    storage: tuple[tuple[str, str], ...]
    tablespace: str | None
    is_valid: bool
    #: The statement that creates it. On a partitioned table it says ONLY.
    definition: str
    comment: str | None
    #: The constraint that it belongs to.
    constraint: str | None
    #: Whether it is a part of an index of the partitioned table.
    is_partition: bool


@dataclass(frozen=True, slots=True)
class TableConstraint:
    """A constraint of a table."""

    name: str
    kind: ConstraintKind
    #: The columns that it is about, in its own order.
    columns: tuple[str, ...]
    #: The table that a foreign key references: schema and name.
    target: tuple[str, str] | None
    target_columns: tuple[str, ...]
    #: Of a foreign key; None for any other constraint.
    on_delete: Action | None
    on_update: Action | None
    #: The columns of ON DELETE SET NULL (columns).
    on_delete_columns: tuple[str, ...]
    #: Of a foreign key; None for any other constraint.
    match: Match | None
    is_deferrable: bool
    is_initially_deferred: bool
    is_validated: bool
    is_no_inherit: bool
    #: Whether PostgreSQL 18's NOT ENFORCED is absent.
    is_enforced: bool
    #: PostgreSQL 18's WITHOUT OVERLAPS or PERIOD.
    is_period: bool
    #: The expression of a check.
    expression: str | None
    definition: str
    comment: str | None
    #: Whether the table declares it itself.
    is_local: bool
    #: Whether it is a part of a constraint of the partitioned table.
    is_partition: bool


@dataclass(frozen=True, slots=True)
class Table:
    """A relation with rows: a table, a view or a materialized view."""

    schema: str
    name: str
    kind: TableKind
    comment: str | None
    is_partition: bool
    #: The tables whose columns it inherits, or whose partition it is: schema and name.
    parents: tuple[tuple[str, str], ...]
    #: The bounds of a partition, as in FOR VALUES IN (1).
    bounds: str | None
    #: The key of a partitioned table, as in LIST (region).
    partition_key: str | None
    is_unlogged: bool
    #: The composite type of CREATE TABLE ... OF.
    of_type: str | None
    storage: tuple[tuple[str, str], ...]
    #: The query of a view.
    definition: str | None
    columns: tuple[TableColumn, ...]
    constraints: tuple[TableConstraint, ...]
    indexes: tuple[TableIndex, ...]

    def column(self, name: str) -> TableColumn | None:
        """Return the column with this name."""
        return next((column for column in self.columns if column.name == name), None)

    @property
    def primary_key(self) -> TableConstraint | None:
        """The primary key."""
        return next((each for each in self.constraints if each.kind == "primary key"), None)

    @property
    def foreign_keys(self) -> tuple[TableConstraint, ...]:
        """The foreign keys."""
        return tuple(each for each in self.constraints if each.kind == "foreign key")

    def index(self, constraint: str) -> TableIndex | None:
        """Return the index of a constraint."""
        return next((each for each in self.indexes if each.constraint == constraint), None)


@dataclass(frozen=True, slots=True)
class EnumType:
    """An enum type."""

    schema: str
    name: str
    labels: tuple[str, ...]
    comment: str | None


@dataclass(frozen=True, slots=True)
class DomainCheck:
    """A check of a domain."""

    name: str
    expression: str
    is_validated: bool
    comment: str | None


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain: a type with conditions."""

    schema: str
    name: str
    type: TypeName
    is_not_null: bool
    default: str | None
    collation: str | None
    comment: str | None
    checks: tuple[DomainCheck, ...]
