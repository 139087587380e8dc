"""Reading sequences, and the options of identities."""

from __future__ import annotations

from collections.abc import Sequence

from ormkit_gen.diagnostics.diagnostic import did_you_mean
from ormkit_gen.ir import NumberSequence
from ormkit_gen.postgres.types import ALIASES
from ormkit_gen.schema.document import Document
from ormkit_gen.schema.draft import SchemaDraft
from ormkit_gen.schema.fields import Fields
from ormkit_gen.schema.name_checks import check_database_name, check_schema_name
from ormkit_gen.schema.sequence_options import OPTIONS, read_options

KEYS = (*OPTIONS, "name", "schema", "type", "owned_by", "unlogged", "comment", "renamed_from")
TYPES = ("smallint", "integer", "bigint")


def read_sequences(draft: SchemaDraft, documents: Sequence[Document]) -> None:
    """Read the sequences of all files, after their models."""
    for document in documents:
        root = Fields(document, (), document.data, draft.problems, "the file")
        for name, value, path in root.named("sequences"):
            fields = Fields(document, path, value, draft.problems, f"sequence {name}")
            if name in draft.sequences:
                message = f"there are two sequences {name}"
                remedy = "rename one, and keep its name in PostgreSQL with name = ..."
                draft.problems.error("duplicate-sequence", message, remedy, fields.at)
            else:
                draft.sequences[name] = read_sequence(draft, name, fields)


def read_sequence(draft: SchemaDraft, name: str, fields: Fields) -> NumberSequence:
    """Return one sequence, and record its problems."""
    fields.only(KEYS)
    db_name, schema = fields.text("name") or name, fields.text("schema")
    check_database_name(fields, "name", db_name, "sequence")
    check_database_name(fields, "schema", schema, "schema")
    check_schema_name(fields, schema)
    written = fields.text("type", "bigint") or "bigint"
    type_ = ALIASES.get(written.lower(), written.lower())
    if type_ not in TYPES:
        message = f"{fields.what} cannot be of type {written!r}"
        remedy = f"it is one of: {', '.join(TYPES)}"
        fields.problems.error("bad-sequence-type", message, remedy, fields.value_at("type"))
    return NumberSequence(
        name=db_name,
        schema=schema,
        type=type_,
        options=read_options(fields),
        owner=read_owner(draft, fields),
        is_unlogged=fields.flag("unlogged"),
        comment=fields.text("comment"),
        renamed_from=fields.text("renamed_from"),
        at=fields.at,
    )


def read_owner(draft: SchemaDraft, fields: Fields) -> tuple[str, str] | None:
    """Return the model and the column that own a sequence."""
    written = fields.text("owned_by")
    if written is None:
        return None
    table, _, name = written.rpartition(".")
    model = draft.tables.get(table) or draft.models.get(table)
    column = model.column(name) if model is not None else None
    if model is None or column is None:
        among = [model] if model is not None else draft.models.values()
        known = [f"{each.full_table}.{column.db_name}" for each in among for column in each.columns]
        fields.problems.error(
            "unknown-owner",
            f"{fields.what} is owned by {written!r}, which is no column of this schema",
            did_you_mean(written, known),
            fields.value_at("owned_by"),
        )
        return None
    return model.name, column.name
