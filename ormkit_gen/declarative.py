"""The Python form of a schema: the names that a schema file imports.

    from ormkit_gen.declarative import Base, Mapped, mapped_column, relationship

    class User(Base):
        __tablename__ = "users"
        id: Mapped[int] = mapped_column(primary_key=True)
        email: Mapped[str] = mapped_column(unique=True)
        posts: Mapped[list["Post"]] = relationship(back_populates="author")

The file is executed when code is generated, and never at run time. These names only record their
arguments. Each setting means the same as in TOML.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, Literal, TypeVar

from ormkit_gen.declarations import (
    CheckConstraint,
    ColumnDeclaration,
    ComputedDeclaration,
    ExcludeConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    RelationshipDeclaration,
    TableArgument,
    UniqueConstraint,
    given,
)
from ormkit_gen.spellings import UnknownSpelling, missing_name, with_hints

__all__ = [
    "JSON",
    "Base",
    "CheckConstraint",
    "DeclarativeBase",
    "ExcludeConstraint",
    "ForeignKey",
    "ForeignKeyConstraint",
    "Index",
    "Mapped",
    "PrimaryKeyConstraint",
    "SoftDelete",
    "SoftDeleteMixin",
    "Timestamps",
    "UniqueConstraint",
    "Versioned",
    "computed",
    "domain",
    "enum_type",
    "extension",
    "mapped_column",
    "namespace",
    "relationship",
    "sequence",
]

T = TypeVar("T")
E = TypeVar("E", bound=Enum)

#: The type of a JSON column: `mapped_column(JSON)`.
JSON: Final = "jsonb"

if not TYPE_CHECKING:

    def __getattr__(name):
        raise missing_name(__name__, name)


class Mapped(Generic[T]):
    """The annotation of a column or relationship; it contains the type of the value."""


#: The possible items of __table_args__. A dict has `schema` and `comment`.
TableArguments = tuple[TableArgument | dict[str, Any], ...] | dict[str, Any]


class DeclarativeBase:
    """The class from which the base class of a schema's models derives."""

    __tablename__: ClassVar[str]
    __table_args__: ClassVar[TableArguments]
    __abstract__: ClassVar[bool]
    #: The class with the model's own methods, for example "app.users:UserMethods".
    __methods__: ClassVar[str]


class Base(DeclarativeBase):
    """A base class ready for use."""

    __abstract__ = True


class SoftDelete:
    """Adds deleted_at: deleting marks a row instead of removing it."""

    __mixin__: ClassVar[str] = "soft_delete"


#: The same, by the name that other ORMs use.
SoftDeleteMixin = SoftDelete


class Timestamps:
    """Adds created_at and updated_at."""

    __mixin__: ClassVar[str] = "timestamps"


class Versioned:
    """Adds version, for optimistic locking."""

    __mixin__: ClassVar[str] = "version"


