"""Retired columns: the table has them, and generated code does not."""

from __future__ import annotations

import pytest

from ormkit_gen.rendering.fingerprint import fingerprint
from ormkit_gen.rendering.render import render
from tests.ormkit_gen.migrations.changes import schema_of

pytestmark = pytest.mark.one_interpreter

SCHEMA = """
[models.User]
table = "users"
[models.User.columns]
id = { type = "bigint", primary_key = true }
nick = { type = "text", unique = true%s }
[models.Post.columns]
id = { type = "bigint", primary_key = true }
author_id = { type = "bigint", foreign_key = "users.id", index = true%s }
[models.Post.relationships]
author = { target = "User" }
"""


def test_generated_code_does_not_know_a_retired_column() -> None:
    schema = schema_of(SCHEMA % (", retired = true", ", retired = true"))
    texts = render(schema)
    assert "nick" not in texts["user.py"]
    assert "author" not in texts["post.py"]
    assert "nick text UNIQUE" in texts["schema.sql"] or "nick text" in texts["schema.sql"]
    # Programs no longer write it, so it may be NULL.
    assert "nick text NOT NULL" not in texts["schema.sql"]
    assert "FOREIGN KEY (author_id)" in texts["schema.sql"]
    tables = fingerprint(schema)["tables"]
    assert "nick" not in tables["users"]["columns"]
    assert "unique" not in tables["users"]
    assert render(schema_of(SCHEMA % ("", "")))["user.py"].count("nick")
