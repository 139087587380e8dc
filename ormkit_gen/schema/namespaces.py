"""Reading the extensions and the schemas of PostgreSQL that a file names."""

from __future__ import annotations

from collections.abc import Sequence

from ormkit_gen.ir import Extension, Namespace
from ormkit_gen.schema.document import Document
from ormkit_gen.schema.draft import SchemaDraft
from ormkit_gen.schema.fields import Fields
from ormkit_gen.schema.name_checks import check_database_name, check_schema_name

EXTENSION_KEYS = ("schema", "comment")
NAMESPACE_KEYS = ("comment",)


def read_namespaces(draft: SchemaDraft, documents: Sequence[Document]) -> None:
    """Read the tables `extensions` and `schemas` of all files."""
    for document in documents:
        root = Fields(document, (), document.data, draft.problems, "the file")
        for name, value, path in root.named("extensions"):
            data = {"schema": value} if isinstance(value, str) else value
            fields = Fields(document, path, data, draft.problems, f"extension {name}")
            fields.only(EXTENSION_KEYS)
            schema = fields.text("schema")
            check_database_name(fields, "schema", schema, "schema")
            comment = fields.text("comment")
            draft.extensions[name] = Extension(
                name=name, schema=schema, comment=comment, at=fields.at
            )
        for name, value, path in root.named("schemas"):
            fields = Fields(document, path, value, draft.problems, f"schema {name}")
            fields.only(NAMESPACE_KEYS)
            check_database_name(fields, "schema", name, "schema")
            check_schema_name(fields, name)
            comment = fields.text("comment")
            draft.namespaces[name] = Namespace(name=name, comment=comment, at=fields.at)
