"""Models while they are being read: columns exist, references are still names."""

from __future__ import annotations

from dataclasses import dataclass, field

from ormkit_gen.diagnostics.diagnostic import Problems
from ormkit_gen.ir import (
    Check,
    Column,
    Computed,
    Domain,
    Enum,
    Exclude,
    Extension,
    ForeignKey,
    Index,
    Model,
    Namespace,
    NumberSequence,
    Partition,
    Position,
    PrimaryKey,
    Relationship,
    RowSecurity,
    SqlObject,
    Storage,
    Unique,
    View,
)
from ormkit_gen.postgres.types import ColumnType
from ormkit_gen.schema.fields import Fields
from ormkit_gen.schema.naming import module_name
from ormkit_gen.schema.type_words import Typing, parse_type


@dataclass(slots=True)
class Reference:
    """A foreign key as written in the schema."""

    columns: tuple[str, ...]
    target: str  #: Table, schema.table or model.
    target_columns: tuple[str, ...]  #: Empty means the target's primary key.
    fields: Fields
    at: Position


@dataclass(slots=True)
class ComputedDraft:
    """A computed attribute as written in the schema."""

    column: Column
    expression: str
    #: Whether the value may be NULL; None if the schema leaves that to the expression.
    is_nullable: bool | None
    fields: Fields


@dataclass(slots=True)
class ModelDraft:
    """A model whose references are not resolved yet."""

    name: str
    table: str
    schema: str | None
    comment: str | None
    fields: Fields
    at: Position
    columns: list[Column] = field(default_factory=list[Column])
    references: list[Reference] = field(default_factory=list[Reference])
    uniques: list[Unique] = field(default_factory=list[Unique])
    indexes: list[Index] = field(default_factory=list[Index])
    checks: list[Check] = field(default_factory=list[Check])
    excludes: list[Exclude] = field(default_factory=list[Exclude])
    foreign_keys: list[ForeignKey] = field(default_factory=list[ForeignKey])
    relationships: list[Relationship] = field(default_factory=list[Relationship])
    #: Computed attributes whose expressions were read, but not resolved.
    computed_drafts: dict[str, ComputedDraft] = field(default_factory=dict[str, "ComputedDraft"])
    computed: list[Computed] = field(default_factory=list[Computed])
    soft_delete: str | None = None
    version: str | None = None
    updated_at: str | None = None
    is_association: bool = False
    #: The columns of the key in its order, where the schema names them; Python names.
    named_key: tuple[str, ...] | None = None
    key_constraint: PrimaryKey | None = field(default_factory=PrimaryKey)
    view: View | None = None
    is_read_only: bool = False
    is_managed: bool = True
    storage: Storage = ()
    is_unlogged: bool = False
    row_level_security: RowSecurity | None = None
    replica_identity: str | None = None
    partition_by: str | None = None
    partitions: tuple[Partition, ...] = ()
    inherits: tuple[str, ...] = ()
    methods: str | None = None
    renamed_from: str | None = None

    @property
    def primary_key(self) -> tuple[str, ...]:
        """Python names of the key's columns, in the order of the key."""
        if self.named_key is not None:
            return self.named_key
        return tuple(column.name for column in self.columns if column.is_primary_key)

    @property
    def full_table(self) -> str:
        """The name of the table, with its schema if it has one."""
        return f"{self.schema}.{self.table}" if self.schema else self.table

    def column(self, name: str) -> Column | None:
        """Return the column by its Python name or its name in PostgreSQL."""
        for column in self.columns:
            if name in (column.name, column.db_name):
                return column
        return None

    def is_unique(self, names: tuple[str, ...]) -> bool:
        """Return whether no two rows can share these columns (Python names, any order)."""
        wanted = set(names)
        keys = [self.primary_key, *(unique.columns for unique in self.uniques)]
        keys += [
            tuple(element.column or "" for element in index.elements)
            for index in self.indexes
            if index.is_unique and index.where is None
        ]
        return any(key and set(key) == wanted for key in keys)

    def model(self) -> Model:
        """Return the finished model."""
        return Model(
            name=self.name,
            table=self.table,
            schema=self.schema,
            comment=self.comment,
            columns=tuple(self.columns),
            primary_key=self.primary_key,
            key_constraint=self.key_constraint,
            view=self.view,
            is_read_only=self.is_read_only,
            is_managed=self.is_managed,
            storage=self.storage,
            is_unlogged=self.is_unlogged,
            row_level_security=self.row_level_security,
            replica_identity=self.replica_identity,
            partition_by=self.partition_by,
            partitions=self.partitions,
            inherits=self.inherits,
            foreign_keys=tuple(self.foreign_keys),
            uniques=tuple(self.uniques),
            checks=tuple(self.checks),
            indexes=tuple(self.indexes),
            excludes=tuple(self.excludes),
            relationships=tuple(self.relationships),
            computed=tuple(self.computed),
            soft_delete=self.soft_delete,
            version=self.version,
            updated_at=self.updated_at,
            is_association=self.is_association,
            methods=self.methods,
            renamed_from=self.renamed_from,
            at=self.at,
        )


@dataclass(slots=True)
class Types:
    """The types that a schema has besides those of PostgreSQL."""

    enums: dict[str, Enum] = field(default_factory=dict[str, Enum])
    #: Domains, and the types that the schema has as SQL, by each name that a column may write.
    named: dict[str, ColumnType] = field(default_factory=dict[str, ColumnType])
    #: What is parsed already, since most columns of a schema share few types. What a text means
    #: changes with the number of the schema's own types, to which more are only added.
    _parsed: dict[tuple[str, int, int], Typing] = field(
        default_factory=dict[tuple[str, int, int], Typing]
    )

    def parse(self, words: str) -> Typing:
        """Return the type that a text names. Raise BadType if it names none."""
        key = words, len(self.enums), len(self.named)
        found = self._parsed.get(key)
        if found is None:
            found = self._parsed[key] = parse_type(words, self.enums, self.named)
        return found


@dataclass(slots=True)
class SchemaDraft:
    """All models and enums of a target, from all its files."""

    problems: Problems
    types: Types = field(default_factory=Types)
    domains: dict[str, Domain] = field(default_factory=dict[str, Domain])
    sequences: dict[str, NumberSequence] = field(default_factory=dict[str, NumberSequence])
    extensions: dict[str, Extension] = field(default_factory=dict[str, Extension])
    namespaces: dict[str, Namespace] = field(default_factory=dict[str, Namespace])
    models: dict[str, ModelDraft] = field(default_factory=dict[str, ModelDraft])
    #: The models by table name, with the schema if there is one.
    tables: dict[str, ModelDraft] = field(default_factory=dict[str, ModelDraft])
    #: The models by the module that contains them.
    modules: dict[str, ModelDraft] = field(default_factory=dict[str, ModelDraft])
    objects: list[SqlObject] = field(default_factory=list[SqlObject])

    @property
    def enums(self) -> dict[str, Enum]:
        """The enums by their names in Python."""
        return self.types.enums

    def add(self, model: ModelDraft) -> None:
        """Add a model. If two have the same table or module, lookups return the first."""
        self.models[model.name] = model
        self.tables.setdefault(model.full_table, model)
        self.modules.setdefault(module_name(model.name), model)
