"""Every column type within the rows of a parent: a nested value is what a query of its own reads.

One child model is generated for each type, with a value and an array of values.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ormkit import AsyncSession, BitString, Engine, Range, create_engine, jsonload
from tests.generated import import_models
from tests.lengths import examples
from tests.ormkit.postgres.test_round_trip import CASES, Case, drawn
from tests.servers import Server

#: What hypothesis would say of a database.
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


def schema_text(words: list[str]) -> str:
    """A schema with a parent, and a child model for each type."""
    labels = ", ".join(f"'''{label}'''" for label in ("so-so", "it's \\ fine", "ok"))
    parts = [
        f"[enums]\nMood = [{labels}]",
        '[models.Parent.columns]\nid = { type = "bigint", primary_key = true }',
        "[models.Parent.relationships]\n"
        + "\n".join(f'children{n} = {{ target = "Child{n}" }}' for n in range(len(words))),
    ]
    for place, type_ in enumerate(words):
        parts.append(
            f"[models.Child{place}.columns]\n"
            f'id = {{ type = "bigint", primary_key = true }}\n'
            f'parent_id = {{ type = "bigint", foreign_key = "parent.id" }}\n'
            f'value = "{type_}?"\n'
            f'items = "{type_}[]?"'
        )
    return "\n\n".join(parts)


@dataclass
class Database:
    """The generated package and an engine, on an event loop that outlives one example."""

    models: Any
    runner: asyncio.Runner
    engine: Engine
    url: str

    async def both_ways(self, place: int, values: list[Any]) -> tuple[list[Any], list[Any]]:
        """Store children with these values; return them as a query reads them, and nested."""
        session = AsyncSession(self.engine)
        child = getattr(self.models, f"Child{place}")
        parent = await session.insert(self.models.Parent())
        rows = [child(parent_id=parent.id, value=each, items=[each, None]) for each in values]
        await session.insert_all([*rows, child(parent_id=parent.id, items=[])])
        await session.insert(child(parent_id=parent.id))
        apart = await session.query(child).filter(parent_id=parent.id).order_by("id").all()
        query = session.query(self.models.Parent).options(jsonload(f"children{place}"))
        found = await query.filter(id=parent.id).one()
        return apart, getattr(found, f"children{place}")


@pytest.fixture(scope="module")
def database(server18: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    directory = tmp_path_factory.mktemp("nested")
    file = directory / "nested.toml"
    file.write_text(schema_text([case.words for case in CASES]), encoding="utf-8")
    models = import_models(directory, file)
    with server18.database() as url, asyncio.Runner() as runner:
        engine = runner.run(create_engine(url, max_connections=2))
        runner.run(engine.create_all(models.SCHEMA))
        yield Database(models, runner, engine, url)
        runner.run(engine.close())


def shown(case: Case, objects: list[Any]) -> list[Any]:
    """The values of the objects, in the form and with the types that are compared."""
    found: list[Any] = []
    for each in objects:
        items: list[Any] = [each.value, *(each.items or [])]
        forms = [None if item is None else case.form(item) for item in items]
        found.append((each.id, forms, [type(item) for item in items], type(each.items)))
    return found


@pytest.mark.one_interpreter
@pytest.mark.parametrize("place", range(len(CASES)), ids=[case.words for case in CASES])
@settings(max_examples=examples(10), deadline=None, suppress_health_check=SLOW)
@given(data=st.data())
def test_a_nested_value_is_what_a_query_of_its_own_reads(
    database: Database, place: int, data: st.DataObject
) -> None:
    case = CASES[place]
    values = drawn(data, case, database.models, 5)
    apart, nested = database.runner.run(database.both_ways(place, values))
    assert shown(case, nested) == shown(case, apart)


@pytest.mark.parametrize("words", ["int4range", "integer", "text", "bit(6)"])
def test_a_connection_that_has_met_no_type_yet_reads_nested_values(
    database: Database, words: str
) -> None:
    place = [case.words for case in CASES].index(words)
    value = {"int4range": Range(1, 5), "integer": 3, "text": "x", "bit(6)": BitString("010101")}
    runner, models = database.runner, database.models
    runner.run(database.both_ways(place, [value[words]]))

    async def read() -> list[Any]:
        async with await create_engine(database.url) as engine:
            query = AsyncSession(engine).query(models.Parent).order_by("-id")
            found = await query.options(jsonload(f"children{place}")).first()
            return getattr(found, f"children{place}")[0].items  # type: ignore[no-any-return]

    assert runner.run(read()) == [value[words], None]


def test_types_of_extensions_nest_too(
    contrib_server: Server, tmp_path_factory: pytest.TempPathFactory
) -> None:
    directory = tmp_path_factory.mktemp("extensions")
    file = directory / "nested.toml"
    file.write_text(schema_text(["citext"]), encoding="utf-8")
    models = import_models(directory, file)
    with contrib_server.database() as url, asyncio.Runner() as runner:
        engine = runner.run(create_engine(url))
        runner.run(engine.create_all(models.SCHEMA))
        database = Database(models, runner, engine, url)
        apart, nested = runner.run(database.both_ways(0, ["", "Ada", 'It\'s \\ "ü"']))
        runner.run(engine.close())
    case = Case("citext", st.none())
    assert shown(case, nested) == shown(case, apart)
