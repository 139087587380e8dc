"""inspect(): a database as typed values."""

from __future__ import annotations

import pytest

from ormkit import UnknownName, create_engine, inspect
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
    assert (key.on_delete, key.on_update, key.is_validated) == ("c", "a", True)
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


async def test_an_empty_database_has_nothing(database_url: str) -> None:
    async with await create_engine(database_url, max_connections=1) as engine:
        found = await inspect(engine)
    assert (found.tables, found.views, found.enums, found.sequences) == ((), (), (), ())


async def test_a_name_that_is_not_there_is_told(found: Inspection) -> None:
    with pytest.raises(UnknownName, match="app has no table 'parnt': did you mean 'parent'"):
        found.table("parnt", "app")


async def test_names_of_other_libraries_lead_to_it(server18: Server) -> None:
    async with await create_engine(server18.url, max_connections=1) as engine:
        with pytest.raises(AttributeError, match=r"inspect\(engine\)"):
            engine.get_tables  # type: ignore[attr-defined]  # noqa: B018
