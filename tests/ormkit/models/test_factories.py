"""default_factory: a function makes the value of each new object that is not given one."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import AsyncIterator, Iterator
from types import ModuleType
from typing import Any
from uuid import UUID

import pytest

from ormkit import AsyncSession, MissingValue, UsageError, create_engine
from tests.generated import models_of

SCHEMA = """
[models.Key.columns]
id = { type = "uuid", primary_key = true, default_factory = "uuid:uuid4" }
name = { type = "text", unique = true }
token = { type = "text", default_factory = "secrets:token_hex" }
at = { type = "timestamptz", default_factory = "datetime:datetime.now" }
local = { type = "timestamp", default_factory = "datetime:datetime.now" }
tags = { type = "text[]", default_factory = "builtins:list" }
settings = { type = "jsonb", default_factory = "builtins:dict" }
luck = { type = "double precision?", default_factory = "random:random" }
"""


@pytest.fixture(scope="module")
def models() -> Any:
    return models_of("factories", SCHEMA)


@pytest.fixture
async def session(database_url: str, models: Any) -> AsyncIterator[AsyncSession]:
    async with await create_engine(database_url) as engine:
        await engine.create_all(models.SCHEMA)
        yield AsyncSession(engine)


def test_each_object_gets_values_of_its_own(models: Any) -> None:
    one, two = models.Key(name="a"), models.Key(name="b")
    assert isinstance(one.id, UUID)
    assert one.id != two.id
    assert one.token != two.token
    assert one.at.tzinfo is dt.UTC
    assert one.local.tzinfo is None
    assert (one.tags, one.settings) == ([], {})
    assert one.tags is not two.tags
    given = models.Key(name="c", id=UUID(int=3), luck=None, tags=["x"])
    assert (given.id, given.luck, given.tags) == (UUID(int=3), None, ["x"])
    assert models.Key.from_dict({"name": "d"}).luck is not None


async def test_the_values_are_stored_by_every_way_of_writing(
    session: AsyncSession, models: Any
) -> None:
    one = await session.insert(models.Key(name="a"))
    many = await session.insert_all([models.Key(name=name) for name in "bc"])
    async with session.begin() as tx:
        tx.add(added := models.Key(name="d"))
    copied = models.Key(name="e")
    await session.copy_in(models.Key, [copied])
    found = {each.name: each for each in await session.query(models.Key).all()}
    for each in (one, *many, added, copied):
        stored = found[each.name]
        assert (stored.id, stored.token, stored.tags) == (each.id, each.token, [])
        assert (stored.at, stored.local, stored.luck) == (each.at, each.local, each.luck)


async def test_a_made_value_does_not_count_as_given(session: AsyncSession, models: Any) -> None:
    first = await session.insert(models.Key(name="a"))
    again = models.Key(name="a", luck=0.5)
    await session.upsert(again, conflict_target="name")
    assert (again.id, again.token, again.luck) == (first.id, first.token, 0.5)
    with pytest.raises(MissingValue, match="token"):
        await session.upsert(models.Key(name="a"), conflict_target="name", update_fields=["token"])
    changed = models.Key(name="a")
    changed.tags.append("x")
    changed.token = "t"
    many = [changed, models.Key(name="b")]
    await session.upsert_all(many, conflict_target="name")
    assert (changed.id, changed.token, changed.tags) == (first.id, "t", ["x"])
    assert many[1].token != "t"


@pytest.fixture
def app() -> Iterator[ModuleType]:
    module = sys.modules["app_of_factories"] = ModuleType("app_of_factories")
    yield module
    del sys.modules["app_of_factories"]


def test_a_function_is_found_when_it_is_first_called(app: Any, tmp_path: Any) -> None:
    from ormkit.models.factories import Factory

    class Maker:
        made = 0

        @classmethod
        def number(cls) -> int:
            cls.made += 1
            return cls.made

    factory = Factory("app_of_factories:Maker.number", needs_zone=False)
    with pytest.raises(
        UsageError, match=r"A\.n has the default_factory .*, and app_of_factories has no Maker"
    ):
        factory.make("A.n")
    app.Maker = Maker
    assert [factory.make("A.n"), factory.make("A.n")] == [1, 2]
    app.word = "x"
    with pytest.raises(UsageError, match="it is no function"):
        Factory("app_of_factories:word", needs_zone=False).make("A.n")
    with pytest.raises(UsageError, match="there is no module app_of_nothing"):
        Factory("app_of_nothing:word", needs_zone=False).make("A.n")


def test_a_column_without_a_function_makes_nothing(models: Any) -> None:
    with pytest.raises(UsageError, match=r"Key\.name has no default_factory"):
        models.Key.name.made()
