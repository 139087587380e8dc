"""inspect(): a database as typed values."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import pytest

from ormkit import UnknownName, capture_statements, create_engine, inspect
from ormkit.catalog import Inspection
from tests.ormkit.catalog.changes import BASE
from tests.servers import Server

pytestmark = pytest.mark.one_interpreter

ALL = BASE + """
CREATE TABLE "Odd one" ("a b" integer, c integer, EXCLUDE USING btree (c WITH =));
ALTER TABLE "Odd one" ADD CONSTRAINT later CHECK (c > 0) NOT VALID;
"""


@pytest.fixture
async def found(database_url: str) -> Inspection:
    async with await create_engine(database_url, max_connections=1) as engine:
        async with engine.pool.connection() as connection:
            await connection.script(ALL)
        return await inspect(engine)


async def test_everything_is_found_and_typed(found: Inspection) -> None:
    assert [each.name for each in found.tables] == [
        *("child", "distant", "heir", "lone", "parent", "parts", "parts_1", "Odd one"),
    ]
    assert [(each.name, each.kind) for each in found.views] == [
        ("kept", "materialized view"),
        ("plain", "view"),
        ("seen", "view"),
    ]
    parent = found.table("parent", "app")
    assert parent.primary_key is not None
    assert (parent.kind, parent.comment, parent.primary_key.columns) == ("table", "first", ("id",))
    assert [each.name for each in parent.columns] == [
        *("id", "code", "mood", "price", "rate", "twice", "made", "Odd Name"),
    ]
    code, twice, mood = map(parent.column, ("code", "twice", "mood"))
    assert code is not None
    assert (code.type.text, code.is_not_null) == ("character varying(10)", True)
    assert code.comment == "short"
    assert twice is not None
    assert (twice.generated, twice.default) == ("(length((code)::text) * 2)", None)
    assert mood is not None
    assert mood.default == "'sad'::app.mood"
    assert {(each.name, each.kind) for each in parent.constraints} >= {
        *(("code_key", "unique"), ("parent_pkey", "primary key"), ("priced", "check")),
    }
    (key,) = found.table("child", "app").foreign_keys
    assert (key.columns, key.target, key.target_columns) == (
        ("parent_id",),
        ("app", "parent"),
        ("id",),
    )
    assert (key.on_delete, key.on_update, key.match) == ("cascade", "no action", "simple")
    assert key.is_validated
    assert (parent.primary_key.on_delete, parent.primary_key.match) == (None, None)
    assert [mood.type.kind, code.type.kind] == ["enum", "base"]
    indexes = {each.name: each for each in found.table("child", "app").indexes}
    assert indexes["child_place"].predicate == "(place > 0)"
    odd = {each.name: each for each in found.table("Odd one").constraints}
    assert odd["later"].is_validated is False
    (enum,) = found.enums
    assert (enum.schema, enum.labels, enum.comment) == ("app", ("sad", "it's ok"), "how one feels")
    (domain,) = found.domains
    assert domain.name == "positive"
    sequences = {each.name: each for each in found.sequences}
    assert (sequences["free"].start, sequences["free"].owner) == (5, None)
    assert sequences["child_number_seq"].owner == ("app", "child", "number")


async def test_whatever_has_a_name_is_found_by_it(found: Inspection) -> None:
    assert found.schemas == ("app", "public")
    assert found.has_table("seen", "app")
    assert found.has_table("Odd one")
    assert not found.has_table("odd one")
    assert found.enum("mood", "app").labels == ("sad", "it's ok")
    assert found.domain("positive", "app").checks[0].name == "above"
    assert found.sequence("free", "app").start == 5


ACTIONS = ("no action", "restrict", "cascade", "set null", "set default")


async def test_actions_of_foreign_keys_are_words(database_url: str) -> None:
    columns = ", ".join(
        f"a{n} integer REFERENCES whole ON DELETE {each} ON UPDATE {each}"
        for n, each in enumerate(ACTIONS)
    )
    async with await create_engine(database_url, max_connections=1) as engine:
        async with engine.pool.connection() as connection:
            await connection.script(
                f"CREATE TABLE whole (id integer PRIMARY KEY); CREATE TABLE part ({columns}, "
                "FOREIGN KEY (a0) REFERENCES whole MATCH FULL)"
            )
        keys = (await inspect(engine)).table("part").foreign_keys
    full = [each for each in keys if each.match == "full"]
    plain = sorted((each for each in keys if each.match == "simple"), key=lambda each: each.columns)
    assert [(each.on_delete, each.on_update) for each in plain] == [(a, a) for a in ACTIONS]
    assert [each.columns for each in full] == [("a0",)]


async def test_it_asks_no_more_of_a_larger_database(database_url: str) -> None:
    async with await create_engine(database_url, max_connections=1) as engine:
        with capture_statements(engine) as before:
            await inspect(engine)
        async with engine.pool.connection() as connection:
            await connection.script(ALL)
        with capture_statements(engine) as after:
            await inspect(engine)
    assert len(before) == len(after)


async def test_a_role_without_rights_and_odd_settings_find_the_same(database_url: str) -> None:
    async with await create_engine(database_url, max_connections=1) as engine:
        async with engine.pool.connection() as connection:
            await connection.script(ALL)
        whole = await inspect(engine)
        role = f"nobody_{secrets.token_hex(4)}"
        async with engine.pool.connection() as connection:
            await connection.script(f"CREATE ROLE {role} LOGIN")
            for setting in (
                "search_path = app",
                "quote_all_identifiers = on",
                "datestyle = german",
            ):
                await connection.script(f"ALTER ROLE {role} SET {setting}")
        try:
            url = database_url.replace("postgres@", f"{role}@")
            async with await create_engine(url, max_connections=1) as other:
                assert await inspect(other) == whole
        finally:
            await engine.execute(f"DROP ROLE {role}")


async def test_an_empty_database_has_nothing(database_url: str) -> None:
    async with await create_engine(database_url, max_connections=1) as engine:
        found = await inspect(engine)
    assert (found.tables, found.views, found.enums, found.sequences) == ((), (), (), ())


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda it: it.table("sen", "app"), "app has no table 'sen': did you mean 'seen'?"),
        (
            lambda it: it.table("parent"),
            "public has no table 'parent', but app has: name the schema, as in "
            "table('parent', 'app')",
        ),
        (
            lambda it: it.table("parent", "ap"),
            "the database has no schema 'ap': did you mean 'app'?",
        ),
        (lambda it: it.enum("moods", "app"), "app has no enum 'moods': did you mean 'mood'?"),
        (lambda it: it.domain("x", "public"), "public has no domain 'x': there are none"),
        (lambda it: it.sequence("fre", "app"), "app has no sequence 'fre': did you mean 'free'?"),
    ],
)
async def test_a_name_that_is_not_there_is_told(
    found: Inspection, ask: Callable[[Inspection], object], message: str
) -> None:
    with pytest.raises(UnknownName) as raised:
        ask(found)
    assert str(raised.value) == message


async def test_names_of_other_libraries_lead_to_it(server18: Server) -> None:
    async with await create_engine(server18.url, max_connections=1) as engine:
        with pytest.raises(AttributeError, match=r"inspect\(engine\)"):
            engine.get_tables  # type: ignore[attr-defined]  # noqa: B018
