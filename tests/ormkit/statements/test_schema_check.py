"""engine.check(), and create_engine(check=...): the generated package against the database."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from ormkit import (
    ConfigurationError,
    Engine,
    SchemaMismatch,
    SchemaMismatchWarning,
    UsageError,
    create_engine,
)
from ormkit.models import package
from tests.generated import models_of
from tests.servers import Server

pytestmark = pytest.mark.one_interpreter

models = models_of(
    "checked",
    """
[enums]
Mood = ["sad", "it's ok"]

[enums.Kind]
values = ["a", "b"]
unknown_labels = "text"

[models.User]
table = "Odd users"

[models.User.columns]
id = { type = "bigint", primary_key = true }
name = { type = "varchar(100)", unique = true }
price = { type = "numeric(10)", default = 0 }
rate = "numeric(8,2)?"
mood = { type = "Mood[]?" }
kind = { type = "Kind", default = "a" }
made = "timestamptz(3)?"
flag = "char(1)?"

[models.Tag]
table = "tags"
schema = "other"

[models.Tag.columns]
id = { type = "integer", primary_key = true }
user_id = { type = "bigint?", foreign_key = "User.id" }
""",
)
#: Each change, whether it breaks statements, and what is said of it.
CHANGES = {
    'DROP TABLE "Odd users" CASCADE': (True, '"Odd users" is missing'),
    'ALTER TABLE "Odd users" DROP rate': (True, '"Odd users": column rate is missing'),
    'ALTER TABLE "Odd users" ALTER name TYPE varchar(50)': (
        True,
        '"Odd users": type name is character varying(50), not varchar(100)',
    ),
    'ALTER TABLE "Odd users" ALTER price TYPE numeric(12)': (
        True,
        '"Odd users": type price is numeric(12,0), not numeric(10)',
    ),
    'ALTER TABLE "Odd users" ALTER made TYPE timestamp(3)': (
        True,
        '"Odd users": type made is timestamp(3) without time zone, not timestamptz(3)',
    ),
    "ALTER TABLE other.tags ALTER id TYPE bigint": (
        True,
        "other.tags: type id is bigint, not integer",
    ),
    'ALTER TABLE "Odd users" ALTER name DROP NOT NULL': (
        True,
        '"Odd users": nullability name is nullable, not NOT NULL',
    ),
    'ALTER TABLE "Odd users" ALTER flag SET NOT NULL': (
        True,
        '"Odd users": nullability flag is NOT NULL, not nullable',
    ),
    'ALTER TABLE "Odd users" ADD more integer NOT NULL': (
        True,
        '"Odd users": column more is in the database only',
    ),
    'ALTER TABLE "Odd users" ADD more integer DEFAULT 1 NOT NULL': (
        False,
        '"Odd users": column more is in the database only',
    ),
    'ALTER TABLE "Odd users" DROP CONSTRAINT "Odd users_name_key"': (
        True,
        '"Odd users": unique (name) is missing',
    ),
    "ALTER TABLE other.tags ADD UNIQUE (user_id, id)": (
        False,
        "other.tags: unique (user_id, id) is in the database only",
    ),
    "ALTER TABLE other.tags DROP CONSTRAINT tags_pkey": (
        True,
        "other.tags: primary key is missing",
    ),
    "ALTER TABLE other.tags DROP CONSTRAINT tags_user_id_fkey": (
        True,
        "other.tags: foreign key (user_id) is missing",
    ),
    "ALTER TABLE other.tags ADD FOREIGN KEY (id) REFERENCES other.tags": (
        False,
        "other.tags: foreign key (id) is in the database only",
    ),
    "ALTER TYPE mood ADD VALUE 'new'": (True, "mood: labels is sad, it's ok, new, not"),
    "ALTER TYPE kind RENAME VALUE 'b' TO 'c'": (True, "kind: labels is a, c, not a, b"),
    "ALTER TYPE kind ADD VALUE 'c'": (False, "kind: labels is a, b, c, not a, b"),
    # Not compared: what expressions say, and what others have.
    'ALTER TABLE "Odd users" ALTER price SET DEFAULT 3; CREATE TABLE theirs (a integer)': None,
    "SET TimeZone = 'Asia/Tokyo'": None,
}


@pytest.fixture(scope="module")
def template(server18: Server) -> Iterator[str]:
    with server18.database() as url:
        server18.run_script(url, models.SCHEMA.ddl())
        yield url


@pytest.fixture
def url(server18: Server, template: str) -> Iterator[str]:
    """The URL of a database of the package's schema."""
    with server18.database(template=template) as url:
        yield url


async def run_script(engine: Engine, sql: str) -> None:
    async with engine.pool.connection() as connection:
        connection.mark_dirty()
        await connection.script(sql)


