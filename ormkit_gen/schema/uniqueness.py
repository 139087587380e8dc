"""Names that must differ across the whole schema: those of relations, types and constraints."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ormkit_gen.ddl.tables import all_partitions
from ormkit_gen.ir import Position
from ormkit_gen.postgres.identifiers import sequence_name
from ormkit_gen.schema.draft import ModelDraft, SchemaDraft
from ormkit_gen.schema.names import is_database_name

#: The scope of a unique name: relations of a schema, types of a schema, constraints of a table.
Scope = tuple[str, str | None]


@dataclass(frozen=True, slots=True)
class Named:
    """An object with a name in PostgreSQL."""

    what: str
    name: str
    scopes: tuple[Scope, ...]
    #: None if the name is generated, so that something else has to be renamed.
    at: Position | None


def check_names(draft: SchemaDraft) -> None:
    """Record relations, types and constraints with conflicting names.

    An index, including the index of a constraint, is a relation like a table. A table has a type
    with its name, and an enum is a type.
    """
    taken: dict[tuple[Scope, str], str] = {}
    for each in _everything(draft):
        keys = [(scope, each.name) for scope in each.scopes]
        other = next((taken[key] for key in keys if key in taken), None)
        if other is not None and each.at is not None:
            draft.problems.error(
                "name-clash",
                f"{each.what} is called {each.name!r}, like "
                f"{'another one' if other == each.what else other}",
                "give it another name",
                each.at,
            )
        for key in keys:
            taken.setdefault(key, each.what)


def _everything(draft: SchemaDraft) -> Iterator[Named]:
    """Yield generated names first, so that a conflict is reported where a name is written."""
    models = draft.models.values()
    for model in models:
        yield from _implied(model)
    for model in models:
        if draft.tables.get(model.full_table) is model:
            scopes = (("relation", model.schema), ("type", model.schema))
            yield Named(f"the table of {model.name}", model.table, scopes, model.at)
    for enum in draft.enums.values():
        scope = ("type", enum.schema)
        yield Named(f"the enum {enum.name}", enum.db_name, (scope,), enum.at)
    for model in models:
        for part in all_partitions(model.partitions):
            scopes = (("relation", part.schema), ("type", part.schema))
            yield Named(f"a partition of {model.name}", part.name, scopes, model.at)
    for sequence in draft.sequences.values():
        scope = ("relation", sequence.schema)
        yield Named(f"the sequence {sequence.name}", sequence.name, (scope,), sequence.at)
    for domain in draft.domains.values():
        scope = ("type", domain.schema)
        yield Named(f"the domain {domain.name}", domain.name, (scope,), domain.at)
    for model in models:
        yield from _constraints(model)


def _implied(model: ModelDraft) -> Iterator[Named]:
    """Yield the relations that PostgreSQL creates for a primary key and an identity."""
    relation, constraint = ("relation", model.schema), ("constraint", model.full_table)
    constraint_ = model.key_constraint
    key = constraint_.name or f"{model.table}_pkey" if constraint_ else ""
    if model.primary_key and is_database_name(key):
        yield Named(f"the primary key of {model.name}", key, (relation, constraint), None)
    for column in model.columns:
        if not (column.identity or column.is_serial):
            continue
        options = column.identity_options
        sequence = sequence_name(model.table, column.db_name)
        if options is not None and options.name is not None:
            sequence = options.name
        if is_database_name(sequence):
            what = f"the sequence of {model.name}.{column.name}"
            yield Named(what, sequence, (relation,), None)


def _constraints(model: ModelDraft) -> Iterator[Named]:
    relation, constraint = ("relation", model.schema), ("constraint", model.full_table)
    of = f"of {model.name}"
    for unique in model.uniques:
        yield Named(f"a unique constraint {of}", unique.name, (relation, constraint), unique.at)
    for exclude in model.excludes:
        yield Named(f"an exclude constraint {of}", exclude.name, (relation, constraint), exclude.at)
    for index in model.indexes:
        yield Named(f"an index {of}", index.name, (relation,), index.at)
    for check in model.checks:
        yield Named(f"a check {of}", check.name, (constraint,), check.at)
    for key in model.foreign_keys:
        yield Named(f"a foreign key {of}", key.name, (constraint,), key.at)
