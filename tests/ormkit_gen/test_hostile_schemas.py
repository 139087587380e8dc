"""Whatever the texts of a schema hold, they stay texts: in Python, in SQL, and in the catalog."""

from __future__ import annotations

import ast
import asyncio
import importlib
import json
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg  # pyright: ignore[reportMissingTypeStubs]
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ormkit.models.package import _known as known_packages
from ormkit_gen.ddl.schema import schema_sql
from ormkit_gen.diagnostics.diagnostic import SchemaError
from ormkit_gen.ir import Schema
from ormkit_gen.output.header import is_as_generated, with_header
from ormkit_gen.rendering.render import render
from ormkit_gen.schema import load
from tests.lengths import examples
from tests.ormkit_gen.schema.toml_texts import PlainWriter, Writer
from tests.servers import Server

#: PostgreSQL and the code say the same on every interpreter.
pytestmark = pytest.mark.one_interpreter

#: A file that comes to be where a text is executed.
MARKER = Path(__file__).with_name("executed")
RUN = f"__import__('pathlib').Path({str(MARKER)!r}).touch()"
#: What ends a text, begins another, or means something to Python, Jinja, black or PostgreSQL.
PIECES = [
    *('"', "'", '"""', "'''", "\\", '\\"', "\\'", "\n", "\r", "\r\n", "\t", "\x0b", "\x0c", "\x1c"),
    *("\u2028", "\u2029", "\x85", "\u202e", "\u2066", "\u200b", "\ufeff", "\u0301", "\U0001f600"),
    *("{{", "}}", "{%", "%}", "{#", "#}", "{", "}", "%s", "%(x)s", "{0}", "$", "$$", "$1", "$do1$"),
    *("--", "/*", "*/", ";", "';", '";', "')", "E'", "U&'", "\\x41", "\\u0041", "\\N{BULLET}"),
    *("#", "# fmt: off", "# type: ignore", "@", "=", "(", ")", "[", "]", ",", ":", "f'", "r'", " "),
    *(f"\n{RUN}\n", f'"""\n{RUN}\n"""', f"{{{{ {RUN} }}}}", f"'+{RUN}+'", "# coding: utf-7"),
    *("'; DROP TABLE users; --", '"); DROP TABLE users; --', "$$; DROP TABLE users; $$", "\\gexec"),
]
LETTERS = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=4)
TEXT = st.lists(st.sampled_from(PIECES) | LETTERS, max_size=6).map("".join)
COMMENTS = TEXT.filter(str.strip)
# A plain word is not hostile, and may be one that PostgreSQL or the model has already.
NAMES = COMMENTS.filter(
    lambda text: len(text.encode()) <= 63 and not text.startswith("pg_") and not text.isidentifier()
)

