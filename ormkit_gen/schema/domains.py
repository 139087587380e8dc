"""Reading the domains of a schema: types with checks of their own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ormkit_gen.ir import Domain, DomainCheck
from ormkit_gen.postgres.identifiers import qualified
from ormkit_gen.postgres.object_kinds import TYPES
from ormkit_gen.postgres.sql_names import name_parts
from ormkit_gen.postgres.types import ColumnType
from ormkit_gen.schema.columns import read_type
from ormkit_gen.schema.document import Document
from ormkit_gen.schema.draft import SchemaDraft
from ormkit_gen.schema.fields import Fields
from ormkit_gen.schema.name_checks import check_database_name, check_schema_name
from ormkit_gen.schema.names import constraint_name
from ormkit_gen.schema.type_words import names_type

KEYS = (
    *("type", "name", "schema", "nullable", "server_default", "collation", "checks", "comment"),
    "renamed_from",
)
CHECK_KEYS = ("expression", "name", "not_valid", "comment")


def read_domains(draft: SchemaDraft, documents: Sequence[Document]) -> None:
    """Read every domain, each after those that it is made of; record problems."""
    _take_objects(draft)
    waiting = dict(_written(draft, documents))
    while waiting:
        ready = [name for name, fields in waiting.items() if not _needs(fields, waiting)]
        # Domains of each other are reported as unknown types.
        for name in ready or list(waiting):
            if domain := read_domain(draft, name, waiting.pop(name)):
                draft.domains[name] = domain
                _take(draft, name, domain)


def _written(draft: SchemaDraft, documents: Sequence[Document]) -> Iterator[tuple[str, Fields]]:
    known: set[str] = set()
    for document in documents:
        root = Fields(document, (), document.data, draft.problems, "the file")
        for name, value, path in root.named("domains"):
            data = {"type": value} if isinstance(value, str) else value
            fields = Fields(document, path, data, draft.problems, f"domain {name}")
            if name in known or name in draft.enums:
                draft.problems.error(
                    "duplicate-domain",
                    f"there are two types {name}",
                    "rename one, and keep its name in PostgreSQL with name = ...",
                    fields.at,
                )
                continue
            known.add(name)
            yield name, fields


def _needs(fields: Fields, waiting: dict[str, Fields]) -> bool:
    """Return whether the domain is made of another one that is not read yet."""
    words = fields.data.get("type")
    return isinstance(words, str) and any(names_type(words, each) for each in waiting)


def read_domain(draft: SchemaDraft, name: str, fields: Fields) -> Domain | None:
    """Return the domain, or record the problem and return None."""
    fields.only(KEYS)
    db_name, schema = fields.text("name") or name, fields.text("schema")
    check_database_name(fields, "name", db_name, "domain")
    check_database_name(fields, "schema", schema, "schema")
    check_schema_name(fields, schema)
    typed = read_type(fields, draft.types)
    if typed is None:
        return None
    type_, _ = typed
    return Domain(
        name=db_name,
        schema=schema,
        type=type_,
        is_nullable=fields.flag("nullable", True),
        server_default=fields.text("server_default"),
        collation=fields.collation("collation"),
        checks=tuple(_checks(fields, db_name)),
        comment=fields.text("comment"),
        renamed_from=fields.text("renamed_from"),
        at=fields.at,
    )


def _checks(fields: Fields, domain: str) -> Iterator[DomainCheck]:
    for place, part in enumerate(fields.tables("checks", f"a check of {fields.what}")):
        part.only(CHECK_KEYS)
        expression = part.text("expression")
        if expression is None:
            part.problems.error(
                "missing-key",
                f"{part.what} needs expression",
                'as in expression = "VALUE >= 0"',
                part.at,
            )
            continue
        yield DomainCheck(
            name=part.text("name") or constraint_name(domain, (), f"check{place or ''}"),
            expression=expression,
            is_valid=not part.flag("not_valid"),
            comment=part.text("comment"),
        )


def _take(draft: SchemaDraft, name: str, domain: Domain) -> None:
    """Let columns have the domain as their type."""
    spelling = qualified(domain.schema, domain.name)
    base = domain.type
    type_ = ColumnType(
        *(base.name, base.modifiers, base.dimensions, base.is_enum, base.is_text, spelling)
    )
    for each in (name, f"{domain.schema or 'public'}.{domain.name}"):
        draft.types.named.setdefault(each, type_)


def _take_objects(draft: SchemaDraft) -> None:
    """Let columns have the types that the schema has as SQL, and enums by their full names."""
    for enum in draft.enums.values():
        full = f"{enum.schema or 'public'}.{enum.db_name}"
        draft.types.named[full] = ColumnType(enum.name, is_enum=True)
    for each in draft.objects:
        if each.kind in TYPES:
            parts = name_parts(each.name)
            type_ = ColumnType(each.name, is_text=True)
            draft.types.named.setdefault(".".join(parts), type_)
            draft.types.named.setdefault(parts[-1], type_)
