"""Foreign keys: what PostgreSQL would refuse is told, and what is let through it takes."""

from __future__ import annotations

import asyncpg
import pytest

from ormkit_gen.ddl.schema import schema_sql
from tests.ormkit_gen.schema.conftest import Diagnose, Read
from tests.servers import Server

#: The columns and constraints of what is referred to, by its column key, and the type of the other.
KEYS = {
    "narrower integer": ("key = { type = 'bigint', primary_key = true }", "integer"),
    "padded text": ("key = { type = 'char(3)', primary_key = true }", "text"),
    "other clock": ("key = { type = 'timestamp', primary_key = true }", "timestamptz"),
    "integer for a numeric": ("key = { type = 'numeric', primary_key = true }", "integer"),
    "primary key": ("key = { type = 'bigint', primary_key = true }", "bigint"),
    "unique column": (
        "id = { type = 'bigint', primary_key = true }\nkey = { type = 'text', unique = true }",
        "text",
    ),
    "text for a varchar": (
        "id = { type = 'bigint', primary_key = true }\n"
        "key = { type = 'varchar(5)', unique = true }",
        "text",
    ),
    "another precision": ("key = { type = 'numeric(4, 2)', primary_key = true }", "numeric"),
    "array": ("key = { type = 'integer[]', primary_key = true }", "integer[]"),
    "jsonb": ("key = { type = 'jsonb', primary_key = true }", "jsonb"),
    "nulls not distinct": (
        "id = { type = 'bigint', primary_key = true }\nkey = 'text?'\n"
        "[[models.Parent.uniques]]\ncolumns = ['key']\nnulls_not_distinct = true",
        "text",
    ),
    "unique index": (
        "id = { type = 'bigint', primary_key = true }\nkey = 'text'\n"
        "[[models.Parent.indexes]]\nunique = true\n"
        "columns = [{ column = 'key', descending = true }]",
        "text",
    ),
}
#: Those that are no keys, or none of that type; the last is what PostgreSQL itself says.
NO_KEYS = {
    "numeric for an integer": ("key = { type = 'bigint', primary_key = true }", "numeric", "type"),
    "no key": ("id = { type = 'bigint', primary_key = true }\nkey = 'text'", "text", "to-no-key"),
    "part of a key": (
        "id = { type = 'bigint', primary_key = true }\n"
        "key = { type = 'bigint', primary_key = true }",
        "bigint",
        "to-no-key",
    ),
    "partial unique index": (
        "id = { type = 'bigint', primary_key = true }\nkey = 'text'\n"
        "[[models.Parent.indexes]]\nunique = true\ncolumns = ['key']\nwhere = 'id > 0'",
        "text",
        "to-no-key",
    ),
    "unique expression": (
        "id = { type = 'bigint', primary_key = true }\nkey = 'text'\n"
        "[[models.Parent.indexes]]\nunique = true\ncolumns = [{ expression = 'lower(key)' }]",
        "text",
        "to-no-key",
    ),
    "another type": ("key = { type = 'bigint', primary_key = true }", "text", "type"),
    "another element": ("key = { type = 'bigint[]', primary_key = true }", "integer[]", "type"),
    "array for a scalar": ("key = { type = 'bigint', primary_key = true }", "bigint[]", "type"),
}


def schema(target: str, type_: str) -> str:
    return (
        f"[models.Parent.columns]\n{target}\n[models.Child.columns]\n"
        f"id = {{ type = 'bigint', primary_key = true }}\n"
        f"parent_key = {{ type = '{type_}', foreign_key = 'parent.key' }}\n"
    )


@pytest.mark.parametrize(("target", "type_"), KEYS.values(), ids=KEYS)
def test_what_is_let_through_postgresql_takes(
    server18: Server, database_url: str, read: Read, target: str, type_: str
) -> None:
    loaded = read(schema(target, type_))
    server18.run_script(database_url, schema_sql(loaded))
    found = "SELECT conname FROM pg_constraint WHERE contype = 'f'"
    assert server18.fetch(database_url, found) == [("child_parent_key_fkey",)]


def refused_by_postgresql(server: Server, url: str, read: Read, target: str, type_: str) -> bool:
    """Return whether PostgreSQL refuses the foreign key, added to a schema without it."""
    without = schema(target, type_).replace(", foreign_key = 'parent.key'", "")
    server.run_script(url, schema_sql(read(without)))
    try:
        server.run_script(
            url, "ALTER TABLE child ADD FOREIGN KEY (parent_key) REFERENCES parent (key)"
        )
    except (asyncpg.InvalidForeignKeyError, asyncpg.DatatypeMismatchError):
        return True
    return False


@pytest.mark.parametrize(("target", "type_", "code"), NO_KEYS.values(), ids=NO_KEYS)
def test_what_postgresql_refuses_is_told(
    server18: Server,
    database_url: str,
    read: Read,
    diagnose: Diagnose,
    target: str,
    type_: str,
    code: str,
) -> None:
    assert refused_by_postgresql(server18, database_url, read, target, type_)
    text = schema(target, type_)
    assert diagnose(text) == [(f"foreign-key-{code}", text.count("\n"))]


def test_the_columns_of_a_composite_key_may_come_in_any_order(
    server18: Server, database_url: str, read: Read
) -> None:
    loaded = read(
        "[models.Parent.columns]\nid = { type = 'bigint', primary_key = true }\n"
        "a = 'text'\nb = 'integer'\n[[models.Parent.uniques]]\ncolumns = ['a', 'b']\n"
        "[models.Child.columns]\nid = { type = 'bigint', primary_key = true }\n"
        "x = 'integer'\ny = 'text'\n[[models.Child.foreign_keys]]\ncolumns = ['x', 'y']\n"
        "target = 'parent'\ntarget_columns = ['b', 'a']\n"
    )
    server18.run_script(database_url, schema_sql(loaded))
    (found,) = server18.fetch(
        database_url, "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'f'"
    )
    assert found[0] == "FOREIGN KEY (x, y) REFERENCES parent(b, a)"


@pytest.mark.parametrize("target", ["people.parent", "parent", "Parent"])
def test_a_target_is_named_by_its_table_its_own_namespace_first_or_by_its_class(
    read: Read, target: str
) -> None:
    key = "id = { type = 'bigint', primary_key = true }\n"
    loaded = read(
        f"[models.Other]\ntable = 'parent'\n[models.Other.columns]\n{key}"
        f"[models.Parent]\nschema = 'people'\n[models.Parent.columns]\n{key}"
        f"[models.Child]\nschema = 'people'\n[models.Child.columns]\n{key}"
        f"parent_id = {{ type = 'bigint', foreign_key = '{target}.id' }}\n"
    )
    (found,) = loaded.model("Child").foreign_keys
    assert found.target == "Parent"
