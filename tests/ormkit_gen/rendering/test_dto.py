"""Classes for input and output: UserCreate, UserUpdate and UserRead, by pydantic or msgspec."""

from __future__ import annotations

import importlib
import sys
import uuid
from pathlib import Path
from typing import Any

import msgspec
import pydantic
import pytest

from ormkit_gen.rendering.dto import LIBRARIES, Library
from ormkit_gen.rendering.render import render
from ormkit_gen.schema import load
from tests.generated import generate, ormkit

SCHEMA = """
[enums]
Kind = ["small", "large"]

[models.Item]
table = "items"
comment = "A thing."

[models.Item.columns]
id = { type = "bigint", primary_key = true }
name = { type = "varchar(5)", comment = "What it is \\"called\\"." }
kind = { type = "Kind", default = "small" }
price = "numeric(6,2)?"
tags = { type = "text[]", default = [] }
secret = { type = "text?", private = true }
created_at = { type = "timestamptz", server_default = "now()" }
"""


def classes(directory: Path, library: Library, schema: Path) -> Any:
    """Return the module of a package that is generated with these classes."""
    package = directory / f"dto_{uuid.uuid4().hex}"
    package.mkdir()
    for name, text in render(load([schema], schema.parent).schema, library).items():
        if name in ("dto.py", "enums.py"):
            (package / name).write_text(text, encoding="utf-8")
    sys.path.insert(0, str(directory))
    try:
        return importlib.import_module(f"{package.name}.dto")
    finally:
        sys.path.remove(str(directory))


@pytest.fixture
def schema(tmp_path: Path) -> Path:
    file = tmp_path / "schema.toml"
    file.write_text(SCHEMA, encoding="utf-8")
    return file


def test_pydantic_checks_lengths_enums_and_defaults(tmp_path: Path, schema: Path) -> None:
    dto = classes(tmp_path, "pydantic", schema)
    made = dto.ItemCreate.model_validate_json('{"name": "abc", "price": "1.50"}')
    assert made.model_dump(exclude_unset=True, mode="json") == {"name": "abc", "price": "1.50"}
    assert (made.kind.value, made.tags, made.secret) == ("small", [], None)
    for wrong in (
        {},
        {"name": "abcdef"},
        {"name": "a", "kind": "x"},
        {"name": "a", "price": 1.234},
    ):
        with pytest.raises(pydantic.ValidationError):
            dto.ItemCreate(**wrong)
    assert set(dto.ItemUpdate.model_fields) == set(dto.ItemCreate.model_fields)
    assert "id" not in dto.ItemCreate.model_fields
    assert dto.ItemUpdate(name="x").model_dump(exclude_unset=True) == {"name": "x"}
    assert dto.ItemUpdate().model_dump(exclude_unset=True) == {}
    assert dto.ItemUpdate(price=None, secret=None).model_dump(exclude_unset=True) == {
        "price": None,
        "secret": None,
    }
    for column in ("name", "kind", "tags", "created_at"):
        with pytest.raises(pydantic.ValidationError, match="may be left out, and is not null"):
            dto.ItemUpdate(**{column: None})
    with pytest.raises(pydantic.ValidationError, match="is not null"):
        dto.ItemCreate(name="x", created_at=None)
    described = dto.ItemUpdate.model_json_schema()["properties"]
    assert described["name"]["type"] == "string"
    assert "anyOf" in described["secret"]
    assert "secret" not in dto.ItemRead.model_fields
    assert dto.ItemRead.model_fields["price"].is_required()
    schema_of_name = dto.ItemRead.model_json_schema()["properties"]["name"]
    assert schema_of_name["description"] == 'What it is "called".'
    assert dto.ItemRead.__doc__ == "A thing."


def test_msgspec_checks_lengths_enums_and_defaults(tmp_path: Path, schema: Path) -> None:
    dto = classes(tmp_path, "msgspec", schema)
    made = msgspec.json.decode(b'{"name": "abc"}', type=dto.ItemCreate)
    assert (made.kind.value, made.tags, made.created_at) == ("small", [], msgspec.UNSET)
    for wrong in (b"{}", b'{"name": "abcdef"}', b'{"name": "a", "kind": "x"}'):
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode(wrong, type=dto.ItemCreate)
    assert msgspec.to_builtins(dto.ItemUpdate(name="x")) == {"name": "x"}
    assert msgspec.json.decode(b'{"price": null}', type=dto.ItemUpdate).price is None
    for column in ("name", "kind", "tags", "created_at"):
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode(f'{{"{column}": null}}', type=dto.ItemUpdate)
    assert "secret" not in dto.ItemRead.__struct_fields__


@pytest.mark.parametrize("library", LIBRARIES)
def test_every_type_has_a_class(tmp_path: Path, library: Library) -> None:
    everything = Path(__file__).parents[3] / "schemas/everything.toml"
    assert classes(tmp_path, library, everything)


def test_the_setting_of_the_target_asks_for_them(tmp_path: Path) -> None:
    package = generate(tmp_path, SCHEMA)
    assert not (package / "dto.py").exists()
    settings = tmp_path / "ormkit.toml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(f'{text}dto = "msgspec"\n', encoding="utf-8")
    assert ormkit(tmp_path, "generate").returncode == 0
    assert "class ItemRead(msgspec.Struct" in (package / "dto.py").read_text(encoding="utf-8")
    settings.write_text(f'{text}dto = "attrs"\n', encoding="utf-8")
    refused = ormkit(tmp_path, "generate")
    assert refused.returncode == 2
    assert "ormkit.toml:4:7" in refused.stderr
    assert 'write dto = "pydantic" or dto = "msgspec"' in refused.stderr


@pytest.mark.filterwarnings("error")
def test_columns_may_have_the_names_of_pydantics_own_methods(tmp_path: Path) -> None:
    """A field of such a name would hide the method, so it gets another one and an alias."""
    own = sorted({name for name in dir(pydantic.BaseModel) if not name.startswith("_")} - {"dict"})
    columns = [f"{name} = 'text?'" for name in own if name != "schema"]
    (tmp_path / "own.toml").write_text(
        "[models.Item.columns]\nid = { type = 'bigint', primary_key = true }\nschema_ = 'text?'\n"
        "schema = { type = 'varchar(3)', server_default = \"'x'\" }\n" + "\n".join(columns),
        encoding="utf-8",
    )
    dto = classes(tmp_path, "pydantic", tmp_path / "own.toml")
    given = dict.fromkeys(own, "a")
    made = dto.ItemCreate(**given, schema_="b")
    assert made.model_dump(exclude_unset=True) == {**given, "schema_": "b"}
    assert (made.schema__, made.schema_, made.model_dump_) == ("a", "b", "a")
    assert set(own) <= {*dto.ItemUpdate.model_json_schema()["properties"]}
    row = type("Row", (), {**given, "schema_": "b", "id": 1})()
    assert dto.ItemRead.model_validate(row).model_dump()["model_dump"] == "a"
    for wrong in ({"schema": None}, {"schema": "long"}):
        with pytest.raises(pydantic.ValidationError, match="schema"):
            dto.ItemUpdate(**wrong)
