"""The schema as the generator sees it: frozen values, the same from every spelling.

``ormkit_gen.schema`` reads TOML or Python into these, fully checked and resolved; the views and
the DDL are made from them and from nothing else. Positions ride along for messages and never
take part in comparisons, so two spellings of one schema compare equal.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal
from uuid import UUID

from ormkit_gen.postgres.types import ColumnType

#: What a `default = ...` may hold: a constant known both to Python and to PostgreSQL.
DefaultValue = (
    bool
    | int
    | float
    | str
    | Decimal
    | UUID
    | dt.datetime
    | dt.date
    | dt.time
    | Sequence["DefaultValue"]
    | Mapping[str, "DefaultValue"]
    | None
)

Action = Literal["no action", "restrict", "cascade", "set null", "set default"]
Identity = Literal["always", "by default"]
RelationshipKind = Literal["many_to_one", "one_to_many", "one_to_one", "many_to_many"]
Nulls = Literal["first", "last"]


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a schema file; line and column count from 1."""

    file: str
    line: int
    column: int
    #: How many characters the caret underlines.
    width: int = 1


@dataclass(frozen=True, slots=True)
class Default:
    """A constant default, given to new objects in Python and to the column in the DDL."""

    value: DefaultValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Enum:
    """A native PostgreSQL enum type."""

    name: str  #: Python class name, for example PostStatus.
    db_name: str  #: Name of the type in PostgreSQL, for example post_status.
    schema: str | None = None
    #: Pairs of Python member name and PostgreSQL label, in the order of the type.
    members: tuple[tuple[str, str], ...]
    comment: str | None = None
    #: True where labels that it does not list are read as texts.
    is_open: bool = False
    at: Position | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column; constraints and indexes stand on the model, also those of one column."""

    name: str  #: Python attribute, for example class_.
    db_name: str  #: Name in PostgreSQL, for example class.
    type: ColumnType
    is_nullable: bool = False
    is_primary_key: bool = False
    identity: Identity | None = None
    default: Default | None = None
    server_default: str | None = None  #: SQL expression.
    generated: str | None = None  #: SQL expression of a STORED generated column.
    #: Annotation that replaces the type's own, for example dict[str, int] or app.types.Settings;
    #: static only, values are not converted.
    python_type: str | None = None
    comment: str | None = None
    is_private: bool = False  #: Its values show in no repr.
    at: Position | None = field(default=None, compare=False, repr=False)

    @property
    def has_server_value(self) -> bool:
        """True where PostgreSQL fills the column in when an INSERT leaves it out."""
        return self.identity is not None or self.server_default is not None or self.is_generated

    @property
    def is_generated(self) -> bool:
        """True where the value may never be written."""
        return self.generated is not None or self.identity == "always"


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignKey:
    """A foreign key; columns are Python names on either side, in matching order."""

    name: str
    columns: tuple[str, ...]
    target: str  #: Name of the model it points to (an association model included).
    target_columns: tuple[str, ...]
    on_delete: Action = "no action"
    on_update: Action = "no action"
    is_deferrable: bool = False
    is_initially_deferred: bool = False
    at: Position | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unique:
    """A UNIQUE constraint over one column or several (Python names)."""

    name: str
    columns: tuple[str, ...]
    nulls_not_distinct: bool = False
    at: Position | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A CHECK constraint; the expression is SQL."""

    name: str
    expression: str
    at: Position | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexElement:
    """One key of an index: a column (Python name) or an SQL expression, never both."""

    column: str | None = None
    expression: str | None = None
    opclass: str | None = None
    is_descending: bool = False
    nulls: Nulls | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """An index that is not the shadow of a constraint."""

    name: str
    elements: tuple[IndexElement, ...]
    method: str = "btree"
    is_unique: bool = False
    where: str | None = None  #: SQL predicate of a partial index.
    include: tuple[str, ...] = ()  #: Python names of columns carried along.
    at: Position | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclude:
    """An EXCLUDE constraint: pairs of index element and operator."""

    name: str
    elements: tuple[tuple[IndexElement, str], ...]
    method: str = "gist"
    where: str | None = None
    at: Position | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Relationship:
    """A resolved relationship; all columns are Python names, pairwise in matching order.

    many_to_one   local holds the foreign key, remote the key it points to
    one_to_many   local is the key pointed to, remote the foreign key in the target
    one_to_one    either of these, with is_owner telling whether the key is on this side
    many_to_many  local -> secondary_local, secondary_remote -> remote
    """

    name: str
    target: str
    kind: RelationshipKind
    local: tuple[str, ...]
    remote: tuple[str, ...]
    is_owner: bool  #: True where this model's own columns hold the foreign key.
    is_nullable: bool  #: To-one only: True where None is a possible answer.
    secondary: str | None = None  #: Name of the association model.
    secondary_local: tuple[str, ...] = ()
    secondary_remote: tuple[str, ...] = ()
    back_populates: str | None = None
    at: Position | None = field(default=None, compare=False, repr=False)

    @property
    def is_to_many(self) -> bool:
        """True where the value is a list."""
        return self.kind in ("one_to_many", "many_to_many")


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A table and the class written for it."""

    name: str
    table: str
    schema: str | None = None
    comment: str | None = None
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...]  #: Python names, in the order of the key.
    foreign_keys: tuple[ForeignKey, ...] = ()
    uniques: tuple[Unique, ...] = ()
    checks: tuple[Check, ...] = ()
    indexes: tuple[Index, ...] = ()
    excludes: tuple[Exclude, ...] = ()
    relationships: tuple[Relationship, ...] = ()
    soft_delete: str | None = None  #: Column of the soft_delete mixin (timestamptz, null = alive).
    version: str | None = None  #: Column of the version mixin (optimistic lock).
    updated_at: str | None = None  #: Column that every update sets to now().
    #: True for the table of a many-to-many that no model spells out: DDL, but no class of its own.
    is_association: bool = False
    at: Position | None = field(default=None, compare=False, repr=False)

    def column(self, name: str) -> Column:
        """Return the column of that Python name; KeyError where there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """Everything one target generates from; models and enums are sorted by name."""

    models: tuple[Model, ...]
    enums: tuple[Enum, ...] = ()
    #: The schema files without their ending, relative to the settings file: both spellings of one
    #: schema give the same text.
    sources: tuple[str, ...] = ()
    _by_name: Mapping[str, Model] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", {model.name: model for model in self.models})

    def model(self, name: str) -> Model:
        """Return the model of that name; KeyError where there is none."""
        return self._by_name[name]

    def enum(self, name: str) -> Enum:
        """Return the enum of that Python name; KeyError where there is none."""
        for enum in self.enums:
            if enum.name == name:
                return enum
        raise KeyError(name)
