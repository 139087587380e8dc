"""remove_all(): the rows of many objects, found by keys of any kind."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import AsyncIterator
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from ormkit import AsyncSession, BitString, Range, StaleObject, create_engine
from ormkit.persistence import delete_many
from tests.generated import import_models
from tests.statements import Statements

SCHEMA = """
[enums]
Mood = ["calm", "wild", "mild"]

[models.Kind.columns]
name = { type = "Mood", primary_key = true }

[models.Moment.columns]
at = { type = "timestamptz", primary_key = true }

[models.Token.columns]
id = { type = "uuid", primary_key = true }

[models.Price.columns]
amount = { type = "numeric(6, 2)", primary_key = true }

[models.Flags.columns]
bits = { type = "bit(3)", primary_key = true }

[models.Span.columns]
span = { type = "int4range", primary_key = true }

[models.Seat.columns]
row = { type = "char(3)", primary_key = true }
number = { type = "integer", primary_key = true }

[models.Node.columns]
id = { type = "bigint", primary_key = true }
parent_id = { type = "bigint?", foreign_key = "node.id" }
"""


def objects(models: Any) -> dict[str, list[Any]]:
    """Return three objects of each model."""
    days = [dt.datetime(2020, 1, day, tzinfo=dt.UTC) for day in (1, 2, 3)]
    return {
        "Kind": [models.Kind(name=mood) for mood in models.Mood],
        "Moment": [models.Moment(at=day) for day in days],
        "Token": [models.Token(id=uuid.UUID(int=number)) for number in (1, 2, 3)],
        "Price": [models.Price(amount=Decimal(text)) for text in ("1.00", "2.5", "3")],
        "Flags": [models.Flags(bits=BitString(text)) for text in ("101", "111", "000")],
        "Span": [models.Span(span=Range(number, number + 1)) for number in (1, 2, 3)],
        "Seat": [models.Seat(row="A", number=number) for number in (1, 2, 3)],
        "Node": [models.Node(), models.Node(), models.Node()],
    }


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Any:
    directory: Path = tmp_path_factory.mktemp("keys")
    (directory / "keys.toml").write_text(SCHEMA)
    return import_models(directory, directory / "keys.toml")


@pytest.fixture
async def session(database_url: str, models: Any) -> AsyncIterator[AsyncSession]:
    async with await create_engine(database_url) as engine:
        await engine.create_all(models.SCHEMA)
        yield AsyncSession(engine)


async def test_rows_are_found_by_keys_of_any_kind(session: AsyncSession, models: Any) -> None:
    for name, made in objects(models).items():
        await session.insert_all(made)
        query = session.query(getattr(models, name))
        await session.remove_all(made[:1])
        assert await query.count() == 2, name
        await session.remove_all(await query.all())
        assert await query.count() == 0, name


async def test_objects_of_several_models_go_in_one_transaction(
    session: AsyncSession, models: Any
) -> None:
    made = objects(models)
    await session.insert_all([each for group in made.values() for each in group])
    gone = made["Seat"][0]
    await session.query(models.Seat).filter(number=1).delete()
    everything = [each for group in made.values() for each in group]
    with pytest.raises(StaleObject, match="no row to delete: this Seat"):
        await session.remove_all(everything)
    for name, group in made.items():
        count = await session.query(getattr(models, name)).count()
        assert count == len(group) - (name == "Seat")
    await session.remove_all([each for each in everything if each is not gone])
    assert await session.query(models.Node).count() == 0


async def test_one_statement_deletes_many_rows(
    session: AsyncSession, models: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await session.insert_all([models.Node() for _ in range(25)])
    # A row that refers to another one of the same statement is no obstacle.
    for before, after in pairwise(made):
        before.parent_id = after.id
    await session.bulk_update(made[:-1])
    monkeypatch.setattr(delete_many, "MAX_ROWS_PER_STATEMENT", 25)
    with Statements(session.engine) as statements:
        await session.remove_all(made)
    assert len([each for each in statements if each.startswith("DELETE")]) == 1
    made = await session.insert_all([models.Node() for _ in range(25)])
    monkeypatch.setattr(delete_many, "MAX_ROWS_PER_STATEMENT", 10)
    with Statements(session.engine) as statements:
        await session.remove_all(made)
    assert len([each for each in statements if each.startswith("DELETE")]) == 3
    assert await session.query(models.Node).count() == 0
