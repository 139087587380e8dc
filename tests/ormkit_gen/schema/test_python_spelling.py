"""The Python spelling of a schema says the same as the TOML one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ormkit_gen.ddl.schema import schema_sql
from ormkit_gen.ir import Model, Schema
from ormkit_gen.rendering.render import render
from ormkit_gen.schema import load
from tests.servers import Server

pytestmark = pytest.mark.one_interpreter

ROOT = Path(__file__).parents[3]
SCHEMAS = ROOT / "schemas"
HEAD = """
from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Optional

from ormkit_gen.declarative import *
"""
KEY = "    id: Mapped[int] = mapped_column(primary_key=True)\n"


def read(file: str) -> Schema:
    return load([SCHEMAS / file], SCHEMAS).schema


def written(directory: Path, body: str) -> Schema:
    file = directory / "schema.py"
    file.write_text(HEAD + body, encoding="utf-8")
    return load([file], directory).schema


def user(directory: Path, body: str) -> Model:
    """Return the model User with a key and these attributes."""
    return written(directory, f"class User(Base):\n{KEY}{body}").model("User")


@pytest.mark.parametrize("name", ["blog", "everything"])
def test_both_spellings_give_equal_schemas_and_the_same_code(name: str) -> None:
    toml, python = read(f"{name}.toml"), read(f"{name}.py")
    assert python == toml
    assert render(python) == render(toml)


def test_everything_is_accepted_by_postgresql_twice(any_server: Server) -> None:
    """The DDL of every type, constraint and index applies, and again with all of it there."""
    sql = schema_sql(read("everything.py"))
    with any_server.database() as url:
        any_server.run_script(url, sql)
        before = any_server.fetch(url, "SELECT count(*) FROM pg_constraint")
        any_server.run_script(url, sql)
        assert any_server.fetch(url, "SELECT count(*) FROM pg_constraint") == before


def test_contrib_extensions_are_accepted_by_postgresql_twice(contrib_server: Server) -> None:
    sql = schema_sql(read("extensions.toml"))
    with contrib_server.database() as url:
        contrib_server.run_script(url, sql)
        contrib_server.run_script(url, sql)


@pytest.mark.in_check
@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_schemas_pass_strict_type_checkers(checker: str, tmp_path: Path) -> None:
    files = ["blog.py", "everything.py"]
    for file in files:
        shutil.copy(SCHEMAS / file, tmp_path)
    # pyright takes relative paths only for what it checks.
    settings = {
        "include": files,
        "extraPaths": [str(ROOT), str(ROOT / "runtime")],
        "typeCheckingMode": "strict",
    }
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
    arguments = {
        "mypy": ["--strict", "--config-file", str(ROOT / "pyproject.toml"), *files],
        "pyright": ["--pythonpath", sys.executable],
    }
    shown = subprocess.run(
        [sys.executable, "-m", checker, *arguments[checker]],
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": f"{ROOT}:{ROOT / 'runtime'}"},
        capture_output=True,
        text=True,
    )
    assert shown.returncode == 0, shown.stdout + shown.stderr


@pytest.mark.parametrize(
    "annotation",
    [
        "Mapped[Optional[datetime]]",
        "Mapped[datetime | None]",
        "Mapped[None | datetime]",
        "Mapped['datetime | None']",
        "'Mapped[datetime | None]'",
    ],
)
def test_none_in_any_spelling_makes_a_column_nullable(tmp_path: Path, annotation: str) -> None:
    column = user(tmp_path, f"    seen: {annotation}\n").column("seen")
    assert (column.type.name, column.is_nullable) == ("timestamptz", True)


def test_columns_of_mixins_come_in_the_order_of_the_bases(tmp_path: Path) -> None:
    schema = written(
        tmp_path,
        f"class A:\n    a: Mapped[int]\nclass B:\n    b: Mapped[int]\n"
        f"class User(A, B, Base):\n{KEY}    own: Mapped[int]\n",
    )
    assert [each.name for each in schema.model("User").columns] == ["a", "b", "id", "own"]


def test_of_columns_with_one_name_python_decides_which_is_inherited(tmp_path: Path) -> None:
    """A model's own comes before any base's, and the first base before the second."""
    schema = written(
        tmp_path,
        "class A:\n    name: Mapped[str]\n    size: Mapped[int]\n"
        "class B:\n    size: Mapped[str]\n"
        f"class User(A, B, Base):\n{KEY}    name: Mapped[Decimal]\n",
    )
    columns = {each.name: each.type.name for each in schema.model("User").columns}
    assert columns == {"size": "bigint", "id": "bigint", "name": "numeric"}


def test_a_base_gives_its_models_their_namespace(tmp_path: Path) -> None:
    schema = written(
        tmp_path,
        "class Lab(DeclarativeBase):\n    __table_args__ = {'schema': 'lab'}\n"
        f"class User(Lab):\n{KEY}",
    )
    assert [(each.name, each.schema) for each in schema.models] == [("User", "lab")]


def test_columns_under_a_condition_are_read_where_it_holds(tmp_path: Path) -> None:
    model = user(
        tmp_path, "    if True:\n        a: Mapped[int]\n    else:\n        b: Mapped[int]\n"
    )
    assert [each.name for each in model.columns] == ["id", "a"]


def test_the_type_of_a_json_value_keeps_what_its_names_stand_for(tmp_path: Path) -> None:
    """Generated code imports each of them, so they are written in full."""
    schema = written(
        tmp_path,
        f"class User(Base):\n{KEY}    sums: Mapped[dict[str, Decimal]] = mapped_column()\n",
    )
    assert schema.model("User").column("sums").python_type == "dict[str, decimal.Decimal]"
    assert "from decimal import Decimal" in render(schema)["user.py"]


def test_members_keep_the_names_that_the_enum_gives_them(tmp_path: Path) -> None:
    schema = written(
        tmp_path,
        f"class Mood(Enum):\n    GOOD = 'good'\n    BAD = 'so bad'\n"
        f"class User(Base):\n{KEY}"
        "    moods: Mapped[list[Mood]] = mapped_column(default=[Mood.BAD])\n",
    )
    assert schema.enum("Mood").members == (("GOOD", "good"), ("BAD", "so bad"))
    default = schema.model("User").column("moods").default
    assert default is not None
    assert default.value == ["so bad"]


def test_reading_a_schema_leaves_the_process_as_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Modules, their search path and standard output: a command may be printing JSON there."""
    (tmp_path / "neighbour.py").write_text("LENGTH = 7\n")
    modules, path = set(sys.modules), list(sys.path)
    model = written(
        tmp_path,
        "import sys, neighbour\nsys.path.append('/nowhere')\nprint('noise')\n"
        f"class User(Base):\n{KEY}"
        "    code: Mapped[str] = mapped_column(f'varchar({neighbour.LENGTH})')\n",
    ).model("User")
    assert model.column("code").type.modifiers == (7,)
    assert (set(sys.modules), sys.path) == (modules, path)
    assert capsys.readouterr().out == ""


