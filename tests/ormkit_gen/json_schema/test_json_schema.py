"""The JSON Schemas of schema files and settings say what their readers say."""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from ormkit_gen.diagnostics.diagnostic import SchemaError
from ormkit_gen.diagnostics.refusal import Refusal
from ormkit_gen.json_schema.editor_files import KINDS, json_text
from ormkit_gen.json_schema.schema_files import schema_file
from ormkit_gen.json_schema.settings_files import project_file, settings_file
from ormkit_gen.project.settings import read_settings
from ormkit_gen.pull.toml_text import assignment
from ormkit_gen.schema import load
from tests.golden_files import DIRECTORY

pytestmark = pytest.mark.one_interpreter

ROOT = Path(__file__).parents[3]
SCHEMA = Draft7Validator(schema_file())
SETTINGS = Draft7Validator(settings_file())
CASES = sorted(path.name for path in (DIRECTORY / "diagnostics").iterdir())
FILES = [
    *sorted(ROOT.glob("schemas/*.toml")),
    ROOT / "benchmarks/schema.toml",
    ROOT / "tests/reliability/bad_inputs/schema.toml",
]
#: Mistakes of shape: whatever the rest of the schema is.
OF_SHAPE = {
    *("wrong-value", "unknown-key", "unknown-word", "unknown-mixin", "repeated-setting"),
    *("missing-key", "missing-type", "empty-enum", "empty-model", "no-foreign-key"),
    *("bad-class-name", "bad-default-factory", "bad-foreign-key", "bad-index-key", "bad-json-type"),
    *("bad-max-length", "bad-methods", "bad-opclass", "bad-operator", "bad-partition"),
    *("bad-sequence-type", "bad-time-zone", "reserved-schema", "too-many-dimensions"),
}
#: Golden cases with such a code in which the shape is right.
NOT_OF_SHAPE = {
    "keys-and-views",  # what a view cannot have
    "unknown-word-method",  # an extension may have the method; the reader sees that it is a slip
}
#: Codes that also say that a module lacks what is named, or that the type is another one.
ABOUT_OTHERS = {"bad-default-factory", "bad-json-type"}


def problems_of(directory: Path) -> set[str]:
    """The codes of errors in the schema files of a directory."""
    files = sorted({*directory.glob("*.toml"), *directory.glob("*.py")})
    try:
        load(files, directory, (), sorted(directory.glob("sql/**/*.sql")))
    except SchemaError as error:
        return {each.code for each in error.diagnostics if each.severity == "error"}
    return set()


def documents_of(directory: Path) -> Iterator[Any]:
    for file in sorted(directory.glob("*.toml")):
        try:
            yield tomllib.loads(file.read_text(encoding="utf-8"))
        except (ValueError, RecursionError):
            return


@pytest.mark.parametrize("kind", KINDS)
def test_the_json_schema_is_one(kind: str) -> None:
    Draft7Validator.check_schema(KINDS[kind]())
    assert json_text(kind).isascii()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_schema_without_mistakes_is_accepted(file: Path) -> None:
    document = tomllib.loads(file.read_text(encoding="utf-8"))
    assert [error.message for error in SCHEMA.iter_errors(document)] == []


def test_the_schemas_of_the_documentation_are_accepted() -> None:
    texts = (ROOT / "docs/schema.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```toml\n(.*?)^```$", texts, re.M | re.S)
    schemas = [tomllib.loads(block) for block in blocks if "[models" in block or "[enums" in block]
    assert len(schemas) > 10
    assert [error.message for each in schemas for error in SCHEMA.iter_errors(each)] == []


@pytest.mark.parametrize("case", CASES)
def test_a_mistake_of_shape_is_rejected_and_nothing_else(case: str) -> None:
    directory = DIRECTORY / "diagnostics" / case
    errors = problems_of(directory)
    is_rejected = any(not SCHEMA.is_valid(each) for each in documents_of(directory))
    has_toml = any(documents_of(directory))
    if errors & OF_SHAPE and has_toml and case not in NOT_OF_SHAPE:
        assert is_rejected
    if is_rejected:
        assert errors


KEY = {"id": {"type": "bigint", "primary_key": True}}
MODEL = {"columns": {**KEY, "name": "text", "owner_id": "bigint?"}}


