"""Primary keys of arrays and jsonb, whose values no dict takes for a key."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from ormkit import (
    AsyncSession,
    StaleObject,
    UsageError,
    create_engine,
    joinedload,
    jsonload,
    selectinload,
)
from ormkit.models.hashable_keys import hashable
from tests.generated import models_of

pytestmark = pytest.mark.one_interpreter

SCHEMA = """
[models.Path.columns]
key = {{ type = "{type}", primary_key = true }}
name = {{ type = "text", default = "" }}

[models.Path.relationships]
notes = {{ target = "Note" }}

[models.Path.computed]
note_count = {{ type = "bigint", expression = "count(notes)" }}

[models.Note.columns]
id = {{ type = "bigint", primary_key = true }}
path_key = {{ type = "{type}", foreign_key = "path.key" }}

[models.Note.relationships]
path = {{ target = "Path" }}
"""
#: Keys of each type; those of jsonb are equal in Python and not in PostgreSQL.
KEYS: dict[str, list[Any]] = {
    "text[]": [["a", "b"], ["a"], []],
    "jsonb": [{"k": [1, 2]}, {"k": [True, 2]}, [1]],
}


@pytest.fixture(scope="module", params=KEYS)
def case(request: pytest.FixtureRequest) -> tuple[str, Any]:
    return request.param, models_of("keys", SCHEMA.format(type=request.param))


@pytest.fixture
async def session(case: tuple[str, Any], database_url: str) -> AsyncIterator[AsyncSession]:
    async with await create_engine(database_url) as engine:
        await engine.create_all(case[1].SCHEMA)
        yield AsyncSession(engine)


@pytest.mark.parametrize("is_in_transaction", [False, True])
async def test_objects_are_written_and_read(
    session: AsyncSession, case: tuple[str, Any], is_in_transaction: bool
) -> None:
    kind, models = case
    async with AsyncExitStack() as stack:
        work: Any = session
        if is_in_transaction:
            work = await stack.enter_async_context(session.begin())
        paths = await work.insert_all([models.Path(key=key) for key in KEYS[kind]])
        assert [each.key for each in paths] == KEYS[kind]
        for path in paths:
            found = await work.get(models.Path, path.key)
            assert (found is path) is is_in_transaction
            assert repr(found.key) == repr(path.key)
        for place, path in enumerate(paths):
            path.name = f"n{place}"
        await work.bulk_update(paths, ["name"])
        await work.upsert_all([models.Path(key=paths[0].key, name="u")])
        assert await work.query(models.Path).order_by("name").values_list("name", flat=True) == [
            *("n1", "n2", "u")
        ]
        notes = await work.insert_all([models.Note(path=each) for each in (*paths, paths[0])])
        for load in (jsonload, joinedload):
            many = await work.query(models.Note).order_by("id").options(load("path")).all()
            assert [repr(each.path.key) for each in many] == [repr(each.path.key) for each in notes]
        query = work.query(models.Path).order_by("name").options(jsonload("notes"))
        assert [len(each.notes) for each in await query.all()] == [1, 1, 2]
        ordered = work.query(models.Path).order_by("name")
        read = await ordered.with_computed("note_count").all()
        assert [each.note_count for each in read] == [1, 1, 2]
        with pytest.raises(UsageError, match=r"joins on an array or JSON.*use jsonload\('notes'\)"):
            await ordered.options(selectinload("notes")).all()
        with pytest.raises(UsageError, match=r"with_computed\('note_count'\)"):
            await work.load(read, models.Path.note_count)
        await work.remove_all(notes)
        await work.remove_all(read)
        with pytest.raises(StaleObject):
            await work.remove_all(read)


async def test_changes_are_tracked(session: AsyncSession, case: tuple[str, Any]) -> None:
    kind, models = case
    first, second, third = KEYS[kind]
    await session.insert_all([models.Path(key=first), models.Path(key=second)])
    async with session.begin() as tx:
        path = await tx.get(models.Path, first)
        other = await tx.get(models.Path, second)
        async with tx.begin() as inner:
            path.name = "changed"
            inner.add(models.Path(key=third, name="added"))
        assert other.name == ""
        await tx.remove_all([other])
    found = await session.query(models.Path).order_by("name").all()
    assert [(each.name, each.key) for each in found] == [("added", third), ("changed", first)]


def test_equal_keys_are_those_that_postgresql_takes_as_equal() -> None:
    assert hashable({"a": [1, {"b": None}]}) == hashable({"a": [1.0, {"b": None}]})
    assert hashable([float("nan")]) == hashable([float("nan")])
    for one, two in (([1], [True]), ({"a": 1}, {"a": True}), ([], {}), ([[1]], [1])):
        assert hashable(one) != hashable(two)
    assert len({hashable(each) for keys in KEYS.values() for each in keys}) == 6
