"""schema.sql: the DDL of a schema. It is readable and may run more than once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ormkit_gen.ddl.dependencies import Item
from ormkit_gen.ddl.domains import create_domain, domain_comments, late_checks
from ormkit_gen.ddl.extensions import extensions
from ormkit_gen.ddl.indexes import create_index, with_storage
from ormkit_gen.ddl.ordering import creation_order
from ormkit_gen.ddl.sequences import create_sequence, owned_by
from ormkit_gen.ddl.tables import (
    all_partitions,
    column_options,
    create_partitions,
    create_table,
    foreign_key,
    not_valid,
)
from ormkit_gen.ir import Domain, Enum, ForeignKey, Model, NumberSequence, Schema, SqlObject
from ormkit_gen.postgres.identifiers import (
    dollar_quote,
    qualified,
    quote_identifier,
    quote_literal,
)
from ormkit_gen.postgres.object_kinds import LAST

#: What PostgreSQL reports about something that exists already, by its kind.
_DUPLICATES = (
    *("duplicate_object", "duplicate_table", "duplicate_function", "duplicate_schema"),
    "duplicate_column",
)
#: What it reports where a kind has no error of its own.
_UNNAMED = ("unique_violation",)
_BREAK = "\n"
#: The labels of an enum are on one line up to this length.
_WIDTH = 100


@dataclass(frozen=True, slots=True)
class Part:
    """One item of a schema, and the statements that create it."""

    statements: tuple[str, ...]
    #: None for what prepares or ends the script.
    item: Item | Enum | None = None
    #: The foreign key that is added to the item, a model, when all tables exist.
    key: ForeignKey | None = None


def schema_sql(schema: Schema, *, with_unmanaged: bool = False) -> str:
    """Return the statements that create the schema, parents before children.

    Existing objects stay unchanged, so the file may run more than once.

    with_unmanaged: whether to create the tables of others too, as in a database of its own.
    """
    return parts_sql(schema_parts(schema, with_unmanaged=with_unmanaged))


def parts_sql(parts: Iterable[Part]) -> str:
    """Return the statements of some parts, with an empty line between two parts."""
    return "\n\n".join("\n".join(part.statements) for part in parts) + "\n"


def schema_parts(schema: Schema, *, with_unmanaged: bool = False) -> list[Part]:
    """Return the parts of `schema_sql()` in their order."""
    late: list[tuple[Model, ForeignKey]] = []
    parts = [Part(tuple(_prelude(schema, with_unmanaged=with_unmanaged)))]
    parts += (Part(tuple(_enum(enum)), enum) for enum in schema.enums)
    created: set[str] = set()
    last: list[Part] = []
    for item in creation_order(schema):
        if isinstance(item, SqlObject):
            (last if item.kind in LAST else parts).append(Part((_object(item),), item))
            continue
        if isinstance(item, NumberSequence):
            parts.append(Part(tuple(create_sequence(item)), item))
            continue
        if isinstance(item, Domain):
            parts.append(Part(tuple(_domain(item, schema)), item))
            continue
        created.add(item.name)
        if not (item.is_managed or with_unmanaged):
            continue
        keys = [key for key in item.foreign_keys if is_enforced(item, key, schema)]
        early = [key for key in keys if _has_target(item, key, created)]
        late += ((item, key) for key in keys if key not in early)
        parts.append(Part(tuple(_table(item, early, schema)), item))
    parts += (Part((late_foreign_key(model, key, schema),), model, key) for model, key in late)
    parts += (Part(tuple(owned_by(each, schema)), each) for each in schema.sequences)
    return [part for part in _with_loose_bodies(schema, [*parts, *last]) if part.statements]


def _with_loose_bodies(schema: Schema, parts: list[Part]) -> list[Part]:
    """Return the parts; those of functions may name what later ones create."""
    if not any(each.kind in ("function", "procedure") for each in schema.objects):
        return parts
    before = Part(("SET check_function_bodies = off;",))
    return [before, *parts, Part(("RESET check_function_bodies;",))]


def _object(item: SqlObject) -> str:
    """Return the statements of an object, which run only if it is not there."""
    more = _UNNAMED if item.kind.startswith("text search") else ()
    return f"-- {item.label}\n{_unless_done(item.text, more)}"


def _unless_done(text: str, further: tuple[str, ...] = ()) -> str:
    """Return a DO block for statements that fail where what they create exists already."""
    duplicates = " OR ".join([*_DUPLICATES, *further])
    body = (
        f"\nBEGIN\n    EXECUTE {dollar_quote(f'{_BREAK}{text}{_BREAK}', 'sql')};\n"
        f"EXCEPTION\n    WHEN {duplicates} THEN NULL; -- it already exists\nEND\n"
    )
    return f"DO {dollar_quote(body)};"


def _prelude(schema: Schema, *, with_unmanaged: bool) -> Iterator[str]:
    names = {each.schema for each in schema.models if each.is_managed or with_unmanaged}
    names |= {each.schema for each in schema.enums} | {each.schema for each in schema.domains}
    names |= {each.schema for each in schema.sequences}
    # PostgreSQL has pg_catalog, the schema of procedural languages.
    names |= {each.schema for each in schema.extensions} - {"pg_catalog"}
    names |= {each.name for each in schema.namespaces}
    names |= {each.schema for model in schema.models for each in all_partitions(model.partitions)}
    for name in sorted(filter(None, names - {"public"})):
        yield f"CREATE SCHEMA IF NOT EXISTS {quote_identifier(name)};"
    for namespace in schema.namespaces:
        if namespace.comment is not None:
            name = quote_identifier(namespace.name)
            yield f"COMMENT ON SCHEMA {name} IS {quote_literal(namespace.comment)};"
    where = {each.name: each.schema for each in schema.extensions}
    comments = {each.name: each.comment for each in schema.extensions}
    for name in extensions(schema):
        place = where.get(name)
        clause = "" if place is None else f" WITH SCHEMA {quote_identifier(place)}"
        yield f"CREATE EXTENSION IF NOT EXISTS {quote_identifier(name)}{clause};"
        if (comment := comments.get(name)) is not None:
            yield f"COMMENT ON EXTENSION {quote_identifier(name)} IS {quote_literal(comment)};"


def _enum(enum: Enum) -> Iterator[str]:
    name = qualified(enum.schema, enum.db_name)
    labels = [quote_literal(label) for _, label in enum.members]
    statement = f"CREATE TYPE {name} AS ENUM ({', '.join(labels)});"
    if len(statement) > _WIDTH:
        separator = ",\n        "
        statement = f"CREATE TYPE {name} AS ENUM (\n        {separator.join(labels)}\n    );"
    yield _unless_there(statement)
    if enum.comment is not None:
        yield f"COMMENT ON TYPE {name} IS {quote_literal(enum.comment)};"


def _domain(domain: Domain, schema: Schema) -> Iterator[str]:
    yield _unless_there(create_domain(domain, schema))
    yield from map(_unless_there, late_checks(domain))
    yield from domain_comments(domain)


def table_options(model: Model, name: str) -> Iterator[str]:
    """Yield the statements about what CREATE TABLE cannot say."""
    for column in model.columns:
        yield from column_options(model, column)
    if model.row_level_security is not None:
        yield f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY;"
    if model.row_level_security == "forced":
        yield f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY;"
    if model.replica_identity is not None:
        known = {"full": "FULL", "nothing": "NOTHING"}
        index = f"USING INDEX {quote_identifier(model.replica_identity)}"
        words = known.get(model.replica_identity, index)
        yield f"ALTER TABLE {name} REPLICA IDENTITY {words};"


def part_comments(model: Model, name: str, keys: Iterable[ForeignKey]) -> Iterator[str]:
    """Yield the comments on constraints and indexes that are there together with the table."""
    key = model.key_constraint
    constraints: list[tuple[str, str | None]] = []
    if key is not None:
        constraints.append((key.name or f"{model.table}_pkey", key.comment))
    constraints += ((each.name, each.comment) for each in model.uniques)
    constraints += ((each.name, each.comment) for each in model.checks)
    constraints += ((each.name, each.comment) for each in model.excludes)
    constraints += ((each.name, each.comment) for each in keys)
    for constraint, comment in constraints:
        if comment is not None:
            yield _constraint_comment(constraint, name, comment)
    for index in model.indexes:
        if index.comment is not None:
            target = qualified(model.schema, index.name)
            yield f"COMMENT ON INDEX {target} IS {quote_literal(index.comment)};"


def _constraint_comment(constraint: str, table: str, comment: str) -> str:
    quoted = quote_identifier(constraint)
    return f"COMMENT ON CONSTRAINT {quoted} ON {table} IS {quote_literal(comment)};"


def is_enforced(model: Model, key: ForeignKey, schema: Schema) -> bool:
    """Return whether PostgreSQL has the constraint; one of a view says what belongs where."""
    return model.view is None and schema.model(key.target).view is None


def _has_target(model: Model, key: ForeignKey, created: set[str]) -> bool:
    """Return whether the target exists when the model's table is created."""
    if not key.is_valid:
        return False  # CREATE TABLE would make it valid.
    if key.target != model.name:
        return key.target in created
    # A unique index is created after its table, a constraint together with it.
    keys = [
        *([model.primary_key] if model.key_constraint else []),
        *(unique.columns for unique in model.uniques),
    ]
    return any(set(key.target_columns) == set(columns) for columns in keys)


