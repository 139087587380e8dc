"""The intermediate representation of a schema: frozen values, the same for TOML and Python.

``ormkit_gen.schema`` reads TOML or Python into these values, fully checked and resolved. The views
and the DDL are made only from them. Positions are kept for messages and are not compared, so a
schema in TOML and the same schema in Python are equal.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal
from uuid import UUID

from ormkit_gen.postgres.types import ColumnType

#: The possible values of `default = ...`: constants that Python and PostgreSQL both have.
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
RowSecurity = Literal["enabled", "forced"]
RelationshipKind = Literal["many_to_one", "one_to_many", "one_to_one", "many_to_many"]
Nulls = Literal["first", "last"]
#: Storage parameters, as pairs of their name and their value in SQL.
Storage = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a schema file. Lines and columns count from 1."""

    file: str
    line: int
    column: int
    #: The number of characters to underline.
    width: int = 1


@dataclass(frozen=True, slots=True)
class Default:
    """A constant default, used for new objects in Python and for the column in the DDL."""

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
    #: True if labels that it does not have are read as texts.
    is_open: bool = False
    #: What the snapshot of the last migration calls it.
    renamed_from: str | None = field(default=None, compare=False)
    #: Pairs of a label and its name in that snapshot.
    renamed_values: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    #: Pairs of a label that a migration removes, and the one that rows have instead.
    removed: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    at: Position | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainCheck:
    """A CHECK constraint of a domain; the expression is SQL and calls the value VALUE."""

    name: str
    expression: str
    is_valid: bool = True  #: False if existing values may break it.
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """A domain: a type with a default and checks of its own. Values are those of the type."""

    name: str  #: Name in PostgreSQL.
    schema: str | None = None
    type: ColumnType
    is_nullable: bool = True
    server_default: str | None = None  #: SQL expression.
    collation: str | None = None  #: As SQL.
    checks: tuple[DomainCheck, ...] = ()
    comment: str | None = None
    #: What the snapshot of the last migration calls it.
    renamed_from: str | None = field(default=None, compare=False)
    at: Position | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceOptions:
    """How a sequence counts. None leaves an option to PostgreSQL."""

    start: int | None = None
    increment: int | None = None
    minimum: int | None = None
    maximum: int | None = None
    cache: int | None = None
    is_cycling: bool = False
    name: str | None = None  #: That of an identity's sequence, if PostgreSQL is not to choose it.


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberSequence:
    """A sequence that is no identity's."""

    name: str  #: Name in PostgreSQL.
    schema: str | None = None
    type: str = "bigint"
    options: SequenceOptions = SequenceOptions()
    #: The model and the column (Python names) with which it is dropped.
    owner: tuple[str, str] | None = None
    is_unlogged: bool = False
    comment: str | None = None
    #: What the snapshot of the last migration calls it.
    renamed_from: str | None = field(default=None, compare=False)
    at: Position | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """An extension that the schema names."""

    name: str
    schema: str | None = None  #: Where its objects are.
    comment: str | None = None  #: In place of the one that it brings.
    at: Position | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Namespace:
    """A schema of PostgreSQL that the files name, with its comment."""

    name: str
    comment: str | None = None
    at: Position | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    """A partition of a table; rows are read and written through the table."""

    name: str  #: Name in PostgreSQL.
    schema: str | None = None
    bound: str  #: FOR VALUES ..., or DEFAULT.
    partition_by: str | None = None
    partitions: tuple[Partition, ...] = ()
    storage: Storage = ()
    comment: str | None = None
    #: What the snapshot of the last migration calls it.
    renamed_from: str | None = field(default=None, compare=False)
    at: Position | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column. Constraints and indexes belong to the model, also those on one column."""

    name: str  #: Python attribute, for example class_.
    db_name: str  #: Name in PostgreSQL, for example class.
    type: ColumnType
    is_nullable: bool = False
    is_primary_key: bool = False
    identity: Identity | None = None
    default: Default | None = None
    server_default: str | None = None  #: SQL expression.
    generated: str | None = None  #: SQL expression of a STORED generated column.
    #: Annotation that replaces that of the type, for example dict[str, int] or app.types.Settings.
    #: It is for type checkers only: values are not converted.
    python_type: str | None = None
    #: The place of the class that JSON values are validated as, for example app.types:Settings.
    json_type: str | None = None
    #: The place of what makes values of texts, for example app.types:PointCodec.
    codec: str | None = None
    #: The place of a function that makes the value of a new object, for example uuid:uuid4.
    factory: str | None = None
    comment: str | None = None
    is_private: bool = False  #: True if a repr must not show its values.
    is_serial: bool = False  #: True if its type is serial, with a sequence of its own.
    identity_options: SequenceOptions | None = None
    is_virtual: bool = False  #: True if a generated column is computed when it is read.
    collation: str | None = None  #: As SQL.
    storage: str | None = None  #: plain, external, extended or main.
    compression: str | None = None
    statistics: int | None = None  #: Its statistics target.
    #: True if the table still has it, and generated code does not.
    is_retired: bool = False
    #: The SQL expression by which a migration fills the column in existing rows.
    backfill: str | None = field(default=None, compare=False)
    #: The time zone of old values, when a migration changes between timestamp and timestamptz.
    time_zone: str | None = field(default=None, compare=False)
    #: What the snapshot of the last migration calls it.
    renamed_from: str | None = field(default=None, compare=False)
    at: Position | None = field(default=None, compare=False, repr=False)

    @property
    def has_server_value(self) -> bool:
        """True if PostgreSQL fills in the column when an INSERT omits it."""
        is_numbered = self.identity is not None or self.is_serial
        return is_numbered or self.server_default is not None or self.is_generated

    @property
    def is_generated(self) -> bool:
        """True if the value can never be written."""
        return self.generated is not None or self.identity == "always"


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignKey:
    """A foreign key. Columns on both sides are Python names, in matching order."""

    name: str
    columns: tuple[str, ...]
    target: str  #: Name of the referenced model, which may be an association model.
    target_columns: tuple[str, ...]
    on_delete: Action = "no action"
    on_update: Action = "no action"
    is_deferrable: bool = False
    is_initially_deferred: bool = False
    is_full: bool = False  #: MATCH FULL.
    #: The columns (Python names) that ON DELETE sets, if not all of them.
    set_columns: tuple[str, ...] = ()
    is_valid: bool = True  #: False if existing rows may break it.
    comment: str | None = None
    #: What the snapshot of the last migration calls it.
    renamed_from: str | None = field(default=None, compare=False)
    at: Position | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PrimaryKey:
    """What a PRIMARY KEY constraint says besides its columns."""

    name: str | None = None  #: None for the name that PostgreSQL chooses.
    include: tuple[str, ...] = ()  #: Python names of the columns in INCLUDE.
    is_deferrable: bool = False
    is_initially_deferred: bool = False
    comment: str | None = None

    @property
    def is_plain(self) -> bool:
        """True where two words at a column say it all."""
        return self == PrimaryKey(comment=self.comment)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unique:
    """A UNIQUE constraint over one column or several (Python names)."""

    name: str
    columns: tuple[str, ...]
    nulls_not_distinct: bool = False
    include: tuple[str, ...] = ()  #: Python names of the columns in INCLUDE.
    is_deferrable: bool = False
    is_initially_deferred: bool = False
    storage: Storage = ()
    comment: str | None = None
    #: What the snapshot of the last migration calls it.
    renamed_from: str | None = field(default=None, compare=False)
    at: Position | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A CHECK constraint; the expression is SQL."""

    name: str
    expression: str
    is_valid: bool = True  #: False if existing rows may break it.
    is_inherited: bool = True  #: False for NO INHERIT.
    comment: str | None = None
    #: What the snapshot of the last migration calls it.
    renamed_from: str | None = field(default=None, compare=False)
    at: Position | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexElement:
    """One key of an index: a column (Python name) or an SQL expression."""

    column: str | None = None
    expression: str | None = None
    opclass: str | None = None
    collation: str | None = None  #: As SQL.
    is_descending: bool = False
    nulls: Nulls | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """An index, except those that PostgreSQL creates for constraints."""

    name: str
    elements: tuple[IndexElement, ...]
    method: str = "btree"
    is_unique: bool = False
    where: str | None = None  #: SQL predicate of a partial index.
    include: tuple[str, ...] = ()  #: Python names of the columns in INCLUDE.
    nulls_not_distinct: bool = False
    storage: Storage = ()
    comment: str | None = None
    #: What the snapshot of the last migration calls it.
    renamed_from: str | None = field(default=None, compare=False)
    at: Position | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclude:
    """An EXCLUDE constraint: pairs of index element and operator."""

    name: str
    elements: tuple[tuple[IndexElement, str], ...]
    method: str = "gist"
    where: str | None = None
    is_deferrable: bool = False
    is_initially_deferred: bool = False
    comment: str | None = None
    #: What the snapshot of the last migration calls it.
    renamed_from: str | None = field(default=None, compare=False)
    at: Position | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Relationship:
    """A resolved relationship; all columns are Python names, pairwise in matching order.

    many_to_one   local holds the foreign key, remote the key that it references
    one_to_many   local is the referenced key, remote the foreign key in the target
    one_to_one    either of these; is_owner says whether the foreign key is on this side
    many_to_many  local -> secondary_local, secondary_remote -> remote
    """

    name: str
    target: str
    kind: RelationshipKind
    local: tuple[str, ...]
    remote: tuple[str, ...]
    is_owner: bool  #: True if the foreign key is in this model.
    is_nullable: bool  #: To-one only: True if the value may be None.
    secondary: str | None = None  #: Name of the association model.
    secondary_local: tuple[str, ...] = ()
    secondary_remote: tuple[str, ...] = ()
    back_populates: str | None = None
    at: Position | None = field(default=None, compare=False, repr=False)

    @property
    def is_to_many(self) -> bool:
        """True if the value is a list."""
        return self.kind in ("one_to_many", "many_to_many")


