"""Types and constraints of contrib's extensions, on a server that has them."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from ormkit import AsyncSession, ExclusionViolation, Range, create_engine
from tests.generated import import_models
from tests.servers import Server

SCHEMA = Path(__file__).parents[3] / "schemas/extensions.toml"
NOON = dt.datetime(2030, 1, 1, 12, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def models(tmp_path: Path) -> Any:
    return import_models(tmp_path, SCHEMA)


@pytest.fixture
def contrib_url(contrib_server: Server) -> Iterator[str]:
    with contrib_server.database() as url:
        yield url


@pytest.fixture
async def contrib_session(contrib_url: str, models: Any) -> AsyncIterator[AsyncSession]:
    async with await create_engine(contrib_url) as engine:
        await engine.create_all(models.SCHEMA)
        yield AsyncSession(engine)


async def test_citext_keeps_its_case_and_ignores_it_in_comparisons(
    contrib_session: AsyncSession, models: Any
) -> None:
    aliases = ["", 'It\'s \\ "ADA"', "ü", "null"]
    booking = models.Booking(room=1, guest="Ada", aliases=aliases, during=Range(NOON, NOON + HOUR))
    await contrib_session.insert_all([booking])
    found = await contrib_session.query(models.Booking).filter(guest="aDA").one()
    assert (found.guest, found.aliases) == ("Ada", aliases)
    assert await contrib_session.query(models.Booking).filter(guest__contains="AD").exists()


async def test_an_exclusion_constraint_refuses_what_overlaps(
    contrib_session: AsyncSession, models: Any
) -> None:
    def booking(room: int, start: dt.datetime) -> Any:
        return models.Booking(room=room, guest="g", during=Range(start, start + HOUR))

    await contrib_session.insert(booking(1, NOON))
    await contrib_session.insert(booking(2, NOON))
    await contrib_session.insert(booking(1, NOON + HOUR))
    with pytest.raises(ExclusionViolation) as caught:
        await contrib_session.insert(booking(1, NOON + HOUR / 2))
    assert caught.value.constraint == "bookings_room_during_excl"