def _table(model: Model, foreign_keys: list[ForeignKey], schema: Schema) -> Iterator[str]:
    name = qualified(model.schema, model.table)
    if model.view is None:
        yield create_table(model, foreign_keys, schema)
        yield from create_partitions(name, model.partitions)
        for check in not_valid(model):
            yield _unless_there(f"ALTER TABLE {name}\n        ADD {check};")
    elif model.view.query is not None:
        kind = model.view.kind
        storage = f" {with_storage(model.storage)}" if model.storage else ""
        yield _unless_done(f"CREATE {kind.upper()} {name}{storage} AS\n{model.view.query};")
    for index in model.indexes:
        yield create_index(model, index)
    yield from table_options(model, name)
    if model.comment is not None:
        kind = "TABLE" if model.view is None else model.view.kind.upper()
        yield f"COMMENT ON {kind} {name} IS {quote_literal(model.comment)};"
    yield from part_comments(model, name, foreign_keys)
    for column in model.columns:
        if column.comment is not None:
            target = f"{name}.{quote_identifier(column.db_name)}"
            yield f"COMMENT ON COLUMN {target} IS {quote_literal(column.comment)};"


def late_foreign_key(model: Model, key: ForeignKey, schema: Schema) -> str:
    """Return the statement that adds a foreign key to a table, with the one of its comment."""
    table = qualified(model.schema, model.table)
    text = _unless_there(f"ALTER TABLE {table}\n        ADD {foreign_key(model, key, schema)};")
    if key.comment is None:
        return text
    return f"{text}\n{_constraint_comment(key.name, table, key.comment)}"


def _unless_there(statement: str) -> str:
    """Return a DO block for a statement that does not support IF NOT EXISTS."""
    body = (
        f"\nBEGIN\n    {statement}\n"
        "EXCEPTION\n    WHEN duplicate_object THEN NULL; -- it already exists\nEND\n"
    )
    return f"DO {dollar_quote(body)};"