def model(**settings: Any) -> dict[str, Any]:
    return {"models": {"User": {**MODEL, **settings}}}


def column(**settings: Any) -> dict[str, Any]:
    return model(columns={**KEY, "other": {"type": "text", **settings}})


ELEMENT = {"column": "name", "operator": "="}
#: A valid document around each kind of table, with a setting in that table.
TABLES: dict[str, Callable[..., dict[str, Any]]] = {
    "model": model,
    "column": column,
    "number": lambda **each: column(type="bigint", identity={**each}),
    "computed": lambda **each: model(
        computed={"n": {"type": "text", "expression": "name", **each}}
    ),
    "relationship": lambda **each: {
        "models": {
            "User": MODEL,
            "Post": {
                "columns": {**KEY, "user_id": {"type": "bigint", "foreign_key": "user.id"}},
                "relationships": {"parent": {"target": "User", **each}},
            },
        }
    },
    "index": lambda **each: model(indexes=[{"columns": ["name"], **each}]),
    "element": lambda **each: model(indexes=[{"columns": [{"column": "name", **each}]}]),
    "unique": lambda **each: model(uniques=[{"columns": ["name"], **each}]),
    "check": lambda **each: model(checks=[{"expression": "true", **each}]),
    "exclude": lambda **each: model(excludes=[{"elements": [ELEMENT], "method": "btree", **each}]),
    "exclude element": lambda **each: model(
        excludes=[{"elements": [{**ELEMENT, **each}], "method": "btree"}]
    ),
    "foreign key": lambda **each: model(
        foreign_keys=[{"columns": ["owner_id"], "target": "user", **each}]
    ),
    "primary key": lambda **each: model(primary_key={"columns": ["id"], **each}),
    "partition": lambda **each: model(
        partition_by="LIST (id)", partitions={"one": {"bound": "DEFAULT", **each}}
    ),
    "enum": lambda **each: {"enums": {"Mood": {"values": ["a"], **each}}},
    "domain": lambda **each: {"domains": {"code": {"type": "text", **each}}},
    "domain check": lambda **each: {
        "domains": {"code": {"type": "text", "checks": [{"expression": "true", **each}]}}
    },
    "sequence": lambda **each: {"sequences": {"numbers": {**each}}},
    "extension": lambda **each: {"extensions": {"citext": {**each}}},
    "namespace": lambda **each: {"schemas": {"app": {**each}}},
}
VALUES: dict[str, Any] = {
    "text": "word",
    "name": "name",
    "empty": "",
    "blank": "  ",
    "number": 5,
    "negative": -1,
    "fraction": 1.5,
    "true": True,
    "false": False,
    "no items": [],
    "texts": ["name"],
    "empty texts": ["name", ""],
    "numbers": [1],
    "tables": [{"name": "x"}],
    "empty table": {},
    "table": {"word": "text"},
    "table of numbers": {"word": 3},
    "table of tables": {"Word": {"a": 1}},
    "date": dt.date(2030, 1, 1),
    "capitals": "SET NULL",
    "place": "a.b:c",
    "reference": "user.id",
    "type": "varchar(3)[]?",
    "long": "x" * 64,
    "reserved": "pg_x",
}


