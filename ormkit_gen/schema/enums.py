"""Reads the enums of a document."""

from __future__ import annotations

from typing import Any

from ormkit_gen.diagnostics import Problems
from ormkit_gen.ir import Enum
from ormkit_gen.naming import snake_case
from ormkit_gen.schema.document import Document, Path, is_list
from ormkit_gen.schema.fields import Fields
from ormkit_gen.schema.names import (
    MAX_IDENTIFIER,
    RESERVED_CLASSES,
    is_class_name,
    is_database_name,
    member_name,
)


def read_enum(
    document: Document, name: str, value: Any, path: Path, problems: Problems
) -> Enum | None:
    """Return the enum; None with the problem noted."""
    if is_list(value):
        value = {"values": value}
    fields = Fields(document, path, value, problems, f"enum {name}")
    fields.only(("values", "members", "name", "schema", "comment"))
    check_class_name(fields, name)
    labels = fields.texts("values")
    if not labels:
        problems.error(
            "empty-enum",
            f"the enum {name} has no labels",
            'as in ["draft", "published"]',
            fields.at,
        )
        return None
    return Enum(
        name=name,
        db_name=fields.text("name") or snake_case(name),
        schema=fields.text("schema"),
        members=read_members(fields, name, labels),
        comment=fields.text("comment"),
        at=fields.at,
    )


def read_members(fields: Fields, name: str, labels: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Return pairs of member and label; clashes are noted."""
    members = fields.texts("members") or tuple(map(member_name, labels))
    seen: dict[str, str] = {}
    for member, label in zip(members, labels, strict=False):
        if label in seen.values() or member in seen:
            other = seen.get(member, label)
            fields.problems.error(
                "enum-clash",
                (
                    f"the labels {other!r} and {label!r} of {name} are the same name in Python"
                    if other != label
                    else f"the label {label!r} stands twice in {name}"
                ),
                "rename one of them",
                fields.at,
            )
        elif not is_database_name(label):
            fields.problems.error(
                "long-name",
                f"the label {label!r} does not fit PostgreSQL",
                f"a label takes up to {MAX_IDENTIFIER} bytes",
                fields.at,
            )
        seen[member] = label
    return tuple(seen.items())


def check_class_name(fields: Fields, name: str) -> None:
    """Note a name that no class can have, or that generated code uses itself."""
    if not is_class_name(name):
        fields.problems.error(
            "bad-class-name",
            f"{name!r} cannot be the name of a class",
            "write it in CapWords, as in BlogPost",
            fields.at,
        )
    elif name in RESERVED_CLASSES:
        fields.problems.error(
            "reserved-class",
            f"{name} is a name that generated code uses itself",
            f"rename it, as in {name}Record; the table keeps its name with table = ...",
            fields.at,
        )