@dataclass(frozen=True, slots=True, kw_only=True)
class Computed:
    """A computed attribute: an SQL expression that queries select when they are asked for it."""

    #: Its name and type, as those of a column.
    column: Column
    #: The expression; `ormkit.Computed` documents the markers that stand for names in it.
    template: str
    calls: tuple[str, ...] = ()  #: The functions that it calls, as written.
    casts: tuple[str, ...] = ()  #: The types that it casts to, as written.
    #: True if it calls a function that may change the state of the session.
    is_foreign: bool = False

    @property
    def name(self) -> str:
        """The attribute's name."""
        return self.column.name


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What makes a model a view."""

    query: str | None = None  #: Its SQL; None where an SQL object or somebody else creates it.
    is_materialized: bool = False

    @property
    def kind(self) -> str:
        """The kind of the object."""
        return "materialized view" if self.is_materialized else "view"


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A table and the class that is generated for it."""

    name: str
    table: str
    schema: str | None = None
    comment: str | None = None
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...]  #: Python names, in the order of the key; empty without a key.
    #: The PRIMARY KEY constraint; None where the key is that of other unique columns, or missing.
    key_constraint: PrimaryKey | None = PrimaryKey()
    view: View | None = None
    storage: Storage = ()
    is_unlogged: bool = False
    row_level_security: RowSecurity | None = None
    replica_identity: str | None = None  #: full, nothing, or the name of an index.
    partition_by: str | None = None  #: SQL, such as RANGE (created_at).
    partitions: tuple[Partition, ...] = ()
    inherits: tuple[str, ...] = ()  #: The parent tables, as SQL.
    #: True if objects are read and never written: views, and tables without a key.
    is_read_only: bool = False
    #: False for a table or view that somebody else creates.
    is_managed: bool = True
    foreign_keys: tuple[ForeignKey, ...] = ()
    uniques: tuple[Unique, ...] = ()
    checks: tuple[Check, ...] = ()
    indexes: tuple[Index, ...] = ()
    excludes: tuple[Exclude, ...] = ()
    relationships: tuple[Relationship, ...] = ()
    computed: tuple[Computed, ...] = ()
    #: Column of the soft_delete mixin (timestamptz, NULL if the row is not deleted).
    soft_delete: str | None = None
    version: str | None = None  #: Column of the version mixin (optimistic lock).
    updated_at: str | None = None  #: Column that every update sets to now().
    #: True for an association table that no model defines: it has DDL, but no class.
    is_association: bool = False
    #: The user's class with methods of the model, for example app.users:UserMethods.
    methods: str | None = None
    #: What the snapshot of the last migration calls it.
    renamed_from: str | None = field(default=None, compare=False)
    at: Position | None = field(default=None, compare=False, repr=False)

    def column(self, name: str) -> Column:
        """Return the column with this Python name. Raise KeyError if there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlObject:
    """An object that the schema has as SQL, such as a view, a function or a trigger."""

    kind: str  #: One of `postgres.object_kinds.ORDER`.
    name: str  #: As written, for example public.f(integer), or audit on users.
    text: str  #: The statements that create it.
    #: What it depends on, as "KIND NAME"; None means whatever its text names.
    depends_on: tuple[str, ...] | None = None
    at: Position | None = field(default=None, compare=False, repr=False)

    @property
    def label(self) -> str:
        """The kind and the name."""
        return f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """The schema of one target. Models and enums are sorted by name."""

    models: tuple[Model, ...]
    enums: tuple[Enum, ...] = ()
    domains: tuple[Domain, ...] = ()
    sequences: tuple[NumberSequence, ...] = ()
    extensions: tuple[Extension, ...] = ()
    namespaces: tuple[Namespace, ...] = ()
    objects: tuple[SqlObject, ...] = ()
    #: The schema files without their extension, relative to the settings file, so that TOML and
    #: Python give the same text.
    sources: tuple[str, ...] = ()
    _by_name: Mapping[str, Model] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", {model.name: model for model in self.models})

    def model(self, name: str) -> Model:
        """Return the model with this name. Raise KeyError if there is none."""
        return self._by_name[name]

    def enum(self, name: str) -> Enum:
        """Return the enum with this Python name. Raise KeyError if there is none."""
        for enum in self.enums:
            if enum.name == name:
                return enum
        raise KeyError(name)