def part_of(table: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The JSON Schema of a kind of table, and the table in the document above."""
    (error,) = [
        each
        for each in SCHEMA.iter_errors(TABLES[table](no_such_setting=1))
        if each.validator == "additionalProperties"
    ]
    rest = {name: each for name, each in error.instance.items() if name != "no_such_setting"}
    return {**error.schema, "definitions": SCHEMA.schema["definitions"]}, rest


#: The names in the documents above, each of which gets a number: one file has a document per value.
NAMES = re.compile(r"\b(User|user|Post|Mood|code|numbers|citext|app)\b(?! = \[)")


def errors_by_value(
    around: Callable[..., dict[str, Any]], setting: str, file: Path
) -> list[set[str]]:
    """The codes of what the reader says for each of VALUES, in one file with a line for each."""
    lines: list[tuple[int, str]] = []
    for number, value in enumerate(VALUES.values()):
        for section, entries in around(**{setting: value}).items():
            for name, entry in entries.items():
                text = f"{section}.{assignment(name, entry)}"
                lines.append((number, NAMES.sub(rf"\g<1>{number}", text)))
    file.write_text("".join(text for _, text in lines), encoding="utf-8")
    found: list[set[str]] = [set() for _ in VALUES]
    try:
        load([file], file.parent)
    except SchemaError as error:
        for each in error.diagnostics:
            if each.severity == "error" and each.at is not None:
                found[lines[each.at.line - 1][0]].add(each.code)
    return found


@pytest.mark.parametrize("table", TABLES)
def test_every_setting_takes_what_its_reader_takes(table: str, tmp_path: Path) -> None:
    part, rest = part_of(table)
    validator = Draft7Validator(part)
    assert validator.is_valid(rest)
    wrong: list[str] = []
    for setting in (*part["properties"], "no_such_setting"):
        told = errors_by_value(TABLES[table], setting, tmp_path / "schema.toml")
        for (name, value), errors in zip(VALUES.items(), told, strict=True):
            is_accepted = validator.is_valid({**rest, setting: value})
            if is_accepted and errors & OF_SHAPE - ABOUT_OTHERS:
                wrong.append(f"{setting} = {name} is accepted: {errors}")
            elif not is_accepted and not errors:
                wrong.append(f"{setting} = {name} is rejected")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("table", TABLES)
def test_an_editor_has_words_for_every_setting(table: str) -> None:
    part, _ = part_of(table)
    assert [name for name, each in part["properties"].items() if "description" not in each] == []


def test_words_are_offered_and_taken_in_any_spelling() -> None:
    on_delete = SCHEMA.schema["properties"]["models"]["additionalProperties"]["properties"][
        "columns"
    ]
    on_delete = on_delete["additionalProperties"]["properties"]["on_delete"]
    assert on_delete["anyOf"][0]["enum"][2:] == ["cascade", "set null", "set default"]
    for word, is_valid in {"SET NULL": True, "Set_Null": True, "set  null": False}.items():
        document = column(type="bigint", foreign_key="user.id", on_delete=word)
        assert SCHEMA.is_valid(document) is is_valid


TARGET = {"schemas": ["schema.toml"], "output": "db"}


@pytest.mark.parametrize(
    "settings",
    [
        {"targets": [TARGET]},
        {"targets": [{**TARGET, "dto": "pydantic", "sql": ["sql/*.sql"]}]},
        {"targets": [TARGET], "database": "postgresql:///x", "shadow": "embedded://x"},
        {"targets": [TARGET], "migrations": "m", "migrations_schema": "o", "postgresql": 17},
        *({"targets": value} for value in ([], "x", {}, [3], [{}], [{"output": "db"}])),
        *({"targets": [{**TARGET, **each}]} for each in (
            *({"dto": "attrs"}, {"schemas": "schema.toml"}, {"schemas": []}, {"schemas": [1]}),
            *({"output": 3}, {"output": ""}, {"output": "/db"}, {"sql": []}, {"sql": ["/x"]}),
            *({"name": "x"}, {"schemas": ["/schema.toml"]}, {"schemas": ["a\\b.toml"]}),
        )),
        *({"targets": [TARGET], **each} for each in (
            *({"database": 3}, {"migrations": ""}, {"migrations": 1}, {"postgresql": "17"}),
            *({"postgresql": 13}, {"postgresql": True}, {"target": []}, {"postgresql": 100}),
        )),
    ],
    ids=str,
)  # fmt: skip
def test_settings_are_accepted_as_their_reader_accepts_them(
    settings: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "schema.toml").write_text("")
    (tmp_path / "ormkit.toml").write_text("".join(assignment(*each) for each in settings.items()))
    try:
        read_settings(tmp_path / "ormkit.toml")
        is_accepted = True
    except Refusal:
        is_accepted = False
    assert SETTINGS.is_valid(settings) is is_accepted
    project = {"project": {"name": "x"}, "tool": {"ruff": {}, "ormkit": settings}}
    assert Draft7Validator(project_file()).is_valid(project) is is_accepted


def test_the_settings_of_this_project_are_accepted() -> None:
    document = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert Draft7Validator(project_file()).is_valid(document)
