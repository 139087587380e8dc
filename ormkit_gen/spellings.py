"""Names that other ORMs have for what a schema says, and what to write in their place."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

#: Settings that a schema takes by these names too.
ALIASES: Mapping[str, str] = {
    "ondelete": "on_delete",
    "onupdate": "on_update",
    "autoincrement": "identity",
    "foreign_keys": "foreign_key",
    "uselist": "many",
}
#: What to write for settings of other ORMs.
SETTINGS: Mapping[str, str] = {
    "null": "nullable",
    "optional": "nullable",
    "required": "nullable",
    "not_null": "nullable",
    "pk": "primary_key",
    "fk": "foreign_key",
    "references": "foreign_key",
    "to_field": 'foreign_key = "table.column"',
    "description": "comment",
    "info": "comment",
    "auto": "identity",
    "auto_increment": "identity",
    "auto_id": "identity",
    "default_now": 'server_default = "now()"',
    "sql_default": "server_default",
    "sql_type": "the type in PostgreSQL as the type",
    "sa_type": "the type in PostgreSQL as the type",
    "sa_column": "the settings themselves",
    "sa_column_args": "the settings themselves",
    "sa_column_kwargs": "the settings themselves",
    "digits": 'the type "numeric(precision, scale)"',
    "size": "the type: smallint, integer or bigint",
    "unsigned": "a check such as name >= 0 under checks",
    **dict.fromkeys(("gt", "ge", "lt", "le"), "a check such as name >= 0 under checks"),
    **dict.fromkeys(
        ("min_value", "max_value", "minimum"), "a check such as name >= 0 under checks"
    ),
    **dict.fromkeys(("min_length", "regex", "pattern", "validators"), "a check under checks"),
    "db_collation": "collation",
    "unique_key": "unique",
    "secret": "private",
    "quote": "nothing: names are quoted where it is necessary",
    "py_type": "the type in PostgreSQL as the type",
    "db_constraint": "nothing: a relationship has a foreign key in the database",
    "link_model": "secondary",
    "sa_relationship": "the settings themselves",
    "sa_relationship_kwargs": "the settings themselves",
    "reverse": "back_populates",
    "virtual": "nothing: each relationship is an attribute",
    "collection_class": "nothing: related objects are in a list",
    "single_parent": "a unique foreign key",
    "limit_choices_to": "selectinload(...).filter(...) in a query",
    "orders_by": "selectinload(...).order_by(...) in a query",
    "related_orders_by": "selectinload(...).order_by(...) in a query",
    "symmetrical": "a relationship on each side",
    "through_fields": "a model of its own for the table in between",
    "post_update": "nothing: tables may reference each other in a cycle",
    "cascade_delete": "on_delete at the foreign key",
    "overlaps": "nothing: relationships may use the same columns",
    "list": "many",
    "active_history": "nothing: a transaction knows what has changed",
    "deferred_group": "nothing: only(...) of a query leaves columns out",
    "unique_together": "a unique constraint under uniques",
    "index_together": "an index under indexes",
    "constraints": "checks, uniques or foreign_keys",
    "indices": "indexes",
    "tablename": "table",
    "__tablename__": "table",
    "table_name": "table",
    "__table_args__": "checks, uniques, indexes or foreign_keys",
    "Meta": "table, checks, uniques and indexes of the model itself",
    "table_description": "comment",
    "ordering": "order_by(...) in a query",
    "abstract": "a mixin in a Python schema",
    "options": "storage",
    "blank": "nullable",
    "db_column": "column",
    "name": "column, for the name in PostgreSQL",
    "key": "column, for the name in PostgreSQL",
    "db_index": "index",
    "db_default": "server_default",
    "db_comment": "comment",
    "db_table": "table, in Python __tablename__",
    "verbose_name": "comment",
    "help_text": "comment",
    "doc": "comment",
    "insert_default": "default",
    "choices": "an enum as the type",
    "length": "max_length",
    "max_digits": 'the type "numeric(precision, scale)"',
    "decimal_places": 'the type "numeric(precision, scale)"',
    "precision": 'the type "numeric(precision, scale)"',
    "scale": 'the type "numeric(precision, scale)"',
    "auto_now": "the mixin timestamps, whose updated_at every update sets",
    "auto_now_add": 'server_default = "now()"',
    "server_onupdate": "the mixin timestamps, whose updated_at every update sets",
    "default_sql": "server_default",
    "sequence": "identity",
    "computed": "generated",
    "deferred": "nothing: only(...) of a query leaves columns out",
    "init": "nothing: a column with a default is optional",
    "repr": "private, for a column whose values a repr must not show",
    "kw_only": "nothing: all arguments of models are keywords",
    "unique_for_date": "a unique constraint over both columns",
    "editable": "nothing: forms are not generated",
    "to": "target",
    "related_name": "back_populates, with a relationship on the other side",
    "backref": "back_populates, with a relationship on the other side",
    "through": "secondary, of a relationship",
    "secondary": "secondary of a relationship",
    "back_populates": "back_populates of a relationship",
    "on_delete": "on_delete at the foreign key",
    "on_update": "on_update at the foreign key",
    "nullable": "nullable at the column of the foreign key",
    "related_query_name": "back_populates, with a relationship on the other side",
    "forward_key": "nothing: the foreign keys of the table in between say its columns",
    "backward_key": "nothing: the foreign keys of the table in between say its columns",
    "join_depth": "selectinload(...).selectinload(...) in a query",
    "metadata": "nothing: the target in the settings names the schema files",
    "registry": "nothing: the target in the settings names the schema files",
    "app_label": "nothing: the target in the settings names the package",
    "default_manager": "session.query(Model) in the application",
    "lazy": "nothing: a query says what it loads, by selectinload(...)",
    "cascade": "on_delete at the foreign key",
    "passive_deletes": "on_delete at the foreign key",
    "primaryjoin": "foreign_key with the columns to use",
    "secondaryjoin": "foreign_key with the columns to use",
    "remote_side": "many, or an annotation with or without list",
    "order_by": "selectinload(...).order_by(...) in a query",
    "viewonly": "nothing: to-many relationships are never assigned",
    "innerjoin": "joinedload(...) in a query",
    "argument": "target",
    "column_name": "column",
    "use_alter": "nothing: tables may reference each other in a cycle",
    "postgresql_where": "where",
    "postgresql_using": "method",
    "postgresql_include": "include",
    "postgresql_ops": 'a column as {"column": ..., "opclass": ...}',
    "fields": "columns",
    "condition": "where",
    "sqltext": "expression",
}
#: What to write for the attributes that classes of other ORMs have beside their columns.
CLASS_ATTRIBUTES: Mapping[str, str] = {
    "Meta": "__tablename__ for the table, and __table_args__ for constraints and indexes",
    "Config": "nothing: models have no configuration",
    "model_config": "nothing: models have no configuration",
    "ormar_config": "__tablename__ for the table, and __table_args__ for constraints and indexes",
    "__mapper_args__": "the mixin Versioned for version_id_col; inheritance is a class of its own",
    **dict.fromkeys(("tablename", "table_name", "db_table", "_table_"), "__tablename__"),
    **dict.fromkeys(("schema", "__schema__"), '__table_args__ = {"schema": "..."}'),
    **dict.fromkeys(("comment", "table_description"), '__table_args__ = {"comment": "..."}'),
    **dict.fromkeys(("indexes", "indices", "index_together"), "__table_args__ = (Index(...),)"),
    **dict.fromkeys(
        ("unique_together", "uniques", "constraints"), "__table_args__ = (UniqueConstraint(...),)"
    ),
    **dict.fromkeys(("ordering", "order_by", "orders_by"), "order_by(...) in a query"),
    "objects": "session.query(Model) in the application",
    "abstract": "__abstract__ = True",
    "verbose_name": '__table_args__ = {"comment": "..."}',
    "default_manager": "session.query(Model) in the application",
    **dict.fromkeys(
        ("app_label", "database"), "nothing: the target in the settings names the package"
    ),
}
#: What to write for the names that other ORMs import in a schema.
NAMES: Mapping[str, str] = {
    "Column": "mapped_column(...)",
    "String": 'mapped_column("varchar(100)"), or mapped_column(max_length=100)',
    "Unicode": 'mapped_column("varchar(100)")',
    "Text": 'mapped_column("text"), which Mapped[str] is without it',
    "UnicodeText": 'mapped_column("text")',
    "Integer": 'mapped_column("integer")',
    "SmallInteger": 'mapped_column("smallint")',
    "BigInteger": 'mapped_column("bigint"), which Mapped[int] is without it',
    "Float": 'mapped_column("double precision")',
    "Double": 'mapped_column("double precision")',
    "Numeric": 'mapped_column("numeric(10, 2)")',
    "Boolean": 'mapped_column("boolean")',
    "Date": 'mapped_column("date")',
    "DateTime": 'mapped_column("timestamptz"), or mapped_column("timestamp")',
    "Time": 'mapped_column("time")',
    "Interval": 'mapped_column("interval")',
    "Uuid": 'mapped_column("uuid")',
    "UUID": 'mapped_column("uuid"), with Mapped[UUID] of the module uuid',
    "LargeBinary": 'mapped_column("bytea")',
    "ARRAY": 'mapped_column("text[]")',
    "INET": 'mapped_column("inet")',
    "CIDR": 'mapped_column("cidr")',
    "TSVECTOR": 'mapped_column("tsvector")',
    "Identity": 'mapped_column(identity="always")',
    "FetchedValue": 'mapped_column(server_default="...")',
    "declarative_base": "class Base(DeclarativeBase)",
    "as_declarative": "class Base(DeclarativeBase)",
    "declared_attr": "a base class with __abstract__ = True",
    "Table": "a class, or relationship(secondary=...), which creates the table",
    "MetaData": "nothing: the target in ormkit.toml names the schema files",
    "backref": "relationship(back_populates=...) on both sides",
    "column_property": "computed(...)",
    "hybrid_property": "computed(...)",
    "MappedAsDataclass": "Base: models have a constructor with keywords",
    "Model": "Base",
    "CharField": 'mapped_column("varchar(100)")',
    "TextField": 'mapped_column("text")',
    "IntegerField": 'mapped_column("integer")',
    "BigIntegerField": 'mapped_column("bigint")',
    "BooleanField": 'mapped_column("boolean")',
    "DateTimeField": 'mapped_column("timestamptz")',
    "DateField": 'mapped_column("date")',
    "DecimalField": 'mapped_column("numeric(10, 2)")',
    "FloatField": 'mapped_column("double precision")',
    "UUIDField": 'mapped_column("uuid")',
    "JSONField": 'mapped_column("jsonb")',
    "ForeignKeyField": 'mapped_column(ForeignKey("table.column"))',
    "ManyToManyField": "relationship(secondary=...)",
    "OneToOneField": 'mapped_column(ForeignKey("table.column"), unique=True)',
}


class UnknownSpelling(TypeError):
    """A declaration has an argument that there is not. The args are the message and the remedy."""

    def __str__(self) -> str:
        return str(self.args[0])


def setting_remedy(name: str, known: Collection[str]) -> str | None:
    """Return what to write for a setting of another ORM; None where nothing known is meant.

    known: the settings that there are at the place.
    """
    if ALIASES.get(name) in known:
        return f"write {ALIASES[name]}"
    hint = SETTINGS.get(name)
    if hint is None:
        return None
    # A setting alone is one of the same place; more words say where.
    return None if hint.isidentifier() and hint not in known else f"write {hint}"


def with_hints(function: Callable[P, R]) -> Callable[P, R]:
    """Wrap a declaration: an argument of another ORM raises an error that says what to write."""
    known = inspect.signature(function).parameters
    label = function.__qualname__.removesuffix(".__init__")

    @wraps(function)
    def checked(*args: P.args, **settings: P.kwargs) -> R:
        for name in settings:
            if name not in known and (remedy := setting_remedy(name, known)):
                raise UnknownSpelling(f"{label}() has no argument {name!r}", remedy)
        return function(*args, **settings)

    return checked


def missing_name(module: str, name: str) -> Exception:
    """Return the error for a name that a module of declarations does not export.

    It is an ImportError where there is a hint: `from module import ...` drops the message of an
    AttributeError.
    """
    if name in NAMES:
        return ImportError(f"{module} has no {name!r}: write {NAMES[name]}", name=module)
    return AttributeError(f"module {module!r} has no attribute {name!r}", name=name)
