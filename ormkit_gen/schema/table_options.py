"""Reading what a table is besides its columns: storage, partitions, inheritance, row security."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from ormkit_gen.ir import Partition
from ormkit_gen.postgres.identifiers import quote_identifier
from ormkit_gen.postgres.sql_names import name_parts
from ormkit_gen.schema.draft import ModelDraft
from ormkit_gen.schema.fields import Fields
from ormkit_gen.schema.name_checks import check_database_name

KEYS = (
    *("storage", "unlogged", "row_level_security", "replica_identity"),
    *("partition_by", "partitions", "inherits"),
)
PARTITION_KEYS = (
    *("bound", "schema", "partition_by", "partitions", "storage", "comment", "renamed_from"),
)
ROW_LEVEL_SECURITY: tuple[Literal["enabled", "forced"], ...] = ("enabled", "forced")
METHOD = re.compile(r"\s*(range|list|hash)\s*\(.*\)\s*", re.IGNORECASE | re.DOTALL)
BOUND = re.compile(r"\s*(for\s+values\b.*|default)\s*", re.IGNORECASE | re.DOTALL)


def read_table_options(model: ModelDraft) -> None:
    """Read the options of a model's table."""
    fields = model.fields
    model.storage = fields.storage()
    model.is_unlogged = fields.flag("unlogged")
    model.row_level_security = fields.choice("row_level_security", ROW_LEVEL_SECURITY)
    model.replica_identity = fields.text("replica_identity")
    model.partition_by = read_partition_by(fields)
    model.partitions = tuple(read_partitions(fields, model.schema))
    model.inherits = tuple(
        ".".join(map(quote_identifier, name_parts(name) if '"' in name else name.split(".")))
        for name in fields.texts("inherits")
    )


def read_partition_by(fields: Fields) -> str | None:
    """Return how a table is partitioned; record partitions of one that is not."""
    text = fields.text("partition_by")
    if text is not None and not METHOD.fullmatch(text):
        fields.problems.error(
            "bad-partition",
            f"{fields.what} cannot be partitioned by {text!r}",
            'write partition_by = "RANGE (created_at)", or LIST or HASH',
            fields.value_at("partition_by"),
        )
    if text is None and fields.data.get("partitions") is not None:
        fields.problems.error(
            "bad-partition",
            f"{fields.what} has partitions, and is not partitioned",
            'add partition_by = "RANGE (created_at)"',
            fields.key_at("partitions"),
        )
    return text


def read_partitions(fields: Fields, schema: str | None) -> Iterator[Partition]:
    """Yield the partitions of a table, each with those below it.

    schema: that of the table, in which partitions are unless they name another one.
    """
    for name, value, path in fields.named("partitions"):
        data = {"bound": value} if isinstance(value, str) else value
        part = Fields(fields.document, path, data, fields.problems, f"partition {name}")
        part.only(PARTITION_KEYS)
        check_database_name(part, "name", name, "partition")
        bound = part.text("bound")
        if bound is None or not BOUND.fullmatch(bound):
            part.problems.error(
                "bad-partition",
                f"{part.what} needs a bound",
                "as in FOR VALUES FROM ('2030-01-01') TO ('2031-01-01'), or DEFAULT",
                part.at,
            )
            continue
        own = part.text("schema", schema)
        yield Partition(
            name=name,
            schema=own,
            bound=bound.strip(),
            partition_by=read_partition_by(part),
            partitions=tuple(read_partitions(part, own)),
            storage=part.storage(),
            comment=part.text("comment"),
            renamed_from=part.text("renamed_from"),
            at=part.at,
        )