def test_names_that_are_imported_under_others_mean_the_same(tmp_path: Path) -> None:
    aliased = """
import datetime as dt
import typing as t
import uuid as u
from decimal import Decimal as D
from typing import Any as Anything, ClassVar as Shared, List as Many
from typing import Optional as Opt, Union as Either

from ormkit_gen.declarative import Base, mapped_column as column, relationship as related
from ormkit_gen.declarative import ForeignKey as Key, Mapped as M


class User(Base):
    limit: Shared[int] = 3
    id: M[u.UUID] = column(primary_key=True)
    price: M[D]
    rate: M["Opt[D]"]
    born: M[Opt[dt.date]]
    seen: M[t.Optional[dt.datetime]]
    age: M[Either[int, None]]
    size: M[t.Union[None, "int"]]
    words: M[Many[str]]
    settings: M[dict[str, D]]
    extra: M[Anything] = column("jsonb")
    posts: M[Many["Post"]] = related(back_populates="author")


class Post(Base):
    id: M[int] = column(primary_key=True)
    author_id: M[u.UUID] = column(Key("user.id"))
    author: M["User"] = related(back_populates="posts")
"""
    plain = """
import datetime
import uuid
from decimal import Decimal
from typing import Any

from ormkit_gen.declarative import Base, ForeignKey, Mapped, mapped_column, relationship


class User(Base):
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    price: Mapped[Decimal]
    rate: Mapped[Decimal | None]
    born: Mapped[datetime.date | None]
    seen: Mapped[datetime.datetime | None]
    age: Mapped[int | None]
    size: Mapped[int | None]
    words: Mapped[list[str]]
    settings: Mapped[dict[str, Decimal]]
    extra: Mapped[Any] = mapped_column("jsonb")
    posts: Mapped[list["Post"]] = relationship(back_populates="author")


class Post(Base):
    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("user.id"))
    author: Mapped["User"] = relationship(back_populates="posts")
"""
    read_both: list[Schema] = []
    for name, text in (("aliased", aliased), ("plain", plain)):
        directory = tmp_path / name
        directory.mkdir()
        (directory / "schema.py").write_text(text, encoding="utf-8")
        read_both.append(load([directory / "schema.py"], directory).schema)
    one, other = map(render, read_both)
    assert one == other
