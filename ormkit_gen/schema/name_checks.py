"""Checks of names that Python, PostgreSQL or generated code does not allow."""

from __future__ import annotations

from ormkit_gen.schema.fields import Fields
from ormkit_gen.schema.names import (
    MAX_IDENTIFIER,
    RESERVED_CLASSES,
    attribute_name,
    is_class_name,
    is_database_name,
)


def check_class_name(fields: Fields, name: str) -> None:
    """Record a name that a class cannot have, or that generated code uses itself."""
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


def unreserved_name(fields: Fields, name: str) -> str:
    """Return the attribute for a name that is only in Python; record a warning for another one."""
    attribute = attribute_name(name)
    if attribute != name:
        fields.problems.warning(
            "reserved-word",
            f"{fields.what} becomes {attribute} in Python, where {name} is reserved",
            f"to avoid this warning, name it {attribute}",
            fields.at,
        )
    return attribute


def check_database_name(fields: Fields, key: str, name: str | None, what: str) -> None:
    """Record a name that PostgreSQL would truncate or refuse."""
    if name is not None and not is_database_name(name):
        fields.problems.error(
            "long-name",
            f"the name {name!r} of the {what} does not fit PostgreSQL",
            f"a name may have up to {MAX_IDENTIFIER} bytes",
            fields.value_at(key),
        )


def check_schema_name(fields: Fields, name: str | None) -> None:
    """Record a schema name that PostgreSQL reserves."""
    if name is not None and name.startswith("pg_"):
        fields.problems.error(
            "reserved-schema",
            f"the schema cannot be named {name!r}: PostgreSQL reserves names that begin with pg_",
            "rename it",
            fields.value_at("schema"),
        )