@with_hints
def mapped_column(
    type_or_key: str | ForeignKey | None = None,
    foreign: ForeignKey | None = None,
    /,
    *,
    primary_key: bool | None = None,
    nullable: bool | None = None,
    unique: bool | None = None,
    index: bool | None = None,
    default: Any = None,
    default_factory: str | None = None,
    max_length: int | None = None,
    server_default: str | None = None,
    identity: bool | str | Mapping[str, Any] | None = None,
    autoincrement: bool | Literal["auto"] | None = None,
    generated: str | None = None,
    foreign_key: str | None = None,
    on_delete: str | None = None,
    on_update: str | None = None,
    ondelete: str | None = None,
    onupdate: str | None = None,
    deferrable: bool | None = None,
    initially_deferred: bool | None = None,
    comment: str | None = None,
    column: str | None = None,
    python_type: str | None = None,
    json_type: str | type | None = None,
    codec: Any = None,
    private: bool | None = None,
    virtual: bool | None = None,
    collation: str | None = None,
    storage: str | None = None,
    compression: str | None = None,
    statistics: int | None = None,
    match: str | None = None,
    on_delete_columns: Sequence[str] | None = None,
    not_valid: bool | None = None,
    renamed_from: str | None = None,
    retired: bool | None = None,
    backfill: str | None = None,
    time_zone: str | None = None,
) -> Any:
    """Declare a column. Its type is the first argument, or follows from the annotation.

    default: a constant, or a function such as uuid4 that makes the value of each new object;
        `list` and `dict` mean an empty constant.
    default_factory: the place of such a function, as in "app.tokens:new_token".
    max_length: the longest text; the type is then varchar.
    autoincrement: another name for identity; "auto" is the default.
    ondelete, onupdate: other names for on_delete and on_update.
    json_type: the class that the values of a jsonb column are validated as, or its place, as in
        "app.types:Settings".
    codec: what makes values of the texts of a type that OrmKit does not know, and texts of values:
        a class with decode() and encode(), or its place, as in "app.types:PointCodec".
    private: True for values that must not appear in a repr, such as password hashes.
    renamed_from: its name before, for the next migration.
    retired: True if the table keeps it for now, and generated code does not have it.
    backfill: the SQL expression by which a migration fills it in existing rows.
    time_zone: that of existing values, when a migration changes timestamp to timestamptz.
    """
    if callable(onupdate):
        raise UnknownSpelling(
            "onupdate is what a foreign key does, and no function",
            "for the time of the last change write the mixin Timestamps, for other values a hook "
            "before_update in the class that __methods__ names",
        )
    type_ = type_or_key if isinstance(type_or_key, str) else None
    key = type_or_key if isinstance(type_or_key, ForeignKey) else foreign
    return ColumnDeclaration(
        **{
            **(key.settings if key is not None else {}),
            "type": type_,
            "primary_key": primary_key,
            "nullable": nullable,
            "unique": unique,
            "index": index,
            "default": default,
            "default_factory": default_factory,
            "max_length": max_length,
            "server_default": server_default,
            "identity": identity,
            "autoincrement": None if autoincrement == "auto" else autoincrement,
            "generated": generated,
            "comment": comment,
            "column": column,
            "python_type": python_type,
            "json_type": json_type,
            "codec": codec,
            "private": private,
            "virtual": virtual,
            "collation": collation,
            "storage": storage,
            "compression": compression,
            "statistics": statistics,
            "renamed_from": renamed_from,
            "retired": retired,
            "backfill": backfill,
            "time_zone": time_zone,
        },
        **given(
            foreign_key=foreign_key,
            on_delete=on_delete,
            on_update=on_update,
            ondelete=ondelete,
            onupdate=onupdate,
            deferrable=deferrable,
            initially_deferred=initially_deferred,
            match=match,
            on_delete_columns=list(on_delete_columns) if on_delete_columns else None,
            not_valid=not_valid,
        ),
    )


@with_hints
def computed(
    expression: str,
    *,
    type: str | None = None,
    nullable: bool | None = None,
    python_type: str | None = None,
) -> Any:
    """Declare a computed attribute: SQL over columns, or aggregates along relationships.

    type: PostgreSQL's type; by default, it follows from the annotation.
    """
    return ComputedDeclaration(
        expression=expression, type=type, nullable=nullable, python_type=python_type
    )


@with_hints
def relationship(
    target: str | None = None,
    *,
    back_populates: str | None = None,
    secondary: str | None = None,
    foreign_key: str | Sequence[str] | None = None,
    foreign_keys: Any = None,
    uselist: bool | None = None,
) -> Any:
    """Declare a relationship. The annotation names its target and says whether it is a list.

    foreign_key: the column or columns to use, if there are several foreign keys.
    foreign_keys: the same; columns may be given themselves, as in [author_id].
    uselist: what the annotation says, for readers who look for it.
    """
    return RelationshipDeclaration(
        target=target,
        back_populates=back_populates,
        secondary=secondary,
        foreign_key=foreign_key,
        foreign_keys=foreign_keys,
        uselist=uselist,
    )


@dataclass(frozen=True, slots=True)
class NamedDeclaration:
    """What a file declares beside its classes: a table of TOML, with its name and its place."""

    section: str
    name: str
    settings: dict[str, Any]
    file: str
    line: int


