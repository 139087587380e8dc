"""Infinite dates and timestamps, and the real ones at the ends of Python's calendar."""

from __future__ import annotations

import copy
import datetime as dt
import pickle
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ormkit import (
    INFINITY,
    AsyncSession,
    Engine,
    Range,
    create_engine,
    jsonload,
    literal,
    selectinload,
)
from ormkit.postgres.infinity import INFINITE_DATE, MINUS_INFINITE_DATE
from tests.generated import models_of

SCHEMA = """
[models.Owner.columns]
id = { type = "bigint", primary_key = true }

[models.Owner.relationships]
things = { target = "Thing", many = true }

[models.Thing.columns]
id = { type = "bigint", primary_key = true }
owner_id = { type = "bigint", nullable = true, foreign_key = "owner.id" }
day = { type = "date", default = "infinity" }
local = { type = "timestamp", default = "-infinity" }
moment = { type = "timestamptz", default = "infinity" }
days = "date[]?"
moments = "timestamptz[]?"
period = "daterange?"
locals = "tsrange?"
span = "tstzrange?"
"""
FOREVER = dt.datetime.max
REAL = [
    {"day": dt.date.max, "local": FOREVER, "moment": FOREVER.replace(tzinfo=dt.UTC)},
    {
        "day": dt.date.min,
        "local": dt.datetime.min,
        "moment": dt.datetime.min.replace(tzinfo=dt.UTC),
    },
    {
        "day": dt.date(9999, 12, 31),
        "local": dt.datetime(9999, 12, 31),
        "moment": dt.datetime(9999, 12, 31, tzinfo=dt.UTC),
    },
]
INFINITE = [{"day": each, "local": each, "moment": each} for each in (INFINITY, -INFINITY)]
ALL = [*REAL, *INFINITE]
NAMES = ("day", "local", "moment")


@pytest.fixture(scope="module")
def models() -> Any:
    return models_of("infinity", SCHEMA)


@pytest.fixture
async def engine(database_url: str, models: Any) -> AsyncIterator[Engine]:
    engine = await create_engine(database_url, max_connections=2)
    await engine.create_all(models.SCHEMA)
    yield engine
    await engine.close()


async def test_every_way_in_and_out_keeps_what_is_real_apart_from_infinity(
    session: AsyncSession, engine: Engine, models: Any, tmp_path: Path
) -> None:
    thing = models.Thing
    inserted = [await session.insert(thing(**values)) for values in ALL]
    inserted += await session.insert_all([thing(**values) for values in ALL])
    inserted += [await session.upsert(thing(id=900 + n, **v)) for n, v in enumerate(ALL)]
    updated = [await session.insert(thing()) for _ in ALL]
    for each, values in zip(updated, ALL, strict=True):
        await session.update(each, **values)
    for n, values in enumerate(ALL):
        await engine.copy_in(thing, [thing(id=1000 + n, **values)])
    copied = [thing(id=1000 + n, **values) for n, values in enumerate(ALL)]
    for number, each in enumerate([*inserted, *updated, *copied]):
        wanted = ALL[number % len(ALL)]
        found = await session.get(thing, each.id)
        assert [getattr(found, name) for name in NAMES] == [wanted[name] for name in NAMES]
    shown = await engine.execute(
        "SELECT day::text, local::text, moment::text FROM thing WHERE id = ANY($1) ORDER BY id",
        [[each.id for each in inserted[:5]]],
    )
    assert shown.tuples() == [
        ("9999-12-31", "9999-12-31 23:59:59.999999", "9999-12-31 23:59:59.999999+00"),
        ("0001-01-01", "0001-01-01 00:00:00", "0001-01-01 00:00:00+00"),
        ("9999-12-31", "9999-12-31 00:00:00", "9999-12-31 00:00:00+00"),
        ("infinity", "infinity", "infinity"),
        ("-infinity", "-infinity", "-infinity"),
    ]
    out = tmp_path / "out.csv"
    await engine.copy_out("SELECT day, moment FROM thing WHERE id = 1003", out)
    assert out.read_text().split() == ["infinity,infinity"]