@pytest.mark.parametrize("change", CHANGES)
async def test_a_difference_is_found_and_nothing_else(url: str, change: str) -> None:
    said = CHANGES[change]
    async with await create_engine(url, schemas=[models.SCHEMA], max_connections=1) as engine:
        await run_script(engine, change)
        found = await engine.check()
    if said is None:
        assert found == ()
        return
    breaks, text = said
    told = [str(each) for each in found]
    assert any(each.startswith(text) for each in told), told
    assert len(found) == (2 if "CASCADE" in change else 1)
    assert any(each.breaks for each in found) is breaks
    with pytest.warns(SchemaMismatchWarning, match="the database differs") as warned:
        async with await create_engine(url, schemas=[models.SCHEMA], check="warn"):
            pass
    (warning,) = warned
    assert isinstance(warning.message, SchemaMismatchWarning)
    assert warning.message.differences == found
    if breaks:
        with pytest.raises(SchemaMismatch, match="the database differs") as raised:
            await create_engine(url, schemas=[models.SCHEMA], check="raise")
        assert text in str(raised.value)
        assert raised.value.differences == found


async def test_the_same_is_one_query_and_no_word(
    server18: Server, template: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(package, "_known", {"checked": models.SCHEMA})
    # Only packages that are still imported count.
    monkeypatch.setitem(sys.modules, "checked", models)
    for server_settings in ({}, {"search_path": "public, other"}, {"TimeZone": "Asia/Tokyo"}):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            async with await create_engine(
                template, check="raise", server_settings=server_settings
            ) as engine:
                assert await engine.check() == ()
                assert await engine.check(models.SCHEMA) == ()


async def test_tables_without_a_schema_are_found_by_the_search_path(url: str) -> None:
    """A tenant's tables are those that its statements would name."""
    options: Any = {"schemas": [models.SCHEMA], "max_connections": 1}
    moved = "ALTER TABLE %s SET SCHEMA tenant"
    async with await create_engine(url, **options) as engine:
        await run_script(
            engine,
            "CREATE SCHEMA tenant; ALTER TYPE mood SET SCHEMA tenant; "
            "ALTER TYPE kind SET SCHEMA tenant; " + moved % '"Odd users"',
        )
        assert '"Odd users" is missing' in map(str, await engine.check())
    path = {"search_path": "tenant"}
    async with await create_engine(url, **options, server_settings=path) as engine:
        assert await engine.check() == ()


async def test_what_hides_postgresql_s_own_names_makes_no_difference(url: str) -> None:
    """A search_path may name schemas before pg_catalog, and a role has settings of its own."""
    name = url.partition("@/")[2].partition("?")[0]
    hidden = """
        CREATE SCHEMA app;
        CREATE TABLE app.pg_class (oid integer); CREATE TABLE app.pg_attribute (attname text);
        CREATE TABLE app.pg_type (oid integer); CREATE VIEW app.pg_constraint AS SELECT 1 AS oid;
        CREATE FUNCTION app.to_regtype(text) RETURNS oid LANGUAGE sql AS 'SELECT 25::oid';
        CREATE FUNCTION app.to_regclass(text) RETURNS oid LANGUAGE sql AS 'SELECT 25::oid';
        CREATE FUNCTION app.unnest(anyarray) RETURNS SETOF text LANGUAGE sql AS $$SELECT 'x'$$;
        CREATE FUNCTION app.format_type(oid, integer) RETURNS text LANGUAGE sql AS $$SELECT 'x'$$;
        """
    settings = (
        *("search_path = app, public, pg_catalog", "quote_all_identifiers = on"),
        *("DateStyle = 'German'", "bytea_output = escape", "TimeZone = 'Asia/Kathmandu'"),
        *("standard_conforming_strings = off", "IntervalStyle = sql_standard"),
    )
    script = "; ".join(f"ALTER DATABASE {name} SET {setting}" for setting in settings)
    async with await create_engine(url, max_connections=1) as engine:
        await run_script(engine, f"{hidden}; {script}")
    async with await create_engine(url, max_connections=1) as engine:
        assert (await engine.execute("SHOW quote_all_identifiers")).scalar() == "on"
        assert await engine.check(models.SCHEMA) == ()
        await run_script(engine, 'ALTER TABLE public."Odd users" DROP rate')
        (found,) = await engine.check(models.SCHEMA)
    assert (found.kind, found.name) == ("column", "rate")


async def test_wrong_use_is_told(
    engine: Engine, blog_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigurationError, match="check='maybe'"):
        await create_engine(blog_url, check="maybe")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"check\(\) takes the SCHEMA of generated packages"):
        await engine.check("blog")  # type: ignore[arg-type]
    monkeypatch.setattr(package, "_known", {})
    with pytest.raises(UsageError, match="no generated package is imported"):
        await create_engine(blog_url, check="warn")
