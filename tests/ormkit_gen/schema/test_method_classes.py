"""Where the classes with a model's methods are found, and that nothing of them is executed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ormkit_gen.diagnostics.diagnostic import SchemaError
from ormkit_gen.ir import Schema
from ormkit_gen.project.settings import read_settings
from ormkit_gen.schema import load
from tests.generated import ormkit

#: PostgreSQL and the code say the same on every interpreter.
pytestmark = pytest.mark.one_interpreter

SCHEMA = """
[models.User]
methods = "{place}"

[models.User.columns]
id = {{ type = "bigint", primary_key = true }}
"""
CLASS = "class UserMethods(UserBase):\n    pass\n"


def read(directory: Path, place: str = "app.users:UserMethods") -> Schema:
    (directory / "schema.toml").write_text(SCHEMA.format(place=place))
    return load([directory / "schema.toml"], directory).schema


def write(file: Path, text: str = CLASS) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_a_class_is_found_and_not_executed(tmp_path: Path) -> None:
    write(tmp_path / "app/__init__.py", "raise SystemExit('executed')")
    write(tmp_path / "app/users.py", f"raise SystemExit('executed')\n{CLASS}")
    before = set(sys.modules)
    assert read(tmp_path).model("User").methods == "app.users:UserMethods"
    assert not {"app", "app.users"} & (set(sys.modules) - before)


@pytest.mark.parametrize("file", ["app/users.py", "src/app/users.py", "app/users/__init__.py"])
def test_a_module_is_found_below_the_project(tmp_path: Path, file: str) -> None:
    write(tmp_path / file)
    read(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "from other import UserMethods",
        "from other import Methods as UserMethods",
        "from other import *",
        "UserMethods = make()",
        "UserMethods: type = make()",
        f"try:\n    import x\nexcept ImportError:\n    {CLASS.replace(chr(10), chr(10) + '    ')}",
    ],
)
def test_a_class_that_only_python_can_tell_is_taken(tmp_path: Path, text: str) -> None:
    write(tmp_path / "app/users.py", text)
    read(tmp_path)


def test_a_module_without_source_is_taken(tmp_path: Path) -> None:
    read(tmp_path, "_datetime:datetime")


def test_the_package_may_be_imported_from_a_directory_above_it(tmp_path: Path) -> None:
    write(tmp_path / "backend/app/users.py")
    (tmp_path / "schema.toml").write_text(SCHEMA.format(place="app.users:UserMethods"))
    settings = tmp_path / "ormkit.toml"
    settings.write_text('[[targets]]\nschemas = ["schema.toml"]\noutput = "backend/app/db"\n')
    (target,) = read_settings(settings).targets
    roots = target.import_roots(tmp_path)
    assert roots == (tmp_path, tmp_path / "backend", tmp_path / "backend/app")
    done = ormkit(tmp_path, "generate")
    assert done.returncode == 0, done.stderr
    assert "from app.users import UserMethods as _Methods" in (
        tmp_path / "backend/app/db/user.py"
    ).read_text(encoding="utf-8")
    write(tmp_path / "backend/app/users.py", CLASS.replace("pass", "id = 3"))
    done = ormkit(tmp_path, "generate")
    assert done.returncode == 2
    assert "backend/app/users.py:2:5: error: UserMethods.id would hide the column" in done.stderr


@pytest.mark.parametrize(
    "place", ["app.users", "app:users:User", ":User", "app.class:User", "a b:C"]
)
def test_a_place_names_a_module_and_a_class(tmp_path: Path, place: str) -> None:
    with pytest.raises(SchemaError, match="methods of model User cannot be"):
        read(tmp_path, place)
