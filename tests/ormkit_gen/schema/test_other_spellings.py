"""Schemas in the spelling of other ORMs, and functions as defaults."""

from __future__ import annotations

from pathlib import Path

import pytest

from ormkit_gen.ddl.schema import schema_sql
from ormkit_gen.diagnostics.diagnostic import SchemaError
from ormkit_gen.ir import Schema
from ormkit_gen.rendering.render import render
from ormkit_gen.schema import load
from ormkit_gen.spellings import ALIASES, NAMES, SETTINGS

pytestmark = pytest.mark.one_interpreter

PYTHON = """
from __future__ import annotations

import random
import secrets
from datetime import date, datetime
from uuid import UUID, uuid4

from ormkit_gen.declarative import *


class Author(SoftDeleteMixin, Base):
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    name: Mapped[str] = mapped_column(max_length=100)
    code: Mapped[int] = mapped_column("integer", autoincrement="auto")
    token: Mapped[str] = mapped_column(default_factory="secrets:token_hex")
    joined: Mapped[datetime] = mapped_column(default=datetime.now)
    born: Mapped[date | None] = mapped_column(default=date.today)
    luck: Mapped[float] = mapped_column(default=random.random)
    settings: Mapped[dict] = mapped_column(JSON, default=dict)
    written: Mapped[list["Book"]] = relationship(
        back_populates="author", foreign_keys="[Book.author_id]", uselist=True
    )


class Book(Base):
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    author_id: Mapped[UUID] = mapped_column(
        ForeignKey("author.id", ondelete="CASCADE", onupdate="RESTRICT")
    )
    editor_id: Mapped[UUID | None] = mapped_column(foreign_key="author.id", ondelete="SET NULL")
    author: Mapped[Author] = relationship(back_populates="written", foreign_keys=[author_id])
    editor: Mapped[Author | None] = relationship(foreign_keys=editor_id, uselist=False)
"""
TOML = """
[models.Author]
mixins = ["soft_delete"]

[models.Author.columns]
id = { type = "uuid", primary_key = true, default_factory = "uuid:uuid4" }
name = { type = "text", max_length = 100 }
code = "integer"
token = { type = "text", default_factory = "secrets:token_hex" }
joined = { type = "timestamptz", default_factory = "datetime:datetime.now" }
born = { type = "date?", default_factory = "datetime:date.today" }
luck = { type = "double precision", default_factory = "random:random" }
settings = { type = "jsonb", default = {} }

[models.Author.relationships]
written = { target = "Book", back_populates = "author", foreign_keys = "author_id", uselist = true }

[models.Book.columns]
id = { type = "bigint", primary_key = true, autoincrement = false }
author_id = { type = "uuid", foreign_key = "author.id", ondelete = "cascade", onupdate="restrict" }
editor_id = { type = "uuid?", foreign_key = "author.id", on_delete = "set null" }

[models.Book.relationships]
author = { target = "Author", back_populates = "written", foreign_keys = "author_id" }
editor = { target = "Author", foreign_key = "editor_id" }
"""


def read(directory: Path, name: str, text: str) -> Schema:
    (directory / name).write_text(text, encoding="utf-8")
    return load([directory / name], directory).schema


def errors(directory: Path, text: str) -> list[tuple[str, str]]:
    with pytest.raises(SchemaError) as caught:
        read(directory, "schema.py", "from ormkit_gen.declarative import *\n" + text)
    return [(each.message, each.remedy) for each in caught.value.diagnostics]


def test_both_languages_take_the_names_of_other_orms(tmp_path: Path) -> None:
    python, toml = read(tmp_path, "schema.py", PYTHON), read(tmp_path, "schema.toml", TOML)
    assert python == toml
    assert render(python) == render(toml)
    sql = schema_sql(python)
    assert "name varchar(100) NOT NULL" in sql
    assert "REFERENCES author (id) ON DELETE CASCADE ON UPDATE RESTRICT" in sql
    assert "REFERENCES author (id) ON DELETE SET NULL" in sql
    assert "IDENTITY" not in sql
    book = python.model("Book")
    assert [each.local for each in book.relationships] == [("author_id",), ("editor_id",)]
    assert {each.name: each.factory for each in python.model("Author").columns if each.factory} == {
        "id": "uuid:uuid4",
        "token": "secrets:token_hex",
        "joined": "datetime:datetime.now",
        "born": "datetime:date.today",
        "luck": "random:random",
    }


def test_a_function_must_be_one_that_generated_code_can_import(tmp_path: Path) -> None:
    key = "    id: Mapped[int] = mapped_column(primary_key=True)\n"
    for source, default in {
        "def made(): return 1": "made",
        "": "lambda: 1",
        "from functools import partial": "partial(int, 1)",
        "class Maker:\n    def __call__(self): return 1": "Maker()",
    }.items():
        column = f"    n: Mapped[int] = mapped_column(default={default})\n"
        ((message, remedy),) = errors(tmp_path, f"{source}\nclass A(Base):\n{key}{column}")
        assert message == "generated code cannot import this function from its module"
        assert 'default_factory="app.defaults:new_token"' in remedy
    column = "    n: Mapped[int] = mapped_column(default=len)\n"
    ((message, _),) = errors(tmp_path, f"class A(Base):\n{key}{column}")
    assert message == "a function that makes default values is called without arguments"


def test_a_function_of_the_application_is_read_and_not_executed(tmp_path: Path) -> None:
    (tmp_path / "defaults.py").write_text(
        "raise RuntimeError\ndef made(n=1): ...\nasync def later(): ...\ndef of(*, n): ...\n"
    )
    schema = (
        '[models.A.columns]\nid = { type = "bigint", primary_key = true, default_factory = "%s" }'
    )
    assert read(tmp_path, "schema.toml", schema % "defaults:made").model("A").columns[0].factory
    for place, reason in {
        "defaults:later": "it is async",
        "defaults:of": "it has an argument without a default",
        "defaults:mad": "defaults has no mad",
        "default:made": "there is no module default ",
    }.items():
        with pytest.raises(SchemaError, match=reason):
            read(tmp_path, "schema.toml", schema % place)


def test_what_other_orms_call_it_is_told_in_the_error(tmp_path: Path) -> None:
    key = "    id: Mapped[int] = mapped_column(primary_key=True, {}=1)\n"
    ((message, remedy),) = errors(tmp_path, "class A(Base):\n" + key.format("db_column"))
    assert (message, remedy) == ("mapped_column() has no argument 'db_column'", "write column")
    ((message, _),) = errors(tmp_path, "class A(Base):\n" + key.format("nonsense"))
    assert "unexpected keyword argument 'nonsense'" in message
    for name in NAMES:
        (tmp_path / "names.py").write_text(f"from ormkit_gen.declarative import {name}\n")
        with pytest.raises(SchemaError, match=f"ormkit_gen.declarative has no '{name}': write "):
            load([tmp_path / "names.py"], tmp_path)
    ((message, remedy),) = errors(tmp_path, "x = String(100)\n")
    assert (message, remedy) == (
        "the file raised NameError: name 'String' is not defined",
        f"write {NAMES['String']}",
    )


def test_no_other_name_is_one_of_ours() -> None:
    assert not ALIASES.keys() & SETTINGS.keys()
    assert not ALIASES.keys() & set(ALIASES.values())