async def test_filters_find_the_value_that_was_just_read(
    session: AsyncSession, models: Any
) -> None:
    thing = models.Thing
    rows = await session.insert_all([thing(**values) for values in ALL])
    for each in rows:
        read = await session.get_or_raise(thing, each.id)
        for name in NAMES:
            value = getattr(read, name)
            query = session.query(thing).filter(**{name: value})
            assert read.id in await query.scalars(thing.id)
            assert await session.query(thing).filter(id=each.id, **{f"{name}__in": [value]}).count()
            changed = await session.query(thing).filter(id=each.id).update(**{name: value})
            assert changed == 1
    assert await session.query(thing).filter(day__lt=INFINITY).count() == 4
    assert await session.query(thing).filter(moment__gt=-INFINITY).count() == 4
    assert await session.query(thing).filter(thing.local < INFINITY).max(thing.local) == FOREVER
    assert await session.query(thing).max(thing.day) == INFINITY


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("direction", ["", "-"])
async def test_pages_over_such_a_column_neither_end_early_nor_repeat(
    session: AsyncSession, models: Any, name: str, direction: str
) -> None:
    thing = models.Thing
    rows = await session.insert_all([thing(**values) for values in [*ALL, *ALL]])
    query = session.query(thing).order_by(direction + name).limit(1)
    found, page = [], await query.page()
    while page.next is not None:
        found += page.items
        page = await query.page(str(page.next))
        assert len(found) <= len(rows)
    found += page.items
    assert [each.id for each in found] == [
        each.id for each in await session.query(thing).order_by(direction + name, "id").all()
    ]
    assert len({each.id for each in found}) == len(rows)


async def test_arrays_and_ranges_hold_them(session: AsyncSession, models: Any) -> None:
    aware = FOREVER.replace(tzinfo=dt.UTC)
    given = models.Thing(
        days=[dt.date.max, INFINITY, -INFINITY, dt.date.min, None],
        moments=[aware, INFINITY, None],
        period=Range(dt.date.min, INFINITY),
        locals=Range(-INFINITY, FOREVER),
        span=Range(aware, INFINITY, upper_inc=True),
    )
    await session.insert(given)
    read = await session.query(models.Thing).filter(id=given.id).one()
    for name in ("days", "moments", "period", "locals", "span"):
        assert getattr(read, name) == getattr(given, name)
    for name in ("day", "period", "days"):
        assert repr(getattr(read, name)) == repr(getattr(given, name))
    assert type(given.day) is type(given.period.upper) is type(INFINITE_DATE)
    both = await session.insert(models.Thing(period=Range(dt.date.min, INFINITY, upper_inc=True)))
    assert (await session.get_or_raise(models.Thing, both.id)).period == both.period
    assert both.period.upper_inc
    assert type(read.period.upper) is type(INFINITE_DATE)
    assert read.days[1] is INFINITE_DATE
    assert await session.query(models.Thing).filter(days__contains=[dt.date.max]).count() == 1
    assert await session.query(models.Thing).filter(period=given.period).count() == 1


async def test_defaults_of_a_schema_and_of_its_table_are_infinite(
    session: AsyncSession, engine: Engine, models: Any
) -> None:
    made = models.Thing()
    assert (made.day, made.local, made.moment) == (INFINITY, -INFINITY, INFINITY)
    await engine.execute("INSERT INTO thing DEFAULT VALUES")
    read = await session.query(models.Thing).one()
    assert (read.day, read.local, read.moment) == (INFINITE_DATE, -INFINITY, INFINITY)


async def test_nested_and_joined_rows_and_raw_sql_hold_them(
    session: AsyncSession, engine: Engine, models: Any
) -> None:
    owner = await session.insert(models.Owner())
    await session.insert_all([models.Thing(owner_id=owner.id, **values) for values in ALL])
    result = await engine.execute(
        "SELECT ARRAY[ROW('infinity'::date, '9999-12-31'::date)], $1::date, $2::timestamptz, "
        "datemultirange(daterange('9999-12-31', 'infinity'))",
        [-INFINITY, INFINITY],
    )
    ((records, day, moment, multirange),) = result.tuples()
    assert records == [(INFINITY, dt.date.max)]
    assert (day, moment) == (-INFINITY, INFINITY)
    assert multirange == [Range(dt.date.max, INFINITE_DATE)]
    query = session.query(models.Thing).order_by("id")
    days = [values["day"] for values in ALL]
    assert await query.scalars(models.Thing.day) == days
    assert [row["day"] for row in await query.values("day")] == days
    assert await query.filter(models.Thing.day < literal(INFINITY)).count() == 4
    for option in (jsonload("things"), selectinload("things")):
        (loaded,) = await session.query(models.Owner).options(option).all()
        assert [each.day for each in loaded.things] == days
        assert [each.moment for each in loaded.things] == [values["moment"] for values in ALL]


