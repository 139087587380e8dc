"""Reading the enums of a document."""

from __future__ import annotations

from typing import Any

from ormkit_gen.diagnostics.diagnostic import Problems
from ormkit_gen.ir import Enum, Position
from ormkit_gen.schema.document import Document, Path, is_list
from ormkit_gen.schema.fields import Fields
from ormkit_gen.schema.migration_settings import ENUM_KEYS, read_removed, read_renamed_values
from ormkit_gen.schema.name_checks import (
    check_class_name,
    check_database_name,
    check_schema_name,
)
from ormkit_gen.schema.names import MAX_IDENTIFIER, is_label, is_member, member_name
from ormkit_gen.schema.naming import snake_case

KEYS = ("values", "members", "name", "schema", "comment", "unknown_labels", *ENUM_KEYS)
#: What an application gets for a label that its code does not know.
UNKNOWN_LABELS = ("error", "text")


def read_enum(
    document: Document, name: str, value: Any, path: Path, problems: Problems
) -> Enum | None:
    """Return the enum, or record the problem and return None."""
    if is_list(value):
        value = {"values": value}
    fields = Fields(document, path, value, problems, f"enum {name}")
    fields.only(KEYS)
    check_class_name(fields, name)
    db_name, schema = fields.text("name") or snake_case(name), fields.text("schema")
    check_database_name(fields, "name", db_name, "type")
    check_database_name(fields, "schema", schema, "schema")
    check_schema_name(fields, schema)
    labels = fields.texts("values", may_be_empty=True)
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
        db_name=db_name,
        schema=schema,
        members=read_members(fields, name, labels),
        comment=fields.text("comment"),
        is_open=fields.choice("unknown_labels", UNKNOWN_LABELS) == "text",
        renamed_from=fields.text("renamed_from"),
        renamed_values=read_renamed_values(fields, labels),
        removed=read_removed(fields, labels),
        at=fields.at,
    )


def read_members(fields: Fields, name: str, labels: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Return pairs of member and label. Record conflicts."""
    members = fields.texts("members")
    if members and len(members) != len(labels):
        fields.problems.error(
            "enum-members",
            f"{name} has {len(labels)} labels and {len(members)} members",
            "name a member for each label, or leave members out",
            fields.value_at("members"),
        )
        members = ()
    for index, member in enumerate(members):
        if not is_member(member):
            fields.problems.error(
                "bad-identifier",
                f"{member!r} cannot be a member of an enum of strings",
                f"write {member_name(member)}",
                fields.item_at("members", index),
            )
    seen: dict[str, str] = {}
    known: set[str] = set()
    pairs = zip(members or members_of(labels), labels, strict=True)
    for index, (member, label) in enumerate(pairs):
        is_repeated = label in known
        check_label(fields, name, member, label, seen, is_repeated, fields.item_at("values", index))
        seen[member] = label
        known.add(label)
    return tuple(seen.items())


def members_of(labels: tuple[str, ...]) -> list[str]:
    """Return a member for each label. Labels that would be the same name in Python get numbers."""
    found: dict[str, str] = {}
    members: list[str] = []
    for label in labels:
        name = base = member_name(label)
        number = 2
        while name in found and found[name] != label:
            name, number = f"{base.rstrip('_')}_{number}", number + 1
        found[name] = label
        members.append(name)
    return members


def check_label(
    fields: Fields,
    name: str,
    member: str,
    label: str,
    seen: dict[str, str],
    is_repeated: bool,
    at: Position,
) -> None:
    """Record a label that occurs twice, as a label or as a member, or that is too long."""
    problems = fields.problems
    if is_repeated:
        message = f"the label {label!r} occurs twice in {name}"
        problems.error("enum-clash", message, "keep one of them", at)
    elif member in seen:
        other = seen[member]
        problems.error(
            "enum-clash",
            f"the labels {other!r} and {label!r} of {name} are the same name in Python",
            "rename one of them, or name all of them with members = [...]",
            at,
        )
    elif not is_label(label):
        problems.error(
            "long-name",
            f"the label {label!r} does not fit PostgreSQL",
            f"a label may have up to {MAX_IDENTIFIER} bytes",
            at,
        )