#: What the files that run now have declared.
NAMED: list[NamedDeclaration] = []


def _declare(section: str, called: str, /, **settings: Any) -> None:
    """Record a declaration of the schema file that calls a function of this module."""
    frame = inspect.currentframe()
    for _ in range(2):
        frame = frame and frame.f_back
    file, line = (frame.f_code.co_filename, frame.f_lineno) if frame else ("", 1)
    NAMED.append(NamedDeclaration(section, called, given(**settings), file, line))


def domain(
    called: str,
    type: str,
    /,
    *,
    name: str | None = None,
    checks: Sequence[str | Mapping[str, Any]] = (),
    nullable: bool | None = None,
    server_default: str | None = None,
    collation: str | None = None,
    schema: str | None = None,
    comment: str | None = None,
    renamed_from: str | None = None,
) -> None:
    """Declare a domain: a type with checks, which `mapped_column(called)` has as its type.

    name: its name in PostgreSQL, if it is another one.
    checks: SQL expressions over VALUE, or dicts with `expression`, `name`, `not_valid`, `comment`.
    renamed_from: its name before, for the next migration.
    """
    parts = [{"expression": each} if isinstance(each, str) else dict(each) for each in checks]
    _declare(
        "domains",
        called,
        type=type,
        name=name,
        checks=parts or None,
        nullable=nullable,
        server_default=server_default,
        collation=collation,
        schema=schema,
        comment=comment,
        renamed_from=renamed_from,
    )


def sequence(
    called: str,
    /,
    *,
    name: str | None = None,
    schema: str | None = None,
    type: str | None = None,
    start: int | None = None,
    increment: int | None = None,
    min: int | None = None,
    max: int | None = None,
    cache: int | None = None,
    cycle: bool | None = None,
    owned_by: str | None = None,
    unlogged: bool | None = None,
    comment: str | None = None,
    renamed_from: str | None = None,
) -> None:
    """Declare a sequence, for `server_default="nextval('...')"` of columns.

    name: its name in PostgreSQL, if it is another one.
    owned_by: the column with which it is dropped, as in "orders.number".
    renamed_from: its name before, for the next migration.
    """
    _declare(
        "sequences",
        called,
        name=name,
        schema=schema,
        type=type,
        start=start,
        increment=increment,
        min=min,
        max=max,
        cache=cache,
        cycle=cycle,
        owned_by=owned_by,
        unlogged=unlogged,
        comment=comment,
        renamed_from=renamed_from,
    )


def extension(called: str, /, *, schema: str | None = None, comment: str | None = None) -> None:
    """Declare an extension, the schema of PostgreSQL where its objects are, and a comment on it."""
    _declare("extensions", called, schema=schema, comment=comment)


def namespace(called: str, /, *, comment: str | None = None) -> None:
    """Declare a schema of PostgreSQL, with its comment."""
    _declare("schemas", called, comment=comment)


#: The arguments of enum_type(), by class.
ENUM_SETTINGS: dict[type[Enum], dict[str, Any]] = {}


@with_hints
def enum_type(
    *,
    name: str | None = None,
    schema: str | None = None,
    comment: str | None = None,
    unknown_labels: Literal["error", "text"] | None = None,
    renamed_from: str | None = None,
    renamed_values: Mapping[str, str] | None = None,
    removed: Mapping[str, str] | None = None,
) -> Callable[[type[E]], type[E]]:
    """Set the name, schema or comment of an enum's type in PostgreSQL.

    unknown_labels: "text" reads labels that the enum does not have as texts.
    renamed_from: the name of the class or type before, for the next migration.
    renamed_values: labels, each with its name before.
    removed: labels that are gone, each with the one that rows have in its place.
    """

    def decorate(enum: type[E]) -> type[E]:
        ENUM_SETTINGS[enum] = given(
            name=name,
            schema=schema,
            comment=comment,
            unknown_labels=unknown_labels,
            renamed_from=renamed_from,
            renamed_values=dict(renamed_values) if renamed_values else None,
            removed=dict(removed) if removed else None,
        )
        return enum

    return decorate