async def test_an_object_is_changed_in_a_transaction_from_real_to_infinite(
    session: AsyncSession, models: Any
) -> None:
    row = await session.insert(models.Thing(**REAL[0]))
    async with session.begin() as tx:
        held = await tx.get_or_raise(models.Thing, row.id)
        held.day, held.moment = INFINITY, -INFINITY
    read = await session.get_or_raise(models.Thing, row.id)
    assert (read.day, read.local, read.moment) == (INFINITY, FOREVER, -INFINITY)


@pytest.mark.parametrize("infinity", [INFINITY, INFINITE_DATE])
def test_infinity_is_beyond_every_date_and_equals_none(infinity: Any) -> None:
    for real in (dt.date.max, dt.date.min, dt.date(2026, 1, 1)):
        check_order(infinity, real)
    if isinstance(infinity, dt.datetime):
        for moment in (FOREVER, dt.datetime.min, FOREVER.replace(tzinfo=dt.UTC)):
            check_order(infinity, moment)
    assert infinity == INFINITY
    assert hash(infinity) == hash(INFINITY)
    assert -infinity == -INFINITY
    assert infinity > -infinity
    assert sorted([infinity, dt.date.max, -infinity]) == [-infinity, dt.date.max, infinity]
    assert infinity != "infinity"
    with pytest.raises(TypeError):
        infinity < 5  # noqa: B015


def check_order(infinity: Any, real: Any) -> None:
    assert infinity != real
    assert real != infinity
    assert -infinity < real < infinity
    assert infinity > real > -infinity
    assert -infinity <= real <= infinity
    assert infinity >= real >= -infinity
    assert len({infinity, real, -infinity}) == 3


@pytest.mark.parametrize("value", [INFINITY, -INFINITY, INFINITE_DATE, MINUS_INFINITE_DATE])
def test_there_is_one_of_each_whatever_is_done_with_it(value: Any) -> None:
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(value, protocol)) is value
    assert copy.copy(value) is value
    assert copy.deepcopy([value])[0] is value
    assert value.replace(year=2000) is value
    assert value + dt.timedelta(1) is value
    assert value - dt.timedelta(1) is value
    assert dt.timedelta(1) + value is value
    opposite = -value
    assert -opposite is value
    with pytest.raises(OverflowError):
        value - dt.datetime(2026, 1, 1)
    with pytest.raises(OverflowError):
        dt.datetime(2026, 1, 1) - INFINITY
    with pytest.raises(TypeError, match=r"ormkit\.INFINITY"):
        type(value)(2026, 1, 1)


def test_infinity_shows_as_postgresql_writes_it() -> None:
    assert (str(INFINITY), str(-INFINITY), INFINITE_DATE.isoformat()) == (
        "infinity",
        "-infinity",
        "infinity",
    )
    assert repr([INFINITY, MINUS_INFINITE_DATE]) == "[ormkit.INFINITY, -ormkit.INFINITY]"
    assert f"{INFINITY:%Y-%m-%d} {INFINITY.isoformat(sep=' ')}" == "infinity infinity"
    assert INFINITY.strftime("%Y") == "infinity"
    assert INFINITY.astimezone(dt.UTC) is INFINITY
    assert INFINITY.date() is INFINITE_DATE
    assert (-INFINITY).date() is MINUS_INFINITE_DATE
    assert INFINITY.timestamp() == float("inf")
    assert isinstance(INFINITY, dt.datetime)
    assert isinstance(INFINITE_DATE, dt.date)
    assert not isinstance(INFINITE_DATE, dt.datetime)