#: What fails is not made smaller: each try takes a database of its own.
many_at_once = settings(
    max_examples=examples(20),
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture(autouse=True)
def nothing_is_executed() -> Iterator[None]:
    """Whatever ran a text leaves the marker behind."""
    MARKER.unlink(missing_ok=True)
    yield
    ran = MARKER.exists()
    MARKER.unlink(missing_ok=True)
    assert not ran


def sql_text(text: str) -> str:
    """Return the text as an SQL constant, as somebody writes one in a schema."""
    doubled = text.replace("'", "''").replace("\\", "\\\\")
    return f"E'{doubled}'"


@st.composite
def hostile(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a schema with a text at every place that takes one."""
    names = draw(st.lists(NAMES, min_size=9, max_size=9, unique_by=str.casefold))
    labels = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    text, other, key = draw(TEXT), draw(TEXT), draw(TEXT)
    columns = {
        "id": {"type": "bigint", "primary_key": True},
        "note": {"type": "text", "column": names[0], "default": text, "comment": draw(COMMENTS)},
        "tags": {"type": "text[]", "column": names[1], "default": [text, other]},
        "document": {"type": "jsonb", "default": {key: [text, {other: key}]}},
        "mood": {"type": "Mood", "column": names[2], "default": draw(st.sampled_from(labels))},
        "made": {"type": "text", "server_default": sql_text(other)},
    }
    column = '"' + names[0].replace('"', '""') + '"'
    return {
        "enums": {
            "Mood": {
                "values": labels,
                "members": [f"m{number}" for number in range(len(labels))],
                "name": names[3],
                "comment": draw(COMMENTS),
            }
        },
        "models": {
            "Item": {
                "table": names[4],
                "schema": names[5],
                "comment": draw(COMMENTS),
                "columns": columns,
                "checks": [{"name": names[6], "expression": f"{column} <> {sql_text(key)}"}],
                "uniques": [{"name": names[7], "columns": ["note", "mood"]}],
                "indexes": [
                    {"name": names[8], "columns": ["made"], "where": f"{column} > {sql_text(text)}"}
                ],
            }
        },
    }


@st.composite
def spelled(draw: st.DrawFn) -> tuple[dict[str, Any], str]:
    """Draw a hostile schema, and its text in one of TOML's spellings."""
    schema = draw(hostile())
    writer = Writer(draw) if draw(st.booleans()) else PlainWriter()
    return schema, writer.document(schema)


def read(directory: Path, text: str, name: str = "schema.toml") -> Schema:
    file = directory / name
    file.write_bytes(text.encode())
    return load([file], directory).schema


def import_package(directory: Path, files: dict[str, str]) -> Any:
    """Write the files as a package of a new name, and import it."""
    package = directory / f"hostile_{uuid.uuid4().hex}"
    package.mkdir()
    for name, text in files.items():
        (package / name).write_text(text, encoding="utf-8")
    sys.path.insert(0, str(directory))
    try:
        return importlib.import_module(package.name)
    finally:
        sys.path.remove(str(directory))
        known_packages.pop(package.name, None)


def names_of(item: dict[str, Any]) -> dict[str, str]:
    """Return the name in the database of each column."""
    return {name: value.get("column", name) for name, value in item["columns"].items()}


def one_line(text: str) -> str:
    return " ".join(text.split())


@given(spelled())
@many_at_once
def test_generated_code_holds_the_texts_and_runs_none(
    tmp_path: Path, drawn: tuple[dict[str, Any], str]
) -> None:
    wanted, text = drawn
    item, enum = wanted["models"]["Item"], wanted["enums"]["Mood"]
    files = render(read(tmp_path, text))
    for name, source in files.items():
        if name.endswith(".py"):
            ast.parse(source)
            # Nothing that an editor would show otherwise: no end of a line but \n, no turn of
            # the direction of writing.
            assert all(each.isprintable() or each == "\n" for each in source)
    package = import_package(tmp_path, files)
    assert not MARKER.exists()
    table = package.Item.__table__
    assert (table.name, table.schema) == (item["table"], item["schema"])
    assert {column.slot: column.name for column in table.columns} == names_of(item)
    assert [member.value for member in package.Mood] == enum["values"]
    made, columns = package.Item(), item["columns"]
    for name in ("note", "tags", "document", "mood"):
        assert getattr(made, name) == columns[name]["default"]
    assert one_line(item["comment"]) in one_line(package.Item.__doc__ or "")
    assert one_line(enum["comment"]) in one_line(package.Mood.__doc__ or "")


#: What the catalog holds of a table, and of the only enum.
CATALOG = """
    SELECT obj_description($1, 'pg_class') AS comment,
           col_description($1, (SELECT attnum FROM pg_attribute
                                WHERE attrelid = $1 AND attname = $2::text)) AS note,
           (SELECT array_agg(attname::text) FROM pg_attribute
            WHERE attrelid = $1 AND attnum > 0) AS columns,
           (SELECT array_agg(conname::text) FROM pg_constraint
            WHERE conrelid = $1 AND contype IN ('c', 'u')) AS constraints,
           (SELECT array_agg(relname::text) FROM pg_index JOIN pg_class c ON c.oid = indexrelid
            WHERE indrelid = $1 AND NOT indisunique) AS indexes,
           (SELECT array_agg(enumlabel::text ORDER BY enumsortorder) FROM pg_enum) AS labels,
           (SELECT obj_description(oid, 'pg_type') FROM pg_type WHERE typtype = 'e') AS enum,
           (SELECT typname::text FROM pg_type WHERE typtype = 'e') AS enum_name
"""
FIND = """
    SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
    WHERE (nspname, relname) = ($1, $2)
"""


async def check_catalog(connection: Any, wanted: dict[str, Any], oid: int) -> None:
    item, enum = wanted["models"]["Item"], wanted["enums"]["Mood"]
    names, columns = names_of(item), item["columns"]
    found = await connection.fetchrow(CATALOG, oid, names["note"])
    assert (found["comment"], found["note"]) == (item["comment"], columns["note"]["comment"])
    assert set(found["columns"]) == set(names.values())
    assert set(found["constraints"]) == {item["checks"][0]["name"], item["uniques"][0]["name"]}
    assert found["indexes"] == [item["indexes"][0]["name"]]
    assert (found["labels"], found["enum_name"]) == (enum["values"], enum["name"])
    assert found["enum"] == enum["comment"]


async def check_row(connection: Any, wanted: dict[str, Any], table: str) -> None:
    """Insert a row of defaults, and one that the check forbids."""
    item = wanted["models"]["Item"]
    names, columns = names_of(item), item["columns"]
    text, key = columns["note"]["default"], next(iter(columns["document"]["default"]))
    if text != key:
        row = await connection.fetchrow(f"INSERT INTO {table} DEFAULT VALUES RETURNING *")
        for name in ("note", "tags", "mood"):
            assert row[names[name]] == columns[name]["default"]
        assert json.loads(row["document"]) == columns["document"]["default"]
        assert sql_text(row["made"]) == columns["made"]["server_default"]
    note = await connection.fetchval("SELECT quote_ident($1)", names["note"])
    with pytest.raises(asyncpg.CheckViolationError) as caught:
        await connection.execute(f"INSERT INTO {table} ({note}) VALUES ($1)", key)
    assert caught.value.constraint_name == item["checks"][0]["name"]


async def check_stored(url: str, sql: str, wanted: dict[str, Any]) -> None:
    """Run the DDL twice, and look at what the catalog and the rows hold."""
    item = wanted["models"]["Item"]
    connection = await asyncpg.connect(url)
    try:
        for _ in range(2):
            await connection.execute(sql)
        oid = await connection.fetchval(FIND, item["schema"], item["table"])
        await check_catalog(connection, wanted, oid)
        table = await connection.fetchval("SELECT $1::oid::regclass::text", oid)
        await check_row(connection, wanted, table)
    finally:
        await connection.close()


@given(spelled())
@many_at_once
def test_the_catalog_holds_the_texts(
    tmp_path: Path, server18: Server, drawn: tuple[dict[str, Any], str]
) -> None:
    wanted, text = drawn
    sql = schema_sql(read(tmp_path, text))
    with server18.database() as url:
        asyncio.run(check_stored(url, sql, wanted))


PLACES: list[tuple[Any, ...]] = [
    ("models", "Item", "table"),
    ("models", "Item", "schema"),
    ("models", "Item", "comment"),
    ("models", "Item", "checks", 0, "name"),
    ("models", "Item", "checks", 0, "expression"),
    ("models", "Item", "uniques", 0, "name"),
    ("models", "Item", "indexes", 0, "name"),
    ("models", "Item", "indexes", 0, "where"),
    ("models", "Item", "columns", "note", "column"),
    ("models", "Item", "columns", "note", "default"),
    ("models", "Item", "columns", "note", "comment"),
    ("models", "Item", "columns", "tags", "default", 0),
    ("models", "Item", "columns", "document", "default"),
    ("models", "Item", "columns", "made", "server_default"),
    ("enums", "Mood", "values", 0),
    ("enums", "Mood", "name"),
    ("enums", "Mood", "comment"),
]
PLAIN: dict[str, Any] = {
    "enums": {"Mood": {"values": ["a"], "name": "mood", "comment": "c"}},
    "models": {
        "Item": {
            "table": "items",
            "schema": "lab",
            "comment": "c",
            "columns": {
                "id": {"type": "bigint", "primary_key": True},
                "note": {"type": "text", "column": "note", "default": "d", "comment": "c"},
                "tags": {"type": "text[]", "default": ["a"]},
                "document": {"type": "jsonb", "default": "d"},
                "made": {"type": "text", "server_default": "'x'"},
            },
            "checks": [{"name": "c", "expression": "note <> ''"}],
            "uniques": [{"name": "u", "columns": ["note"]}],
            "indexes": [{"name": "i", "columns": ["made"], "where": "note > ''"}],
        }
    },
}


@pytest.mark.parametrize("place", PLACES, ids=lambda place: ".".join(map(str, place)))
def test_a_nul_is_diagnosed_wherever_it_stands(tmp_path: Path, place: tuple[Any, ...]) -> None:
    wanted = json.loads(json.dumps(PLAIN))
    inside: Any = wanted
    for key in place[:-1]:
        inside = inside[key]
    inside[place[-1]] = f"{inside[place[-1]]}\0"
    with pytest.raises(SchemaError) as caught:
        read(tmp_path, PlainWriter().document(wanted))
    assert all(each.at is not None and each.remedy for each in caught.value.diagnostics)


#: What the name of a file can hold, a line of code and one of SQL among it.
PARTS = [*(each for each in PIECES if "/" not in each), "\nraise SystemExit\n", "\nDROP TABLE x;\n"]


@pytest.mark.parametrize("piece", PARTS)
def test_the_name_of_a_file_is_no_code(tmp_path: Path, piece: str) -> None:
    """It stands in the first line of each generated file."""
    described = read(tmp_path, PlainWriter().document(PLAIN), f"a{piece}b.toml")
    bodies = render(described)
    files = {name: with_header(name, body, described.sources) for name, body in bodies.items()}
    for name, source in files.items():
        assert source.splitlines()[4:] == with_header(name, bodies[name], []).splitlines()[4:]
        assert is_as_generated(source.encode())
    import_package(tmp_path, files)
